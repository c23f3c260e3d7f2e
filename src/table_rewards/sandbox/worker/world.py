"""What surrounds the tests and is the same for the code that they call: patched names, warnings, records of logging.

``mock.patch`` and pytest's ``monkeypatch`` change names in the tests' process; those of the standard library are
followed and changed in the code's process too. What the code logs is handed to the handlers of the tests, and the
levels that tests set are set there; of what it warns the filters of the tests decide.
"""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

from .crossing import LIBRARIES, STDLIB, global_name

_CARRIED_OTHERWISE = {("os", "environ"), ("sys", "stdout"), ("sys", "stderr"), ("sys", "modules"), ("sys", "path")}
_PLAIN = (str, int, float, bool, type(None))
MAX_RECORDS = 1000


def patched_name(target: Any, name: str) -> tuple[str, str] | None:
    """Where the code's process has what a test patches: a module and a dotted name; None where it has it not."""
    if isinstance(target, types.ModuleType):
        module = "os.path" if target is sys.modules["os"].path else target.__name__
        known = module.split(".")[0] in STDLIB | LIBRARIES and sys.modules.get(module) is target
        return (module, name) if known and (module, name) not in _CARRIED_OTHERWISE else None
    named = global_name(target) if isinstance(target, type) else None
    return None if named is None else (named[0], f"{named[1]}.{name}")


def found(module: str, dotted: str, absent: Any = None) -> Any:
    """What a module has under a dotted name; of a class, as it stands in the class itself and not in a base of it."""
    holder, name = holder_of(sys.modules.get(module), dotted)
    return holder.__dict__.get(name, absent) if isinstance(holder, type) else getattr(holder, name, absent)


def holder_of(module: Any, dotted: str) -> tuple[Any, str]:
    """What has the last part of a dotted name, and that part."""
    *parts, name = dotted.split(".")
    for part in parts:
        module = getattr(module, part, None)
    return module, name


def follow_patches(watch: Callable[[Any, str], None]) -> None:
    """Have ``watch(target, name)`` called before ``mock.patch`` changes a name of a target."""
    mock = sys.modules.get("unittest.mock")
    kind: Any = getattr(mock, "_patch", None)
    if kind is None:
        return
    plain = kind.__enter__

    def enter(patch: Any) -> Any:
        watch(patch.getter(), patch.attribute)
        return plain(patch)

    kind.__enter__ = enter


# -- warnings

_warned: list[BaseException] = []


def keep_warnings() -> None:
    """Have all that this process warns kept for the tests, but for what the code itself filters or records."""
    module: Any = warnings
    warnings.resetwarnings()
    warnings.simplefilter("always", append=True)

    def keep(told: Any) -> None:
        if len(_warned) < MAX_RECORDS and isinstance(told.message, Warning):
            _warned.append(told.message)

    module._showwarnmsg_impl = keep


def kept_warnings() -> list[BaseException]:
    """What was kept since the last look."""
    found = _warned[:]
    _warned.clear()
    return found


def warn_here(kept: list[BaseException]) -> None:
    """Warn of it in this process, as the filters of the tests have it: one may raise."""
    for one in kept[:MAX_RECORDS]:
        if isinstance(one, Warning):
            warnings.warn_explicit(one, type(one), "solution.py", 1, "solution", {})


# -- logging


def levels() -> dict[str, int]:
    """The levels that loggers of this process have of their own, and under an empty name what is switched off."""
    logging = sys.modules.get("logging")
    if logging is None:
        return {}
    told = {"root": logging.root.level, "": logging.root.manager.disable}
    for name, logger in logging.root.manager.loggerDict.items():
        if getattr(logger, "level", 0):
            told[name] = logger.level
    return told


def set_level(name: str, level: int) -> int:
    """Set a level; what it was."""
    import logging

    if not name:
        before = logging.root.manager.disable
        logging.disable(level)
        return int(before)
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(level)
    return before


def keep_records(records: list[Any], pack_error: Callable[[BaseException], Any]) -> bool:
    """Have what this process logs kept for the tests, from when ``logging`` is imported; whether it is."""
    logging: Any = sys.modules.get("logging")
    if logging is None or not hasattr(logging, "lastResort"):
        return False
    usual = set(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime"}
    plain = logging.Logger.callHandlers
    logging.lastResort, logging.root.manager.emittedNoHandlerWarning = None, True  # the tests' side decides that

    def call_handlers(logger: Any, record: Any) -> None:
        if len(records) < MAX_RECORDS:
            try:
                error = record.exc_info[1] if record.exc_info else None
                told = {key: record.__dict__[key] for key in ("levelno", "levelname", "pathname", "lineno", "funcName")}
                more = {key: value for key, value in vars(record).items() if key not in usual and type(value) in _PLAIN}
                records.append(
                    [logger.name, record.getMessage(), told, more, error and pack_error(error), logger.hasHandlers()]
                )
            except Exception:
                records.append([str(logger.name), str(record.msg), {"levelno": record.levelno}, {}, None, True])
        plain(logger, record)

    logging.Logger.callHandlers = call_handlers
    return True


def hand_over(records: Any, unpack_error: Callable[[Any], BaseException]) -> None:
    """Give records of the other process to the handlers of this one."""
    import logging

    for name, message, told, more, error, handled in records[: MAX_RECORDS + 1]:
        logger: Any = logging.getLogger(str(name))
        raised = unpack_error(error) if error else None
        record = logging.LogRecord(
            logger.name, int(told["levelno"]), str(told.get("pathname", "")), int(told.get("lineno", 0)),
            str(message), (), (type(raised), raised, None) if raised else None, str(told.get("funcName", "")),
        )  # fmt: skip
        record.levelname = str(told.get("levelname", record.levelname))
        record.__dict__.update((str(key), value) for key, value in more.items() if type(value) in _PLAIN)
        while logger is not None:
            for handler in logger.handlers:
                handled = True
                if record.levelno >= handler.level:
                    handler.handle(record)
            logger = logger.parent if logger.propagate else None
        if not handled and logging.lastResort is not None and record.levelno >= logging.lastResort.level:
            logging.lastResort.handle(record)
