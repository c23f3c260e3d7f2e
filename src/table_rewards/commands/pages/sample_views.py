"""The samples of a report as data for its page: texts cut to fit, tables drawn, explanations as HTML."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.reward import Reward
from table_rewards.evaluation.scores.samples import VIEWS, Sample

BUDGET: Final = 1_300_000
"""Characters that the samples of a page may take, so that the page stays under 3 MB."""

TEXT: Final = 4_000
EXPLAINED: Final = 60
EXPLAINING_S: Final = 20.0
"""Seconds after which no further sample is explained: large tables take a second each."""

_HEAD: Final = frozenset(
    {"row", "sample", "score", "status", "note", "prompt", "content", "characters", "signature", "step", "\x00prompt"}
)


@dataclass
class Shown:
    """The samples of one file.

    Attributes:
        file: its name.
        parts: the names of its parts.
        samples: what is shown.
        reward: what explains them, when it is at hand.
        step: the training step at which they were scored.
    """

    file: str
    parts: Sequence[str]
    samples: list[Sample]
    reward: Reward[Any] | None = None
    step: int | None = None


def sample_data(shown: Sequence[Shown]) -> list[dict[str, Any]]:
    """The samples for the page; texts are cut shorter until all of them fit the budget."""
    pairs = [(one, sample) for one in shown for sample in one.samples]
    explained = _explanations(pairs)
    room = TEXT
    while True:
        data = [_told(one, sample, room, explained.get(id(sample), "")) for one, sample in pairs]
        if room <= 200 or len(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")) <= BUDGET:
            return data
        room = room * 2 // 3


def _told(one: Shown, sample: Sample, room: int, explanation: str) -> dict[str, Any]:
    row = sample.scores
    parts = {name: value for name in one.parts if (value := _number(row.get(name))) is not None}
    about = {
        name: value
        for name, value in row.items()
        if name not in _HEAD and name not in one.parts and value is not None and value != ""
    }
    drawn = room > 800
    return {
        "file": one.file,
        "row": row.get("row"),
        "sample": row.get("sample", 0),
        "score": _number(row.get("score")),
        "status": row.get("status"),
        "note": row.get("note") or "",
        "step": row.get("step"),
        "characters": row.get("characters"),
        "parts": parts,
        "about": about,
        "views": [view for view in VIEWS if view in sample.views],
        "prompt": _cut(sample.prompt, room // 2),
        "completion": _cut(sample.completion, room),
        "reference": _cut(sample.reference, room // 2),
        "table": _table(sample.completion) if drawn else "",
        "reference_table": _table(sample.reference) if drawn else "",
        "explanation": explanation,
    }


def _explanations(pairs: Sequence[tuple[Shown, Sample]]) -> dict[int, str]:
    """Sample -> what ``reward.explain`` says of it as HTML, for rewards that offer it, as far as there is room."""
    found: dict[int, str] = {}
    left = BUDGET // 2
    until = time.monotonic() + EXPLAINING_S
    for one, sample in pairs:
        if time.monotonic() > until:
            break
        explain = getattr(one.reward, "explain", None)
        if explain is None or sample.row is None or len(found) >= EXPLAINED * max(1, len(pairs) // 100):
            continue
        try:
            told = _explained(explain(sample.completion, sample.row, step=one.step), sample)
        except Exception:  # a report shows what it can; the score stands without its explanation
            continue
        if isinstance(told, str) and len(told) <= min(left, 40_000):
            found[id(sample)] = told
            left -= len(told)
    return found


def _explained(told: Any, sample: Sample) -> Any:
    """An explanation as HTML, if it is of the score that is shown: a reward may have changed since."""
    value = getattr(told, "value", None)
    if value is not None and _number(value) != _number(sample.scores.get("score")):
        return None
    return told.to_html(style=False) if hasattr(told, "to_html") else told._repr_html_()


def _table(text: str) -> str:
    """The first table of a text as clean HTML, when there is one that is small enough."""
    if not text or len(text) > 60_000 or not any(mark in text for mark in ("<t", "<fcel>", "|", "\\begin{")):
        return ""
    from table_rewards.tables.formats.convert import parse_table, render_table

    try:
        table = parse_table(text)
        told = render_table(table, "html") if table is not None and table.size > 1 else ""
    except Exception:
        return ""
    return told if len(told) <= 6_000 else ""


def _cut(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    half = room // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"


def _number(value: Any) -> float | None:
    if value is None or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return round(float(value), 6)
