"""The answer of a completion as values, and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from table_rewards.evaluation.denotation.values import Value, right, values
from table_rewards.text.answers import same_answer
from table_rewards.text.final_answer import final_answer

_MOST: Final = 64  # pieces between commas that are tried as parts of values
SEPARATOR: Final = ", "


class Verdict(NamedTuple):
    """What came of one prediction.

    ``right`` is the official verdict, ``alike`` that of the tolerant comparison that takes ``1,000`` for 1000;
    ``problem`` says why there is no answer.
    """

    right: bool
    alike: bool
    predicted: tuple[str, ...] = ()
    problem: str = ""


def judge(prediction: str | Sequence[str], gold: Sequence[Value]) -> Verdict:
    """Judge a completion, or the items of an answer.

    Items stand between ``|``; else, where the gold answer has several, between ``, ``, and what has commas of its own
    may be one item.

    >>> judge("So.\\nFinal Answer: Rome, Italy, Paris", values(["Paris", "Rome, Italy"])).right
    True
    >>> judge("Final Answer: Rome, Italy", values(["Rome, Italy"])).right, judge("Rome?", values(["Rome"])).problem
    (True, 'no final answer')
    >>> judge("Final Answer: 1,000", values(["1000"]))
    Verdict(right=False, alike=True, predicted=('1,000',), problem='')
    """
    if not isinstance(prediction, str):
        return _compared([str(item) for item in prediction], gold)
    answer = final_answer(prediction)
    if answer is None:
        return Verdict(False, False, (), "no final answer")
    if "|" in answer:
        return _compared([item.strip() for item in answer.split("|")], gold)
    if len(gold) < 2:
        return _compared([answer], gold)
    return _compared(_joined(answer.split(SEPARATOR), gold), gold)


def _compared(items: Sequence[str], gold: Sequence[Value]) -> Verdict:
    found = values(items)
    official = right(gold, found)
    alike = official or (
        len(gold) == len(found) and all(any(same_answer(g.text, one.text) for one in found) for g in gold)
    )
    return Verdict(official, alike, tuple(items))


def _joined(pieces: list[str], gold: Sequence[Value]) -> list[str]:
    """The pieces, those put together again that are one gold value with commas in it.

    Only a whole reading that leaves no piece over is taken, so that nothing can be right that the pieces do not say.
    """
    if len(pieces) <= len(gold) or len(pieces) > _MOST:
        return pieces
    longest = 1 + max(one.text.count(",") for one in gold)
    reads: list[list[str] | None] = [[]]  # up to each piece, the items so far
    for end in range(1, len(pieces) + 1):
        read = None
        for start in range(max(0, end - longest), end):
            before = reads[start]
            item = SEPARATOR.join(pieces[start:end])
            if before is not None and any(one.matches(Value.read(item)) for one in gold):
                read = [*before, item]
                break
        reads.append(read)
    return reads[-1] or pieces
