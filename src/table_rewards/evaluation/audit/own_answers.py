"""A reference written as a completion that gives it: what must earn full marks, if the reference is sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from table_rewards.core.reward import Reward
from table_rewards.core.scores import Score
from table_rewards.rewards.ranking.prompts import ranking_answer
from table_rewards.rewards.table_bench.table_bench import CHARTS, POT


class OwnAnswer(NamedTuple):
    """A completion that gives its own reference.

    Attributes:
        completion: the text.
        reference: what it is judged against.
        part: the part that shows full marks; "" for the value.
        full: full marks.
    """

    completion: str
    reference: Any
    part: str = ""
    full: float = 1.0

    def earned(self, score: Score) -> bool:
        """Whether a score of the completion is full marks."""
        value = score.parts[self.part] if self.part else score.value
        return abs(value - self.full) <= 1e-9


def own_answer(reward: Reward[Any], reference: Any) -> OwnAnswer | None:
    """The reference as its own answer; None where no text can be made of it (a chart, a group to judge).

    A reward of one's own says it by a method ``own_answer(reference)``, which returns a completion or None; full marks
    are then 1.

    >>> from table_rewards import TableBench
    >>> own_answer(TableBench(), TableBench().natural("7")).completion
    'Final Answer: 7'
    """
    own = getattr(reward, "own_answer", None)
    if callable(own):
        text = own(reference)
        return None if text is None else OwnAnswer(text, reference)
    make = _MADE.get(reward.name)
    return None if make is None else make(reward, reference)


def _table_bench(reward: Any, reference: Any) -> OwnAnswer | None:
    if reference.qtype == CHARTS:
        return None
    plain = replace(reference, instruction_type="") if reference.instruction_type == POT else reference
    return OwnAnswer(f"Final Answer: {reference.answer}", plain)


def _table_region(reward: Any, reference: Any) -> OwnAnswer:
    plain = replace(reference, instruction_type="DP") if reference.instruction_type == POT else reference
    text = f"<gold_area>{reference.gold_area}</gold_area>\nFinal Answer: {reference.answer}"
    return OwnAnswer(text, plain)


def _table(reward: Any, reference: Any) -> OwnAnswer:
    return OwnAnswer(reference.source, reference)


def _mathematics(reward: Any, reference: Any) -> OwnAnswer:
    return OwnAnswer(_in_its_form(reference), reference)


def _generator(reward: Any, reference: Any) -> OwnAnswer:
    return OwnAnswer(_in_its_form(reference.gold), reference, "correct")


def _in_its_form(gold: Any) -> str:
    return f"\\boxed{{{gold.answer}}}" if gold.kind == "math" else f"<answer>{gold.answer}</answer>"


def _verifier(reward: Any, reference: Any) -> OwnAnswer:
    verdict = "CORRECT" if reference.label else "INCORRECT"
    return OwnAnswer(f"<final_verification>\\boxed{{{verdict}}}</final_verification>", reference, "correct")


def _ranking(reward: Any, reference: Any) -> OwnAnswer:
    scores = dict(zip(reference.candidates, reference.scores, strict=True))
    needed = 0 if reward.reasoning == "absent" else 40
    if isinstance(reward.reasoning, int):
        needed = reward.reasoning * len(scores)
    analysis = ("The candidates are compared one by one. " * (1 + needed // 40)) if needed else ""
    full = reward.scale if reward.mode == "ranking" else reward.scale * (1.0 + reward.margin_weight)
    return OwnAnswer(ranking_answer(analysis, scores, reward.mode), reference, full=full)


def _quality(reward: Any, reference: Any) -> OwnAnswer:
    return OwnAnswer(f"Score: {reference.score:g}", reference)


def _white_box(reward: Any, reference: Any) -> OwnAnswer | None:
    if reference.type != "io_mixed" or not reference.result:
        return None
    lines = [accepted[0] for accepted in reference.path]
    lines += [f"{states[0].value}; {states[0].type}" for states in reference.state]
    call = f"assert {reference.function}({reference.arguments}) == {reference.result}"
    return OwnAnswer("<answer>\n" + "\n".join([call, *lines]) + "\n</answer>", reference)


_MADE: Final[Mapping[str, Callable[[Any, Any], OwnAnswer | None]]] = {
    "table_bench": _table_bench,
    "table_region": _table_region,
    "teds": _table,
    "cell_f1": _table,
    "grits": _table,
    "mathematics": _mathematics,
    "generator": _generator,
    "verifier": _verifier,
    "ranking": _ranking,
    "scalar_quality": _quality,
    "white_box": _white_box,
}
