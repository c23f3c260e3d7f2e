"""The y-values of the figures that a program drew, read in the child beside the program.

The value of a chart job is a dict::

    {"kind": "bar",
     "current": [[...], ...],   # of the current axes, as TableBench's own evaluation reads them; None where that fails
     "axes": [{"figure": 0, "current": True, "title": "...",
               "series": [{"label": "...", "x": [...], "y": [...]}, ...]}, ...]}

``axes`` has every axes of every figure that the program showed, saved or left open, as it was when it was last shown:
a figure that was shown or saved and then cleared or closed counts as shown. Of figures that are alike one is there.
Guide lines (``axhline``, ``axvspan``: what is not drawn in data coordinates) and the caps of error bars are left out. A
y-value is a float; a category or a date stays text. By kind: ``line`` and ``radar`` the points of a line (radar without
the point that closes it), ``bar`` and ``waterfall`` heights, ``hbar`` widths, ``pie`` fractions of the circle, ``area``
the height of each layer, ``scatter`` the points of a cloud or of a line that shows only its markers.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable
from typing import Any

from . import programs

MAX_NUMBERS = 50_000
MAX_SHOWN = 200
Series = dict[str, Any]


class Drawing:
    """Watches over a program that draws: what it shows or saves is read at that moment, the rest behind its end."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.shown: list[tuple[Any, list[Series]]] = []
        """(figure, its axes) in the order in which they were shown first."""

    def watch(self) -> None:
        """Be told of what the program shows and saves, and let back ends with windows be asked for in vain."""
        try:
            import matplotlib
            from matplotlib import backend_bases, cm, figure, pyplot, style
        except ImportError:  # the program finds out itself
            return
        pyplot.switch_backend("agg")
        print_figure = backend_bases.FigureCanvasBase.print_figure

        def save(canvas: Any, *arguments: Any, **options: Any) -> Any:
            self.keep(canvas.figure)
            return print_figure(canvas, *arguments, **options)

        def ignore(*_: Any, **__: Any) -> None: ...

        for owner, name, value in (
            (backend_bases.FigureCanvasBase, "print_figure", save),
            (figure.Figure, "show", lambda shown, *_, **__: self.keep(shown)),
            (pyplot, "show", lambda *_, **__: self.keep(*self.open_figures())),
            (pyplot, "switch_backend", ignore),
            (matplotlib, "use", ignore),
        ):
            setattr(owner, name, value)
        for style_name in list(style.library):  # renamed and removed by newer versions, and common in programs
            style.library.setdefault(style_name.replace("seaborn-v0_8", "seaborn"), style.library[style_name])
        if not hasattr(cm, "get_cmap"):
            setattr(cm, "get_cmap", pyplot.get_cmap)  # noqa: B010

    def open_figures(self) -> list[Any]:
        from matplotlib._pylab_helpers import Gcf

        return [manager.canvas.figure for manager in Gcf.get_all_fig_managers()]

    def keep(self, *figures: Any) -> None:
        """Read figures; what was read of them before is replaced where they still hold it."""
        for figure in figures:
            axes = self.described(figure)
            if not any(one["series"] for one in axes):
                continue
            last = next((i for i in reversed(range(len(self.shown))) if self.shown[i][0] is figure), None)
            if last is not None and _holds(axes, self.shown[last][1]):
                self.shown[last] = figure, axes
            elif len(self.shown) < MAX_SHOWN:
                self.shown.append((figure, axes))

    def described(self, figure: Any) -> list[Series]:
        found = []
        for axes in figure.axes:
            series = [one for one in CORRECTED[self.kind](axes) if one["y"]]
            found.append({"current": False, "title": axes.get_title()[:200], "series": series})
        return found

    def read(self) -> dict[str, Any]:
        """The value of the job. Called behind the program, with pyplot's state as the program left it."""
        from matplotlib._pylab_helpers import Gcf

        active = Gcf.get_active()
        current = active.canvas.figure.gca() if active is not None and active.canvas.figure.axes else None
        self.keep(*self.open_figures())
        distinct: list[list[Series]] = []
        for figure, axes in self.shown:
            if current is not None and current in figure.axes and len(axes) == len(figure.axes):
                axes[figure.axes.index(current)]["current"] = True
            if not any(_values(axes) == _values(other) for other in distinct):
                distinct.append(axes)
        released = None
        if current is not None:
            with contextlib.suppress(Exception):
                released = [[_number(y) for y in _take(ys)] for ys in RELEASED[self.kind](current)]
        every = [{"figure": number, **one} for number, axes in enumerate(distinct) for one in axes]
        return {"kind": self.kind, "current": released, "axes": every}


