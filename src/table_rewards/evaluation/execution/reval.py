"""REval on DREval: is a line executed, which one is next, what does a variable hold, what comes out, and all of it.

A prediction is a row with ``task`` (coverage, path, state or output), ``task_id``, ``input_idx``, for the first three
``lineno`` and ``var``, and ``response`` or ``prediction``; the logs that REval writes, a row a task with
``generation``, are read as they are.

Consistency counts, for each asked line of each input, how far a model gets in the order coverage, state, path, output:
1, 0.5, 0.25 or 0.125 for four, three, two or one right answers followed by wrong ones alone, else 0; times 100.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import plain
from table_rewards.evaluation.execution.reval_answers import is_right, said_yes
from table_rewards.evaluation.execution.reval_gold import DREval, Key

RESPONSES: Final = ("response", "prediction", "responses", "predictions")
TASKS: Final = ("coverage", "state", "path", "output")
WEIGHTS: Final[dict[tuple[int, ...], float]] = {
    (1, 1, 1, 1): 1.0,
    (1, 1, 1, 0): 0.5,
    (1, 1, 0, 0): 0.25,
    (1, 0, 0, 0): 0.125,
}


@dataclass(slots=True)
class RevalReport:
    """Right and asked, a task; missing answers count as wrong and are named."""

    right: dict[str, dict[Key, bool]] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    no_gold: int = 0
    coverage: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    unusable: list[str] = field(default_factory=list)

    def accuracy(self, task: str) -> float | None:
        asked = self.right.get(task)
        return sum(asked.values()) / len(asked) if asked else None

    @property
    def f1(self) -> float | None:
        """F1 of "this line is executed"."""
        tp, fp, fn, _ = self.coverage
        if "coverage" not in self.right:
            return None
        return 2 * tp / (2 * tp + fp + fn) if tp else 0.0

    @property
    def consistency(self) -> float | None:
        """The consistency score, 0 to 100; None unless all four tasks were answered."""
        if any(task not in self.right for task in TASKS):
            return None
        lines = [key for key in self.right["coverage"] if key in self.right["state"] and key in self.right["path"]]
        if not lines:
            return None
        outputs = self.right["output"]
        total = 0.0
        for key in lines:
            got = [int(self.right[task][key]) for task in TASKS[:3]]
            got.append(int(outputs.get(Key(key.task_id, key.input_idx), False)))
            total += WEIGHTS.get(tuple(got), 0.0)
        return 100 * total / len(lines)

    def table(self) -> list[tuple[str, str, str, str]]:
        rows = [("task", "questions", "accuracy", "unanswered")]
        for task in TASKS:
            accuracy = self.accuracy(task)
            if accuracy is not None:
                asked, missing = len(self.right[task]), self.missing.get(task, 0)
                rows.append((task, f"{asked:,}", f"{100 * accuracy:.2f}", f"{missing:,}"))
        if self.f1 is not None:
            rows.append(("coverage F1", "", f"{100 * self.f1:.2f}", ""))
        score = self.consistency
        rows.append(("consistency", "", "-" if score is None else f"{score:.2f}", ""))
        return rows


def evaluate_reval(benchmark: DREval, predictions: Iterable[Mapping[str, Any]]) -> RevalReport:
    """Judge predictions; a task without any prediction is left out of the report."""
    report = RevalReport(unusable=list(benchmark.problems))
    said: dict[str, dict[Key, str]] = {}
    for number, row in enumerate(predictions):
        try:
            for task, key, text in _read(row, benchmark):
                said.setdefault(task, {})[key] = text
        except (BadReference, KeyError, TypeError, ValueError) as error:
            report.unusable.append(f"row {number + 1}: {error}")
    for task, texts in said.items():
        keys: Iterable[Key] = benchmark.outputs if task == "output" else benchmark.lines
        verdicts: dict[Key, bool] = {}
        for key in keys:
            if task == "state" and benchmark.lines[key].states is None:
                report.no_gold += 1
                continue
            answer = texts.get(key)
            report.missing[task] = report.missing.get(task, 0) + (answer is None)
            verdicts[key] = answer is not None and is_right(task, benchmark, key, answer)
            if task == "coverage":
                yes, covered = answer is not None and said_yes(answer), benchmark.lines[key].covered
                report.coverage[(0 if covered else 1) if yes else (2 if covered else 3)] += 1
        report.right[task] = verdicts
    return report


def _read(row: Mapping[str, Any], benchmark: DREval) -> Iterator[tuple[str, Key, str]]:
    if "generation" in row and "task_id" in row and isinstance(row["generation"], list):
        yield from _official(row, benchmark)
        return
    if "task" not in row and ("acc" in row or not row):
        return  # the last line of REval's logs: its own numbers
    task, name = str(row.get("task")), str(row.get("task_id", f"DREval/{row.get('idx')}"))
    if task not in TASKS:
        raise BadReference(f"task must be one of {', '.join(TASKS)}, not {task!r}")
    text = _response(row)
    index = int(row["input_idx"])
    key = Key(name, index) if task == "output" else Key(name, index, int(row["lineno"]), str(row["var"]))
    if key not in (benchmark.outputs if task == "output" else benchmark.lines):
        raise BadReference(f"{task} has no question {tuple(key)}")
    yield task, key, text


def _response(row: Mapping[str, Any]) -> str:
    found = next((plain(row[name]) for name in RESPONSES if row.get(name) is not None), None)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, str):
        raise BadReference(f"no response (a text in {', '.join(RESPONSES)})")
    return found


def _official(row: Mapping[str, Any], benchmark: DREval) -> Iterator[tuple[str, Key, str]]:
    for entry in row["generation"]:
        place = Key(str(row["task_id"]), int(entry["input_idx"]))
        keys = [key for key in benchmark.lines if key[:2] == place[:2]]
        for position, result in enumerate(entry["results"]):
            text = re.split(r"\[/THOUGHT\]", str(result["generated"]))[-1]
            if "pass" in result:
                yield "output", place, text
            elif position < len(keys):
                response = result.get("response")
                task = "state" if "eq" in result else "coverage" if isinstance(response, bool) else "path"
                yield task, keys[position], text
