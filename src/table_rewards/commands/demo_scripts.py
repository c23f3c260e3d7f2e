"""Who answers on the loopback server of the demonstration. Scripted, and labelled so: no model runs."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import one_of
from table_rewards.datasets.files import read_rows
from table_rewards.rewards.qa_f1_reference import QAPairs

Reply = Callable[[dict[str, Any]], str]

_QUESTION: Final = re.compile(r"<question>(.*?)</question>", re.DOTALL)


def script(name: str, path: Path) -> Reply:
    """Return a function from a request to its reply.

    Raises:
        UnknownName: no such script.
    """
    return SCRIPTS[one_of("script", name, SCRIPTS)](path)


def reader(path: Path) -> Reply:
    """A reader that knows the gold answers and gives one when the table that it is shown holds it."""
    gold = {
        pair.question: pair.answer
        for row in read_rows(path)
        if row.get("qa_pairs")
        for pair in QAPairs.read(row["qa_pairs"]).pairs
    }

    def reply(request: dict[str, Any]) -> str:
        shown = str(request["messages"][-1]["content"])
        asked = _QUESTION.search(shown)
        answer = gold.get(html.unescape(asked[1]) if asked else "", "")
        told = answer if answer and answer in html.unescape(shown.partition("<question>")[0]) else "Not answerable"
        return f"<answer>{told}</answer>"

    return reply


SCRIPTS: Final[dict[str, Callable[[Path], Reply]]] = {"reader": reader}
