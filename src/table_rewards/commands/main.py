"""`table-rewards`: the command line. Each command lives in a module of its own, imported only when it runs.

A command's module offers ``configure(parser)`` (or ``add_arguments(parser)``) and ``run(arguments) -> exit status``. A
module of a two-level command offers ``SUBCOMMANDS``, task -> (help, configure, run). A command whose module is not
there is not listed.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Final, NoReturn

from table_rewards._version import __version__
from table_rewards.commands.exit_codes import DONE, INCOMPLETE, INTERRUPTED, MEANINGS, MISUSE, UNUSABLE_FILE
from table_rewards.commands.task import NothingKept, Task
from table_rewards.core.errors import TableRewardsError, nearest

PACKAGE: Final = "table_rewards.commands"

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})

_UNREACHABLE: Final = frozenset(
    {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
)
"""What is wrong with a place that somebody named: its folder is missing, or it may not be written."""

Table = Mapping[str, tuple[str, str]]
"""Name -> (help, module)."""

COMMANDS: Final[Mapping[str, Table]] = {
    "score and look": {
        "demo": ("score the shipped real fixtures with every reward", f"{PACKAGE}.demo"),
        "score": ("score a file of completions: streams, resumes, sums up", f"{PACKAGE}.score"),
        "explain": ("one completion's score and the work behind it", f"{PACKAGE}.explain"),
        "report": ("show or compare score files, as text, HTML or PNG", f"{PACKAGE}.report"),
        "attack": ("what a reward pays for completions that need no answer", f"{PACKAGE}.attack"),
        "profile": ("what a reward would give a trainer: spread in groups, dead groups, speed", f"{PACKAGE}.profile"),
    },
    "rewards and trainers": {
        "list": ("the rewards there are, with their parts and references", f"{PACKAGE}.list_rewards"),
        "new-reward": ("write a reward of your own that works, with its tests", f"{PACKAGE}.new_reward"),
        "adapter": ("print the path of the file that verl or swift loads", f"{PACKAGE}.adapter"),
        "serve": ("rewards as a service for trainers on other machines", f"{PACKAGE}.serve"),
        "verl-args": ("print the right verl overrides for a reward and a verl version", f"{PACKAGE}.verl_args"),
    },
    "data and benchmarks": {
        "audit": ("which rows of a training file would teach something wrong", f"{PACKAGE}.audit"),
        "generate": ("predictions for any prompt file from OpenAI-compatible endpoints", f"{PACKAGE}.generate"),
        "convert": ("tables between OTSL, HTML and Markdown", f"{PACKAGE}.convert"),
    },
    "this machine": {
        "probe": ("what works here: extras, sandbox, endpoints", f"{PACKAGE}.probe"),
        "sandbox": ("what the sandbox holds back on this machine", f"{PACKAGE}.sandbox"),
    },
}

TASKS: Final[Mapping[str, tuple[str, str]]] = {
    "prepare": ("data and benchmarks", "make a training or evaluation file from a source data set"),
    "evaluate": ("data and benchmarks", "compute a benchmark's official numbers from predictions"),
}
"""Name -> (group, help); the tasks are those of every module in the packages ``prepare`` and ``evaluate``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        _take_anything(stream)
    try:
        status = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where what goes wrong can still be told
        return status
    except TableRewardsError as error:
        return _fail(error)
    except KeyboardInterrupt:
        _say("\ninterrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough, as in `table-rewards list | head`
        _drop(sys.stdout)
        return DONE
    except OSError as error:
        if error.errno in _FULL:
            _drop(sys.stdout)
            where = f" {error.filename}" if error.filename else ""
            _say(f"table-rewards: cannot write{where}: {error.strerror}")
            return UNUSABLE_FILE
        if error.errno in _UNREACHABLE and error.filename and not os.environ.get("TABLE_REWARDS_DEBUG"):
            _say(f"table-rewards: {error.filename}: {error.strerror}")
            return UNUSABLE_FILE
        raise


def _take_anything(stream: Any) -> None:
    """Let a stream show a question mark for what it has no bytes for: rows of data may hold halves of characters."""
    if getattr(stream, "errors", "") == "strict" and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")


def _say(text: str) -> None:
    """One line on standard error, if there is one that takes it."""
    try:
        if sys.stderr is not None:
            print(text, file=sys.stderr)
    except OSError:
        _drop(sys.stderr)


def _drop(stream: Any) -> None:
    """Let nothing more go to a stream that takes nothing, so that Python does not stumble over it at its end."""
    with suppress(Exception):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(words: list[str]) -> int:
    top = _Parser(
        prog="table-rewards",
        usage="table-rewards [-h] [--version] COMMAND ...",
        add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] == "--version":
        print(f"table-rewards {__version__}")
        return 0
    name, rest = words[0], words[1:]
    if name in TASKS:
        return _run_task(top, name, rest)
    there = {known: entry for group in COMMANDS.values() for known, entry in group.items() if _exists(entry[1])}
    if name not in there:
        known = [*there, *(task for task in TASKS if _task_modules(task))]
        kind = "option" if name.startswith("-") else "command"
        close = nearest(name, ["--version", "--help"] if kind == "option" else known)
        top.error(f"unknown {kind} {name!r}{close}; commands: {', '.join(known)}")
    purpose, home = there[name]
    module = importlib.import_module(home)
    configure = module.configure if hasattr(module, "configure") else module.add_arguments
    return _execute(f"table-rewards {name}", purpose, configure, module.run, rest)


def _run_task(top: argparse.ArgumentParser, name: str, words: list[str]) -> int:
    tasks = _tasks(name)
    if not words or words[0] in ("-h", "--help"):
        width = max(map(len, tasks), default=0)
        print(f"usage: table-rewards {name} TASK ...\n\n{TASKS[name][1]}\n\ntasks:")
        print("\n".join(_wrapped(task, entry[0], width) for task, entry in tasks.items()) or "  none")
        print(f"\n`table-rewards {name} TASK --help` tells more.")
        return 0 if words else MISUSE
    task = words[0]
    if task not in tasks:
        top.error(f"unknown task {task!r} of {name}{nearest(task, tasks)}; tasks: {', '.join(tasks) or 'none'}")
    purpose, configure, run = tasks[task]
    return _execute(f"table-rewards {name} {task}", purpose, configure, run, words[1:])


def _execute(
    prog: str,
    purpose: str,
    configure: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace], int],
    words: list[str],
) -> int:
    parser = _Parser(prog=prog, description=purpose[:1].upper() + purpose[1:] + ".", allow_abbrev=False)
    configure(parser)
    arguments = parser.parse_args(words)
    from table_rewards.commands.log_lines import show_remarks

    with show_remarks():
        try:
            return run(arguments)
        except SystemExit as left:  # no command of ours does so: its status would pass for the command's own
            raise TableRewardsError(
                f"{prog} was ended from within, by exit({left.code!r}): a reward of one's own, or a library, calls exit"
            ) from left


