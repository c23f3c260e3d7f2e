"""Numbers in the texts of cells: which texts are figures, and which of them are other figures.

Letter by letter ``1538`` is three quarters of ``1536``. Whoever trains on figures may want a wrong one to be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_NUMBER: Final = re.compile(
    r"[~≈<>≤≥=]?(?P<open>\()?(?P<sign>[-+\u2212\u2013]?)[$€£¥]?(?P<inner>[-\u2212\u2013]?)"
    r"(?P<digits>\d{1,3}(?:[,' \u00a0\u202f\u2009]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?: ?[%‰€£])?(?P<close>\))?",
    re.ASCII,
)
_SEPARATORS: Final = re.compile(r"[,' \u00a0\u202f\u2009]")
_PART: Final = re.compile(
    r"(?:(?<![\w.)])(?P<sign>[-\u2212\u2013]))?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)", re.ASCII
)
_LONGEST: Final = 40
_LETTERS: Final = 6
_NAME: Final = re.compile(r"[A-Za-z_]\d")


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


class Figures(NamedTuple):
    """A text that is numbers and little else: what stands round them, with ``#`` for each, and the numbers."""

    frame: str
    numbers: tuple[Decimal, ...]


def figures_in(text: str) -> Figures | None:
    """Return the figures that a text is: a number, or numbers with at most six letters beside them; else None.

    A name that holds digits, such as ``a1`` or ``Q2``, is no figure.

    >>> figures_in("1,538 kg"), figures_in("-7.50%")
    (Figures(frame='#kg', numbers=(Decimal('1538'),)), Figures(frame='', numbers=(Decimal('-7.50'),)))
    >>> figures_in("0.66\u20131.47").numbers, figures_in("12 of the trees"), figures_in("n/a")
    ((Decimal('0.66'), Decimal('1.47')), None, None)
    """
    if not text or len(text) > _LONGEST or not any(map(str.isdecimal, text)) or _NAME.search(text) is not None:
        return None
    whole = number_in(text)
    if whole is not None:
        return Figures("", (whole,))
    frame = "".join(_PART.sub("#", text).split())
    if sum(map(str.isalpha, frame)) > _LETTERS:
        return None
    numbers = []
    for match in _PART.finditer(text):
        value = Decimal(match["digits"].replace(",", ""))
        numbers.append(-value if match["sign"] else value)
    return Figures(frame, tuple(numbers)) if numbers else None


def other_figures(one: Figures | None, two: Figures | None) -> bool:
    """Whether two texts are different figures: other numbers in the same place, or another number to begin with.

    >>> pairs = [("12 kg", "13 kg"), ("12 kg", "13"), ("12 kg", "12"), ("1.2 (0.3)", "1.2 (0.4)"), ("1.2 (0.3)", "1.2")]
    >>> [other_figures(figures_in(one), figures_in(two)) for one, two in pairs]
    [True, True, False, True, False]
    """
    if one is None or two is None or one.numbers == two.numbers:
        return False
    return one.frame == two.frame or one.numbers[0] != two.numbers[0]


def refuse_other_numbers(left: Sequence[str], right: Sequence[str], savings: NDArray[np.float64]) -> None:
    """Set the saving of every two texts that are :func:`other_figures` to 1, as of texts with nothing in common.

    >>> savings = np.full((1, 2), 1.75)
    >>> refuse_other_numbers(["1538"], ["1536", "1,538"], savings)
    >>> savings.tolist()
    [[1.0, 1.75]]
    """
    known: dict[object, int] = {}

    def identities(texts: Sequence[str]) -> NDArray[np.intp]:
        """Of each text its numbers, the first of them, and what stands round them; -1 where it is no figures."""
        found = []
        for text in texts:
            figures = figures_in(text)
            if figures is None:
                found.append((-1, -1, -1))
            else:
                parts = (figures.numbers, figures.numbers[0], figures.frame)
                found.append(tuple(known.setdefault(part, len(known)) for part in parts))  # type: ignore[arg-type]
        return np.array(found, dtype=np.intp).reshape(-1, 3).T

    ours, theirs = (one[:, :, None] for one in (identities(left), identities(right)))
    theirs = theirs.swapaxes(1, 2)
    figures = (ours[0] >= 0) & (theirs[0] >= 0)
    savings[figures & (ours[0] != theirs[0]) & ((ours[2] == theirs[2]) | (ours[1] != theirs[1]))] = 1.0
