"""What an audit can find, and which findings leave a row out of the cleaned file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

UNREADABLE: Final = "unreadable"
LEFTOVER: Final = "leftover"
OWN_ANSWER: Final = "own-answer"
REGION: Final = "region"
EMPTY_TABLE: Final = "empty-table"
CONTRADICTION: Final = "contradiction"
IN_TEST: Final = "in-test"
REPEATED: Final = "repeated"
PERCENT: Final = "percent"
MENDABLE: Final = "mendable"

KINDS: Final[Mapping[str, str]] = {
    UNREADABLE: "the reference cannot be read",
    LEFTOVER: "the gold answer is what a template left, or a placeholder",
    OWN_ANSWER: "the gold answer does not earn full marks as its own answer",
    REGION: "the gold region is empty, broken, or not in the table",
    EMPTY_TABLE: "the table has no cell with a text",
    CONTRADICTION: "one prompt with gold answers that contradict one another",
    IN_TEST: "the prompt stands in a test file too",
    REPEATED: "prompt and gold answer stood in an earlier row",
    PERCENT: "a percent sign that disagrees with the question",
    MENDABLE: "the label needs mending, which `prepare` does",
}
"""Kind -> what it means."""

DROPPED: Final = (UNREADABLE, LEFTOVER, OWN_ANSWER, REGION, EMPTY_TABLE, CONTRADICTION, IN_TEST)
"""The kinds whose rows are left out of the cleaned file; the others are remarks."""


class Finding(NamedTuple):
    """One thing that is wrong with a row: its number, from 0, the kind, and what was found."""

    row: int
    kind: str
    detail: str
