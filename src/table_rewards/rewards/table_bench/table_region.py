"""TARPO's mixed reward: did the model look at the right cells, and did it answer right."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from table_rewards.core.completion import answer_of, may_hold_thoughts, may_hold_untagged_thoughts
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.explanation.assembling import passages_of, with_passage
from table_rewards.core.explanation.data import Line, Section, Step, Working
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.rows import Row, as_mapping
from table_rewards.core.schedules import Constant, Exponential, Schedule, as_schedule
from table_rewards.core.scores import NAN, SCORED, UNPARSED, Judgement
from table_rewards.core.zero_point import BlindScores, ZeroPoint, above_blind, checked_zero_point
from table_rewards.rewards.table_bench.blind import blind_regions
from table_rewards.rewards.table_bench.explain import (
    answer_section,
    mixed_section,
    program_section,
    region_lines,
    region_section,
    released_region_section,
    strangers,
)
from table_rewards.rewards.table_bench.mixing import RELEASED_WEIGHT, mixed, unless_looping
from table_rewards.rewards.table_bench.programs import (
    CPU_SECONDS,
    NO_PROGRAM,
    ProgramRunner,
    found_table,
    printed_answer,
    program_in,
    table_of_row,
)
from table_rewards.rewards.table_bench.region import TAG, read_region, region_overlap
from table_rewards.rewards.table_bench.released_region import ReleasedRegions, released_citation
from table_rewards.rewards.table_bench.table_bench import NO_ANSWER, POT, answer_text
from table_rewards.sandbox import Job, Outcome
from table_rewards.text.answers import COUNTING, same_answer
from table_rewards.text.blocks import last_tagged
from table_rewards.text.final_answer import answer_in, released_final_answer
from table_rewards.text.numbers import TABLE_REGION
from table_rewards.text.repetition import repeats_at_end

PAPER_WEIGHT: Final = Exponential(0.3, rate=0.0915, every=100)
_OPENING: Final = f"<{TAG}>"
_CLOSING: Final = f"</{TAG}>"
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
    table: str = ""
    """The table as CSV text, for prompts that ask for a program (PoT)."""
    qsubtype: str = ""
    blind_regions: tuple[str, ...] = ()
    """What blind strategies would cite, where the reward has a zero point."""


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
    within 1 % (T5), lists cut at ``]`` (T6), the loop guard firing on white space (T8), programs never right (T2).

    With ``zero_point="blind"`` the region counts above R0 alone, what is earned by citing the whole table or the
    columns and rows whose names and values stand in the question: ``max(0, (region - R0) / (1 - R0))`` in the value
    (the part keeps its own number). Where the gold region is the whole table, citing it takes no look, and the value
    is the answer: ``weight`` is 0 there. Rows without a table have no R0. A number in (0, 1) is one R0 for every row.
    See docs/blind.md.

    Prompts of type PoT are answered by the last Python block, run in the sandbox with the row's table as ``table.csv``.
    The table comes from the row, or from the prompt in it, as Table-R1's data has it.

    Reference: a mapping with ``answer``, ``gold_area`` (JSON text or mapping), ``instruction_type``; at the top, in
    ``ground_truth`` or in ``extra_info``. A gold region that cannot be read makes the sample unscored.
    Parts: ``region``, ``answer``, ``weight``, ``executed`` (the program ran to its end; NaN where none is asked for),
    and with the zero point ``blind``, R0.
    A completion with neither region nor answer scores 0 and is ``unparsed``.

    Raises:
        ConfigurationError: an option cannot be, or the weight leaves [0, 1].

    >>> gold = {"answer": "22.33", "gold_area": {"columns": ["Pairs"], "rows": [0, 1]}, "instruction_type": "TCoT"}
    >>> text = '<gold_area>{"columns": ["Pairs"], "rows": [0, 1, 2, 3]}</gold_area> Final Answer: 22.33'
    >>> scores = TableRegion(weight=0.2)([text], [gold])
    >>> scores.values.round(6), [float(scores.parts[name][0]) for name in ("region", "answer")]
    (array([0.95]), [0.75, 1.0])
    """

    name: ClassVar[str] = "table_region"
    for_training: ClassVar[Mapping[str, Any]] = {"zero_point": "blind"}
    reference_type = RegionReference
    reference_keys = ("gold_area", "answer", "solution", "reference", "ground_truth")
    runs_programs = True

    def __init__(
        self,
        *,
        weight: float | Schedule | str | Mapping[str, Any] | None = None,
        zero_point: ZeroPoint = "none",
        sandbox: str = "local",
        cpu_seconds: float = CPU_SECONDS,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.zero_point = checked_zero_point(zero_point, profile)
        self._blind = BlindScores(self.zero_point)
        self.programs = ProgramRunner(sandbox, cpu_seconds)
        self.released = ReleasedRegions() if profile == "released" else None
        default = RELEASED_WEIGHT if self.released is not None else PAPER_WEIGHT
        self.weight = default if weight is None else as_schedule("weight", weight)
        for step in (0, 10**9):
            if not 0.0 <= self.weight(step) <= 1.0:
                raise ConfigurationError(f"weight must stay in [0, 1]; {self.weight} gives {self.weight(step):g}")
        self.parts = ("region", "answer", "weight", "executed")
        if self.zero_point != "none":
            self.parts += ("blind",)
        self.headline = ("region", "answer")
        self.accuracy = "answer"

    def options(self) -> dict[str, object]:
        own = {} if self.zero_point == "none" else {"zero_point": self.zero_point}
        return {"weight": self.weight, "cpu": self.programs.cpu_seconds, **own, **super().options()}

    def natural(self, value: Any) -> RegionReference:
        """The reference of a bare value: a mapping with answer, gold_area and instruction_type.

        Raises:
            BadReference: the value is no mapping.
        """
        mapping = as_mapping(value)
        if mapping is None:
            raise BadReference(
                "a region reference is a mapping with answer, gold_area and instruction_type, "
                f"not {type(value).__name__}"
            )
        return self.reference(mapping)

    def reference(self, row: Mapping[str, Any]) -> RegionReference:
        """The reference of a row: TableBench's, and the region that has to be cited.

        Raises:
            BadReference: ``gold_area`` holds no region.
        """
        wrapped = Row(row)
        area = wrapped.find("gold_area")
        text = area if isinstance(area, str) else json.dumps(area, ensure_ascii=False)
        if self.released is None and read_region(text) is None:
            raise BadReference(f"gold_area holds no region: {text[:60]!r}")
        answer = wrapped.answer("answer", "solution", "reference")
        if not (isinstance(answer, str) and self.released is not None):  # released compares with the edge spaces on
            answer = answer_text(answer)
        instruction, qtype, qsubtype = (
            str(wrapped.find(name, default="")) for name in ("instruction_type", "qtype", "qsubtype")
        )
        table = table_of_row(wrapped) if instruction == POT else ""
        blind = blind_regions(wrapped) if self.zero_point == "blind" else ()
        return RegionReference(answer, text, instruction, qtype, table, qsubtype, blind)

    def may_wait(self, reference: RegionReference) -> bool:
        return reference.instruction_type == POT

    def judge(self, completion: str, reference: RegionReference, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[RegionReference], step: int | None
    ) -> Sequence[Judgement]:
        jobs = self._jobs(completions, references)
        outcomes = dict(zip(jobs, self.programs.run(list(jobs.values())), strict=True))
        return self._judged(completions, references, outcomes, step)

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[RegionReference], step: int | None
    ) -> Sequence[Judgement]:
        jobs = self._jobs(completions, references)
        outcomes = dict(zip(jobs, await self.programs.run_async(list(jobs.values())), strict=True))
        return self._judged(completions, references, outcomes, step)

    def judge_telling(
        self, completions: Sequence[str], reference: RegionReference, step: int | None, row: Mapping[str, Any] | None
    ) -> tuple[Judgement, Working]:
        completion = completions[0]
        jobs = self._jobs([completion], [reference])
        outcomes = dict(zip(jobs, self.programs.run(list(jobs.values())), strict=True))
        judged = self._judged([completion], [reference], outcomes, step)[0]
        if judged.status not in (SCORED, UNPARSED):
            return judged, Working()
        region, answer, weight, _, *blind = judged.parts
        counted = above_blind(region, *blind) if blind else region
        shown, program = _shown(completion), reference.instruction_type == POT
        released = self.released is not None
        if released:
            found = None if program else released_final_answer(completion)
            cited: str | None = released_citation(completion)
        else:
            cited = last_tagged(shown, TAG)
            found = printed_answer(outcomes[0]) if program and outcomes else None if program else answer_in(shown)
        looping = repeats_at_end(completion, white_space_counts=released)
        sections = [mixed_section(counted, answer, weight, judged.value, looping and not answer)]
        if program and not released:
            sections.append(program_section(outcomes.get(0)))
        if released:
            sections.append(released_region_section(reference.gold_area, cited or "", region))
        else:
            drawn = _drawn(row, reference.gold_area, cited)
            sections.append(region_section(reference.gold_area, cited, region, *drawn))
            if not looping:
                counting = reference.qsubtype == COUNTING
                told = answer_section(
                    reference.answer, found or "", TABLE_REGION, "answer", "right or wrong", counting=counting
                )
                sections.append(_all_or_nothing(told))
        passages = with_passage(passages_of(completion, self.thought_tags), "region", cited or "", completion)
        return judged, Working(tuple(sections), with_passage(passages, "final answer", found or "", completion))

    def _jobs(self, completions: Sequence[str], references: Sequence[RegionReference]) -> dict[int, Job]:
        if self.released is not None:  # what it runs cannot be right anyway (T2)
            return {}
        jobs = {}
        for i, reference in enumerate(references):
            if reference.instruction_type == POT and reference.table:
                code = program_in(completions[i])
                if code is not None:
                    jobs[i] = self.programs.script(code, reference.table)
        return jobs

    def _judged(
        self,
        completions: Sequence[str],
        references: Sequence[RegionReference],
        outcomes: Mapping[int, Outcome],
        step: int | None,
    ) -> list[Judgement]:
        weight = self._weight_at(step)
        if self.released is not None:
            return self.released.judged(completions, references, weight)
        seen: dict[tuple[Any, ...], Judgement] = {}  # a group's thoughts differ more than its regions and answers
        judged = []
        for i, (completion, reference) in enumerate(zip(completions, references, strict=True)):
            if reference.instruction_type == POT:
                one = self._judge_program(completion, reference, weight, outcomes.get(i))
            else:
                found, cited = _answer_and_region(completion)
                key = (found, cited, id(reference))
                if key not in seen:
                    seen[key] = self._judge(found, cited, reference, weight, NAN, NO_ANSWER)
                one = seen[key]
            judged.append(unless_looping(one, completion))
        return judged

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

    def _judge_program(
        self, completion: str, reference: RegionReference, weight: float, outcome: Outcome | None
    ) -> Judgement:
        cited = last_tagged(_shown(completion), TAG)
        if not reference.table:
            return self.unscored("the row has no table for the program to read")
        if outcome is None:
            return self._judge(None, cited, reference, weight, 0.0, NO_PROGRAM)
        if outcome.is_ours:
            return self.unscored(f"sandbox: {outcome.note}")
        missing = NO_ANSWER if outcome.ok else outcome.note or outcome.status
        return self._judge(printed_answer(outcome), cited, reference, weight, float(outcome.ok), missing)

    def _judge(
        self,
        found: str | None,
        cited: str | None,
        reference: RegionReference,
        weight: float,
        executed: float,
        missing: str,
    ) -> Judgement:
        region = None if cited is None else region_overlap(reference.gold_area, cited)
        notes = [] if found else [missing]
        if region is None:
            notes.append("no readable <gold_area>")
        right = found is not None and same_answer(reference.answer, found, reference.qsubtype == COUNTING)
        parsed = bool(found) or region is not None
        if self.zero_point != "none":
            blind = self._blind.of(reference, _earned_blindly)
            counted = 0.0 if blind >= 1.0 else weight  # every region is right in part there, and the whole table is
            above = above_blind(region or 0.0, blind)
            value = counted * above + (1.0 - counted) * right
            parts = (region or 0.0, float(right), counted, executed, blind)
            return Judgement(value, parts, SCORED if parsed else UNPARSED, "; ".join(notes))
        return mixed(region or 0.0, float(right), weight, executed, parsed, "; ".join(notes))


