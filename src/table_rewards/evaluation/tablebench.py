"""TableBench's official evaluation: parse, score by subtype, type and overall; as released and as meant, side by side.

``released`` computes what the official scripts compute, in their order of rounding, with ROUGE-L as a plain mean, not
as one draw of an unseeded bootstrap (B3). ``corrected`` uses the corrected comparisons and counts Pass@1 in per cent
(B2). Answers that could not be produced because the sandbox failed are left out of every mean and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from table_rewards.core.completion import completion_text
from table_rewards.core.errors import BadReference, UnreadableCompletion
from table_rewards.core.reward import Profile
from table_rewards.core.rows import Row
from table_rewards.rewards.table_bench.charts import read_references
from table_rewards.rewards.table_bench.methods import Method
from table_rewards.rewards.table_bench.programs import ProgramRunner
from table_rewards.rewards.table_bench.released import ReleasedMethod
from table_rewards.rewards.table_bench.table_bench import CHARTS, EM_TOLERANCE, METRIC_OF_SUBTYPE, POT, ROUGE_L
from table_rewards.sandbox import Job, Outcome

TYPES: Final = ("FactChecking", "NumericalReasoning", "DataAnalysis", CHARTS)
TOLERANCES: Final = (2, 5, 10)
COMPLETION_COLUMNS: Final = ("prediction", "response", "completion", "output")
_AT_ONCE: Final = 128

Numbers = dict[str, float | int]
METHODS: Final[Mapping[Profile, Method | ReleasedMethod]] = {"corrected": Method(), "released": ReleasedMethod()}


@dataclass(slots=True)
class Parsed:
    """One prediction with what was parsed from it. ``answer`` is text, True or False for a chart, '' for nothing."""

    row: Mapping[str, Any]
    answer: str | bool = ""
    executed: bool | None = None
    unscored: str = ""

    @property
    def qtype(self) -> str:
        return str(self.row.get("qtype", ""))

    @property
    def qsubtype(self) -> str:
        return str(self.row.get("qsubtype", ""))

    @property
    def method(self) -> str:
        """``model/instruction type``, as the official files name an experiment."""
        return f"{self.row.get('model_name', 'model')}/{self.row.get('instruction_type', '')}"

    @property
    def result(self) -> dict[str, Any]:
        """The official ``parsed_result``."""
        found: dict[str, Any] = {"parsed_prediction": self.answer}
        if self.executed is not None:
            found["ecr_1"] = self.executed
        found["Parse@1"] = self.answer != ""
        if self.unscored:
            found["unscored"] = self.unscored
        return found


@dataclass(slots=True)
class Evaluation:
    """The numbers of one profile: method -> subtype or type -> metric -> per cent."""

    profile: Profile
    subtypes: dict[str, dict[str, Numbers]] = field(default_factory=dict)
    types: dict[str, dict[str, Numbers]] = field(default_factory=dict)
    unscored: int = 0


def parse_predictions(
    rows: Iterable[Mapping[str, Any]], profile: Profile, programs: ProgramRunner | None = None
) -> Iterable[Parsed]:
    """Parse predictions in order, programs and charts run in the sandbox, some at a time.

    >>> rows = [{"qtype": "FactChecking", "instruction_type": "DP", "prediction": "Final Answer: 7", "answer": "7"}]
    >>> [parsed.result for parsed in parse_predictions(rows, "released")]
    [{'parsed_prediction': '7', 'Parse@1': True}]
    """
    runner = programs or ProgramRunner(cpu_seconds=15.0)
    held: list[Mapping[str, Any]] = []
    for row in rows:
        held.append(row)
        if len(held) == _AT_ONCE:
            yield from _parse_some(held, profile, runner)
            held = []
    yield from _parse_some(held, profile, runner)


def _parse_some(rows: Sequence[Mapping[str, Any]], profile: Profile, runner: ProgramRunner) -> list[Parsed]:
    method = METHODS[profile]
    parsed, jobs = [], {}
    for i, row in enumerate(rows):
        text = prediction_of(row)
        chart = row.get("qtype") == CHARTS
        if not chart and row.get("instruction_type") != POT:
            parsed.append(Parsed(row, method.answer(text) or ""))
            continue
        one = Parsed(row, executed=False)
        parsed.append(one)
        code = method.program(text)
        if code is None:
            continue
        try:
            jobs[i] = _job(row, code, chart, method, runner)
        except BadReference as error:
            one.unscored = str(error)
    for i, outcome in zip(jobs, runner.run(list(jobs.values())), strict=True):
        _settle(parsed[i], outcome, method)
    return parsed


def _job(row: Mapping[str, Any], code: str, chart: bool, method: Method | ReleasedMethod, runner: ProgramRunner) -> Job:
    table = method.table(Row(row))
    if not table:
        raise BadReference("the row has no table for the program to read")
    if not chart:
        return method.script(runner, code, table)
    read_references(str(row.get("answer", "")))
    return method.chart(runner, code, table, str(row.get("chart_type", "")))


def _settle(one: Parsed, outcome: Outcome, method: Method | ReleasedMethod) -> None:
    if outcome.is_ours:
        one.unscored = f"sandbox: {outcome.note}"
        return
    one.executed = outcome.ok
    if one.qtype != CHARTS:
        one.answer = method.printed(outcome) or ""
        return
    if outcome.ok and outcome.values and outcome.values[0].ok:
        references = read_references(str(one.row["answer"]))
        kind = str(one.row.get("chart_type", ""))
        one.answer = method.draws(outcome.values[0].python(), references, kind)


def prediction_of(row: Mapping[str, Any]) -> str:
    """The text of a prediction: ``prediction`` (official), ``response`` (Table-R1), or another usual name.

    A column that is empty or holds no text is a call that failed: no answer.

    Raises:
        BadReference: no column of predictions is in the row.
    """
    for name in COMPLETION_COLUMNS:
        if row.get(name) is not None:
            try:
                return completion_text(row[name])
            except UnreadableCompletion:
                return ""
    if any(name in row for name in COMPLETION_COLUMNS):
        return ""
    raise BadReference(f"no prediction in the row: none of {', '.join(COMPLETION_COLUMNS)}")


def evaluate(parsed: Sequence[Parsed], profile: Profile) -> Evaluation:
    """Compute the official numbers from parsed predictions. Types that are missing are left out, not an error (B7)."""
    found = Evaluation(profile, unscored=sum(bool(one.unscored) for one in parsed))
    methods: dict[str, list[Parsed]] = {}
    for one in parsed:
        if not one.unscored:
            methods.setdefault(one.method, []).append(one)
    for method, some in methods.items():
        subtypes: dict[str, list[Parsed]] = {}
        for one in some:
            subtypes.setdefault(f"{one.qtype}_{one.qsubtype}", []).append(one)
        found.subtypes[method] = {name: _numbers(group, profile) for name, group in subtypes.items()}
        found.types[method] = _types(some, profile)
    return found


def headline(name: str, numbers: Mapping[str, float | int]) -> float:
    """The number of a subtype or type that the official tables show."""
    qtype, _, subtype = name.partition("_")
    if "Mix_Metric" in numbers:
        return numbers["Mix_Metric"]
    if qtype == CHARTS:
        return numbers["Pass@1"]
    metric = METRIC_OF_SUBTYPE.get(subtype)
    return numbers["EM_with_error_10" if metric == EM_TOLERANCE else "ROUGE-L" if metric == ROUGE_L else "EM"]


def _types(some: Sequence[Parsed], profile: Profile) -> dict[str, Numbers]:
    types: dict[str, Numbers] = {}
    for qtype in TYPES:
        group = [one for one in some if one.qtype == qtype]
        if group:
            types[qtype] = _numbers(group, profile)
            if qtype == "DataAnalysis":
                types[qtype]["Mix_Metric"] = round(_mixed(group, profile), 2)
    overall: Numbers = {"Mix_Metric": round(_mixed(some, profile), 2), **_shares(some)}
    overall["total"] = len(some)
    types["Overall"] = overall
    return types


def _mixed(some: Sequence[Parsed], profile: Profile) -> float:
    """Mean of the metric that each subtype is judged by, weighted by samples; rounded in between as the script does."""
    groups: dict[str, list[Parsed]] = {}
    for one in some:
        metric = METRIC_OF_SUBTYPE.get(one.qsubtype)
        name = "EM_with_error_10" if metric == EM_TOLERANCE else "ROUGE-L" if metric == ROUGE_L else "EM"
        groups.setdefault("Pass@1" if one.qtype == CHARTS else name, []).append(one)
    total = 0.0
    for name, group in groups.items():
        value = float(_numbers(group, profile)[name])
        if name == "Pass@1" and profile == "released":  # a fraction among percentages (B2)
            value = sum(one.answer is True for one in group) / len(group)
        total += value * len(group)
    return total / len(some)


def _numbers(group: Sequence[Parsed], profile: Profile) -> Numbers:
    if group[0].qtype == CHARTS:
        passed = sum(one.answer is True for one in group)
        return {"total": len(group), "Pass@1": _per_cent(passed / len(group)), **_shares(group)}
    pairs = [(str(one.row.get("answer", "")), str(one.answer)) for one in group]
    method = METHODS[profile]
    numbers: Numbers = {"EM": _mean(method.exact, pairs)}
    for tolerance in TOLERANCES:
        numbers[f"EM_with_error_{tolerance}"] = _mean(method.tolerant, pairs, tolerance)
    numbers["ROUGE-L"] = _mean(method.rouge, pairs)
    return {**numbers, "total": len(group), **_shares(group)}


def _shares(group: Sequence[Parsed]) -> Numbers:
    shares: Numbers = {"Parse@1": _per_cent(sum(one.answer != "" for one in group) / len(group))}
    ran = [one for one in group if one.executed is not None]
    if ran:
        shares["ECR@1"] = _per_cent(sum(one.executed is True for one in ran) / len(ran))
    return shares


def _mean(match: Any, pairs: Sequence[tuple[str, str]], *arguments: Any) -> float:
    return _per_cent(float(np.mean([match(gold, given, *arguments) for gold, given in pairs])))


def _per_cent(share: float) -> float:
    return round(share * 100, 2)
