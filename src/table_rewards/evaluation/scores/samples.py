"""Which completions are worth looking at, chosen in one pass and bounded memory, and their texts."""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from table_rewards.core.rows import Row
from table_rewards.core.scores import SCORED, UNPARSED, UNSCORED
from table_rewards.datasets.files.shapes import asked, chat_of, role_of, words_of
from table_rewards.evaluation.scores.identity import REFERENCE_COLUMNS
from table_rewards.evaluation.scores.layout import Plan, completions_of, named_value, reference_of
from table_rewards.evaluation.scores.scoring import text_of

VIEWS: Final = {
    "best": "the highest scores",
    "worst": "the lowest scores",
    "disagree": "parts that disagree most",
    "long": "the longest completions",
    "unparsed": "no answer was found",
    "unscored": "could not be scored",
    "any": "drawn at random",
    "changed": "changed most between the files",
}
"""Why a sample is shown."""


@dataclass
class Sample:
    """One completion to look at.

    Attributes:
        scores: its score row.
        views: why it is shown.
        prompt: what was asked, as text.
        completion: what was answered.
        reference: the gold answer as text.
        row: the row of the file, as a reward reads its reference from it; None when the file is not at hand.
    """

    scores: dict[str, Any]
    views: list[str] = field(default_factory=list)
    prompt: str = ""
    completion: str = ""
    reference: str = ""
    row: Mapping[str, Any] | None = None

    @property
    def place(self) -> tuple[Any, Any]:
        """The row of the file and the completion in it."""
        return self.scores.get("row"), self.scores.get("sample", 0)


class SampleBook:
    """Keeps the score rows that are worth looking at while they pass by.

    Args:
        parts: the names of the parts; None for what stands behind the score in the rows.
        room: about how many are kept.
    """

    def __init__(self, parts: Sequence[str] | None, room: int = 300) -> None:
        self.parts = None if parts is None else tuple(parts)
        self._each = max(4, room // 6)
        self._random = random.Random(7)
        self._heaps: dict[str, list[tuple[float, float, int, dict[str, Any]]]] = {name: [] for name in VIEWS}
        self._count = 0

    def add(self, row: dict[str, Any]) -> None:
        """Look at one score row."""
        self._count += 1
        if self.parts is None:
            names = list(row)
            begin = names.index("score") + 1
            ends = [names.index(name) for name in ("status", "note") if name in names[begin:]]
            self.parts = tuple(names[begin : min(ends, default=begin)])
        luck = self._random.random()
        status, value = row.get("status"), row.get("score")
        self._keep("any", luck, luck, row)
        if status == UNSCORED:
            self._keep("unscored", luck, luck, row)
        elif status == UNPARSED:
            self._keep("unparsed", luck, luck, row)
        if value is None or value != value:
            return
        if status == SCORED:
            self._keep("best", value, luck, row)
            self._keep("worst", -value, luck, row)
            parts = [one for name in self.parts if (one := row.get(name)) is not None and 0 <= one <= 1]
            if parts and max(parts) - min(parts) > 0.25:
                self._keep("disagree", max(parts) - min(parts), luck, row)
        self._keep("long", row.get("characters") or 0, luck, row)

    def add_changed(self, row: dict[str, Any], change: float) -> None:
        """Keep a score row since another file scores it differently, by so much."""
        self._count += 1
        self._keep("changed", abs(change), self._random.random(), row)

    def chosen(self) -> list[Sample]:
        """The samples, in the order of the file, each once."""
        found: dict[Any, Sample] = {}
        for view, heap in self._heaps.items():
            for _, _, number, row in heap:
                sample = found.setdefault((row.get("row", number), row.get("sample", 0)), Sample(row))
                sample.views.append(view)
        return [found[place] for place in sorted(found)]

    def _keep(self, view: str, worth: float, luck: float, row: dict[str, Any]) -> None:
        heap = self._heaps[view]
        each = self._each if view != "long" else max(4, self._each // 3)
        entry = (float(worth), luck, self._count, row)
        if len(heap) < each:
            heapq.heappush(heap, entry)
        elif entry[:2] > heap[0][:2]:
            heapq.heapreplace(heap, entry)


def fill(samples: Iterable[Sample], plan: Plan) -> None:
    """Give samples their texts, by reading the file up to the last of them."""
    wanted: dict[Any, list[Sample]] = {}
    for sample in samples:
        wanted.setdefault(sample.scores.get("row"), []).append(sample)
    left = len(wanted)
    for number, row in enumerate(plan.rows()):
        if number in wanted:
            completions, _ = completions_of(row, plan.completion)
            for sample in wanted[number]:
                index = int(sample.scores.get("sample") or 0)
                if index < len(completions):
                    sample.completion = text_of(completions[index])[0]
                sample.prompt = prompt_text(row, plan)
                sample.row = reference_of(row, plan)
                sample.reference = reference_text(row, plan)
            left -= 1
        if not left:
            return


def prompt_text(row: Mapping[str, Any], plan: Plan) -> str:
    """What was asked, as text for a person."""
    told = []
    for name in plan.who.asked:
        value = row.get(name)
        if value is None or value == "":
            continue
        turns = chat_of(value)
        if turns is not None:
            asking = asked(turns)
            told += [f"{role_of(turn)}: {_content(turn)}" if len(asking) > 1 else _content(turn) for turn in asking]
        else:
            told.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    named = [json.dumps(row[name], ensure_ascii=False, default=_short) for name in plan.who.images if row.get(name)]
    return "\n\n".join([*told, *(f"[images: {name}]" for name in named)])


def reference_text(row: Mapping[str, Any], plan: Plan) -> str:
    """The gold answer, as text for a person."""
    if plan.reference_column is not None:
        value = named_value(row, plan.reference_column)
    else:
        try:
            value = Row(reference_of(row, plan)).answer(*(name for name in REFERENCE_COLUMNS if name != "reward_model"))
        except ValueError:
            value = None
    return (
        value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    )


def _content(turn: Mapping[str, Any]) -> str:
    return text_of({"role": "assistant", "content": words_of(turn)})[0]


def _short(value: Any) -> str:
    return f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)[:80]
