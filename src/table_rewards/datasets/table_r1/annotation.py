"""Regions that a model marks: asked several times, put together by a vote, held against the table and the answer.

A reply counts when it names columns and rows that the table has. What more than half of the counting replies name is
the region. With ``check`` the question is then asked again with nothing but the region: only where the answer is still
the gold one, the region holds what the question needs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from table_rewards.core.rows import plain
from table_rewards.datasets.completed_rows import Unread
from table_rewards.datasets.table_r1.labels import clean_answer, clean_region
from table_rewards.datasets.table_r1.source import Example, read_example
from table_rewards.datasets.table_r1.table import Region, Table, Unusable, key, region_of
from table_rewards.llm import ChatReply, ChatRequest, Sampling
from table_rewards.rewards.llm_reward import said_in
from table_rewards.rewards.table_bench.region import TAG, region_overlap
from table_rewards.text.answers import same_answer
from table_rewards.text.blocks import last_tagged
from table_rewards.text.final_answer import final_answer

VERSION: Final = 1
"""Raise it with any change of wording."""

AREA: Final = "gold_area"
MODEL_AREA: Final = "model_area"

_MARK: Final = """\
A table and a question about it follow{answer}. Find the smallest part of the table that one must see to answer the \
question: the columns whose cells are read, those that tell which rows are meant among them, and the rows whose cells \
are read. Reason first. Then end with one line of this form and nothing behind it:
<gold_area>{{"columns": ["name of a column", ...], "rows": [number of a row, ...]}}</gold_area>

Columns: {columns}
Rows, each behind its number:
{rows}

Question: {question}{gold}"""

_CHECK: Final = """\
A part of a table and a question follow. Answer from what is shown alone; what is not shown is not known. If it does \
not suffice, answer "not enough". Reason briefly, then close with one line of this form:
Final Answer: AnswerName1, AnswerName2...

Columns: {columns}
Rows:
{rows}

Question: {question}"""


@dataclass(frozen=True)
class RegionQuestion:
    """What is asked about one row.

    Args:
        row: the source row, in any form that ``prepare table-r1`` reads.
        number: of the row.
        sampling: of the model.
        votes: how often it is asked.
        show_answer: whether it is told the gold answer, which helps to find what was read for it.
        check: whether the region alone must give the gold answer.
        compare: whether rows that have a region are asked about, too; the model's then stands in ``model_area``.

    Raises:
        Unusable: the row has no table or no question, or is to be checked and has no answer.
    """

    row: Mapping[str, Any]
    number: int
    sampling: Sampling
    votes: int = 1
    show_answer: bool = True
    check: bool = False
    compare: bool = False

    def __post_init__(self) -> None:
        if self._answer is None and self.check:
            raise Unusable("no answer to check the region against")

    @cached_property
    def _example(self) -> Example:
        return read_example(self.row, self.number, keep_prompt=False)

    @cached_property
    def _answer(self) -> str | None:
        text = self._example.answer
        try:
            return None if text is None else clean_answer(text, self._example.table)[0]
        except Unusable:  # such as a template's leftover: the question has its region all the same
            return None

    @cached_property
    def given(self) -> Region | None:
        """The row's own region, where it has one that fits its table."""
        if self._example.region is None:
            return None
        try:
            return clean_region(self._example.region, self._example.table)[0]
        except Unusable:
            return None

    def requests(self, attempt: int) -> list[ChatRequest]:
        """As many requests as there are votes; none where the row has a region and none is to be compared."""
        if self.given is not None and not self.compare:
            return []
        table, shown = self._example.table, self.show_answer and self._answer is not None
        prompt = _MARK.format(
            answer=", and the right answer" if shown else "",
            columns=json.dumps(table.columns, ensure_ascii=False),
            rows=_numbered(table),
            question=self._example.question,
            gold=f"\nRight answer: {self._answer}" if shown else "",
        )
        first = attempt * self.votes
        sampling = self.sampling
        if attempt and sampling.temperature == 0:  # the same again would be said
            sampling = replace(sampling, temperature=0.6)
        return [ChatRequest(prompt, sampling, first + i, f"regions:{VERSION}") for i in range(self.votes)]

    def more(self, replies: Sequence[ChatReply]) -> list[ChatRequest]:
        """The question with the region alone, where that is to be checked."""
        if not replies:
            return []
        region, _ = self._voted(replies)
        if not self.check:
            return []
        prompt = _CHECK.format(
            columns=json.dumps(region.columns, ensure_ascii=False),
            rows="\n".join(json.dumps(cells, ensure_ascii=False) for cells in region.data),
            question=self._example.question,
        )
        cold = replace(self.sampling, temperature=0.0) if self.sampling.temperature is not None else self.sampling
        return [ChatRequest(prompt, cold, tag=f"regions:{VERSION}")]

    def line(self, replies: Sequence[ChatReply]) -> dict[str, Any]:
        row = {str(name): plain(value) for name, value in self.row.items()}
        if not replies:
            return row
        region, agreement = self._voted(replies[: self.votes])
        if self.check:
            self._confirm(replies[-1])
        found = {"region_agreement": round(agreement, 6), "region_checked": self.check}
        if self.given is None:
            return {**row, AREA: region.as_json(), **found}
        iou = region_overlap(self.given.as_json(), region.as_json())
        return {**row, MODEL_AREA: region.as_json(), "region_iou": iou, **found}

    def _voted(self, replies: Sequence[ChatReply]) -> tuple[Region, float]:
        table = self._example.table
        found, problems = [], Counter[str]()
        for reply in replies:
            try:
                found.append(read_marks(reply, table))
            except Unread as error:
                problems[str(error)] += 1
        if 2 * len(found) <= len(replies):
            raise Unread(problems.most_common(1)[0][0])
        columns = _majority([marks[0] for marks in found])
        rows = _majority([marks[1] for marks in found])
        if not columns or not rows:
            raise Unread("the votes have no column or no row in common")
        region = region_of(table, sorted(columns), sorted(rows))
        chosen = region.as_json()
        overlaps = [region_overlap(chosen, region_of(table, *map(sorted, marks)).as_json()) or 0.0 for marks in found]
        return region, sum(overlaps) / len(overlaps)

    def _confirm(self, reply: ChatReply) -> None:
        said = said_in(reply)
        answer = final_answer(said.text) if said.text else None
        if answer is None:
            raise Unread("the check gave no final answer")
        if self._answer is None or not same_answer(self._answer, answer):
            raise Unread("the region alone gives another answer")


