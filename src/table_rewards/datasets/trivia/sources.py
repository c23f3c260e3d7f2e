"""Question-answer pairs chosen by where in the image a model looks for their answers.

A pair's *visual source* is what the model attends to when it writes the answer::

    VS(question, answer) = {visual token v : A(v | answer) > tau}

Pairs are chosen greedily, each time the one whose source overlaps least with those of the chosen pairs, so that a table
is asked about in as many places as there are. The attention comes from a file, since it needs a model's inside.

Source: TRivia, arXiv 2512.01248, attention-guided selection; its code was not released. The least sum of pairwise
overlaps is sought greedily, ties fall to the earlier pair, and of pairs with one source the first alone stays.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.rows import plain
from table_rewards.rewards.qa_f1 import QAPair

Box = tuple[float, float, float, float]
Source = frozenset[int] | tuple[Box, ...]
Key = tuple[str, str, str]

NO_SOURCE: Final = "no visual source in the file"
SAME_SOURCE: Final = "the same visual source as another pair"
BEYOND: Final = "beyond the count"


@dataclass
class Chosen:
    """The pairs that stay, in their order, and how many did not, by reason."""

    pairs: list[QAPair] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    overlap: float = 0.0
    """Sum of the pairwise overlaps of what stays."""


def read_source(row: Mapping[str, Any], tau: float | None = None) -> Source:
    """The visual source of a line: ``vs``, token numbers or boxes (x0, y0, x1, y1), or ``attention`` above ``tau``.

    >>> read_source({"vs": [3, 4, 3]}) == frozenset({3, 4})
    True
    >>> read_source({"attention": [0.1, 0.5, 0.4]}, tau=0.3) == frozenset({1, 2})
    True

    Raises:
        BadReference: there is neither, or it is empty or malformed.
    """
    found, attention = plain(row.get("vs")), plain(row.get("attention"))
    if found is None and isinstance(attention, list):
        if tau is None:
            raise ConfigurationError("the file holds attention; --tau says above which a visual token counts")
        if not all(_is_number(one) for one in attention):
            raise BadReference("attention is no list of numbers")
        found = [place for place, weight in enumerate(attention) if weight > tau]
    if not isinstance(found, list) or not found:
        raise BadReference("an empty visual source" if found == [] else "neither vs nor attention")
    if all(isinstance(one, int) and not isinstance(one, bool) for one in found):
        return frozenset(found)
    if all(isinstance(one, list) and len(one) == 4 and all(map(_is_number, one)) for one in found):
        boxes = tuple((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)) for x0, y0, x1, y1 in found)
        if _area(boxes) > 0:
            return boxes
        raise BadReference("boxes without area")
    raise BadReference("vs is neither numbers of tokens nor boxes of four numbers")


def overlap(one: Source, other: Source) -> float:
    """Intersection over union of two sources; 0 where one is tokens and the other boxes.

    >>> overlap(frozenset({1, 2}), frozenset({2, 3})), overlap(((0, 0, 2, 1),), ((1, 0, 3, 1),))
    (0.3333333333333333, 0.3333333333333333)
    """
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return len(one & other) / len(one | other)
    if isinstance(one, frozenset) or isinstance(other, frozenset):
        return 0.0
    union = _area((*one, *other))
    return (_area(one) + _area(other) - union) / union


def read_sources(rows: Iterable[Mapping[str, Any]], tau: float | None = None) -> tuple[dict[Key, Source], Counter[str]]:
    """The sources of a file by image, question and answer, and how many lines are of no use, by reason."""
    sources: dict[Key, Source] = {}
    problems: Counter[str] = Counter()
    for row in rows:
        try:
            source = read_source(row, tau)
        except BadReference as error:
            problems[str(error)] += 1
            continue
        sources.setdefault(key_of(str(row.get("image", "")), str(row.get("question")), str(row.get("answer"))), source)
    return sources, problems


def key_of(image: str, question: str, answer: str) -> Key:
    """What a pair is found by; an image by its path's last part alone, since files move."""
    return image.replace("\\", "/").rpartition("/")[2], " ".join(question.split()), " ".join(answer.split())


def choose(pairs: Sequence[QAPair], image: str, sources: Mapping[Key, Source], keep: int) -> Chosen:
    """Choose at most ``keep`` pairs of one image.

    >>> pairs = [QAPair("Which unit?", "mA"), QAPair("What unit?", "mA"), QAPair("Year?", "7")]
    >>> looked = [frozenset({1, 2}), frozenset({1, 2}), frozenset({8})]
    >>> where = {key_of("a.png", *pair): source for pair, source in zip(pairs, looked)}
    >>> found = choose(pairs, "images/a.png", where, keep=3)
    >>> [pair.question for pair in found.pairs], dict(found.dropped)
    (['Which unit?', 'Year?'], {'the same visual source as another pair': 1})
    """
    result = Chosen()
    known: list[tuple[int, Source]] = []
    seen: set[Source] = set()
    for place, pair in enumerate(pairs):
        source = sources.get(key_of(image, pair.question, pair.answer))
        if source is None:
            result.dropped[NO_SOURCE] += 1
        elif source in seen:
            result.dropped[SAME_SOURCE] += 1
        else:
            seen.add(source)
            known.append((place, source))
    overlaps = [[0.0 if a is b else overlap(a, b) for _, b in known] for _, a in known]
    left = list(range(len(known)))
    taken: list[int] = []
    cost = [sum(line) for line in overlaps]  # of the first: with all others
    while left and len(taken) < keep:
        best = min(left, key=lambda i: (round(cost[i], 12), i))
        if taken:
            result.overlap += cost[best]
        else:
            cost = [0.0] * len(known)
        left.remove(best)
        taken.append(best)
        for i in left:
            cost[i] += overlaps[i][best]
    if left:
        result.dropped[BEYOND] += len(left)
    result.pairs = [pairs[known[i][0]] for i in sorted(taken)]
    return result


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _area(boxes: Sequence[Box]) -> float:
    """The area that boxes cover together."""
    xs = sorted({x for box in boxes for x in (box[0], box[2])})
    total = 0.0
    for left, right in itertools.pairwise(xs):
        spans = sorted((y0, y1) for x0, y0, x1, y1 in boxes if x0 <= left and right <= x1)
        covered, top = 0.0, -math.inf
        for y0, y1 in spans:
            covered += max(0.0, y1 - max(y0, top))
            top = max(top, y1)
        total += covered * (right - left)
    return total