def run_chart(spec: dict[str, Any], parts: list[bytes]) -> int:
    space = programs.new_module("__main__")
    drawing = Drawing(spec["entry"])
    code = programs.prepare(spec, parts)
    drawing.watch()
    status = programs.execute(code, space)
    programs.claim(0, drawing.read)
    return status


def _values(axes: list[Series]) -> list[str]:
    return sorted(repr((series["x"], series["y"])) for one in axes for series in one["series"])


def _holds(axes: list[Series], earlier: list[Series]) -> bool:
    """Whether a reading of a figure still has all that an earlier one had: it was not cleared in between."""
    left = _values(axes)
    for value in _values(earlier):
        if value not in left:
            return False
        left.remove(value)
    return True


def _take(values: Iterable[Any]) -> list[Any]:
    taken = list(values)
    if len(taken) > MAX_NUMBERS:
        raise ValueError("too many points")
    return taken


def _number(value: Any) -> float | str:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)[:100]


def _series(artist: Any, x: Iterable[Any], y: Iterable[Any]) -> Series:
    label = str(artist.get_label() or "")
    label = "" if label.startswith("_") else label[:200]
    return {"label": label, "x": [_number(v) for v in _take(x)], "y": [_number(v) for v in _take(y)]}


def _in_data(artist: Any, axes: Any) -> bool:
    return bool(artist.get_visible()) and artist.get_transform().contains_branch(axes.transData)


def _is_guide(line: Any, axes: Any) -> bool:
    """axhline and axvline span the axes, not the data: one of their coordinates is not a data coordinate."""
    in_x, in_y = line.get_transform().contains_branch_seperately(axes.transData)
    return not (in_x and in_y) or not line.get_visible()


def _lines(axes: Any) -> list[Any]:
    from matplotlib.container import ErrorbarContainer

    caps = {id(cap) for one in axes.containers if isinstance(one, ErrorbarContainer) for cap in one[1]}
    return [
        line
        for line in axes.get_lines()
        if id(line) not in caps and not _is_guide(line, axes) and len(line.get_xdata(orig=False))
    ]


def _line(axes: Any) -> list[Series]:
    return [_series(line, line.get_xdata(), line.get_ydata()) for line in _lines(axes)]


def _radar(axes: Any) -> list[Series]:
    found = []
    for line in _lines(axes):
        x, y = _take(line.get_xdata(orig=False)), _take(line.get_ydata())
        closed = len(y) > 2 and y[0] == y[-1] and math.isclose(math.cos(x[0]), math.cos(x[-1]), abs_tol=1e-9)
        found.append(_series(line, x[:-1] if closed else x, y[:-1] if closed else y))
    return found


def _rectangles(axes: Any) -> list[tuple[Any, list[Any]]]:
    """Bars by container, as ``bar()`` drew them; bars drawn one by one belong together by their colour."""
    from matplotlib.patches import Rectangle

    groups: list[tuple[Any, list[Any]]] = []
    seen: set[int] = set()
    for container in axes.containers:
        bars = [bar for bar in getattr(container, "patches", ()) if isinstance(bar, Rectangle) and bar.get_visible()]
        if bars:
            groups.append((container, bars))
            seen.update(map(id, bars))
    loose: dict[Any, list[Any]] = {}
    for patch in axes.patches:
        if isinstance(patch, Rectangle) and id(patch) not in seen and _in_both(patch, axes):
            loose.setdefault(patch.get_facecolor(), []).append(patch)
    return groups + [(bars[0], bars) for bars in loose.values()]


