"""CRUXEval's own file of generations: one JSON object, for each problem's id the list of what a model wrote.

``{"sample_0": ["f([1, 1, 3])", "f([])"], ...}`` as in its ``model_generations/*/generations.json``: for output
prediction what follows ``assert f(x) ==``, for input prediction the call. The problems stand in a file of their own. A
file of scored generations holds the same under ``raw_generations``.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files.unusable import UnusableFile, explained
from table_rewards.evaluation.execution.cruxeval import TASKS, CruxReport, evaluate_cruxeval

RIGHT_FORM: Final = '{"sample_0": ["a generation", "another"], "sample_1": [...], ...}'
_BEGINS: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(?:sample_\d+|raw_generations)"\s*:\s*[\[{]')


def are_generations(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as CRUXEval's generations do, so that a reader of rows can say what it lacks."""
    with explained(Path(path)), _opened(path) as file:
        return bool(_BEGINS.match(file.read(4096)))


def read_generations(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """The generations of each problem, by its id.

    Raises:
        UnusableFile: it is something else; the message names the right form.
    """
    with explained(Path(path)):
        with _opened(path) as file:
            text = file.read().decode("utf-8-sig", errors="replace")
        try:
            found = json.loads(text, object_pairs_hook=_each_once)
        except RecursionError:
            raise UnusableFile(path, f"JSON of this depth is no file of generations; wanted {RIGHT_FORM}") from None
        except ValueError as error:
            raise UnusableFile(path, f"not one JSON object ({error}); wanted {RIGHT_FORM}") from None
        if isinstance(found, dict) and isinstance(found.get("raw_generations"), dict):
            found = found["raw_generations"]
        if not isinstance(found, dict) or not found:
            kind = "an empty object" if found == {} else f"a JSON {type(found).__name__}"
            raise UnusableFile(path, f"{kind}, where generations are wanted: {RIGHT_FORM}")
        for name, texts in found.items():
            if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
                raise UnusableFile(path, f"{name!r} does not hold a list of texts; wanted {RIGHT_FORM}")
    return found


def evaluate_generations(
    generations: Mapping[str, list[str]],
    samples: Iterable[Mapping[str, Any]],
    task: str,
    cpu_s: float = 3.0,
) -> CruxReport:
    """Judge generations against the problems that they belong to.

    A problem is known by its ``id`` (or ``task_id``), else by its place, as ``sample_0``. Without generations it counts
    as wrong and is named in ``report.missing``; generations that belong to no problem are named in ``report.unknown``.

    >>> sample = {"id": "sample_0", "code": "def f(a):\\n    return a * 2", "input": "2", "output": "4"}
    >>> report = evaluate_generations({"sample_0": ["4", "2 + 2", "5", "4", "4"]}, [sample], "output")
    >>> report.pass_at(1, "output"), report.pass_at(5, "output")
    (0.8, 1.0)

    Raises:
        ConfigurationError: no such task, two problems of one id, or not one generation belongs to a problem.
    """
    if task not in TASKS:
        raise ConfigurationError(f"task must be one of {', '.join(TASKS)}, not {task!r}")
    known: dict[str, Mapping[str, Any]] = {}
    for number, sample in enumerate(samples):
        name = str(next((sample[key] for key in ("id", "task_id") if sample.get(key) is not None), f"sample_{number}"))
        if name in known:
            raise ConfigurationError(f"the samples hold {name!r} twice")
        known[name] = sample
    unknown = [name for name in generations if name not in known]
    if len(unknown) == len(generations):
        raise ConfigurationError(
            f"no generations belong to a sample: they are for {_some(unknown)}, the samples are {_some(list(known))}"
        )
    answered = [name for name in known if generations.get(name)]
    rows = [{**known[name], "id": name, "predictions": generations[name]} for name in answered]
    report = evaluate_cruxeval(rows, task, cpu_s)
    report.unknown = unknown
    report.missing = [name for name in known if not generations.get(name)]
    report.counts.setdefault(task, []).extend([(0, 0)] * len(report.missing))
    return report


def told(report: CruxReport) -> list[str]:
    """What a reader of the numbers must know about ids, a line each."""
    lines = []
    if report.missing:
        of = sum(map(len, report.counts.values())) + len(report.unusable)
        lines.append(
            f"without generations: {len(report.missing):,} of {of:,} problems ({_some(report.missing)}); wrong here"
        )
    if report.no_program:
        lines.append(
            f"problems that the benchmark has no program for: {len(report.no_program):,} "
            f"({_some(report.no_program)}); wrong here, as in its published numbers"
        )
    if report.prose:
        lines.append(
            f"rows that hold sentences instead of a program: {len(report.prose):,} ({_some(report.prose)}); "
            "every answer to them is right in the published numbers (--profile released), and wrong in ours (E22)"
        )
    if report.unknown:
        lines.append(f"generations without a sample, left out: {len(report.unknown):,} ({_some(report.unknown)})")
    return lines


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "none"


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"{twice!r} stands in it twice")
    return found


def _opened(path: str | os.PathLike[str]) -> Any:
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else open(path, "rb")
