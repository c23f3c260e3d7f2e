"""TRivia's training rows for ms-swift: chat messages, ``solution`` and ``qa_pairs``, both plain strings.

Stock ms-swift drops the assistant's turn of a data set, and recent loaders rewrite nested values that look like JSON.
So the gold table moves to the column ``solution`` and the question-answer pairs become one JSON string a row.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import plain
from table_rewards.rewards.qa_f1.reference import COLUMN, QAPair, QAPairs
from table_rewards.tables.formats.convert import parse_table

PROMPT: Final = "Read the table in the image and write it in OTSL.\n<image>"
MISSPELT: Final = "qa_paris"  # the name in TRivia's README
PLACEHOLDER: Final = "<table></table>"  # TRivia's assistant turn of a row without a label
_PLACES: Final = {"path", "url", "image", "bytes"}


@dataclass
class Prepared:
    """Rows for swift and what became of the others."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    contested: int = 0  # pairs left out: their question has another answer in the same row

    def describe(self) -> str:
        """One line, and up to five reasons.

        >>> Prepared([{}], [(3, "no prompt")]).describe()
        '1 rows, 1 refused\\n  row 3: no prompt'
        """
        lines = [f"{len(self.rows):,} rows" + (f", {len(self.refused):,} refused" if self.refused else "")]
        lines += [f"  row {number}: {reason}" for number, reason in self.refused[:5]]
        if len(self.refused) > 5:
            lines.append(f"  and {len(self.refused) - 5:,} more")
        if self.contested:
            lines.append(f"  {self.contested:,} pairs left out: their question has another answer in the same row")
        return "\n".join(lines)


def prepare(rows: Iterable[Mapping[str, Any]], *, questions: bool = True) -> Prepared:
    """Convert rows in TRivia's form, or with ``images`` and ``qa_pairs`` alone, to what stock swift trains on.

    Args:
        rows: each with ``messages`` (or ``prompt``, or only ``images``), ``qa_pairs`` and, where known,
            ``solution`` or a closing assistant turn with the gold table.
        questions: refuse rows without usable question-answer pairs; a validation set for TEDS alone has none.

    >>> turns = [{"role": "user", "content": "<image>"}, {"role": "assistant", "content": "<table>"}]
    >>> pairs = [{"question": "Which unit?", "answer": "mA"}]
    >>> done = prepare([{"messages": turns, "qa_pairs": pairs, "images": ["a.png"]}])
    >>> sorted(done.rows[0].items())[2:]
    [('qa_pairs', '[{"question": "Which unit?", "answer": "mA"}]'), ('solution', '<table>')]
    """
    done = Prepared()
    for number, raw in enumerate(rows):
        try:
            done.rows.append(_row(plain(raw), questions, done))
        except BadReference as problem:
            done.refused.append((number, str(problem)))
    return done


def split(rows: Sequence[dict[str, Any]], share: float, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Take a random share of the rows for validation; the order of both parts is kept, the seed decides which.

    A share of few rows is at least one: trainers stop at a validation file without rows.
    """
    count = round(len(rows) * share)
    if share and len(rows) > 1:
        count = min(max(count, 1), len(rows) - 1)
    chosen = set(random.Random(seed).sample(range(len(rows)), count))
    return [r for i, r in enumerate(rows) if i not in chosen], [rows[i] for i in sorted(chosen)]


def for_verl(rows: Iterable[Mapping[str, Any]], split_name: str) -> Iterator[dict[str, Any]]:
    """The same rows in verl's form: the pairs are the ground truth, as text; the gold table is in ``extra_info``.

    >>> made = next(for_verl([{"messages": [], "solution": "<table>", "qa_pairs": "[]", "images": ["a.png"]}], "train"))
    >>> made["reward_model"]["ground_truth"], made["extra_info"]["solution"], made["images"]
    ('[]', '<table>', [{'image': 'a.png'}])
    """
    for index, row in enumerate(rows):
        made = {
            "data_source": "trivia",
            "prompt": row["messages"],
            "ability": "table recognition",
            "reward_model": {"style": "model", "ground_truth": row.get(COLUMN, "")},
            "extra_info": {"index": index, "split": split_name, "solution": row["solution"]},
        }
        yield {**made, "images": [{"image": image} for image in row["images"]]} if row.get("images") else made


def to_jsonl(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """JSON lines, non-ASCII text as it is."""
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _row(row: dict[str, Any], questions: bool, done: Prepared) -> dict[str, Any]:
    messages, solution = _messages(row)
    found = row.get(COLUMN, row.get(MISSPELT))
    pairs = ""
    if found not in (None, "", []):
        read = QAPairs.read(found).pairs
        kept = _uncontested(read)
        done.contested += len(read) - len(kept)
        if not kept:
            raise BadReference("every question has two answers")
        pairs = QAPairs(kept).to_json()
    elif questions:
        raise BadReference(f"no {COLUMN}")
    images = row.get("images") or row.get("image") or []
    images = images if isinstance(images, list) else [images]
    if not all(isinstance(image, str) or (isinstance(image, Mapping) and _PLACES & set(image)) for image in images):
        raise BadReference("an image is neither a path nor a dict of one")
    tags = sum(str(turn["content"]).count("<image>") for turn in messages)
    if images and tags != len(images):
        raise BadReference(f"{len(images)} images but {tags} <image> in the prompt")
    if not questions and (not solution or parse_table(solution) is None):
        raise BadReference("no table in solution or in the assistant's turn, and TEDS needs one")
    made: dict[str, Any] = {"messages": messages, "solution": solution or PLACEHOLDER}
    if pairs:  # without the column, QA_F1_score passes the row over
        made[COLUMN] = pairs
    return {**made, "images": images} if images else made


def _uncontested(pairs: tuple[QAPair, ...]) -> tuple[QAPair, ...]:
    """The pairs whose question has one answer alone: no table answers the same question in two ways."""
    answers: dict[str, set[str]] = {}
    for pair in pairs:
        answers.setdefault(_bare(pair.question), set()).add(_bare(pair.answer))
    return tuple(pair for pair in pairs if len(answers[_bare(pair.question)]) == 1)


def _bare(text: str) -> str:
    return " ".join(text.split()).casefold()


def _messages(row: Mapping[str, Any]) -> tuple[list[dict[str, str]], str]:
    """The turns before the answer, and the gold table."""
    turns = row.get("messages") or row.get("prompt")
    if isinstance(turns, str):
        turns = [{"role": "user", "content": turns}]
    if turns is None and row.get("images"):
        turns = [{"role": "user", "content": PROMPT}]
    if not isinstance(turns, list) or not all(isinstance(t, dict) and isinstance(t.get("content"), str) for t in turns):
        raise BadReference("no messages, prompt or images to make a prompt of")
    solution = row.get("solution") or row.get("html") or row.get("otsl") or ""
    if turns and turns[-1].get("role") == "assistant":
        solution = solution or turns[-1]["content"]
        turns = turns[:-1]
    if not any(turn.get("role") == "user" for turn in turns):
        raise BadReference("no user turn")
    if not isinstance(solution, str):
        raise BadReference(f"solution must be text, not {type(solution).__name__}")
    if not all(isinstance(turn.get("role"), str) for turn in turns):
        raise BadReference("a turn has no role")
    return [{"role": turn["role"], "content": turn["content"]} for turn in turns], solution
