"""Find in a jsonl file what loaders and trainers silently corrupt before a reward sees it.

Loaders of ``datasets`` 4.8 turn a field that mixes strings with numbers or lists into a JSON feature and then *parse
the strings* in it: "007" becomes 7, "1.50" 1.5, "null" None. Loaders of 3.6 fail on the same file. Stock ms-swift eats
one response-like column when there are no ``messages``, and drops the assistant's turn.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from table_rewards.core.errors import BadReference
from table_rewards.datasets.trivia.rows import MISSPELT, PLACEHOLDER
from table_rewards.rewards.qa_f1.f1 import tokens
from table_rewards.rewards.qa_f1.reference import COLUMN, QAPairs
from table_rewards.tables.formats.convert import parse_table

ERROR: Final = "error"
WARNING: Final = "warning"

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")

EATEN: Final = (
    "response answer output target targets answer_key answers solution text completion content".split()  # noqa: SIM905
)
"""Columns of which swift takes one for the assistant's turn when a file has no `messages`."""


class Finding(NamedTuple):
    """What is wrong, in which row (None: in the file as a whole), and what to do."""

    level: str
    row: int | None
    problem: str

    def __str__(self) -> str:
        where = "" if self.row is None else f"row {self.row}: "
        return f"{self.level}: {where}{self.problem}"


def check(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Check the rows of a training file; an empty list means that what is written is what the reward will see.

    >>> row = {"messages": [{"role": "user", "content": "<image>"}], "solution": "<table></table>", "images": ["a"]}
    >>> pairs = [{"question": "Which code?", "answer": "007"}, {"question": "How many?", "answer": 7}]
    >>> for finding in check([{**row, "qa_pairs": pairs}]):
    ...     print(finding)
    error: 'qa_pairs[].answer' mixes text and numbers (rows 0 and 0): loaders will read "007" as 7;
    write qa_pairs as one JSON string a row
    """
    findings: list[Finding] = []
    kinds: dict[str, dict[str, int]] = defaultdict(dict)
    rewritten: dict[str, str] = {}
    count = 0
    for number, row in enumerate(rows):
        count += 1
        findings += [Finding(level, number, problem) for level, problem in _row(row)]
        for path, value in _values(row, ""):
            kinds[path].setdefault(_kind(value), number)
            if isinstance(value, str) and path not in rewritten and (read := _rewritten(value)) is not None:
                rewritten[path] = f'loaders will read "{value:.40}" as {read:.40}'
    if not count:
        findings.append(Finding(ERROR, None, "the file is empty"))
    for path, seen in kinds.items():
        findings += _mixed(path, seen, rewritten.get(path))
    return findings


def _row(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    messages = row.get("messages")
    if not isinstance(messages, list):
        eaten = [name for name in EATEN if row.get(name) is not None]
        said = f"; swift will take {eaten[0]!r} for the assistant's turn and drop it" if len(eaten) == 1 else ""
        yield ERROR, f"no messages{said}"
        messages = []
    elif not all(isinstance(turn, Mapping) for turn in messages):
        yield ERROR, "a turn of messages is no dict of role and content"
        messages = []
    elif messages and messages[-1].get("role") == "assistant" and not row.get("solution"):
        yield ERROR, "the gold table is the assistant's turn, which stock swift drops; move it to 'solution'"
    if messages and not any(turn.get("role") == "user" for turn in messages):
        yield ERROR, "no user turn"
    if COLUMN not in row and MISSPELT in row:
        yield ERROR, f"'{MISSPELT}' is a misprint of '{COLUMN}': no reward will see it"
    elif row.get(COLUMN) in (None, "", "[]", []):
        yield WARNING, f"no {COLUMN}: QA_F1_score passes the row over"
    else:
        yield from _pairs(row)
    solution = row.get("solution")
    if solution is None:
        yield WARNING, "no 'solution': TEDS will be unscored"
    elif not isinstance(solution, str):
        yield ERROR, f"'solution' must be text, not {type(solution).__name__}"
    images = row.get("images") or []
    if not isinstance(images, list):
        yield ERROR, f"'images' must be a list, not {type(images).__name__}"
        return
    tags = sum(str(turn.get("content")).count("<image>") for turn in messages)
    if tags != len(images):
        yield ERROR, f"{len(images)} images but {tags} <image> in the messages"


def _pairs(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        pairs = QAPairs.read(row[COLUMN]).pairs
    except BadReference as problem:
        yield ERROR, str(problem)
        return
    asked = [" ".join(pair.question.split()).casefold() for pair in pairs]
    if len(set(asked)) < len(asked):
        yield WARNING, f"{len(asked) - len(set(asked))} questions are asked twice"
    solution = row.get("solution")
    if not isinstance(solution, str) or solution.strip() == PLACEHOLDER:
        return
    table = parse_table(solution)
    if table is not None:
        written = {token for line in table.rows for cell in line for token in tokens(cell.text)}
        strange = [pair.answer for pair in pairs if (found := tokens(pair.answer)) and not written & set(found)]
        if len(strange) > len(pairs) / 2:
            yield (
                WARNING,
                f"{len(strange)} of {len(pairs)} answers share no word with the table, such as {strange[0]!r:.40}",
            )


def _values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value in a row with its path; ``[]`` stands for any item of a list."""
    if path:
        yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _values(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, f"{path}[]")


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "truth values"
    if isinstance(value, (int, float)):
        return "numbers"
    return "text" if isinstance(value, str) else "lists" if isinstance(value, list) else "objects"


def _rewritten(text: str) -> str | None:
    """What a loader that parses strings makes of a text, shown as Python; None when it stays as it is.

    Its number parser takes leading zeros, which JSON does not.
    """
    if _NUMBER.fullmatch(text):
        return repr(float(text) if set(text) & set(".eE") else int(text))
    if text[:1] in ('"', "[", "{", "n", "t", "f"):
        try:
            return repr(json.loads(text))
        except (ValueError, RecursionError):
            return None
    return None


def _mixed(path: str, seen: Mapping[str, int], rewritten: str | None) -> Iterator[Finding]:
    real = {kind: row for kind, row in seen.items() if kind != "nothing"}
    if len(real) > 1:
        names, rows = " and ".join(real), " and ".join(map(str, real.values()))
        cure = f"write {COLUMN} as one JSON string a row" if path.startswith(COLUMN) else "write every value as text"
        yield Finding(ERROR, None, f"'{path}' mixes {names} (rows {rows}): {rewritten or 'loaders fail on it'}; {cure}")
