"""What a ranking is compared with: candidates and their reference scores, or their order alone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import MISSING, Row, parse_json, plain
from table_rewards.rewards.ranking.parse import FOLD

COLUMNS: Final = ("scores", "ranking", "order", "solution")
"""Where in a row the reference may stand, after ``ground_truth``."""

_RESERVED: Final = re.compile(r"[>=:,;\n\r]")


@dataclass(frozen=True, slots=True)
class RankingReference:
    """Candidates and what each is worth: reference scores, or, of an order, minus the place (``scored`` False).

    >>> RankingReference.read("A > B = C")
    RankingReference(candidates=('A', 'B', 'C'), scores=(0.0, -1.0, -1.0), scored=False)
    >>> RankingReference.read({"A": 8, "B": 3}).order
    'A > B'
    """

    candidates: tuple[str, ...]
    scores: tuple[float, ...]
    scored: bool = True

    @classmethod
    def read(cls, value: Any) -> RankingReference:
        """Read a mapping of candidate to score, a list of scores (of A, B, ...), an order, or the JSON text of one.

        Raises:
            BadReference: it is none of these, names a candidate twice, or has fewer than two candidates.
        """
        value = plain(value)
        if isinstance(value, str):
            text, value = value, parse_json(value)
            if value is MISSING or isinstance(value, (str, int, float)):
                return cls._of_order(text)
        if isinstance(value, dict):
            scores = {str(key): score for key, score in value.items() if score is not None}  # tables pad with None
            return cls._checked(tuple(scores), tuple(_number(score, key) for key, score in scores.items()), True)
        if isinstance(value, list):
            labels = tuple(label(i) for i in range(len(value)))
            return cls._checked(labels, tuple(map(_number, value, labels)), True)
        raise BadReference(
            f"a ranking's reference is a mapping of scores, a list of scores or an order such as 'A > B = C', "
            f"not {type(value).__name__}"
        )

    @classmethod
    def _of_order(cls, text: str) -> RankingReference:
        tiers = [[name.strip() for name in tier.split("=")] for tier in text.translate(FOLD).split(">")]
        names = [name for tier in tiers for name in tier]
        if "" in names or any(len(name) > 64 for name in names):
            shown = " ".join(text[:60].split())
            raise BadReference(f"{shown!r} is no order such as 'A > B = C' and no JSON of scores")
        places = {name: 0.0 - place for place, tier in enumerate(tiers) for name in tier}
        if len(places) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise BadReference(f"the order names {twice!r} twice")
        ordered = sorted(places, key=_label_order)
        return cls._checked(tuple(ordered), tuple(places[name] for name in ordered), False)

    @classmethod
    def _checked(cls, candidates: tuple[str, ...], scores: tuple[float, ...], scored: bool) -> RankingReference:
        if len(candidates) < 2:
            raise BadReference(f"a ranking needs at least two candidates, not {len(candidates)}")
        for name in candidates:
            if not name.strip() or name != name.strip() or _RESERVED.search(name):
                raise BadReference(f"a candidate's name holds none of > = : , ; and no outer space, unlike {name!r}")
        return cls(candidates, scores, scored)

    @property
    def order(self) -> str:
        """The order of the candidates, best first."""
        return order_of(dict(zip(self.candidates, self.scores, strict=True)))


def reference_of_row(row: Mapping[str, Any]) -> RankingReference:
    """Read the reference from a row, or from a bare mapping of candidate to score."""
    if is_scores(row):
        return RankingReference.read(dict(row))
    wrapped = Row(row)
    truth = plain(wrapped.ground_truth)
    if truth is None or truth == "":
        return RankingReference.read(wrapped.find(*COLUMNS, "ground_truth"))
    if isinstance(truth, str):
        parsed = parse_json(truth)
        truth = truth if parsed is MISSING else parsed
    if isinstance(truth, dict) and not is_scores(truth):
        truth = Row(truth).find(*COLUMNS)
    return RankingReference.read(truth)


def is_scores(mapping: Mapping[Any, Any]) -> bool:
    """True when a mapping can only be candidate -> score: every value is a number (or None, as tables pad)."""
    values = [plain(value) for value in mapping.values()]
    numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return bool(numbers) and all(v is None for v in values if v not in numbers)


def label(index: int) -> str:
    """The name of the candidate at a place: A to Z, then AA, AB, ...

    >>> [label(i) for i in (0, 25, 26, 51, 52, 701, 702)]
    ['A', 'Z', 'AA', 'AZ', 'BA', 'ZZ', 'AAA']
    """
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(65 + letter) + name
    return name


def order_of(scores: Mapping[str, float]) -> str:
    """Write scores as an order, best first, equals by name.

    >>> order_of({"A": 2, "B": 9, "C": 9})
    'B = C > A'
    """
    tiers: dict[float, list[str]] = {}
    for name, score in scores.items():
        tiers.setdefault(score, []).append(name)
    return " > ".join(" = ".join(sorted(tiers[score], key=_label_order)) for score in sorted(tiers, reverse=True))


def score_line(scores: Mapping[str, float]) -> str:
    """Write scores the way the models do, best first.

    >>> score_line({"A": 7, "B": 9})
    'B: 9, A: 7'
    """
    ranked = sorted(scores.items(), key=lambda item: (-item[1], _label_order(item[0])))
    return ", ".join(f"{name}: {score:g}" for name, score in ranked)


def named(scores: Sequence[float] | Iterable[float]) -> dict[str, float]:
    """Scores of A, B, C, ... by name."""
    return {label(i): score for i, score in enumerate(scores)}


def _label_order(name: str) -> tuple[int, str]:
    return (len(name), name)


def _number(value: Any, name: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, (str, int, float)) else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadReference(f"the score of {name} is {str(value)[:30]!r}, which is no number")
    return number
