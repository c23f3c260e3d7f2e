"""A reader that answers from the table, at every third question only when it is asked again.

Which request fails depends on the question and not on the order of arrival, so that no question fails again by chance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from table_rewards.rewards.qa_f1.extractive import ExtractiveReader
from table_rewards.tables.formats.convert import parse_table
from table_rewards.testing.chat_server import ChatServer


def read(request: dict[str, Any]) -> str:
    """The answer to a request's question, from the table in it."""
    table, _, question = request["messages"][1]["content"].partition("\n\n<question>")
    return f"<answer>{ExtractiveReader(parse_table(table)).answer(question.removesuffix('</question>'))}</answer>"  # type: ignore[arg-type]


@contextmanager
def faulty_reader(faults: Sequence[str]) -> Iterator[ChatServer]:
    """Serve it; the first request of every third question meets one of the faults, in turn."""
    asked: dict[str, int] = {}

    def fault(number: int) -> str | None:
        question = json.dumps(server.received[number]["messages"])
        known = question in asked
        place = asked.setdefault(question, len(asked))
        return None if known or place % 3 else faults[place // 3 % len(faults)]

    with ChatServer(reply=read, script=fault) as server:
        yield server
