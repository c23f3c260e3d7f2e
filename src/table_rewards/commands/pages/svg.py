"""Charts as SVG text: histograms, dots, stacked bars. Colours are CSS classes, so that a page decides light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from table_rewards.commands.pages.terminal import number


def histogram(
    counts: Sequence[int], low: float, high: float, *, series: int = 0, wide: int = 420, tall: int = 150
) -> str:
    """Bars of equal bins with the highest count and the range on the axes."""
    left, bottom, top = 8, 24, 18
    across, up = wide - 2 * left, tall - bottom - top
    step = across / max(1, len(counts))
    most = max(counts, default=0) or 1
    total = sum(counts) or 1
    span = (high - low) / max(1, len(counts))
    bars = []
    for i, count in enumerate(counts):
        if not count:
            continue
        height = max(1.5, up * count / most)
        x, y = left + i * step + 1, top + up - height
        hint = (
            f"{number(low + i * span, 2)} to {number(low + (i + 1) * span, 2)}: {count:,} ({100 * count / total:.1f} %)"
        )
        bars.append(
            f'<rect class="s{series}" x="{x:.1f}" y="{y:.1f}" width="{step - 2:.1f}" height="{height:.1f}" rx="1.5">'
            f"<title>{hint}</title></rect>"
        )
        if count == most:
            bars.append(f'<text class="value" x="{x + step / 2 - 1:.1f}" y="{y - 4:.1f}">{count:,}</text>')
    axis = f'<line class="axis" x1="{left}" y1="{top + up + 0.5}" x2="{wide - left}" y2="{top + up + 0.5}"/>'
    ticks = "".join(
        f'<text class="tick" style="text-anchor:{anchor}" x="{x:.1f}" y="{tall - 8}">{number(value, 2)}</text>'
        for x, value, anchor in (
            (left, low, "start"),
            (wide / 2, (low + high) / 2, "middle"),
            (wide - left, high, "end"),
        )
    )
    return _svg(wide, tall, "".join(bars) + axis + ticks, "histogram of scores")


def dots(
    rows: Sequence[tuple[str, Sequence[tuple[float, int] | None]]], low: float, high: float, *, wide: int = 880
) -> str:
    """One line a group: a dot for each series' mean, and the first two means as numbers.

    ``rows`` holds (name, one (mean, count) or None for each series).
    """
    line, left, right, top = 30, 240, 120, 6
    across = wide - left - right
    tall = top + line * len(rows) + 26
    span = (high - low) or 1.0
    drawn = []
    for x, value in ((left, low), (left + across / 2, (low + high) / 2), (left + across, high)):
        drawn.append(f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{tall - 24}"/>')
        drawn.append(
            f'<text class="tick" style="text-anchor:middle" x="{x:.1f}" y="{tall - 8}">{number(value, 2)}</text>'
        )
    for i, (name, points) in enumerate(rows):
        y = top + i * line + line / 2
        shown = name if len(name) <= 34 else name[:33] + "…"
        drawn.append(f'<text class="label" x="{left - 14}" y="{y + 4:.1f}">{escape(shown)}</text>')
        drawn.append(f'<line class="rail" x1="{left}" y1="{y:.1f}" x2="{left + across}" y2="{y:.1f}"/>')
        known = [(series, point) for series, point in enumerate(points) if point is not None and point[0] == point[0]]
        if len(known) > 1:
            ends = [left + across * (point[0] - low) / span for _, point in known]
            drawn.append(f'<line class="link" x1="{min(ends):.1f}" y1="{y:.1f}" x2="{max(ends):.1f}" y2="{y:.1f}"/>')
        for series, (mean, count) in known:
            x = left + across * (mean - low) / span
            drawn.append(
                f'<circle class="s{series}" cx="{x:.1f}" cy="{y:.1f}" r="6">'
                f"<title>{escape(name)}: {number(mean)} over {count:,}</title></circle>"
            )
        if known:
            told = " / ".join(number(point[0], 3) for _, point in known[:2])
            drawn.append(f'<text class="value end" x="{wide - 4}" y="{y + 4:.1f}">{told}</text>')
        else:
            drawn.append(f'<text class="value end" x="{wide - 4}" y="{y + 4:.1f}">unscored</text>')
    return _svg(wide, tall, "".join(drawn), "means by group")


def stacked(shares: Sequence[tuple[str, float, str]], *, wide: int = 420, tall: int = 14) -> str:
    """A bar of (name, count, class) segments side by side."""
    total = sum(count for _, count, _ in shares) or 1
    x, drawn = 0.0, []
    for name, count, kind in shares:
        if count <= 0:
            continue
        width = wide * count / total
        drawn.append(
            f'<rect class="{kind}" x="{x:.1f}" y="0" width="{max(1.5, width):.1f}" height="{tall}">'
            f"<title>{escape(name)}: {count:,.0f} ({100 * count / total:.1f} %)</title></rect>"
        )
        x += width
    return _svg(wide, tall, "".join(drawn), ", ".join(f"{name} {count:,.0f}" for name, count, _ in shares))


def _svg(wide: float, tall: float, inside: str, what: str) -> str:
    return (
        f'<svg viewBox="0 0 {wide:g} {tall:g}" width="100%" preserveAspectRatio="xMidYMid meet" role="img" '
        f'aria-label="{escape(what)}">{inside}</svg>'
    )
