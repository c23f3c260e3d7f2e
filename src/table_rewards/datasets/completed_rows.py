"""Rows that a model completes, line by line into a file that survives a kill: no row asked twice, none lost.

What is asked of one row may be several requests. A row whose replies cannot be read is asked again, with other draws;
one that is not read at the end is not written, so that the next run asks it anew.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files.resume import ResumableOutput
from table_rewards.llm import ChatPool, ChatReply, ChatRequest

MARK: Final = "asked"
"""The column that says of a line which row of the source it is, and what was asked."""

WINDOW: Final = 64  # rows that are asked about at once


class Question(Protocol):
    """What is asked about one row, and what the replies make of it."""

    def requests(self, attempt: int) -> Sequence[ChatRequest]:
        """The requests of an attempt, 0 being the first; none when the row needs no asking."""

    def more(self, replies: Sequence[ChatReply]) -> Sequence[ChatRequest]:
        """What is asked once these replies are there, such as a check of what they say; none where nothing is.

        Raises:
            Unread: the replies say nothing that can be used.
        """

    def line(self, replies: Sequence[ChatReply]) -> dict[str, Any]:
        """The row with what was learnt from the replies, those to ``more`` behind the others.

        Raises:
            Unread: the replies say nothing that can be used.
        """


class Unread(ValueError):
    """Replies that cannot be used; the message says why, without what they say."""


class Unanswered(Unread):
    """No endpoint answered; the pool has tried often enough by itself."""


@dataclass
class Asked:
    """What came of a run."""

    before: int = 0
    written: int = 0
    passed_on: int = 0  # rows that needed no asking
    failures: list[dict[str, Any]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def ask_rows(
    out: Path,
    identity: Mapping[str, Any],
    questions: Iterable[tuple[int, Question]],
    pool: ChatPool,
    *,
    attempts: int = 3,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Asked:
    """Ask about every row that ``out`` does not hold yet, and write its line as soon as its window is answered.

    Args:
        out: ``.jsonl``; beside it ``OUT.run.json`` says what made it.
        identity: what the lines depend on beside their requests; going on with another is refused.
        questions: number of each row in its source, and what is asked about it.
        pool: whom to ask.
        attempts: how often a row is asked until its replies can be read.
        overwrite: begin anew.
        progress: is told how many more rows are done.

    Raises:
        ConfigurationError: ``out`` was made by another command or from other rows or settings.
    """
    asked = Asked()
    with ResumableOutput(out, identity, overwrite=overwrite, key=_number) as output:
        known: dict[int, str] = {}

        def remember(line: dict[str, Any]) -> None:
            try:
                known[_number(line)] = line[MARK]["request"]
            except (KeyError, TypeError):
                raise ConfigurationError(f"{out} was not written by this command; name another") from None

        output.replay(remember)
        asked.before = len(known)
        for window in _windows(questions):
            left = []
            for number, question in window:
                digest = _digest(question.requests(0))
                if number not in known:
                    left.append((number, question, digest))
                elif known[number] != digest:
                    raise ConfigurationError(
                        f"{out} holds answers to other questions (row {number:,}); name another file or --overwrite it"
                    )
            _ask(left, pool, output, asked, attempts)
            if progress is not None:
                progress(len(window))
        output.finish()
    return asked


def _ask(
    left: list[tuple[int, Question, str]], pool: ChatPool, output: ResumableOutput, asked: Asked, attempts: int
) -> None:
    problems: dict[int, str] = {}
    for attempt in range(attempts):
        wanted = [question.requests(attempt) for _, question, _ in left]
        first = _replies(pool, wanted)
        further: list[Sequence[ChatRequest] | Unread] = []
        for (_, question, _), replies in zip(left, first, strict=True):
            try:
                further.append(question.more(_answered(replies)))
            except Unread as error:
                further.append(error)
        second = _replies(pool, [[] if isinstance(more, Unread) else more for more in further])
        again, lines = [], []
        for entry, requests, replies, more, checks in zip(left, wanted, first, further, second, strict=True):
            number, question, digest = entry
            try:
                if isinstance(more, Unread):
                    raise more
                line = question.line([*replies, *_answered(checks)])
            except Unread as error:
                problems[number] = str(error)
                if not isinstance(error, Unanswered):
                    again.append(entry)
                continue
            problems.pop(number, None)
            asked.passed_on += not requests
            lines.append({**line, MARK: {"row": number, "request": digest}})
        output.append(lines)
        asked.written += len(lines)
        left = again
        if not left:
            break
    for number, problem in problems.items():
        asked.failures.append({"row": number, "error": problem})
        asked.reasons[problem] += 1


def _replies(pool: ChatPool, requests: Sequence[Sequence[ChatRequest]]) -> list[list[ChatReply]]:
    replies = iter(pool.ask_many([one for several in requests for one in several]))
    return [list(itertools.islice(replies, len(several))) for several in requests]


def _answered(replies: list[ChatReply]) -> list[ChatReply]:
    for reply in replies:
        if reply.failed:
            raise Unanswered(f"no answer: {reply.error}")
    return replies


def _windows(questions: Iterable[tuple[int, Question]]) -> Iterator[list[tuple[int, Question]]]:
    numbered = iter(questions)
    while window := list(itertools.islice(numbered, WINDOW)):
        yield window


def _number(line: Mapping[str, Any]) -> int:
    return int(line[MARK]["row"])


def _digest(requests: Sequence[ChatRequest]) -> str:
    keys = json.dumps([request.key("") for request in requests])
    return hashlib.sha256(keys.encode()).hexdigest()[:16]
