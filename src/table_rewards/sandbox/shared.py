"""The sandboxes that a process shares: one for each backend and set of options, closed when the process ends."""

from __future__ import annotations

import atexit
import os
import threading
from typing import Any

from table_rewards.core.errors import one_of
from table_rewards.core.forking import renew_after_fork
from table_rewards.sandbox.backend import Sandbox

BACKENDS = ("local", "sandbox_fusion")

_shared: dict[tuple[Any, ...], Sandbox] = {}
_lock = threading.Lock()


def get_sandbox(backend: str = "local", **options: Any) -> Sandbox:
    """The sandbox of this process for a backend and its options: built once, shared by all, closed at exit.

    ``"local"`` takes the options of :class:`~table_rewards.sandbox.local.backend.LocalSandbox`, ``"sandbox_fusion"``
    those of :class:`~table_rewards.sandbox.fusion.SandboxFusion`. Starting is lazy: this call raises for a bad option
    or policy, and starts nothing.
    """
    one_of("sandbox backend", backend, BACKENDS)
    key = (os.getpid(), backend, *sorted((name, _frozen(value)) for name, value in options.items()))
    with _lock:
        found = _shared.get(key)
        if found is None or getattr(found, "_closed", False):
            found = _shared[key] = _build(backend, options)
        return found


def close_sandboxes() -> None:
    """Close every shared sandbox of this process; the next ``get_sandbox`` builds a new one."""
    with _lock:
        mine = [(key, sandbox) for key, sandbox in _shared.items() if key[0] == os.getpid()]
        _shared.clear()
    for _, sandbox in mine:
        sandbox.close()


def _build(backend: str, options: dict[str, Any]) -> Sandbox:
    if backend == "sandbox_fusion":
        from table_rewards.sandbox.fusion import SandboxFusion

        return SandboxFusion(**options)
    from table_rewards.sandbox.local.backend import LocalSandbox

    return LocalSandbox(**options)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, set, frozenset)) else value


def _forked() -> None:
    global _lock
    _lock = threading.Lock()


atexit.register(close_sandboxes)
renew_after_fork(_forked)
