"""Started as ``python -s boot.py nursery|probe FD CONFIG``: load this folder as a package of its own, and go.

The rest of the library is never imported here: a small process forks faster, and holds nothing worth stealing.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys


def main() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != folder]
    loader = importlib.machinery.SourceFileLoader("sandbox_worker", os.path.join(folder, "__init__.py"))
    spec = importlib.util.spec_from_loader("sandbox_worker", loader, is_package=True)
    assert spec is not None
    package = importlib.util.module_from_spec(spec)
    package.__path__ = [folder]
    sys.modules["sandbox_worker"] = package
    if sys.argv[1] == "nursery":
        os.register_at_fork = _no_hooks
    importlib.import_module(f"sandbox_worker.{sys.argv[1]}").main(*sys.argv[2:])


def _no_hooks(**hooks: object) -> None:
    """What libraries want done around a fork repairs locks of threads that a nursery never has.

    ``threading`` and ``random`` alone would cost every child 0.6 ms. The nursery puts the real function back after its
    imports, and a child is not allowed to fork.
    """


if __name__ == "__main__":
    main()
