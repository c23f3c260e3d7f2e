"""GRRM's source rows read and judged: groups of scored candidates, and a count of the rows that are none.

A row with a score too few, or one that is no finite number, is unusable as a whole: no score is guessed or left out.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from table_rewards.core.rows import plain
from table_rewards.rewards.group_judge.grouping import without_blanks
from table_rewards.rewards.ranking.prompts import language, ranking_prompt
from table_rewards.rewards.ranking.template import PromptTemplate


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a source row keeps what is needed."""

    candidates: str = "mt_texts"
    scores: str = "scores"
    analysis: str = "analysis"


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates of one text, with their scores."""

    text: str
    candidates: tuple[str, ...]
    scores: tuple[float, ...]
    source_language: str = ""
    target_language: str = ""
    analysis: str = ""

    def pick(self, indices: Sequence[int]) -> Group:
        """The same group of fewer or otherwise ordered candidates."""
        chosen, scores = tuple(self.candidates[i] for i in indices), tuple(self.scores[i] for i in indices)
        return Group(self.text, chosen, scores, self.source_language, self.target_language, self.analysis)

    def uncontested(self) -> tuple[int, ...]:
        """Indices of the candidates whose text has one score alone.

        Texts are equal that look the same: whatever white space parts words, whatever characters without width stand
        among them, and however accents are put together.

        No order of two equal texts can be right where their scores differ, and a model that is asked for one learns
        that chance decides.

        >>> Group("Hi", ("Salut", "Non", "Salut ", "Non"), (9, 1, 2, 1)).uncontested()
        (1, 3)
        >>> Group("Hi", ("Caf\u00e9", "Cafe\u0301", "Th\u00e9"), (9, 1, 2)).uncontested()
        (2,)
        """
        given: dict[str, set[float]] = {}
        texts = [unicodedata.normalize("NFC", without_blanks(text)) for text in self.candidates]
        for text, score in zip(texts, self.scores, strict=True):
            given.setdefault(text, set()).add(score)
        return tuple(i for i, text in enumerate(texts) if len(given[text]) == 1)

    def prompt(self, mode: str, *, example: bool = True, template: PromptTemplate | None = None) -> str:
        """The prompt that shows the candidates: ours, or that of the user's template."""
        if template is not None:
            return template.fill(
                self.text,
                self.candidates,
                source_language=self.source_language,
                target_language=self.target_language,
            )
        return ranking_prompt(
            self.text,
            self.candidates,
            source_language=self.source_language,
            target_language=self.target_language,
            mode=mode,
            example=example,
        )


@dataclass
class Skipped:
    """Source rows that could not be used, by reason."""

    reasons: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, number: int) -> None:
        self.reasons[reason] += 1
        self.first.setdefault(reason, number)

    def __str__(self) -> str:
        return "; ".join(f"{n:,} rows: {why} (first: row {self.first[why]:,})" for why, n in self.reasons.most_common())


class UnusableRow(ValueError):
    """A source row that cannot become training data; the message says why, without the row's values."""


def read_group(row: Mapping[str, Any], columns: Columns | None = None) -> Group:
    """Read a source row.

    >>> group = read_group({"src_text": "Hi", "mt_texts": ["Salut", "Non"], "scores": [9, 1], "trg_lang": "fr"})
    >>> group.target_language, group.scores
    ('French', (9.0, 1.0))

    Raises:
        UnusableRow: candidates and scores do not match, or there are fewer than two.
    """
    names = columns or Columns()
    text, candidates, scores = (plain(row.get(n)) for n in ("src_text", names.candidates, names.scores))
    if not isinstance(text, str) or not text.strip():
        raise UnusableRow("no src_text")
    if not isinstance(candidates, list) or not all(isinstance(c, str) for c in candidates):
        raise UnusableRow(f"{names.candidates} is no list of texts")
    if len(candidates) < 2:
        raise UnusableRow("fewer than two candidates")
    if not isinstance(scores, list) or len(scores) != len(candidates):
        raise UnusableRow(f"not one of {names.scores} for each of {names.candidates}")
    try:
        numbers = tuple(float(score) for score in scores)
    except (TypeError, ValueError, OverflowError):
        raise UnusableRow(f"{names.scores} holds something that is no number") from None
    if not all(map(math.isfinite, numbers)):
        raise UnusableRow(f"{names.scores} holds something that is no number")
    source, target = (language(str(row.get(name) or "")) for name in ("src_lang", "trg_lang"))
    return Group(text, tuple(candidates), numbers, source, target, str(row.get(names.analysis) or ""))
