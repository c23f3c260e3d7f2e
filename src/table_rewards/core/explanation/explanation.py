"""An explanation: the work behind one score, as text, in a terminal, as HTML and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose, isnan
from typing import Any

from table_rewards.core.explanation.data import VALUE, ExplainedScore, Section, ShownCell
from table_rewards.core.explanation.html import as_html
from table_rewards.core.explanation.text import as_text, drawn


class Explanation(ExplainedScore):
    """One score and the work behind it; :class:`~table_rewards.core.explanation.data.ExplainedScore` has the fields.

    ``str(explanation)`` is plain text, rich prints it in colour, a notebook shows it as HTML, :meth:`to_dict` is plain
    data.
    """

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain data that JSON can hold; None for a number that there is not."""
        return {
            "reward": self.reward,
            "signature": self.signature,
            "value": _number(self.value),
            "parts": {name: _number(value) for name, value in self.parts.items()},
            "status": self.status,
            "note": self.note,
            "passages": [passage._asdict() for passage in self.passages],
            "sections": [_section(section) for section in self.sections],
            "remarks": list(self.remarks),
        }

    def __str__(self) -> str:
        return as_text(self)

    def __rich_console__(self, console: Any, options: Any) -> Any:
        return drawn(self, options.max_width, console)

    def to_html(self, *, style: bool = True) -> str:
        """The explanation as HTML that needs nothing beside it; ``style=False`` for a page that has the style already.

        >>> from table_rewards import TableBench
        >>> page = TableBench().explain("Final Answer: 8", "7").to_html(style=False)
        >>> page.startswith('<div class="tr-explain">'), "<style>" in page
        (True, False)
        """
        return as_html(self, style=style)

    def _repr_html_(self) -> str:
        return self.to_html()


def checked(sections: tuple[Section, ...], value: float, parts: Mapping[str, float]) -> tuple[list[Section], list[str]]:
    """The sections whose numbers are those of the score, and what is wrong with the others.

    >>> good, bad = Section("a", gives={"score": 0.5}), Section("b", gives={"score": 0.25})
    >>> kept, remarks = checked((good, bad), 0.5, {})
    >>> kept == [good], remarks
    (True, ["'b' comes to score 0.25 and the reward gives 0.5: left out, please report it"])
    """
    known = {VALUE: value, **parts}
    kept: list[Section] = []
    remarks: list[str] = []
    for section in sections:
        wrong = [
            f"{section.title!r} comes to {name} {number:.12g} and the reward gives {known.get(name, float('nan')):.12g}"
            for name, number in section.gives.items()
            if not _equal(number, known.get(name, float("nan")))
        ]
        costs = [step.cost for step in section.steps if step.cost is not None]
        if section.total is not None and not isclose(sum(costs), section.total, rel_tol=1e-9, abs_tol=1e-9):
            wrong.append(f"the steps of {section.title!r} add up to {sum(costs):.12g} and not to {section.total:.12g}")
        if wrong:
            remarks += [f"{one}: left out, please report it" for one in wrong]
        else:
            kept.append(section)
    return kept, remarks


def _equal(one: float, other: float) -> bool:
    return (isnan(one) and isnan(other)) or isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def _number(value: float) -> float | None:
    return None if isnan(value) else float(value)


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "steps": [
            {
                "kind": step.kind,
                "label": step.label,
                "detail": step.detail,
                "cost": step.cost,
                "prediction": step.prediction,
                "reference": step.reference,
                "marks": [mark._asdict() for mark in step.marks],
            }
            for step in section.steps
        ],
        "lines": [
            {"prediction": _cells(line.prediction), "reference": _cells(line.reference)} for line in section.lines
        ],
        "total": section.total,
        "unit": section.unit,
        "closing": section.closing,
        "gives": {name: _number(value) for name, value in section.gives.items()},
    }


def _cells(cells: tuple[ShownCell, ...] | None) -> list[dict[str, Any]] | None:
    if cells is None:
        return None
    return [
        {
            "text": cell.text,
            "kind": cell.kind,
            "colspan": cell.colspan,
            "rowspan": cell.rowspan,
            "cost": cell.cost,
            "marks": [mark._asdict() for mark in cell.marks],
        }
        for cell in cells
    ]
