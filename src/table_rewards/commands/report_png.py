"""A report as one picture, with matplotlib."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from table_rewards.commands.pages.terminal import number
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import UnusableFile
from table_rewards.evaluation.scores.score_files import ScoreFile

COLOURS = ("#2f6bd0", "#d9772b", "#2a8f7f", "#8a5bd1", "#c43d5a", "#6b7280")
BINS = 20


def picture(files: Sequence[ScoreFile], title: str, path: Path) -> None:
    """Draw one histogram a file, and the means by group.

    Raises:
        ConfigurationError: matplotlib is not installed.
        UnusableFile: the file cannot be written.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigurationError("--png needs matplotlib: pip install 'table-rewards[report]'; --html needs nothing")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    buckets = files[0].statistics.buckets
    names = sorted((name for name in buckets if name != "(none)"), key=lambda name: -buckets[name].count)[:16]
    unit = all(file.statistics.values.lowest >= 0 and file.statistics.values.highest <= 1 for file in files)
    height = 2.1 * len(files) + (0.36 * len(names) + 0.9 if names else 0.0) + 0.7
    figure = Figure(figsize=(8, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title[:90], x=0.01, ha="left", fontsize=12, fontweight="bold")
    ratios = [2.1] * len(files) + ([0.36 * len(names) + 0.9] if names else [])
    axes = figure.subplots(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
    for series, (file, axis) in enumerate(zip(files, axes, strict=False)):
        values = file.statistics.values
        counts, low, high = values.histogram(BINS)
        step = (high - low) / BINS or 1.0
        if values.count:
            lefts = [low + i * step for i in range(BINS)]
            axis.bar(lefts, counts, step * 0.9, align="edge", color=COLOURS[series % 6])
        if unit:
            axis.set_xlim(-0.02, 1.02)
        unscored = f", {values.missing:,} unscored" if values.missing else ""
        told = f"{file.name}   mean {number(values.mean)}   {file.statistics.count:,} completions{unscored}"
        axis.set_title(told, fontsize=9, loc="left")
    if names:
        axis = axes[-1]
        for series, file in enumerate(files):
            found = [file.statistics.buckets.get(name) for name in names]
            at = [i for i, bucket in enumerate(found) if bucket is not None and bucket.count]
            means = [bucket.mean for bucket in found if bucket is not None and bucket.count]
            axis.scatter(means, at, s=46, color=COLOURS[series % 6], zorder=3, label=file.name)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.grid(axis="x", color="#dddcd8")
        axis.set_title(f"mean by {files[0].statistics.by}", fontsize=9, loc="left")
        if unit:
            axis.set_xlim(-0.02, 1.02)
    for axis in axes:
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            figure.savefig(target, format="png")
    except OSError as error:
        raise UnusableFile(path, f"cannot be written: {error.strerror or error}") from None
