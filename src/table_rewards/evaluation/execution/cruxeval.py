"""CRUXEval: how often a model predicts a function's output, or finds an input for an output.

A prediction is a literal, a call, an assertion, or a whole response that holds one (in ``<answer>``, in CRUXEval's
``[ANSWER]``, in a code block). pass@1 is the share of the right predictions; pass@5 the chance that one of five is
right, estimated without bias from n predictions with c right ones: ``1 - C(n - c, 5) / C(n, 5)``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row, plain
from table_rewards.evaluation.execution.problems import NoProgram, calls, read_problem, with_function
from table_rewards.rewards.white_box import WhiteBox
from table_rewards.rewards.white_box.input_expressions import is_plain
from table_rewards.rewards.white_box.tokens import NotThatForm, literal
from table_rewards.sandbox import Job, get_sandbox
from table_rewards.text.blocks import fenced_blocks, last_tagged

TASKS: Final = ("output", "input")
PREDICTIONS: Final = (
    *("predictions", "prediction", "responses", "response", "generations", "generation", "completion", "answer"),
)
_BRACKETED: Final = re.compile(r"\[ANSWER\](.*?)(?:\[/ANSWER|\Z)", re.DOTALL)


@dataclass(slots=True)
class CruxReport:
    """Per task: the right predictions of each problem, as (right, all).

    ``missing`` and ``unknown`` are ids: problems without any prediction, which count as (0, 0), and predictions that
    belong to no problem. ``no_program`` are ids that CRUXEval-X has no program for, which count as (0, 0) too.
    ``prose`` are ids whose program is no program but sentences: the published checker lets every answer pass there.
    """

    counts: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    unscored: int = 0
    unusable: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    no_program: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)

    def pass_at(self, k: int, task: str) -> float | None:
        """The mean of the unbiased estimates; None when a problem has predictions, but fewer than ``k``.

        A problem without predictions counts as wrong.
        """
        counts = self.counts.get(task, [])
        if not any(n for _, n in counts) or any(0 < n < k for _, n in counts):
            return None
        return sum(1 - math.comb(n - c, k) / math.comb(n, k) for c, n in counts if n) / len(counts)

    def table(self) -> list[tuple[str, str, str, str]]:
        rows = [("task", "problems", "pass@1", "pass@5")]
        for task, counts in self.counts.items():
            shown = [self.pass_at(k, task) for k in (1, 5)]
            rows.append((task, f"{len(counts):,}", *("-" if s is None else f"{100 * s:.2f}" for s in shown)))  # type: ignore[arg-type]
        return rows


def evaluate_cruxeval(rows: Iterable[Mapping[str, Any]], task: str | None = None, cpu_s: float = 3.0) -> CruxReport:
    """Judge the predictions of rows of CRUXEval, LiveCodeBench's execution-v2 or CRUXEval-X in Python.

    Args:
        rows: each names its task in ``task``, unless ``task`` names the task of all.
        cpu_s: CPU seconds of a call.

    Raises:
        BadReference: a row's task is neither output nor input.

    >>> row = {"code": "def f(a):\\n    return a * 2", "input": "2", "output": "4", "task": "output"}
    >>> report = evaluate_cruxeval([{**row, "prediction": "assert f(2) == 4"}, {**row, "prediction": "5"}])
    >>> report.pass_at(1, "output")
    0.5
    """
    report = CruxReport()
    completions: list[str] = []
    references: list[dict[str, str]] = []
    owners: list[tuple[str, int]] = []
    for number, raw in enumerate(rows):
        row = Row(raw)
        try:
            kind = str(row.find("task", default=task) if task is None else task)
            if kind not in TASKS:
                raise BadReference(f"task must be output or input, not {kind!r}; name it with --task")
            reference = read_problem(row, kind).reference(kind)
            found = texts_of(row.find(*PREDICTIONS))
        except NoProgram:
            report.no_program.append(str(row.find("id", "task_id", default=f"row {number + 1}")))
            report.counts.setdefault(kind, []).append((0, 0))
            continue
        except BadReference as error:
            report.unusable.append(f"row {number + 1}: {error}")
            continue
        counts = report.counts.setdefault(kind, [])
        counts.append((0, len(found)))
        for text in found:
            completions.append(_completion(text, reference, kind))
            references.append(reference)
            owners.append((kind, len(counts) - 1))
    completions = _folded(completions)
    for score, (kind, index) in zip(WhiteBox(cpu_s=cpu_s)(completions, references), owners, strict=True):
        report.unscored += score.status == "unscored"
        right, of = report.counts[kind][index]
        report.counts[kind][index] = (right + (score.value == 1.0), of)
    return report


def texts_of(found: Any) -> list[str]:
    """The predictions of a row, one text or several.

    Raises:
        BadReference: they are something else.
    """
    found = plain(found)
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise BadReference("a prediction must be text, or a list of texts")
    return texts


def answer_of(text: str) -> str:
    """The answer in a response, without backquotes round it."""
    return said_in(text).strip("`").strip()


def said_in(text: str) -> str:
    """The answer in a response: the last ``<answer>``, else ``[ANSWER]``, else the last code block, else all of it."""
    found = last_tagged(text, "answer")
    if found is None:
        bracketed = _BRACKETED.findall(text)
        found = bracketed[-1] if bracketed else text
    blocks = fenced_blocks(found)
    return (blocks[-1] if blocks else found).strip()


def _completion(text: str, reference: Mapping[str, str], kind: str) -> str:
    """The prediction as a completion that the reward reads."""
    function = reference["func_name"]
    answer = with_function(answer_of(text), function)
    if kind == "input":
        if not calls(answer, function):
            answer = f"{function}({answer})"
        return f"<answer>\n{answer}\n</answer>"
    if not answer.startswith("assert"):
        said = answer if calls(answer, function) else f"{function}({reference['func_args']}) == {answer}"
        answer = f"assert {said}"
    return f"<answer>\n{answer}\n</answer>"


def _folded(completions: Sequence[str]) -> list[str]:
    """Claims such as ``'ab' * 3`` as the literals that they are, worked out in the sandbox, all at once."""
    jobs: dict[int, Job] = {}
    for index, text in enumerate(completions):
        head, equals, claim = text.rpartition(" == ")
        claim = claim.removesuffix("\n</answer>").strip()
        if equals and "assert" in head:
            try:
                literal(claim)
            except NotThatForm:
                if len(claim) < 2_000 and is_plain(claim):
                    jobs[index] = Job.exprs("", [claim], flavour="bare")
    folded = list(completions)
    for index, outcome in zip(jobs, get_sandbox().run_batch(list(jobs.values())) if jobs else [], strict=True):
        value = outcome.values[0] if outcome.values else None
        if value is not None and value.ok:
            folded[index] = f"{completions[index].rpartition(' == ')[0]} == {value.text(1_000_000)}\n</answer>"
    return folded
