"""TableBench answer accuracy: each question judged by the metric that the benchmark gives to its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

from table_rewards.core.errors import BadReference, ConfigurationError, one_of
from table_rewards.core.explanation.assembling import passages_of, with_passage, without_value
from table_rewards.core.explanation.data import Working
from table_rewards.core.options import truth
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.rows import Row
from table_rewards.core.scores import NAN, SCORED, UNPARSED, UNSCORED, Judgement
from table_rewards.core.zero_point import BlindScores, ZeroPoint, above_blind, checked_zero_point
from table_rewards.rewards.table_bench.blind import blind_answers
from table_rewards.rewards.table_bench.charts import KINDS, read_references
from table_rewards.rewards.table_bench.explain import chart_section, facts_section, program_section
from table_rewards.rewards.table_bench.methods import Method
from table_rewards.rewards.table_bench.programs import CPU_SECONDS, NO_PROGRAM, ProgramRunner
from table_rewards.rewards.table_bench.released import ReleasedMethod
from table_rewards.sandbox import Job, Outcome
from table_rewards.text.facts import facts_stated

Metric = Literal["auto", "em", "em_tolerance", "rouge_l"]
METRICS: Final = ("auto", "em", "em_tolerance", "rouge_l")
EM, EM_TOLERANCE, ROUGE_L = 0, 1, 2
_INDEX: Final = {"em": EM, "em_tolerance": EM_TOLERANCE, "rouge_l": ROUGE_L}

METRIC_OF_SUBTYPE: Final[Mapping[str, int]] = {
    "CorrelationAnalysis": EM_TOLERANCE,
    "TrendForecasting": EM_TOLERANCE,
    "StatisticalAnalysis": EM_TOLERANCE,
    "AnomalyDetection": ROUGE_L,
    "CausalAnalysis": ROUGE_L,
    "DescriptiveAnalysis": ROUGE_L,
}
"""The subtypes that are not judged by exact match."""

CHARTS: Final = "Visualization"
POT: Final = "PoT"
NO_ANSWER: Final = "no 'Final Answer:' line"


@dataclass(frozen=True, slots=True)
class TableBenchReference:
    """The gold answer and the kind of question, which decides the metric."""

    answer: str
    qtype: str = ""
    qsubtype: str = ""
    instruction_type: str = ""
    table: str = ""
    """The table as CSV text, for rows that are answered by a program."""
    chart_type: str = ""
    blind_answers: tuple[str, ...] = ()
    """What blind strategies would answer, where the reward has a zero point and the metric is ROUGE-L."""


class TableBench(Reward[TableBenchReference]):
    """Answer accuracy on TableBench (arXiv 2408.09174).

    The value, in [0, 1], is the metric of the sample's ``qsubtype``:

    =====================================================  ======================================================
    AnomalyDetection, CausalAnalysis, DescriptiveAnalysis  ``rouge_l``: ROUGE-L F1
    CorrelationAnalysis, TrendForecasting, StatisticalA.   ``em_tolerance``: exact match, numbers within 10 %
    ChartGeneration (qtype Visualization)                  ``chart``: the program draws the reference's values
    all others, and samples without a subtype              ``em``: exact match
    =====================================================  ======================================================

    ``corrected`` reads the last well-formed ``Final Answer:`` and compares numbers as numbers (rounded half up to the
    gold answer's decimals, sign and percent kept), lists item by item (matches / max(items)), text without case,
    punctuation and articles. ``released`` is the official script: the first ``Final Answer:`` before a space, and
    punctuation deleted on both sides before numbers are looked at (B1, B5).

    Rows with ``instruction_type`` PoT, and charts, are answered by the last Python block of the completion, run in the
    sandbox with the row's table as ``table.csv``; the answer is what it prints after its last ``Final Answer:``
    (``released``: else all that it prints, B10). Without a sandbox such rows are unscored.

    Args:
        metric: ``auto`` as above, or one metric for every answer.
        facts: multiply ROUGE-L by the share of the gold answer's numbers and directions (rise, fall, positive,
            negative, more, less, high, low, a leading yes or no; English and Chinese) that the answer states:
            :func:`~table_rewards.text.facts.facts_stated`. For training: the benchmark's own number ignores a wrong
            digit among right words.
        zero_point: ``blind``: under ROUGE-L nothing is earned up to R0, the best of three answers that need no look at
            the data (the row's question, a stock sentence, the list of the columns):
            ``value = max(0, (R - R0) / (1 - R0))``, see docs/blind.md. The parts of the metrics keep their values. A
            number in (0, 1): one R0 for every row.
        sandbox: where programs run: ``local`` or ``sandbox_fusion``.
        cpu_seconds: CPU time of one program.
        profile: ``corrected`` or ``released``.

    Reference: the gold answer; or a row with the answer (``ground_truth``, ``answer`` or ``solution``), ``qtype``,
    ``qsubtype``, and for programs ``instruction_type``, ``table`` (columns and data), ``chart_type``.
    Parts: ``answer`` (the value), ``em``, ``em_tolerance``, ``rouge_l``; ``executed`` (ECR@1: the program ran to its
    end) and ``chart``, NaN where there is no program or chart to judge, as the text metrics are for a chart; with
    ``zero_point="blind"`` also ``blind``, R0.
    A completion without an answer scores 0 and is ``unparsed``.

    Raises:
        ConfigurationError: an option cannot be, or not with the released profile.

    >>> reward = TableBench()
    >>> row = {"answer": "9.34, 1.18", "qtype": "DataAnalysis", "qsubtype": "StatisticalAnalysis"}
    >>> scores = reward(["Final Answer: 9.33, 1.11", "I do not know."], [row, row])
    >>> scores.values, scores.status.tolist(), scores.notes[1]
    (array([1., 0.]), ['scored', 'unparsed'], "no 'Final Answer:' line")
    >>> TableBench(profile="released")(["Final Answer: 1.06"], ["10.6"]).values  # B1
    array([1.])
    """

    name: ClassVar[str] = "table_bench"
    for_training: ClassVar[Mapping[str, Any]] = {"facts": True, "zero_point": "blind"}
    reference_type = TableBenchReference
    runs_programs = True

    def __init__(
        self,
        *,
        metric: Metric = "auto",
        facts: bool = False,
        zero_point: ZeroPoint = "none",
        sandbox: str = "local",
        cpu_seconds: float = CPU_SECONDS,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.facts = truth("facts", facts)
        self.zero_point = checked_zero_point(zero_point, profile)
        if self.facts and profile == "released":
            raise ConfigurationError("the released reward looks at no facts: leave facts out, or profile='released'")
        self._blind = BlindScores(self.zero_point)
        self.metric: Metric = one_of("metric", metric, METRICS)  # type: ignore[assignment]
        self.programs = ProgramRunner(sandbox, cpu_seconds)
        self.method: Method | ReleasedMethod = ReleasedMethod() if profile == "released" else Method()
        self.parts = ("answer", "em", "em_tolerance", "rouge_l", "executed", "chart")
        if self.zero_point != "none":
            self.parts += ("blind",)
        self.headline = ("em", "rouge_l")

    def options(self) -> dict[str, object]:
        return {
            "metric": self.metric,
            "cpu": self.programs.cpu_seconds,
            **({"facts": True} if self.facts else {}),
            **({"zero_point": self.zero_point} if self.zero_point != "none" else {}),
            **super().options(),
        }

    def natural(self, value: Any) -> TableBenchReference:
        return TableBenchReference(answer_text(value))

    def reference(self, row: Mapping[str, Any]) -> TableBenchReference:
        wrapped = Row(row)
        answer = answer_text(wrapped.answer("answer", "solution", "reference"))
        qtype, qsubtype, instruction, chart_type = (
            str(wrapped.find(name, default="")) for name in ("qtype", "qsubtype", "instruction_type", "chart_type")
        )
        if qtype == CHARTS:
            read_references(answer)
            one_of_charts(chart_type)
        table = self.method.table(wrapped) if qtype == CHARTS or instruction == POT else ""
        reference = TableBenchReference(answer, qtype, qsubtype, instruction, table, chart_type)
        if self.zero_point == "blind" and qtype != CHARTS and self.metric_for(reference) == ROUGE_L:
            return replace(reference, blind_answers=blind_answers(wrapped, qsubtype))
        return reference

    def may_wait(self, reference: TableBenchReference) -> bool:
        return reference.instruction_type == POT or reference.qtype == CHARTS

    def judge(self, completion: str, reference: TableBenchReference, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[TableBenchReference], step: int | None
    ) -> Sequence[Judgement]:
        jobs = self._jobs(completions, references)
        return self._judged(
            completions, references, dict(zip(jobs, self.programs.run(list(jobs.values())), strict=True))
        )

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[TableBenchReference], step: int | None
    ) -> Sequence[Judgement]:
        jobs = self._jobs(completions, references)
        outcomes = await self.programs.run_async(list(jobs.values()))
        return self._judged(completions, references, dict(zip(jobs, outcomes, strict=True)))

    def judge_telling(
        self,
        completions: Sequence[str],
        reference: TableBenchReference,
        step: int | None,
        row: Mapping[str, Any] | None,
    ) -> tuple[Judgement, Working]:
        completion = completions[0]
        jobs = self._jobs([completion], [reference])
        outcomes = dict(zip(jobs, self.programs.run(list(jobs.values())), strict=True))
        judged = self._judged([completion], [reference], outcomes)[0]
        passages = passages_of(completion, self.thought_tags)
        if reference.qtype == CHARTS or reference.instruction_type == POT:
            program = self.method.program(completion)
            passages = with_passage(passages, "program", program or "", completion)
            sections = [program_section(outcomes.get(0))]
            if reference.qtype == CHARTS:
                sections.append(chart_section(outcomes.get(0), reference.answer, reference.chart_type, judged))
                return judged, Working(tuple(sections), passages)
            outcome = outcomes.get(0)
            answer = None if outcome is None or outcome.is_ours else self.method.printed(outcome)
        else:
            answer, sections = self.method.answer(completion), []
            passages = with_passage(passages, "final answer", answer or "", completion)
        if judged.status != UNSCORED:
            metric = METRICS[1:][self.metric_for(reference)]
            why = _why(self.metric, reference.qsubtype)
            told = self.method.telling(reference.answer, answer or "", reference.qsubtype, metric, why, judged)
            if self.facts and metric == "rouge_l":
                sections += [without_value(told), facts_section(reference.answer, answer or "")]
            else:
                sections.append(told)
        return judged, Working(tuple(sections), passages)

    def _jobs(self, completions: Sequence[str], references: Sequence[TableBenchReference]) -> dict[int, Job]:
        jobs = {}
        for i, reference in enumerate(references):
            if (reference.qtype == CHARTS or reference.instruction_type == POT) and reference.table:
                code = self.method.program(completions[i])
                if code is not None and reference.qtype == CHARTS:
                    jobs[i] = self.method.chart(self.programs, code, reference.table, reference.chart_type)
                elif code is not None:
                    jobs[i] = self.method.script(self.programs, code, reference.table)
        return jobs

    def _judged(
        self,
        completions: Sequence[str],
        references: Sequence[TableBenchReference],
        outcomes: Mapping[int, Outcome],
    ) -> list[Judgement]:
        judged = []
        answer_of = self.method.answer
        seen: dict[tuple[str | None, int], Judgement] = {}  # a group's thoughts differ more than its answers
        for i, (completion, reference) in enumerate(zip(completions, references, strict=True)):
            if reference.qtype != CHARTS and reference.instruction_type != POT:
                found = answer_of(completion)
                key = (found, id(reference))
                one = seen.get(key)
                if one is None:
                    one = seen[key] = self.judge_answer(found, reference)
                judged.append(one)
            elif not reference.table:
                judged.append(self.unscored("the row has no table for the program to read"))
            else:
                judged.append(self._judge_program(reference, outcomes.get(i)))
        return judged

    def _judge_program(self, reference: TableBenchReference, outcome: Outcome | None) -> Judgement:
        chart = reference.qtype == CHARTS
        if outcome is None:
            if not chart:
                return self.judge_answer(None, reference, executed=0.0)._replace(note=NO_PROGRAM)
            return Judgement(0.0, (0.0, NAN, NAN, NAN, 0.0, 0.0, *self._no_blind), UNPARSED, NO_PROGRAM)
        if outcome.is_ours:
            return self.unscored(f"sandbox: {outcome.note}")
        note = "" if outcome.ok else outcome.note or outcome.status
        if not chart:
            answer = self.method.printed(outcome)
            judged = self.judge_answer(answer, reference, executed=float(outcome.ok))
            return judged._replace(note=note or judged.note)
        drawn = outcome.values[0].python() if outcome.ok and outcome.values and outcome.values[0].ok else None
        matches = self.method.draws(drawn, read_references(reference.answer), reference.chart_type)
        value = float(matches)
        return Judgement(value, (value, NAN, NAN, NAN, float(outcome.ok), value, *self._no_blind), SCORED, note)

    def judge_answer(self, answer: str | None, reference: TableBenchReference, executed: float = NAN) -> Judgement:
        """Judge an answer that was already taken from its completion; None or '' means there was none."""
        three = self.method.metrics(reference.answer, answer or "", reference.qsubtype)
        chosen = self.metric_for(reference)
        value, behind = three[chosen], self._no_blind
        if chosen == ROUGE_L and (self.facts or behind):
            value = self._open_answer(answer or "", reference, value)
            if behind:
                behind = (self._blind.of(reference, self._earned_blindly),)
                value = above_blind(value, *behind)
        parts = (value, *three, executed, NAN, *behind)
        if not self.method.is_answer(answer, three):
            return Judgement(value, parts, UNPARSED, NO_ANSWER)
        return Judgement(value, parts, SCORED, "")

    @property
    def _no_blind(self) -> tuple[float, ...]:
        return (0.0,) if self.zero_point != "none" else ()

    def _open_answer(self, answer: str, reference: TableBenchReference, rouge: float) -> float:
        """What an answer earns by ROUGE-L, before the zero point."""
        return rouge * facts_stated(reference.answer, answer) if self.facts and rouge else rouge

    def _earned_blindly(self, reference: TableBenchReference) -> float:
        answers = reference.blind_answers
        earned = (self._open_answer(one, reference, self.method.rouge(reference.answer, one)) for one in answers)
        return max(earned, default=0.0)

    def metric_for(self, reference: TableBenchReference) -> int:
        """The index of the sample's metric: 0 exact match, 1 within tolerance, 2 ROUGE-L."""
        if self.metric != "auto":
            return _INDEX[self.metric]
        return METRIC_OF_SUBTYPE.get(reference.qsubtype, EM)


def _why(metric: str, qsubtype: str) -> str:
    """Why this metric judges a sample, for its explanation."""
    if metric != "auto":
        return "as the option metric says"
    return f"for {qsubtype}" if qsubtype else "the default"


def one_of_charts(chart_type: str) -> str:
    """Return a chart type that can be read from a figure, else raise :class:`BadReference`."""
    if chart_type not in KINDS:
        raise BadReference(f"chart_type must be one of {', '.join(KINDS)}, not {chart_type!r}")
    return chart_type


def answer_text(value: Any) -> str:
    """Return a gold answer as text: a list as its items joined, a number as Python writes it.

    Raises:
        BadReference: the value is neither text nor number, or NaN.

    >>> answer_text(["Paris", "Rome"]), answer_text(7), answer_text(7.5)
    ('Paris, Rome', '7', '7.5')
    >>> answer_text(float("nan"))
    Traceback (most recent call last):
    table_rewards.core.errors.BadReference: the gold answer is NaN
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value != value:
        raise BadReference("the gold answer is NaN")
    if isinstance(value, (int, float)):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    if isinstance(value, (list, tuple)) and value:
        return ", ".join(answer_text(item) for item in value)
    raise BadReference(f"the gold answer must be a text or a number, not {type(value).__name__}")
