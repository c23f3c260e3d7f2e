"""docs/benchmarks.md and its pictures, written from what the benchmarks kept: every number on it comes from a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from figures import shown

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "benchmarks.md"
PICTURES: Final = ROOT / "docs" / "images" / "benchmarks"
TITLES: Final = {
    "costs": "What a completion costs",
    "files": "Files of rollouts",
    "frameworks": "Single calls, as trainers make them",
    "graders": "Graders of mathematics",
    "llm": "Endpoints",
    "mathematics": "Mathematics",
    "ranking": "Ranking",
    "ray": "Ray",
    "sandbox": "The sandbox",
    "tablebench": "TableBench and TableRegion",
    "teds": "TEDS",
    "tracing": "Traces of programs",
    "white_box": "White box and unit tests",
}
INK, GRID = "#010203", "#040506"
SERIES: Final = ("#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04", "#0a0a05")
"""Stand-ins, which the picture replaces by the colours of the reader's theme."""

LIGHT: Final = ("#24292f", "#d0d7de", "#0072b2", "#d55e00", "#009e73", "#aa4499", "#6e7781")
DARK: Final = ("#e6edf3", "#3d444d", "#56b4e9", "#e69f00", "#2fc99a", "#e3a4c9", "#a8a8a8")
"""Text, grid and series, which the colour-blind tell apart (after Okabe and Ito)."""

INTRODUCTION: Final = """\
# Benchmarks

`make bench` wrote this page and its pictures; `make bench BENCH=teds` runs one and leaves the rest as it was. Every
number comes from the run that is named below it, with its machine and date; peers ran in the same run, on the same
inputs, as their documentation says. So the ratios say more than the times: a machine that is slower, or busy, is so for
both. Where a peer is not installed, the page says so. `benchmarks/figures.json` holds the numbers as they were
measured.

What is shown here is how fast things are. How right they are is on the pages of the rewards, and
[what blind policies earn](blind.md) on a page of its own.
"""


def write_page(kept: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write the page and its pictures; return the page's path."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    drawn = {_draw(told, picture) for told, picture in pictures(kept)}
    for picture in PICTURES.glob("*.svg"):
        if picture not in drawn:
            picture.unlink()
    PAGE.write_text(page_text(kept), "utf-8")
    return PAGE


def pictures(kept: Mapping[str, Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Path]]:
    """The tables that are drawn, each with the path of its picture."""
    return [
        (told, PICTURES / f"{name}-{number}.svg")
        for name, run in kept.items()
        for number, told in enumerate((told for told in run["tables"] if told["plot"]), 1)
    ]


def page_text(kept: Mapping[str, Mapping[str, Any]]) -> str:
    """The page, from what the benchmarks kept and nothing else."""
    places = {id(told): path for told, path in pictures(kept)}
    lines = [INTRODUCTION]
    for name, run in kept.items():
        lines += [f"## {TITLES.get(name, name)}", "", _sentence(run["about"]), ""]
        for told in run["tables"]:
            if told["columns"]:
                lines += [f"**{told['title']}**", ""]
                if told["plot"]:
                    lines += [f"![{_described(told)}]({places[id(told)].relative_to(PAGE.parent).as_posix()})", ""]
                lines += [*_table(told), ""]
            else:
                lines += [f"{told['title'][:1].upper()}{told['title'][1:]}: {_sentence(told['note'])}", ""]
            if told["note"] and told["columns"]:
                lines += [_sentence(told["note"]), ""]
        remark = f" {_sentence(run['remark'])}" if run.get("remark") else ""
        where = f"{run['date']}, {run['seconds']} s; {run['machine']}; load before the run {run['load']}."
        lines += [f"`{run['command']}`, {where}{remark}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", ":", "!")) or not text else f"{text}."


def _table(told: Mapping[str, Any]) -> list[str]:
    head = [str(name) for name in told["columns"]]
    cells = [[cell.replace("|", "\\|") for cell in row] for row in shown(told)]
    rule = ["---", *["---:"] * (len(head) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *cells)]


