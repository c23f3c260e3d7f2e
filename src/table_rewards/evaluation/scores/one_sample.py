"""One completion of a file as scoring sees it: its text, its reference and the others of its prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from table_rewards.datasets.files import UnusableFile
from table_rewards.evaluation.scores.layout import Plan, completions_of, reference_of
from table_rewards.evaluation.scores.samples import prompt_text
from table_rewards.evaluation.scores.scoring import MAX_GROUP, text_of


class OneSample(NamedTuple):
    """A completion to look at.

    Attributes:
        completion: its text.
        reference: the row as a reward reads its reference from it.
        prompt: what was asked, as text.
        peers: the texts of the other completions of its prompt, where they were asked for.
        samples: how many completions its row holds.
    """

    completion: str
    reference: Mapping[str, Any]
    prompt: str
    peers: list[str]
    samples: int


def sample_at(plan: Plan, number: int, sample: int = 0, *, with_peers: bool = False) -> OneSample:
    """Return a completion by the numbers that its scores carry: its row in the file and its place there, both from 0.

    Raises:
        UnusableFile: there is no such row or completion, or it cannot be read.
    """
    if number < 0 or sample < 0:
        raise UnusableFile(plan.name, "rows and completions are counted from 0")
    start = max(0, number - MAX_GROUP) if with_peers else number
    own: str | None = None
    found: dict[str, Any] = {}
    peers: list[str] = []
    told: Any = None
    samples = 0
    before: tuple[Any, list[str]] = (None, [])
    for at, row in enumerate(plan.rows(start, 64), start):
        texts = [text_of(one)[0] for one in completions_of(row, plan.completion)[0]] if with_peers else []
        who = plan.who.of(row) or plan.who.row(row, at)
        if at < number:
            before = (who, [*before[1], *texts]) if who == before[0] else (who, texts)
            continue
        if at == number:
            completions, problem = completions_of(row, plan.completion)
            samples = len(completions)
            if sample >= samples:
                raise UnusableFile(plan.name, f"row {number:,} holds {samples} completions, counted from 0")
            own, unreadable = text_of(completions[sample])
            if problem or unreadable:
                raise UnusableFile(plan.name, f"row {number:,}: {problem or unreadable}")
            found, told = row, who
            peers = before[1] if before[0] == who else []
            peers += texts[:sample] + texts[sample + 1 :]
            if not with_peers:
                break
            continue
        if who != told or at - number > MAX_GROUP:
            break
        peers += texts
    if own is None:
        there = sum(1 for _ in plan.rows())
        raise UnusableFile(plan.name, f"there is no row {number:,}: it holds {there:,} rows, counted from 0")
    return OneSample(own, reference_of(found, plan), prompt_text(found, plan), peers, samples)
