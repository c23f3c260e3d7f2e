"""Charts of a report as Vega-Lite specifications, each with its data as a table for those who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.commands.pages.terminal import number, share
from table_rewards.evaluation.scores.distribution import Distribution
from table_rewards.evaluation.scores.score_files import ScoreFile

BINS: Final = 20
MAX_GROUPS: Final = 24
MAX_STEPS: Final = 2_000

Spec = dict[str, Any]


@dataclass
class Chart:
    """A chart and what it says in words.

    Attributes:
        name: the id of its place on the page.
        title: its heading.
        spec: the Vega-Lite specification.
        header: the columns of its table.
        rows: the rows of its table.
        told: a sentence above it.
    """

    name: str
    title: str
    spec: Spec
    header: Sequence[str]
    rows: Sequence[Sequence[str]] = ()
    told: str = ""


def charts(files: Sequence[ScoreFile]) -> list[Chart]:
    """Every chart that the files have data for."""
    found = [_distribution(files), _alive(files), _steps(files), _within(files), _signal(files), _parts(files)]
    found += [_groups(files), _together(files[0])]
    return [chart for chart in found if chart is not None]


def _distribution(files: Sequence[ScoreFile]) -> Chart | None:
    known = [file for file in files if file.statistics.values.count]
    if not known:
        return None
    low = min(file.statistics.values.lowest for file in known)
    high = max(file.statistics.values.highest for file in known)
    low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    wide = (high - low) / BINS or 1.0
    data, rows = [], []
    for file in known:
        values = file.statistics.values
        counts, first, last = values.histogram(BINS)
        if (first, last) != (low, high):  # bring it to the bins that all files share
            counts = _rebinned(values, low, wide)
        for i, count in enumerate(counts):
            begin, end = low + i * wide, low + (i + 1) * wide
            data.append({"file": file.name, "from": begin, "to": end, "count": count, "share": count / values.count})
            if count:
                rows.append((file.name, f"{number(begin, 2)} to {number(end, 2)}", f"{count:,}"))
    encoding: Spec = {
        "x": {
            "field": "from",
            "type": "quantitative",
            "title": "score",
            "bin": {"binned": True},
            "axis": {"values": _ticks(low, high), "format": ".3~g"},
        },
        "x2": {"field": "to"},
        "y": {
            "field": "share",
            "type": "quantitative",
            "title": "completions",
            "axis": {"format": ".0%", "tickCount": 4},
        },
        "color": {**_colour(known)},
        "tooltip": [
            *_tip(("file", "file")),
            *_tip(("from", "from", ".2f"), ("to", "to", ".2f")),
            *_tip(("count", "completions", ","), ("share", "share", ".1%")),
        ],
    }
    encoding["y"]["stack"] = None
    mark = _bars(known)
    if len(known) > 1:
        _outlined(encoding, data)
    return Chart(
        "distribution",
        "Distribution of scores",
        _chart(data, mark, encoding, 190),
        ("file", "score", "completions"),
        rows,
    )


def _rebinned(values: Distribution, low: float, wide: float) -> list[int]:
    counts = [0] * BINS
    for value, count in values.counted():
        counts[min(BINS - 1, max(0, int((value - low) / wide + 1e-9)))] += count
    return counts


def _steps(files: Sequence[ScoreFile]) -> Chart | None:
    data: list[Spec] = []
    rows = []
    for file in files:
        curve = [(step, one) for step, one in file.statistics.curve() if one.count]
        dead = file.statistics.groups.by_step()
        for step, one in curve[:MAX_STEPS]:
            gone, several = dead.get(step, (0, 0))
            live = 1 - gone / several if several else None
            at = _number(step)
            data.append(
                {"file": file.name, "step": step if at is None else at, "what": "mean score", "value": one.mean}
            )
            if live is not None:
                data.append(
                    {
                        "file": file.name,
                        "step": step if at is None else at,
                        "what": "prompts with a gradient",
                        "value": live,
                    }
                )
            shown = share(several - gone, several)
            rows.append((file.name, str(step), number(one.mean), number(one.deviation, 3), f"{one.count:,}", shown))
    steps = {row["step"] for row in data}
    if len(steps) < 2:
        return None
    numeric = all(isinstance(step, (int, float)) for step in steps)
    x = {
        "field": "step",
        "type": "quantitative" if numeric else "ordinal",
        "title": "training step",
        "axis": {"tickCount": 6, "tickMinStep": 1},
        **({"scale": {"zero": False, "nice": False}} if numeric else {"sort": None}),
    }
    dash: Spec = {
        "field": "what",
        "type": "nominal",
        "legend": {"title": None, "orient": "bottom", "symbolType": "stroke", "symbolStrokeWidth": 2, "symbolSize": 300}
        if len(files) > 1
        else None,
        "scale": {"domain": ["mean score", "prompts with a gradient"], "range": [[1, 0], [5, 4]]},
    }
    spec: Spec = {
        **_base(data, 220),
        "encoding": {
            "x": x,
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "axis": {"tickCount": 5},
                "scale": {"zero": False},
            },
            "color": {**(_colour(files) if len(files) > 1 else _measures())},
            "tooltip": _tip(("file", "file"), ("step", "step"), ("what", "what"), ("value", "value", ".4f")),
        },
        # points are a layer of their own: as part of the line they would make the dashes of the legend transparent
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"strokeDash": dash}},
            *(
                [{"mark": {"type": "circle", "size": 36, "opacity": 1}, "encoding": {"detail": {"field": "what"}}}]
                if len(steps) <= 60
                else []
            ),
        ],
    }
    header = ("file", "step", "mean", "std", "completions", "prompts with a gradient")
    return Chart(
        "steps",
        "Over training",
        spec,
        header,
        rows,
        "Mean score of each step; the share of its prompts whose completions differ in score.",
    )


def _alive(files: Sequence[ScoreFile]) -> Chart | None:
    data, rows = [], []
    for file in files:
        groups = file.statistics.groups
        named = {"score": (groups.dead, groups.several), **groups.dead_parts()}
        for name, (dead, several) in named.items():
            if several:
                data.append(
                    {"file": file.name, "part": name, "share": dead / several, "dead": dead, "prompts": several}
                )
                rows.append((file.name, name, f"{dead:,}", f"{several:,}", share(dead, several)))
    if not data:
        return None
    names = list(dict.fromkeys(row["part"] for row in data))
    encoding = {
        "y": {"field": "part", "type": "nominal", "title": None, "sort": names, "axis": _label(20)},
        "x": {
            "field": "share",
            "type": "quantitative",
            "title": "prompts without variance",
            "scale": {"domain": [0, 1]},
            "axis": {"format": ".0%", "tickCount": 5},
        },
        "color": _colour(files),
        **({"yOffset": {"field": "file", "sort": [file.name for file in files]}} if len(files) > 1 else {}),
        "tooltip": _tip(
            ("file", "file"),
            ("part", "part"),
            ("dead", "without variance", ","),
            ("prompts", "prompts", ","),
            ("share", "share", ".1%"),
        ),
    }
    mark = {"type": "bar", "cornerRadiusEnd": 2}
    tall = 24 * len(names) * max(1, 0.6 * len(files)) + 10
    return Chart(
        "alive",
        "Prompts without variance",
        _chart(data, mark, encoding, tall),
        ("file", "part", "without variance", "prompts", "share"),
        rows,
        "A prompt whose completions all score the same teaches nothing in GRPO.",
    )


def _within(files: Sequence[ScoreFile]) -> Chart | None:
    data, rows = [], []
    for file in files:
        spread = file.statistics.groups.deviations()
        if not spread.count:
            continue
        high = max(0.5, spread.highest)
        for i, count in enumerate(_rebinned(spread, 0.0, high / BINS)):
            begin, end = high * i / BINS, high * (i + 1) / BINS
            data.append({"file": file.name, "from": begin, "to": end, "count": count, "share": count / spread.count})
            if count:
                rows.append((file.name, f"{begin:.3f} to {end:.3f}", f"{count:,}"))
    if not data:
        return None
    encoding: Spec = {
        "x": {
            "field": "from",
            "type": "quantitative",
            "bin": {"binned": True},
            "title": "standard deviation in a prompt",
            "axis": {"tickCount": 5},
        },
        "x2": {"field": "to"},
        "y": {
            "field": "share",
            "type": "quantitative",
            "title": "prompts",
            "axis": {"format": ".0%", "tickCount": 4},
            "stack": None,
        },
        "color": _colour(files),
        "tooltip": _tip(("file", "file"), ("from", "from", ".3f"), ("to", "to", ".3f"), ("count", "prompts", ",")),
    }
    mark = _bars(files)
    if len(files) > 1:
        _outlined(encoding, data)
    return Chart(
        "within",
        "Spread within prompts",
        _chart(data, mark, encoding, 170),
        ("file", "standard deviation", "prompts"),
        rows,
    )


def _signal(files: Sequence[ScoreFile]) -> Chart | None:
    data, rows = [], []
    for file in files:
        for size, value in file.statistics.groups.signal().items():
            data.append({"file": file.name, "size": size, "share": value})
            rows.append((file.name, str(size), f"{100 * value:.1f} %"))
    if not data:
        return None
    encoding = {
        "x": {"field": "size", "type": "ordinal", "title": "completions a prompt", "axis": {"labelAngle": 0}},
        "y": {
            "field": "share",
            "type": "quantitative",
            "title": "prompts with a gradient",
            "scale": {"domain": [0, 1]},
            "axis": {"format": ".0%", "tickCount": 5},
        },
        "color": _colour(files),
        "tooltip": _tip(("file", "file"), ("size", "group size"), ("share", "with a gradient", ".1%")),
    }
    mark = {"type": "line", "point": {"size": 50, "filled": True}, "strokeWidth": 2}
    return Chart(
        "signal",
        "Signal by group size",
        _chart(data, mark, encoding, 170),
        ("file", "group size", "with a gradient"),
        rows,
        "Estimated from these completions: prompts that would have completions of different scores.",
    )


def _parts(files: Sequence[ScoreFile]) -> Chart | None:
    data, rows = [], []
    for file in files:
        for name, part in file.statistics.parts.items():
            if part.count:
                data.append(
                    {
                        "file": file.name,
                        "part": name,
                        "mean": part.mean,
                        "low": part.quantile(0.1),
                        "high": part.quantile(0.9),
                    }
                )
                shown = (number(part.mean), number(part.deviation), number(part.lowest, 3), number(part.highest, 3))
                rows.append((file.name, name, *shown))
    if not data:
        return None
    names = list(dict.fromkeys(row["part"] for row in data))
    y = {"field": "part", "type": "nominal", "title": None, "sort": names, "axis": _label(20)}
    offset = {"yOffset": {"field": "file", "sort": [file.name for file in files]}} if len(files) > 1 else {}
    tip = _tip(
        ("file", "file"), ("part", "part"), ("mean", "mean", ".4f"), ("low", "p10", ".3f"), ("high", "p90", ".3f")
    )
    spec = {
        **_base(data, 26 * len(names) * max(1, 0.6 * len(files)) + 10),
        "encoding": {"y": y, **offset, "color": _colour(files), "tooltip": tip},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 5, "opacity": 0.35, "strokeCap": "round"},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative", "title": "mean, and p10 to p90"},
                    "x2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {"x": {"field": "mean", "type": "quantitative"}},
            },
        ],
    }
    return Chart("parts", "Parts", spec, ("file", "part", "mean", "std", "min", "max"), rows)


def _label(room: int) -> Spec:
    """An axis whose long names keep their beginning and their end, since names often begin alike."""
    keep = room // 2
    told = f"substring(datum.label, 0, {room - keep - 1}) + '…' + substring(datum.label, length(datum.label) - {keep})"
    return {"labelLimit": 9 * room, "labelExpr": f"length(datum.label) > {room} ? {told} : datum.label"}


def _together(file: ScoreFile) -> Chart | None:
    together = file.statistics.together
    matrix = together.matrix()
    keep = [i for i, row in enumerate(matrix) if any(value == value for j, value in enumerate(row) if j != i)]
    if len(keep) < 2 or len(keep) > 24:
        return None
    data: list[Spec] = [
        {"a": together.names[i], "b": together.names[j], "value": None if math.isnan(matrix[i][j]) else matrix[i][j]}
        for i in keep
        for j in keep
        if j <= i
    ]
    names = [together.names[i] for i in keep]
    axis = {"type": "nominal", "sort": names, "title": None}
    spec = {
        **_base(data, 30 * len(names)),
        "encoding": {
            "x": {"field": "b", **axis, "axis": {"labelAngle": -35, **_label(15)}},
            "y": {"field": "a", **axis, "axis": _label(17)},
        },
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 2},
                "encoding": {
                    "color": {
                        "field": "value",
                        "type": "quantitative",
                        "legend": None,
                        "scale": {"domain": [-1, 0, 1], "range": "@diverging"},
                    },
                    "tooltip": _tip(("a", "of"), ("b", "and"), ("value", "correlation", "+.2f")),
                },
            },
            {
                # where a cell is narrower than its number, the colour and the table tell it
                "mark": {"type": "text", "fontSize": 11, "opacity": {"expr": f"width < {34 * len(names)} ? 0 : 1"}},
                "encoding": {
                    "text": {"field": "value", "type": "quantitative", "format": "+.2f"},
                    "color": {"condition": {"test": "abs(datum.value) > 0.6", "value": "@on-strong"}, "value": "@ink"},
                },
            },
        ],
    }
    rows: list[Sequence[str]] = [(row["a"], row["b"], number(row["value"], 2)) for row in data if row["a"] != row["b"]]
    return Chart("together", "Correlation of parts", spec, ("part", "with", "correlation"), rows)


def _groups(files: Sequence[ScoreFile]) -> Chart | None:
    by = files[0].statistics.by
    counts: dict[str, int] = {}
    for file in files:
        for name, bucket in file.statistics.buckets.items():
            counts[name] = counts.get(name, 0) + bucket.count + bucket.missing
    if by is None or not counts or set(counts) == {"(none)"}:
        return None
    names = sorted(counts, key=lambda name: -counts[name])[:MAX_GROUPS]
    data, rows = [], []
    for file in files:
        for name in names:
            held = file.statistics.buckets.get(name)
            if held is not None and held.count:
                data.append({"file": file.name, "group": name, "mean": held.mean, "count": held.count})
                rows.append((file.name, name, f"{held.count:,}", number(held.mean), number(held.deviation, 3)))
    if not data:
        return None
    encoding = {
        "y": {"field": "group", "type": "nominal", "title": None, "sort": names, "axis": _label(23)},
        "x": {"field": "mean", "type": "quantitative", "title": "mean score", "axis": {"tickCount": 5}},
        "color": _colour(files),
        "tooltip": _tip(("file", "file"), ("group", by), ("mean", "mean", ".4f"), ("count", "completions", ",")),
    }
    mark = {"type": "point", "filled": True, "size": 90, "opacity": 0.9}
    more = f"The {MAX_GROUPS} largest of {len(counts):,}." if len(counts) > len(names) else ""
    return Chart(
        "groups",
        f"Mean by {by}",
        _chart(data, mark, encoding, 26 * len(names) + 10),
        ("file", by, "completions", "mean", "std"),
        rows,
        more,
    )


def _base(data: list[Spec], tall: float) -> Spec:
    return {
        "width": "container",
        "height": round(tall),
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": data},
    }


def _chart(data: list[Spec], mark: Spec, encoding: Spec, tall: float) -> Spec:
    return {**_base(data, tall), "mark": mark, "encoding": encoding}


def _colour(files: Sequence[ScoreFile]) -> Spec:
    names = [file.name for file in files]
    legend = {"title": None, "orient": "top", "direction": "vertical", "labelLimit": 320} if len(names) > 1 else None
    return {"field": "file", "type": "nominal", "scale": {"domain": names}, "legend": legend}


def _measures() -> Spec:
    domain = ["mean score", "prompts with a gradient"]
    return {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": domain},
        "legend": {"title": None, "orient": "top", "direction": "horizontal", "columns": 1},
    }


def _bars(files: Sequence[ScoreFile]) -> Spec:
    """Bars for one file; outlines for several, whose mixed colours nobody could tell apart."""
    if len(files) == 1:
        return {"type": "bar", "cornerRadiusEnd": 2, "opacity": 0.9, "binSpacing": 1}
    return {"type": "area", "interpolate": "step-after", "fillOpacity": 0.12, "line": {"strokeWidth": 2}}


def _outlined(encoding: Spec, data: list[Spec]) -> None:
    """Make binned bars an outline in steps, which ends where the last bin does."""
    encoding.pop("x2")
    encoding["x"].pop("bin")
    last: dict[str, Spec] = {}
    for row in data:
        last[row["file"]] = row
    data += [{**row, "from": row["to"], "count": 0} for row in last.values()]


def _ticks(low: float, high: float) -> list[float]:
    return [low + (high - low) * i / 5 for i in range(6)]


def _tip(*fields: tuple[str, ...]) -> list[Spec]:
    return [
        {"field": one[0], "title": one[1], **({"format": one[2], "type": "quantitative"} if len(one) > 2 else {})}
        for one in fields
    ]


def _number(step: Any) -> float | None:
    try:
        return float(step)
    except (TypeError, ValueError):
        return None
