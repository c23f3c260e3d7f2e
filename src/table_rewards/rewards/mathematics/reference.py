"""Gold answers, and what kind of answer they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from table_rewards.core.errors import BadReference, one_of
from table_rewards.core.rows import Row, plain
from table_rewards.rewards.mathematics.answers import answers_of_gold
from table_rewards.rewards.mathematics.compare import TRUTH_WORDS
from table_rewards.rewards.mathematics.numbers import read_number

AnswerKind = Literal["auto", "math", "text", "python"]
KINDS: Final[tuple[str, ...]] = get_args(AnswerKind)

_SOURCES: Final = {
    "math": ("math500", "amc", "aime", "olympiad", "eurus2", "deepmath", "gsm8k", "numina", "hendrycks"),
    "text": ("bgqa", "boardgameqa", "strategyqa", "tablebench"),
    "python": ("cruxeval",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MathReference:
    """A gold answer of a kind: ``math`` (formulas, numbers, units), ``text`` (words, lists, figures) or ``python``.

    ``question`` is the question it answers: what it says is no answer. It is "" where a row does not hold it, and None
    where there is no row: a bare gold answer, with which answers are compared and nothing else.
    """

    answer: str
    kind: str = "math"
    question: str | None = field(default=None, repr=False)


def read_reference(row: Mapping[str, Any], forced: str) -> MathReference:
    """The reference of a dataset row; its kind is the forced one, the row's ``answer_kind``, or the data source's.

    Raises:
        BadReference: the row holds no gold answer, or its ``answer_kind`` is unknown.
    """
    wrapped = Row(row)
    kind = forced
    if forced == "auto":
        kind = str(wrapped.find("answer_kind", default="auto"))
        if kind not in KINDS:
            raise BadReference(f"answer_kind is {kind!r}; known: {', '.join(KINDS)}")
    if kind == "auto":
        kind = kind_of_source(str(wrapped.find("data_source", default="")))
    made = make_reference(wrapped.answer("answer", "gold", "gold_answer", "final_answer", "solution"), kind)
    return replace(made, question=question_of(wrapped))


def question_of(row: Row) -> str:
    """The question of a row: ``question``, ``problem``, ``query``, or the last message of the user in its prompt."""
    found = row.find("question", "problem", "query", "prompt", "messages", default="")
    if isinstance(found, list):
        said = [
            message.get("content")
            for message in found
            if isinstance(message, dict) and message.get("role") != "assistant"
        ]
        found = said[-1] if said else ""
    return found if isinstance(found, str) else ""


def make_reference(value: Any, kind: str) -> MathReference:
    """The reference of a gold answer: text, number or boolean.

    Raises:
        BadReference: the gold answer is empty, or neither text nor number.

    >>> make_reference(r"We get $\\boxed{\\frac34}$.", "auto"), make_reference("True", "auto").kind
    (MathReference(answer='\\\\frac34', kind='math'), 'text')
    """
    value = plain(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, (bool, int, float)):
        text = str(value)
    elif isinstance(value, str):
        text = value.strip()
    else:
        raise BadReference(f"a gold answer is text or a number, not {type(value).__name__}: {str(value)[:60]!r}")
    if kind in ("auto", "math") and ("\\boxed" in text or "<answer>" in text):
        text = answers_of_gold(text)
    elif kind in ("auto", "math") and "####" in text:
        text = text.rpartition("####")[2].strip()
    if not text:
        raise BadReference("the gold answer is empty")
    return MathReference(text, kind_of_answer(text) if kind == "auto" else one_of("answer_kind", kind, KINDS))


def kind_of_source(source: str) -> str:
    """The kind of a data set's answers, or ``auto``.

    >>> [kind_of_source(x) for x in ("HuggingFaceH4/MATH-500", "StrategyQA", "cruxeval-org/cruxeval", "mine")]
    ['math', 'text', 'python', 'auto']
    """
    squeezed = re.sub(r"[^a-z0-9]", "", source.lower())
    for kind, names in _SOURCES.items():
        if any(name in squeezed for name in names):
            return kind
    return "auto"


def kind_of_answer(text: str) -> str:
    """What a gold answer looks like: quoted text and containers of it are Python, truth values text, the rest math."""
    if text.strip(" .$").lower() in TRUTH_WORDS:
        return "text"
    if read_number(text.strip(" $.")) is None and re.fullmatch(
        r"[\[({]?\s*(?:'[^'\\]*'|\"[^\"\\]*\").*|None|b'.*'", text, re.DOTALL
    ):
        return "python"
    return "math"
