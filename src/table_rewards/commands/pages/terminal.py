"""What the commands print with: tables, bars and numbers that fit the terminal, drawn by rich, plain where it is plain.

rich is imported when something is drawn, never before.
"""

from __future__ import annotations

import io
import math
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from rich.console import Console

NARROW, WIDE = 46, 120
_SPARKS: Final = "▁▂▃▄▅▆▇█"


def width() -> int:
    """Columns to print in: the terminal's, within 46 to 120."""
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
    from rich.color import ColorSystem
    from rich.style import Style

    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)


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
    from rich.bar import Bar

    least = most / (8 * cells)  # one eighth of a cell
    return "".join(part.text for part in _console(cells).render(Bar(most, 0, max(value, least), width=cells))).rstrip()


def shown_width(text: str) -> int:
    """Terminal cells that a text takes: East Asian wide characters take two, combining ones none.

    >>> shown_width("表格"), shown_width("e\\u0301")
    (4, 1)
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, cells: int) -> str:
    """One line of at most ``cells`` cells; control characters become spaces, what is cut ends in an ellipsis.

    >>> cut("one\\ntwo", 20), cut("Final Answer: 7", 8) in ("Final A…", "Final A~")
    ('one two', True)
    """
    text = _clean(text[: 4 * cells + 64])
    if shown_width(text) <= cells:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, max(0, cells - 1)).rstrip() + _ellipsis()


def _clean(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _ellipsis() -> str:
    return "…" if unicode_output() else "~"


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
    from rich.table import Table
    from rich.text import Text

    to_right, room = set(right), room or width() - 2
    body = [[_clean(cell) for cell in row] for row in rows]
    least = []
    for i, name in enumerate(header):
        widest = max((shown_width(row[i]) for row in body), default=0)
        named = shown_width(name)
        least.append(max(widest, named) if i in to_right else min(max(8, named), max(widest, 8)))
    blocks = _blocks(least, room)
    if len(blocks) > 1:
        lines: list[str] = []
        for block in blocks:
            shown = [0, *block]
            ours = [at for at, i in enumerate(shown) if i in to_right]
            picked = ([row[i] for i in shown] for row in body)
            lines += [*([""] if lines else []), *table([header[i] for i in shown], picked, right=ours, room=room)]
        return lines
    drawn = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="")
    for i, name in enumerate(header):
        side: Literal["left", "right"] = "right" if i in to_right else "left"
        drawn.add_column(Text(name, no_wrap=True), justify=side, min_width=least[i])
    for row in body:
        drawn.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    console = _console(room)
    with console.capture() as captured:
        console.print(drawn)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    if not unicode_output():
        lines = [line.replace("…", "~") for line in lines]
    lines[0] = styled(lines[0], "bold")
    return lines


def _blocks(least: Sequence[int], room: int) -> list[list[int]]:
    """The columns behind the first, in as few blocks as there is room for, each to stand behind the first column.

    >>> _blocks([8, 10, 10, 10], 46), _blocks([8, 10, 10, 10], 34), _blocks([8], 34)
    ([[1, 2, 3]], [[1, 2], [3]], [[]])
    """
    blocks: list[list[int]] = [[]]
    used = least[0] + 2 if least else 0
    for column, needed in enumerate(least[1:], 1):
        if blocks[-1] and used + needed + 2 > room:
            blocks.append([])
            used = least[0] + 2
        blocks[-1].append(column)
        used += needed + 2
    return blocks


def brief(name: str, room: int) -> str:
    """A name that fits; a long one keeps its beginning and its end, since names of files often begin alike.

    >>> brief("experiment-with-teds-v1", 12), brief("v1", 12)
    ('exp…-teds-v1', 'v1')
    """
    if shown_width(name) <= room:
        return name
    tail = max(1, room - room // 4 - 1)
    return f"{name[: room // 4]}…{name[-tail:]}"


def _console(columns: int) -> Console:
    """rich's drawing, as text: what is printed decides about colours."""
    from rich.console import Console

    return Console(width=columns, color_system=None, force_terminal=False, markup=False, highlight=False, emoji=False,
                   legacy_windows=False, file=io.StringIO(), _environ={})  # fmt: skip


def filled(text: str, indent: str = "") -> list[str]:
    """A sentence in lines that fit; lines after the first stand two further in."""
    from rich.text import Text

    room = max(20, width() - len(indent) - 4)
    lines = Text(text).wrap(_console(room), room)
    return [indent + ("" if i == 0 else "  ") + line.plain.rstrip() for i, line in enumerate(lines)]


def indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]


def note(text: str) -> None:
    """A line for a person, on standard error, so that it never mixes with what is piped on."""
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)
