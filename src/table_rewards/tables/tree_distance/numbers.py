"""Numbers as texts of cells: which texts are numbers, and which of them are other numbers.

Letter by letter ``1538`` is three quarters of ``1536``. Whoever trains on figures may want a wrong one to be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NUMBER: Final = re.compile(
    r"[~≈<>≤≥=]?(?P<open>\()?(?P<sign>[-+\u2212\u2013]?)[$€£¥]?(?P<inner>[-\u2212\u2013]?)"
    r"(?P<digits>\d{1,3}(?:[,' \u00a0\u202f\u2009]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?: ?[%‰€£])?(?P<close>\))?",
    re.ASCII,
)
_SEPARATORS: Final = re.compile(r"[,' \u00a0\u202f\u2009]")
_LONGEST: Final = 40


def number_in(text: str) -> Decimal | None:
    """Return the number that a text is, None when it is anything else; units of money and percent signs do not count.

    >>> [number_in(text) for text in ("1,538", "-7.50%", "($3)", "1538 m", "")]
    [Decimal('1538'), Decimal('-7.50'), Decimal('-3'), None, None]
    """
    if not text or len(text) > _LONGEST:
        return None
    match = _NUMBER.fullmatch(text)
    if match is None or bool(match["open"]) is not bool(match["close"]):
        return None
    value = Decimal(_SEPARATORS.sub("", match["digits"]))
    negative = (match["sign"] not in ("", "+")) != bool(match["inner"]) or bool(match["open"])
    return -value if negative else value


def refuse_other_numbers(left: Sequence[str], right: Sequence[str], savings: NDArray[np.float64]) -> None:
    """Set the saving of every two texts that are different numbers to 1, as of texts with nothing in common.

    >>> savings = np.full((1, 2), 1.75)
    >>> refuse_other_numbers(["1538"], ["1536", "1,538"], savings)
    >>> savings.tolist()
    [[1.0, 1.75]]
    """
    known: dict[Decimal, int] = {}

    def identity(text: str) -> int:
        value = number_in(text)
        return -1 if value is None else known.setdefault(value, len(known))

    ours, theirs = (np.array([identity(text) for text in texts], dtype=np.intp) for texts in (left, right))
    savings[(ours[:, None] >= 0) & (theirs[None, :] >= 0) & (ours[:, None] != theirs[None, :])] = 1.0
