"""TableBench answer accuracy: each question judged by the metric that the benchmark gives to its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from table_rewards.core.errors import BadReference, one_of
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.rows import Row
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.tablebench_released import (
    released_exact_match,
    released_rouge_l,
    released_tolerant_match,
)
from table_rewards.text.answers import exact_match, read_answer, tolerant_match
from table_rewards.text.final_answer import final_answer, released_final_answer
from table_rewards.text.rouge import rouge_l, script_tokens

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
NO_ANSWER: Final = "no 'Final Answer:' line"


@dataclass(frozen=True, slots=True)
class TableBenchReference:
    """The gold answer and the kind of question, which decides the metric."""

    answer: str
    qtype: str = ""
    qsubtype: str = ""
    instruction_type: str = ""


class TableBench(Reward[TableBenchReference]):
    """Answer accuracy on TableBench (arXiv 2408.09174).

    The value, in [0, 1], is the metric of the sample's ``qsubtype``:

    ====================================================  =================================================
    AnomalyDetection, CausalAnalysis, DescriptiveAnalysis  ``rouge_l``: ROUGE-L F1
    CorrelationAnalysis, TrendForecasting, StatisticalA.   ``em_tolerance``: exact match, numbers within 10 %
    all others, and samples without a subtype              ``em``: exact match
    ====================================================  =================================================

    ``corrected`` reads the last well-formed ``Final Answer:`` and compares numbers as numbers (rounded half up to the
    gold answer's decimals, sign and percent kept), lists item by item (matches / max(items)), text without case,
    punctuation and articles. ``released`` is the official script: the first ``Final Answer: ``, and punctuation deleted
    on both sides before numbers are looked at (B1, B5).

    Args:
        metric: ``auto`` as above, or one metric for every sample.
        profile: ``corrected`` or ``released``.

    Reference: the gold answer; or a row with the answer (``ground_truth``, ``answer`` or ``solution``), ``qtype`` and
    ``qsubtype``. Parts: ``answer`` (the value), ``em``, ``em_tolerance``, ``rouge_l``, always all four.
    A completion without an answer scores 0 and is ``unparsed``.

    >>> reward = TableBench()
    >>> row = {"answer": "9.34, 1.18", "qtype": "DataAnalysis", "qsubtype": "StatisticalAnalysis"}
    >>> scores = reward(["Final Answer: 9.33, 1.11", "I do not know."], [row, row])
    >>> scores.values, scores.status.tolist(), scores.notes[1]
    (array([1., 0.]), ['scored', 'unparsed'], "no 'Final Answer:' line")
    >>> TableBench(profile="released")(["Final Answer: 1.06"], ["10.6"]).values  # B1
    array([1.])
    """

    name: ClassVar[str] = "table_bench"
    reference_type = TableBenchReference

    def __init__(self, *, metric: Metric = "auto", profile: Profile = "corrected") -> None:
        super().__init__(profile=profile)
        self.metric: Metric = one_of("metric", metric, METRICS)  # type: ignore[assignment]
        self.parts = ("answer", "em", "em_tolerance", "rouge_l")
        self.headline = ("em", "rouge_l")

    def options(self) -> dict[str, object]:
        return {"metric": self.metric, **super().options()}

    def natural(self, value: Any) -> TableBenchReference:
        return TableBenchReference(answer_text(value))

    def reference(self, row: Mapping[str, Any]) -> TableBenchReference:
        wrapped = Row(row)
        answer = answer_text(wrapped.answer("answer", "solution", "reference"))
        qtype, qsubtype, instruction = (
            str(wrapped.find(name, default="")) for name in ("qtype", "qsubtype", "instruction_type")
        )
        return TableBenchReference(answer, qtype, qsubtype, instruction)

    def judge(self, completion: str, reference: TableBenchReference, step: int | None) -> Judgement:
        if reference.qtype == CHARTS:
            return self.unscored("a chart needs the sandbox")
        if reference.instruction_type == "PoT":
            return self.unscored("program-of-thought needs the sandbox")
        if self.profile == "released":
            return self.judge_answer(released_final_answer(completion), reference)
        return self.judge_answer(final_answer(completion), reference)

    def judge_all(
        self, completions: Sequence[str], references: Sequence[TableBenchReference], step: int | None
    ) -> Sequence[Judgement]:
        judge = self.judge
        return [
            judge(completion, reference, step) for completion, reference in zip(completions, references, strict=True)
        ]

    def judge_answer(self, answer: str | None, reference: TableBenchReference) -> Judgement:
        """Judge an answer that was already taken from its completion; None or '' means there was none."""
        chosen = self.metric_for(reference)
        if not answer:
            # The official script scores the empty text, which equals a gold answer of punctuation alone. We do not.
            return Judgement(0.0, (0.0, 0.0, 0.0, 0.0), UNPARSED, NO_ANSWER)
        if answer == reference.answer:
            three: tuple[float, float, float] = (1.0, 1.0, 1.0)
            if self.profile == "released":
                three = self._released(reference.answer, answer)
        elif self.profile == "released":
            three = self._released(reference.answer, answer)
        else:
            gold, given = read_answer(reference.answer), read_answer(answer)
            three = (
                exact_match(gold, given),
                tolerant_match(gold, given),
                rouge_l(script_tokens(reference.answer), script_tokens(answer)),
            )
        return Judgement(three[chosen], (three[chosen], *three), SCORED, "")

    def metric_for(self, reference: TableBenchReference) -> int:
        """The index of the sample's metric: 0 exact match, 1 within tolerance, 2 ROUGE-L."""
        if self.metric != "auto":
            return _INDEX[self.metric]
        return METRIC_OF_SUBTYPE.get(reference.qsubtype, EM)

    @staticmethod
    def _released(gold: str, given: str) -> tuple[float, float, float]:
        return (
            released_exact_match(gold, given),
            released_tolerant_match(gold, given),
            released_rouge_l(gold, given),
        )


def answer_text(value: Any) -> str:
    """Return a gold answer as text: a list as its items joined, a number as Python writes it.

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