def _in_both(patch: Any, axes: Any) -> bool:
    in_x, in_y = patch.get_transform().contains_branch_seperately(axes.transData)
    return bool(in_x and in_y and patch.get_visible())


def _bar(axes: Any) -> list[Series]:
    return [
        _series(owner, [bar.get_x() + bar.get_width() / 2 for bar in bars], [bar.get_height() for bar in bars])
        for owner, bars in _rectangles(axes)
    ]


def _hbar(axes: Any) -> list[Series]:
    return [
        _series(owner, [bar.get_y() + bar.get_height() / 2 for bar in bars], [bar.get_width() for bar in bars])
        for owner, bars in _rectangles(axes)
    ]


def _pie(axes: Any) -> list[Series]:
    from matplotlib.patches import Wedge

    wedges = [patch for patch in axes.patches if isinstance(patch, Wedge) and patch.get_visible()]
    if not wedges:
        return []
    fractions = [(wedge.theta2 - wedge.theta1) / 360 for wedge in wedges]
    return [{"label": "", "x": [str(wedge.get_label())[:200] for wedge in wedges], "y": [float(f) for f in fractions]}]


def _area(axes: Any) -> list[Series]:
    """A layer's polygon runs along one edge and back along the other: start, n points, end, n points back, close."""
    found = []
    for layer in axes.collections:
        paths = layer.get_paths()
        if not paths or not layer.get_visible() or not _in_data(layer, axes):
            continue
        points = paths[0].vertices
        count = (len(points) - 2) // 2
        if count < 2:
            continue
        x = points[1 : count + 1, 0]
        first, second = points[1 : count + 1, 1], points[count + 2 : 2 * count + 2, 1][::-1]
        if len(second) != len(first):
            continue
        height = first if not second.any() else second if not first.any() else abs(second - first)
        found.append(_series(layer, x, height))
    return found


def _scatter(axes: Any) -> list[Series]:
    from matplotlib.collections import PathCollection

    found = []
    for cloud in axes.collections:
        if isinstance(cloud, PathCollection) and cloud.get_visible():
            points: Any = cloud.get_offsets()
            found.append(_series(cloud, points[:, 0], points[:, 1]))
    nothing = ("None", "none", " ", "", None)
    clouds = [line for line in _lines(axes) if line.get_linestyle() in nothing and line.get_marker() not in nothing]
    found.extend(_series(line, line.get_xdata(), line.get_ydata()) for line in clouds)
    return found


CORRECTED: dict[str, Callable[[Any], list[Series]]] = {
    "line": _line,
    "radar": _radar,
    "bar": _bar,
    "waterfall": _bar,
    "hbar": _hbar,
    "pie": _pie,
    "area": _area,
    "scatter": _scatter,
}

# What TableBench's published evaluation takes from the current axes, each list a series.
RELEASED: dict[str, Callable[[Any], Any]] = {
    "line": lambda axes: [line.get_ydata() for line in axes.get_lines()],
    "radar": lambda axes: [list(line.get_ydata())[:-1] for line in axes.get_lines()],
    "bar": lambda axes: [[patch.get_height() for patch in axes.patches]],
    "waterfall": lambda axes: [[patch.get_height() for patch in axes.patches]],
    "hbar": lambda axes: [[patch.get_width() for patch in axes.patches]],
    "pie": lambda axes: [[round(float(patch.theta2 - patch.theta1) / 360, 2) for patch in axes.patches]],
    "area": lambda axes: [[y for y in layer.get_paths()[0].vertices[:, 1] if y != 0] for layer in axes.collections],
    "scatter": lambda axes: [[point[1] for point in cloud.get_offsets()] for cloud in axes.collections],
}
