"""Rewards that are named by where they stand: ``package.module:Class`` and ``path/to/file.py:Class``."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from table_rewards.core.errors import ConfigurationError, nearest
from table_rewards.core.reward import Reward


def is_place(name: str) -> bool:
    """Whether a reward's name says where it stands.

    >>> is_place("mine.py:Exact"), is_place("package.rewards:Exact"), is_place("mine.py"), is_place("table_bench")
    (True, True, True, False)
    """
    return ":" in name or name.endswith(".py")


def own_reward(place: str) -> type[Reward[Any]] | Reward[Any]:
    """Import the reward class, or the reward, of a place.

    A file may leave its class out when it defines one only. Modules are looked for in the working directory too.

    Raises:
        ConfigurationError: there is no such file, module or class, it cannot be imported, or it is no reward.
    """
    where, _, name = place.rpartition(":") if ":" in place else (place, "", "")
    module = _file(Path(where)) if where.endswith(".py") else _module(where)
    if not name:
        return _only(module, place)
    found = getattr(module, name, None)
    if found is None:
        known = [key for key in vars(module) if not key.startswith("_")]
        raise ConfigurationError(f"{where} has no {name!r}{nearest(name, known)}")
    if isinstance(found, Reward) or (isinstance(found, type) and issubclass(found, Reward)):
        _check_finished(found if isinstance(found, type) else type(found), place)
        return found
    kind = "a function" if inspect.isroutine(found) else f"a {type(found).__name__}"
    if isinstance(found, type):
        kind = "a class, but no subclass of table_rewards.core.reward.Reward"
    raise ConfigurationError(f"{place} is {kind}; a reward is a subclass of Reward, which says how to judge")


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigurationError(f"no file {path}")
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)  # what pickles its classes looks for them there
    for folder in (str(path.resolve().parent), os.getcwd()):
        if folder not in sys.path:
            sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name, None)
        raise ConfigurationError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _module(name: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(missing + "."):
            raise ConfigurationError(
                f"no module {missing!r}; the working directory and sys.path were searched"
            ) from None
        raise ConfigurationError(f"{name} cannot be imported: {error}") from error
    except Exception as error:
        raise ConfigurationError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error


def _only(module: ModuleType, place: str) -> type[Reward[Any]]:
    defined = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Reward) and value.__module__ == module.__name__
    ]
    found = [one for one in defined if not inspect.isabstract(one)] or defined
    if not found:
        raise ConfigurationError(
            f"{place} defines no reward, which is a subclass of Reward: `table-rewards new-reward NAME` writes one"
        )
    if len(found) != 1:
        names = ", ".join(one.__name__ for one in found)
        raise ConfigurationError(f"{place} defines {len(found)} rewards ({names}); name one: {place}:Class")
    _check_finished(found[0], place)
    return found[0]


def _check_finished(found: type[Reward[Any]], place: str) -> None:
    wanted = [name for name in ("name", "reference_type") if not hasattr(found, name)]
    missing = ", ".join([*sorted(found.__abstractmethods__), *wanted])
    if missing:
        raise ConfigurationError(f"{place} is not finished: it lacks {missing}")
