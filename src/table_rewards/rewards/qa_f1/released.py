"""What TRivia's code computes: the released profile of QA-F1, with the defects that docs/profiles.md numbers."""

from __future__ import annotations

import re
from typing import Final

from table_rewards.llm import ChatReply
from table_rewards.rewards.llm_reward import said_in
from table_rewards.rewards.qa_f1.f1 import released_f1
from table_rewards.rewards.qa_f1.table import WrittenTable, written_table

SAMPLING: Final = {"top_p": 0.8, "presence_penalty": 1.5}
"""What the release sent beside temperature 0."""

_CLOSING: Final = "</answer>"
_FIRST_LINE_ANSWER: Final = re.compile(r"<answer>(.*?)</answer>")


def read_answer(reply: ChatReply) -> tuple[str | None, str]:
    """The first answer that stands on one line, else the whole reply (R4); None and why when nothing was said."""
    said = said_in(reply, _CLOSING)
    if not said.text:
        return None, said.problem
    found = _FIRST_LINE_ANSWER.findall(said.text)
    return (found[0] if found else said.text).strip(), ""


def mark(answer: str, gold: str) -> tuple[float, bool]:
    """F1 over characters (R3), 0 for a refusal whatever the gold answer says (R4); and whether there was an answer."""
    refused = answer.startswith("ERROR") or "not answerable" in answer.lower()
    return (0.0 if refused else released_f1(answer, gold)), not refused


def table_of(completion: str, max_chars: int) -> WrittenTable:
    """The table of a completion; any text behind the last row makes it a cut-off one (R5)."""
    return written_table(completion, max_chars, tail_cuts=True)
