"""TARPO's mixed reward: did the model look at the right cells, and did it answer right."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.rows import Row, as_mapping
from table_rewards.core.schedules import Constant, Exponential, Schedule, as_schedule
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.tablebench import NO_ANSWER, answer_text
from table_rewards.text.answers import same_answer
from table_rewards.text.final_answer import final_answer, released_final_answer
from table_rewards.text.region import cited_region, overlap, read_region, released_overlap
from table_rewards.text.repetition import repeats_at_end

PAPER_WEIGHT: Final = Exponential(0.3, rate=0.0915, every=100)
RELEASED_WEIGHT: Final = Constant(0.1)
TOLERANCE: Final = 0.01
INSTRUCTION_TYPES: Final = ("DP", "TCoT", "SCoT", "PoT")

logger = logging.getLogger("table_rewards.table_region")
_said_no_step = False


@dataclass(frozen=True, slots=True)
class RegionReference:
    """The gold answer, the gold region as JSON text, and how the prompt asked (DP, TCoT, SCoT or PoT)."""

    answer: str
    gold_area: str
    instruction_type: str = ""
    qtype: str = ""


class TableRegion(Reward[RegionReference]):
    """Table-R1's TARPO reward (arXiv 2505.12415): ``weight * region + (1 - weight) * answer``, in [0, 1].

    * ``region``: overlap of the last ``<gold_area>`` of the completion with the gold one,
      (IoU of column names + IoU of row numbers) / 2, over multisets since tables repeat column names.
    * ``answer``: 1 or 0. The last ``Final Answer:`` matches the gold answer item by item: numbers at the gold answer's
      decimals, or within 1 % when the gold number has decimals. 0 when the completion ends in a loop.
    * ``weight``: a number or a schedule of the training step. The default is the paper's decay,
      0.3 * exp(-0.0915 * floor(step / 100)). Without a step it cannot be followed: the released constant 0.1 holds, and
      the log says so once.

    ``released`` is the code as run: weight 0.1 (T1), the first answer line compared as text or as floats of equal floor
    within 1 % (T5), lists cut at ``]`` (T6), the loop guard firing on white space (T8).

    Reference: a mapping with ``answer``, ``gold_area`` (JSON text or mapping), ``instruction_type``; at the top, in
    ``ground_truth`` or in ``extra_info``. A gold region that cannot be read makes the sample unscored.
    Parts: ``region``, ``answer``, ``weight``. A completion with neither region nor answer scores 0 and is ``unparsed``.

    >>> gold = {"answer": "22.33", "gold_area": {"columns": ["Pairs"], "rows": [0, 1]}, "instruction_type": "TCoT"}
    >>> text = '<gold_area>{"columns": ["Pairs"], "rows": [0, 1, 2, 3]}</gold_area> Final Answer: 22.33'
    >>> scores = TableRegion(weight=0.2)([text], [gold])
    >>> scores.values.round(6), {name: float(part[0]) for name, part in scores.parts.items()}
    (array([0.95]), {'region': 0.75, 'answer': 1.0, 'weight': 0.2})
    """

    name: ClassVar[str] = "table_region"
    reference_type = RegionReference

    def __init__(
        self, *, weight: float | Schedule | str | Mapping[str, Any] | None = None, profile: Profile = "corrected"
    ) -> None:
        super().__init__(profile=profile)
        default = RELEASED_WEIGHT if self.profile == "released" else PAPER_WEIGHT
        self.weight = default if weight is None else as_schedule("weight", weight)
        for step in (0, 10**9):
            if not 0.0 <= self.weight(step) <= 1.0:
                raise ConfigurationError(f"weight must stay in [0, 1]; {self.weight} gives {self.weight(step):g}")
        self.parts = ("region", "answer", "weight")
        self.headline = ("region", "answer")
        self.accuracy = "answer"

    def options(self) -> dict[str, object]:
        return {"weight": self.weight, **super().options()}

    def natural(self, value: Any) -> RegionReference:
        mapping = as_mapping(value)
        if mapping is None:
            raise BadReference(
                "a region reference is a mapping with answer, gold_area and instruction_type, "
                f"not {type(value).__name__}"
            )
        return self.reference(mapping)

    def reference(self, row: Mapping[str, Any]) -> RegionReference:
        wrapped = Row(row)
        area = wrapped.find("gold_area")
        text = area if isinstance(area, str) else json.dumps(area, ensure_ascii=False)
        if self.profile == "corrected" and read_region(text) is None:
            raise BadReference(f"gold_area holds no region: {text[:60]!r}")
        answer = wrapped.answer("answer", "solution", "reference")
        if not (isinstance(answer, str) and self.profile == "released"):  # released compares with the edge spaces on
            answer = answer_text(answer)
        return RegionReference(
            answer,
            text,
            str(wrapped.find("instruction_type", default="")),
            str(wrapped.find("qtype", default="")),
        )

    def judge(self, completion: str, reference: RegionReference, step: int | None) -> Judgement:
        return self._judge(completion, reference, self._weight_at(step))

    def judge_all(
        self, completions: Sequence[str], references: Sequence[RegionReference], step: int | None
    ) -> Sequence[Judgement]:
        weight = self._weight_at(step)
        return [self._judge(c, r, weight) for c, r in zip(completions, references, strict=True)]

    def _weight_at(self, step: int | None) -> float:
        if step is not None or isinstance(self.weight, Constant):
            return self.weight(step or 0)
        global _said_no_step
        if not _said_no_step:
            _said_no_step = True
            logger.warning(
                "table_region: no training step given, so the constant weight %g holds instead of %s; pass the step, "
                "or a constant weight to silence this",
                RELEASED_WEIGHT.value,
                self.weight,
            )
        return RELEASED_WEIGHT.value

    def _judge(self, completion: str, reference: RegionReference, weight: float) -> Judgement:
        if reference.instruction_type == "PoT":
            return self.unscored("program-of-thought needs the sandbox")
        if self.profile == "released":
            return self._judge_released(completion, reference, weight)
        cited, gold = cited_region(completion), read_region(reference.gold_area)
        region = overlap(gold, cited) if gold is not None and cited is not None else 0.0
        found = final_answer(completion)
        notes = [] if found else [NO_ANSWER]
        if cited is None:
            notes.append("no readable <gold_area>")
        right = found is not None and same_answer(reference.answer, found, TOLERANCE)
        if right and repeats_at_end(completion):
            right = False
            notes.append("ends in a loop")
        return self._mixed(region, float(right), weight, bool(found) or cited is not None, "; ".join(notes))

    def _judge_released(self, completion: str, reference: RegionReference, weight: float) -> Judgement:
        region = released_overlap(reference.gold_area, completion)
        found = released_final_answer(completion)
        right = found == reference.answer or _close_floats(reference.answer, found)
        if right and repeats_at_end(completion, white_space_counts=True):
            right = False
        return self._mixed(region, float(right), weight, bool(found) or region > 0, "" if found else NO_ANSWER)

    @staticmethod
    def _mixed(region: float, answer: float, weight: float, parsed: bool, note: str) -> Judgement:
        value = weight * region + (1.0 - weight) * answer
        return Judgement(value, (region, answer, weight), SCORED if parsed else UNPARSED, note)


def _close_floats(gold: str, found: str) -> bool:
    try:
        a, b = float(gold), float(found)
        if int(a // 1) != int(b // 1):
            return False
    except (ValueError, OverflowError):
        return False
    smaller = min(abs(a), abs(b))
    return a == b if smaller == 0 else abs(a - b) / smaller < 0.01