def read_marks(reply: ChatReply, table: Table) -> tuple[frozenset[int], frozenset[int]]:
    """Places of the columns and rows that a reply marks.

    >>> table = Table(("name", "goals"), (("Woo", 116), ("Kim", 114)))
    >>> said = 'Woo.\\\\n<gold_area>{"columns": ["Goals", "name"], "rows": [0]}</gold_area>'
    >>> columns, rows = read_marks(ChatReply(said, finish_reason="stop"), table)
    >>> sorted(columns), sorted(rows)
    ([0, 1], [0])

    Raises:
        Unread: nothing is marked, or something that the table has not.
    """
    said = said_in(reply)
    if not said.text:
        raise Unread(said.problem)
    marked = last_tagged(said.text, TAG)
    try:
        area = json.loads(marked) if marked is not None else None
    except (ValueError, RecursionError):
        area = None
    if not isinstance(area, dict):
        raise Unread("no region is marked")
    columns, rows = area.get("columns"), area.get("rows")
    if not isinstance(columns, list) or not columns or not isinstance(rows, list) or not rows:
        raise Unread("the region has no columns or no rows")
    places: dict[str, list[int]] = {}
    for place, name in enumerate(table.columns):
        places.setdefault(key(name), []).append(place)
    found: set[int] = set()
    for name in columns:
        known = places.get(key(name)) if isinstance(name, (str, int, float)) else None
        if not known:
            raise Unread("the region has a column that the table has not")
        found.update(known)
    if not all(isinstance(row, int) and not isinstance(row, bool) and 0 <= row < len(table.data) for row in rows):
        raise Unread("the region has a row that the table has not")
    return frozenset(found), frozenset(rows)


def _majority(sets: Sequence[frozenset[int]]) -> set[int]:
    counts = Counter(one for some in sets for one in some)
    return {one for one, count in counts.items() if 2 * count > len(sets)}


def _numbered(table: Table) -> str:
    return "\n".join(f"{i}: {json.dumps(cells, ensure_ascii=False)}" for i, cells in enumerate(table.data))
