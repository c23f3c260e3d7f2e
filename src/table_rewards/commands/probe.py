"""`table-rewards probe`: what this machine offers."""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any, Final

from table_rewards._version import __version__
from table_rewards.commands.endpoint_arguments import add_endpoint_arguments, pool_of, sampling_of
from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.pages.terminal import filled, indented, styled, table
from table_rewards.core.cpus import usable_cpus
from table_rewards.core.errors import TableRewardsError
from table_rewards.core.registry import create, names

DESCRIPTION = """\
Say what works on this machine: Python, the optional packages and what each is for, the trainers, the sandbox, the
endpoints. Exit status 1 when an endpoint that was asked for does not answer, or answers without a word.
"""

EXTRAS: Final = (
    ("pyarrow", "data", "parquet files"),
    ("matplotlib", "report", "`report --png`, charts of programs"),
    ("pandas", "programs", "programs over tables"),
    ("math_verify", "math", "mathematics by algebra"),
    ("jieba", "zh", "QA-F1 as released, Chinese"),
    ("ray", "ray", "scoring over many machines"),
)
DISTRIBUTIONS: Final = {"math_verify": "math-verify", "swift": "ms-swift"}
TRAINERS: Final = ("verl", "swift", "trl", "torch")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    add_endpoint_arguments(parser, same="none is asked")
    parser.add_argument("--timeout-s", type=float, default=10.0, metavar="S", help="longest wait (%(default)g)")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    endpoints = [endpoint(url, arguments) for url in arguments.endpoint or ()]
    told = {
        "table_rewards": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": usable_cpus(),
        "extras": [{"package": p, "extra": e, "for": f, "version": version(p)} for p, e, f in EXTRAS],
        "trainers": {name: version(name) for name in TRAINERS},
        "sandbox": sandbox(),
        "rewards": rewards(),
        "endpoints": endpoints,
    }
    print(json.dumps(told, ensure_ascii=False, indent=1) if arguments.json else "\n".join(_page(told)))
    return INCOMPLETE if any(not one["answers"] for one in endpoints) else DONE


def version(package: str) -> str | None:
    """The installed version; None when it is not installed."""
    if importlib.util.find_spec(package) is None:
        return None
    try:
        return metadata.version(DISTRIBUTIONS.get(package, package))
    except metadata.PackageNotFoundError:
        return "installed"


def sandbox() -> str:
    """One line: what the sandbox holds back here, or why there is none."""
    import warnings

    try:
        from table_rewards.sandbox import get_sandbox

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the line says what is degraded
            return get_sandbox().describe()
    except (TableRewardsError, ImportError, OSError) as error:
        return f"none: {' '.join(str(error).split())}"


def rewards() -> dict[str, str]:
    """Each reward -> ``ready``, or what it needs."""
    found = {}
    for name in names():
        try:
            create(name)
            found[name] = "ready"
        except (TableRewardsError, TypeError, ImportError) as error:
            found[name] = " ".join(str(error).split())
    return found


def endpoint(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Ask a server which models it offers and for one word. Without words in its reply it does not answer."""
    import time

    begun = time.perf_counter()
    timeout_s = arguments.timeout_s
    alone = argparse.Namespace(**{**vars(arguments), "endpoint": [url]})
    try:
        pool = pool_of(alone, timeout_s=timeout_s, deadline_s=timeout_s, attempts=1, workers=1)
        reply = pool.ask("Answer with the word yes.", sampling_of(arguments))
    except TableRewardsError as error:
        return {"url": url, "answers": False, "error": " ".join(str(error).split())}
    took = time.perf_counter() - begun
    problem = reply.error
    if not reply.failed and not reply.text.strip():
        problem = "its reply holds no text"
        if reply.truncated:
            problem += f": it was cut off{' in its thoughts' if reply.reasoning else ''} (--sampling max_tokens=N)"
    if problem:
        return {"url": url, "answers": False, "error": " ".join(problem.split())}
    return {"url": url, "answers": True, "model": reply.model, "seconds": round(took, 3)}


def _page(told: dict[str, Any]) -> list[str]:
    lines = [
        styled(f"table-rewards {told['table_rewards']}", "bold"),
        *filled(f"Python {told['python']}, {told['platform']}, {told['cpus']} usable CPUs", "  "),
        f"  {sys.executable}",
        "",
        *indented(
            table(
                ["package", "version", "for", ""],
                [[one["package"], one["version"] or "-", one["for"], _install(one)] for one in told["extras"]],
            )
        ),
        "",
        *filled("trainers   " + ", ".join(f"{n} {v or 'not installed'}" for n, v in told["trainers"].items()), "  "),
        *filled("sandbox    " + told["sandbox"].removeprefix("sandbox: "), "  "),
        "",
        *indented(table(["reward", "here"], [[name, state] for name, state in told["rewards"].items()])),
    ]
    if told["endpoints"]:
        lines += ["", *indented(_endpoints(told["endpoints"]))]
    return lines


def _install(one: dict[str, Any]) -> str:
    return "" if one["version"] else f"pip install 'table-rewards[{one['extra']}]'"


def _endpoints(endpoints: Sequence[dict[str, Any]]) -> list[str]:
    rows = [
        [one["url"], f"{one['model']}, {one['seconds']:.2f} s" if one["answers"] else f"no answer: {one['error']}"]
        for one in endpoints
    ]
    return table(["endpoint", "here"], rows)