def _fail(error: TableRewardsError) -> int:
    from table_rewards.datasets.files import UnusableFile

    _say(f"table-rewards: {' '.join(str(error).split())}")
    if isinstance(error, NothingKept):
        return INCOMPLETE
    return UNUSABLE_FILE if isinstance(error, UnusableFile) else MISUSE


class _Parser(argparse.ArgumentParser):
    """argparse whose mistakes take one line."""

    def error(self, message: str) -> NoReturn:
        lead = "unrecognized arguments: "
        if message.startswith(lead):
            known = sorted(self._option_string_actions)
            unknown = [word.partition("=")[0] for word in message[len(lead) :].split()]
            flags = [word for word in unknown if word.startswith("-")]
            if flags:
                message = f"unknown option {flags[0]}{nearest(flags[0], known)}"
                if "did you mean" not in message:
                    message += f"; options: {', '.join(name for name in known if name.startswith('--'))}"
        elif message.startswith("the following arguments are required: "):
            message += self._misspelt()
        self.exit(MISUSE, f"{self.prog}: {message}\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def _misspelt(self) -> str:
        """The first option that there is not, and the nearest that there is: what is missing may be it."""
        known = sorted(self._option_string_actions)
        flags = [word.partition("=")[0] for word in getattr(self, "_words", []) if word.startswith("--")]
        unknown = next((flag for flag in flags if flag not in known), None)
        return "" if unknown is None else f"; there is no {unknown}{nearest(unknown, known)}"


def _exists(module: str) -> bool:
    """Whether a module can be imported, without importing it or its parents' contents."""
    name = module.rpartition(".")[2]
    return module.startswith(PACKAGE) and PathFinder.find_spec(name, [str(Path(__file__).parent)]) is not None


def _task_modules(name: str) -> list[str]:
    folder = Path(__file__).parent / name
    return sorted(f"{PACKAGE}.{name}.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__")


def _tasks(name: str) -> dict[str, Task]:
    found: dict[str, Task] = {}
    for module in _task_modules(name):
        found.update(getattr(importlib.import_module(module), "SUBCOMMANDS", {}))
    return dict(sorted(found.items()))


def _help() -> str:
    groups: dict[str, list[tuple[str, str]]] = {}
    for group, table in COMMANDS.items():
        groups[group] = [(name, purpose) for name, (purpose, home) in table.items() if _exists(home)]
    for name, (group, purpose) in TASKS.items():
        if _task_modules(name):
            groups[group].append((f"{name} TASK", purpose))
    width = max(len(name) for rows in groups.values() for name, _ in rows)
    lines = ["usage: table-rewards COMMAND ...", "", "Rewards for training on tables, code and rankings.", ""]
    for group, rows in groups.items():
        if rows:
            lines += [f"{group}:", *(_wrapped(name, purpose, width) for name, purpose in rows), ""]
    lines += ["exit status:", *(_wrapped(str(code), meaning, 3) for code, meaning in MEANINGS.items()), ""]
    lines += ["`table-rewards COMMAND --help` tells more; `--version` prints the version."]
    return "\n".join(lines)


def _wrapped(name: str, text: str, width: int) -> str:
    import shutil
    import textwrap

    room = max(40, min(shutil.get_terminal_size().columns, 120))
    lead = " " * (width + 4)
    return textwrap.fill(text, room, initial_indent=f"  {name:<{width}}  ", subsequent_indent=lead)


if __name__ == "__main__":
    sys.exit(main())
