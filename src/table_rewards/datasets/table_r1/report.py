"""What became of the source rows, counted: kept, mended, left out, and where their regions came from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

ORIGINS: Final = {
    "given": "the source, as given",
    "mended": "the source, mended",
    "response": "the source's response",
    "answer": "the cells of the answer",
    "program": "what the program looks at",
    "whole table": "nothing: the whole table",
}
"""How a region came about, in words."""


@dataclass(slots=True)
class Report:
    """What was read, made, mended and left out, and where the regions came from; reasons with their first row."""

    read: int = 0
    kept: int = 0
    origins: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    no_region: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def leave_out(self, reason: str, number: int) -> None:
        self.left_out[reason] += 1
        self.first.setdefault(reason, number)

    def __str__(self) -> str:
        lines = [f"{self.kept:,} of {self.read:,} source rows kept"]
        for title, counts in (
            ("regions from", self.origins),
            ("mended", self.mended),
            ("no region could be derived", self.no_region),
            ("left out", self.left_out),
        ):
            if counts:
                lines.append(f"{title}:")
                for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
                    where = f" (first: row {self.first[name]:,})" if counts is self.left_out else ""
                    lines.append(f"  {count:>8,} {ORIGINS.get(name, name)}{where}")
        return "\n".join(lines)
