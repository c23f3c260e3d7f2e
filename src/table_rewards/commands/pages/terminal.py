"""What the commands print with: tables, bars and numbers that fit the terminal, plain where it is plain."""

from __future__ import annotations

import math
import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

NARROW, WIDE = 60, 120
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def width() -> int:
    """Columns to print in: the terminal's, within 60 to 120."""
    return max(NARROW, min(WIDE, shutil.get_terminal_size((100, 24)).columns))


def unicode_output() -> bool:
    return (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def styled(text: str, style: str) -> str:
    """``bold``, ``dim``, ``red`` or ``green`` on a terminal that wants it; the text alone elsewhere.

    >>> styled("mean", "bold")
    'mean'
    """
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    code = {"bold": "1", "dim": "2", "red": "31", "green": "32"}[style]
    return f"\x1b[{code}m{text}\x1b[0m"


def number(value: float | None, digits: int = 4) -> str:
    """A number for a person: no trailing zeros that say nothing, ``-`` for none.

    >>> number(0.5), number(1.0), number(float("nan")), number(1234.5678), number(-0.25)
    ('0.5000', '1', '-', '1234.5678', '-0.2500')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.{digits}f}"


def share(part: float, whole: float) -> str:
    """A percentage that never rounds some to none or most to all.

    >>> share(1, 3), share(0, 3), share(3, 3), share(1, 100_000), share(99_999, 100_000), share(1, 0)
    ('33.3 %', '0 %', '100 %', '<0.1 %', '>99.9 %', '-')
    """
    if not whole:
        return "-"
    percent = 100 * part / whole
    if part in (0, whole):
        return f"{percent:.0f} %"
    return "<0.1 %" if percent < 0.1 else ">99.9 %" if percent > 99.9 else f"{percent:.1f} %"


def seconds(value: float) -> str:
    """A duration for a person.

    >>> seconds(0.0123), seconds(12.3), seconds(75), seconds(7265)
    ('12 ms', '12.3 s', '1 min 15 s', '2 h 1 min')
    """
    if value < 0.995:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def spark(counts: Sequence[int]) -> str:
    """A histogram in one line: an empty bin is a dot, the fullest a full block, any other at least the lowest step.

    >>> spark([4, 0, 1, 8]) in ("▄·▁█", "4.19")
    True
    """
    highest = max(counts, default=0)
    if not highest:
        return ""
    if not unicode_output():
        return "".join("." if not count else str(min(9, max(1, round(9 * count / highest)))) for count in counts)
    steps = len(_SPARKS)
    return "".join("·" if not c else _SPARKS[max(0, math.ceil(steps * c / highest) - 1)] for c in counts)


def bar(value: float, most: float, cells: int) -> str:
    """A horizontal bar of at most ``cells`` characters, in eighths; anything above zero shows."""
    if value <= 0 or most <= 0:
        return ""
    if not unicode_output():
        return "#" * max(1, round(cells * value / most))
    eighths = max(1, round(cells * 8 * value / most))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def shown_width(text: str) -> int:
    """Terminal cells that a text takes: East Asian wide characters take two, combining ones none.

    >>> shown_width("表格"), shown_width("e\\u0301")
    (4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, cells: int) -> str:
    """One line of at most ``cells`` cells; control characters become spaces, what is cut ends in an ellipsis.

    >>> cut("one\\ntwo", 20), cut("Final Answer: 7", 8) in ("Final A…", "Final A~")
    ('one two', True)
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * cells + 64]).split())
    if shown_width(text) <= cells:
        return text
    kept, used = [], 0
    for character in text:
        used += shown_width(character)
        if used > cells - 1:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ("…" if unicode_output() else "~")


def cut_path(path: object, cells: int) -> str:
    """A path of at most ``cells`` cells: its beginning gives way first, since the file's name says most.

    >>> cut_path("/data/tables/dev.jsonl", 40)
    '/data/tables/dev.jsonl'
    >>> cut_path("/data/tables/dev.jsonl", 18) in ("…/tables/dev.jsonl", "~/tables/dev.jsonl")
    True
    """
    text = "".join(c if c.isprintable() else " " for c in str(path))
    if shown_width(text) <= cells:
        return text
    mark = "…" if unicode_output() else "~"
    parts = text.split(os.sep)
    for begin in range(1, len(parts)):
        tail = os.sep.join([mark, *parts[begin:]])
        if shown_width(tail) <= cells:
            return tail
    return cut(parts[-1], max(cells, 2))


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = (), room: int | None = None
) -> list[str]:
    """Lines of a table; columns in ``right`` are right-aligned, the widest text column gives way when room is short.

    >>> print("\\n".join(table(["reward", "mean"], [["teds", "0.91"]], right=[1])))
    reward  mean
    teds    0.91
    """
    body = [[cut(cell, 10_000) for cell in row] for row in rows]
    every = [list(header), *body]
    widths = [max(shown_width(row[i]) for row in every) for i in range(len(header))]
    to_right = set(right)
    over = sum(widths) + 2 * (len(widths) - 1) - (room or width() - 2)
    while over > 0:
        texts = [i for i in range(len(widths)) if i not in to_right] or list(range(len(widths)))
        widest = max(texts, key=lambda i: widths[i])
        least = max(8, shown_width(header[widest]))
        if widths[widest] <= least:
            break
        given = min(over, widths[widest] - least)
        widths[widest] -= given
        over -= given
    lines = []
    for row in every:
        cells = []
        for i, cell in enumerate(row):
            cell = cut(cell, widths[i])
            gap = " " * (widths[i] - shown_width(cell))
            cells.append(gap + cell if i in to_right else cell + gap)
        lines.append("  ".join(cells).rstrip())
    lines[0] = styled(lines[0], "bold")
    return lines


def filled(text: str, indent: str = "") -> list[str]:
    """A sentence in lines that fit; lines after the first stand two further in."""
    return textwrap.wrap(text, width(), initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]


def note(text: str) -> None:
    """A line for a person, on standard error, so that it never mixes with what is piped on."""
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)