def _described(told: Mapping[str, Any]) -> str:
    plot = told["plot"]
    return f"{told['title']}: {plot['label']} by {plot['x']}, for {', '.join(plot['y'])}".replace('"', "'")


def _draw(told: Mapping[str, Any], path: Path) -> Path:
    """One picture for light pages and dark ones: an SVG that follows the reader's theme."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "table-rewards", "svg.fonttype": "path", "font.size": 9})
    from matplotlib import pyplot

    lines = told["plot"]["kind"] == "lines"
    figure, axes = pyplot.subplots(figsize=(7.4, 3.6 if lines else _height(told)))
    (_lines if lines else _bars)(axes, told)
    axes.set_facecolor("none")
    axes.grid(axis="both" if lines else "x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    axes.tick_params(colors=INK, which="both")
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set_color(INK)
    if len(told["plot"]["y"]) > 1:
        axes.legend(
            frameon=False,
            labelcolor=INK,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=2,
            fontsize=8,
            borderaxespad=0.2,
        )
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None}, transparent=True)
    pyplot.close(figure)
    path.write_text(_themed(path.read_text("utf-8")), "utf-8")
    return path


def _themed(svg: str) -> str:
    """The picture with names for its colours, and the colours of both themes."""
    names = ("ink", "grid", *(f"series-{number}" for number in range(len(SERIES))))
    for stand_in, name in zip((INK, GRID, *SERIES), names, strict=True):
        svg = svg.replace(stand_in, f"var(--{name})")
    light, dark = (
        " ".join(f"--{name}: {colour};" for name, colour in zip(names, colours, strict=True))
        for colours in (LIGHT, DARK)
    )
    style = f"<style>:root {{ {light} }} @media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}</style>"
    head, mark, rest = svg.partition("<defs>")
    return f"{head}{style}\n {mark}{rest}"


def _column(told: Mapping[str, Any], name: str) -> list[Any]:
    place = told["columns"].index(name)
    return [row[place] for row in told["rows"]]


def _height(told: Mapping[str, Any]) -> float:
    return 0.9 + 0.27 * len(told["rows"]) * max(1, len(told["plot"]["y"]))


def _lines(axes: Any, told: Mapping[str, Any]) -> None:
    plot = told["plot"]
    xs = _column(told, plot["x"])
    for number, (name, colour) in enumerate(zip(plot["y"], SERIES, strict=False)):
        points = [(x, y) for x, y in zip(xs, _column(told, name), strict=True) if y is not None]
        if points:
            marker = "osD^v"[number % 5]  # told apart without colour, too
            axes.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4, linewidth=1.8, label=name)
    if plot.get("log"):
        axes.set(xscale="log", yscale="log")
        axes.set_xticks(xs, [f"{x:,}" for x in xs])
        axes.minorticks_off()
    axes.set(xlabel=plot["x"], ylabel=plot["label"])


def _bars(axes: Any, told: Mapping[str, Any]) -> None:
    plot = told["plot"]
    names = [str(value) for value in _column(told, plot["x"])]
    thick = 0.8 / len(plot["y"])
    form = dict(zip(told["columns"], told["formats"], strict=True))
    for number, (name, colour) in enumerate(zip(plot["y"], SERIES, strict=False)):
        values = _column(told, name)
        places = [row + (number - (len(plot["y"]) - 1) / 2) * thick for row in range(len(names))]
        hatch = ("", "////", "....")[number % 3]  # told apart without colour, too
        bars = axes.barh(
            places, [value or 0 for value in values], thick * 0.9, color=colour, label=name, hatch=hatch,
            edgecolor="none" if not hatch else "#ffffff55",
        )  # fmt: skip
        texts = ["" if value is None else form[name].format(value) for value in values]
        axes.bar_label(bars, texts, padding=3, color=INK, fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    if plot.get("log"):
        axes.set_xscale("log")
    else:
        axes.xaxis.set_major_formatter("{x:,g}")
    axes.margins(x=0.14)
    axes.set(xlabel=plot["label"])