def _all_or_nothing(told: Section) -> Section:
    """An answer's section where every item has to match: a share of them is none."""
    right = float(told.gives["answer"] == 1.0)
    closing = f"{told.closing}; every item has to match: {right:g}" if told.closing else ""
    return replace(told, closing=closing, gives={"answer": right})


def _drawn(row: Mapping[str, Any] | None, gold_area: str, cited: str | None) -> tuple[tuple[Line, ...], list[Step]]:
    """Both regions on the row's table, where it has one, and what of them the table lacks."""
    if row is None:
        return (), []
    try:
        table = found_table(Row(row))
        if table is None:
            return (), []
        return region_lines(table, gold_area, cited), strangers(table, gold_area, cited)
    except BadReference:
        return (), []


def _answer_and_region(completion: str) -> tuple[str | None, str | None]:
    """The answer and the region that stand outside of thoughts, each None when there is none."""
    opening = completion.find("<")
    if opening >= 0 and completion.startswith(_OPENING, opening):
        closing = completion.find("<", opening + 1)
        # Nearly always the two tags of the region are all that is tagged, and no thoughts need to be looked for.
        if (
            completion.startswith(_CLOSING, closing)
            and completion.find("<", closing + 1) < 0
            and not may_hold_untagged_thoughts(completion)
        ):
            return answer_in(completion), completion[opening + len(_OPENING) : closing]
    shown = _shown(completion)
    return answer_in(shown), last_tagged(shown, TAG)


def _shown(completion: str) -> str:
    """What stands outside of thoughts."""
    return answer_of(completion) if may_hold_thoughts(completion) else completion


def _earned_blindly(reference: RegionReference) -> float:
    earned = (region_overlap(reference.gold_area, region) or 0.0 for region in reference.blind_regions)
    return max(earned, default=0.0)
