"""The reference of QA-F1: question-answer pairs, in every form that data sets and loaders leave them in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import MISSING, parse_json, plain

COLUMN = "qa_pairs"


class QAPair(NamedTuple):
    """One question about a table and its gold answer, both as text."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class QAPairs:
    """The questions of one table. Never empty: without a question there is nothing to score.

    >>> QAPairs.read('[{"question": "Which unit?", "answer": "mA"}]').pairs
    (QAPair(question='Which unit?', answer='mA'),)
    """

    pairs: tuple[QAPair, ...]

    @classmethod
    def read(cls, value: Any) -> QAPairs:
        """Read a list of dicts or of (question, answer), a JSON string of one, or one JSON string a pair.

        Raises:
            BadReference: there is no pair, or one has no question or an answer that is no text, number or truth value.
        """
        listed = _decoded(plain(value))
        if isinstance(listed, dict):
            listed = [listed]
        if not isinstance(listed, list):
            raise BadReference(f"{COLUMN} must be a list of question-answer pairs, not {type(listed).__name__}")
        if len(listed) == 2 and all(isinstance(item, str) and item.lstrip()[:1] not in "{[" for item in listed):
            listed = [listed]
        pairs = tuple(_pair(_decoded(item), number) for number, item in enumerate(listed) if item is not None)
        if not pairs:
            raise BadReference(f"{COLUMN} is empty; a table needs at least one question")
        return cls(pairs)

    def to_json(self) -> str:
        """One string a row: the form that no data loader rewrites."""
        return json.dumps([pair._asdict() for pair in self.pairs], ensure_ascii=False)


def _decoded(value: Any) -> Any:
    if isinstance(value, str):
        found = parse_json(value)
        return value if found is MISSING else found
    return value


def _pair(item: Any, number: int) -> QAPair:
    if isinstance(item, dict):
        question, answer = item.get("question"), item.get("answer")
    elif isinstance(item, list) and len(item) == 2:
        question, answer = item
    else:
        raise BadReference(f"{COLUMN}[{number}] must hold a question and an answer, not {str(item)[:60]!r}")
    if not isinstance(question, str) or not question.strip():
        raise BadReference(f"{COLUMN}[{number}] has no question")
    return QAPair(question, _text(answer, number))


def _text(answer: Any, number: int) -> str:
    if isinstance(answer, str):
        return answer
    if isinstance(answer, bool):
        return "true" if answer else "false"
    if isinstance(answer, (int, float)) and answer == answer:
        return repr(answer) if isinstance(answer, float) else str(answer)
    if isinstance(answer, list) and answer and all(isinstance(part, (str, int, float)) for part in answer):
        return ", ".join(_text(part, number) for part in answer)
    raise BadReference(f"{COLUMN}[{number}] has no answer (found {answer!r}); write answers as strings")
