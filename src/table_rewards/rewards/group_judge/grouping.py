"""Who is judged with whom: completions into groups, groups into panels of distinct candidates."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from table_rewards.core.invisible import HARDLY_SEEN, visible
from table_rewards.rewards.group_judge.panel import Panel, panels
from table_rewards.rewards.group_judge.reference import GroupReference, candidate_of

_HARDLY_SEEN: Final = re.compile(f"[{HARDLY_SEEN}]")
_EMPTY_BRAILLE: Final = "\u2800"


class Seat(NamedTuple):
    """Where a completion's candidate is judged; without a candidate no panel, and the problem."""

    panel: Panel | None
    candidate: str
    problem: str


@dataclass(frozen=True, slots=True)
class Seating:
    """The rules by which completions get their seats.

    Attributes:
        group_by: ``auto`` (equal references), ``prompt``, or how many on end are a group.
        candidate: what of a completion is judged.
        longest: characters of the longest candidate that a judge is shown.
        most: most candidates of a panel.
        orders: orders in which a panel is shown.
        judges_lone: whether a single distinct candidate is judged at all.
    """

    group_by: Literal["auto", "prompt"] | int
    candidate: str
    longest: int
    most: int
    orders: int
    judges_lone: bool

    def seated(
        self, completions: Sequence[str], references: Sequence[GroupReference]
    ) -> tuple[list[Seat], list[tuple[Panel, int]]]:
        """For each completion its seat; and every (panel, number of an order) to ask.

        The candidates of a group are sorted by hash, so that neither the order of the batch nor its split decides.
        """
        found = [self._candidate(completion) for completion in completions]
        groups: dict[Any, dict[str, str]] = {}
        keys = self.keys(references)
        firsts: dict[Any, GroupReference] = {}
        for key, reference, (text, problem) in zip(keys, references, found, strict=True):
            firsts.setdefault(key, reference)
            if not problem:
                alike, bare = groups.setdefault(key, {}), without_blanks(text)
                alike[bare] = min(text, alike.get(bare, text))
        found = [
            (text if problem else groups[key][without_blanks(text)], problem)
            for key, (text, problem) in zip(keys, found, strict=True)
        ]
        of: dict[tuple[Any, str], Panel] = {}
        asked: list[tuple[Panel, int]] = []
        for key, texts in groups.items():
            ranked = sorted(texts.values(), key=lambda text: hashlib.sha256(text.encode("utf-8", "replace")).digest())
            for panel in panels(firsts[key], ranked, self.most, self.orders):
                of.update(((key, text), panel) for text in panel.candidates)
                if len(ranked) > 1 or self.judges_lone:
                    asked.extend((panel, number) for number in range(len(panel.orders)))
                else:
                    panel.lone = True
        seats = [
            Seat(None if problem else of[key, text], text, problem)
            for key, (text, problem) in zip(keys, found, strict=True)
        ]
        return seats, asked

    def keys(self, references: Sequence[GroupReference]) -> list[Any]:
        """What the samples of one group have in common, for each sample.

        >>> a, b = GroupReference("a"), GroupReference("b")
        >>> Seating(2, "text", 99, 26, 1, True).keys([a, a, a, b]) == [(0, 0), (0, 0), (0, 1), (1, 0)]
        True
        """
        if self.group_by == "auto":
            return list(references)
        if self.group_by == "prompt":
            return [(r.prompt, r.source_language, r.target_language) for r in references]
        keys: list[Any] = []
        for run, (_, members) in enumerate(itertools.groupby(references)):
            keys.extend((run, number // int(self.group_by)) for number, _ in enumerate(members))
        return keys

    def _candidate(self, completion: str) -> tuple[str, str]:
        text, problem = candidate_of(completion, self.candidate)
        if len(text) > self.longest:
            return "", f"a candidate of {len(text):,} characters; {self.longest:,} are shown to a judge"
        return text, problem


def without_blanks(text: str) -> str:
    """A candidate as it is told from others: no characters without width, and one space for any white space.

    >>> without_blanks("Bon\\u200bjour,\\n le  monde\\u2060") == "Bonjour, le monde"
    True
    """
    return " ".join(_HARDLY_SEEN.sub("", visible(text)).replace(_EMPTY_BRAILLE, " ").split())
