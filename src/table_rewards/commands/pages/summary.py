"""A set of scores, told to a person."""

from __future__ import annotations

from table_rewards.commands.pages.terminal import (
    bar,
    cut,
    cut_path,
    filled,
    indented,
    number,
    seconds,
    share,
    spark,
    styled,
    table,
    width,
)
from table_rewards.evaluation.scores.distribution import Distribution
from table_rewards.evaluation.scores.statistics import ScoreStatistics

BINS = 10
SHOWN_GROUPS = 12
SHOWN_NOTES = 5


def summary(statistics: ScoreStatistics, *, took: float | None = None, title: str = "") -> str:
    """Return the summary: score, histogram, status, parts, groups, prompts, notes, signature."""
    lines = [styled(title, "bold")] if title else []
    lines += [_headline(statistics, took), ""]
    if statistics.values.count:
        lines += indented([*_score_lines(statistics.values), "", *_histogram(statistics.values), ""])
    lines += indented(_status(statistics))
    if statistics.parts and statistics.values.count:
        lines += ["", *indented(_parts(statistics))]
    if len(statistics.buckets) > 1 or (statistics.buckets and "(none)" not in statistics.buckets):
        lines += ["", *indented(_buckets(statistics))]
    if statistics.groups.several:
        lines += ["", *indented(_prompts(statistics))]
    within = statistics.length_within
    if within.notable:
        way = "higher" if within.value > 0 else "lower"
        lines += ["", f"  within prompts, longer completions score {way}: correlation {within.value:+.2f}"]
    if statistics.notes:
        lines += ["", *indented(_notes(statistics))]
    lines += ["", *indented(f"signature  {one}" for one in statistics.signatures)]
    return "\n".join(lines)


def titled(words: str, path: object) -> str:
    """Words and a file's path in one line that fits the terminal."""
    return f"{words} {cut_path(path, width() - len(words) - 1)}".lstrip()


def _headline(statistics: ScoreStatistics, took: float | None) -> str:
    text = f"{statistics.count:,} completions"
    if took:
        text += f" in {seconds(took)}, {statistics.count / took:,.0f} a second"
    return text


def _score_lines(values: Distribution) -> list[str]:
    names = ("min", "p10", "p25", "median", "p75", "p90", "max")
    shares = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
    spots = [f"{name} {number(values.quantile(at), 3)}" for name, at in zip(names, shares, strict=True)]
    return [
        f"mean {styled(number(values.mean), 'bold')}   standard deviation {number(values.deviation)}",
        *filled("   ".join(spots)),
    ]


def _histogram(values: Distribution) -> list[str]:
    if values.lowest == values.highest:
        return [f"every score is {number(values.lowest)}"]
    counts, low, high = values.histogram(BINS)
    edges = [low + (high - low) * i / BINS for i in range(BINS + 1)]
    shown = max(len(f"{count:,}") for count in counts)
    cells = min(50, width() - 24 - shown)
    digits = 1 if (high - low) * 10 == int((high - low) * 10) else 2
    lines = []
    for i, count in enumerate(counts):
        span = f"{edges[i]:>6.{digits}f} to {edges[i + 1]:<6.{digits}f}"
        lines.append(f"{span} {count:>{shown},} {bar(count, max(counts), cells)}".rstrip())
    return lines


def _status(statistics: ScoreStatistics) -> list[str]:
    meaning = {
        "scored": "an answer was found and judged",
        "unparsed": "no answer in the completion: the floor",
        "unscored": "the scorer could not do its work: in no mean",
        "inapplicable": "not for this reward: the row has no such reference",
    }
    rows = []
    for name, text in meaning.items():
        count = statistics.status.get(name, 0)
        if name == "inapplicable" and not count:
            continue
        shown = f"{name:<12} {count:>9,}  {share(count, statistics.count):>7}  {text}"
        shown = shown if len(shown) <= width() - 2 else shown.removesuffix(text).rstrip()
        rows.append(styled(shown, "red") if name == "unscored" and count else shown)
    return rows


def _parts(statistics: ScoreStatistics) -> list[str]:
    rows = [
        [name, number(part.mean), number(part.deviation), number(part.lowest), number(part.highest), _spark(part)]
        for name, part in statistics.parts.items()
    ]
    return table(["part", "mean", "std", "min", "max", "low to high"], rows, right=[1, 2, 3, 4])


def _buckets(statistics: ScoreStatistics) -> list[str]:
    ordered = sorted(statistics.buckets.items(), key=lambda item: -item[1].count)
    rows = [
        [name, f"{b.count + b.missing:,}", number(b.mean), number(b.deviation), f"{b.missing:,}", _spark(b)]
        for name, b in ordered[:SHOWN_GROUPS]
    ]
    header = [statistics.by or "", "rows", "mean", "std", "unscored", "low to high"]
    columns = len(header) if width() >= 64 else len(header) - 1  # half a histogram would mislead
    lines = table(header[:columns], [row[:columns] for row in rows], right=[1, 2, 3, 4])
    hidden = len(ordered) - SHOWN_GROUPS
    return [*lines, f"and {hidden} more"] if hidden > 0 else lines


def _spark(values: Distribution) -> str:
    return spark(values.histogram(BINS)[0]) if values.count else ""


def _prompts(statistics: ScoreStatistics) -> list[str]:
    groups = statistics.groups
    at = ", ".join(f"{count:,} at {number(value, 3)}" for value, count in list(groups.dead_at().items())[:4])
    alone = groups.prompts - groups.several
    lines = filled(
        f"{groups.several:,} prompt{'s' if groups.several != 1 else ''} with several completions"
        f"{f' ({alone:,} with one)' if alone else ''}: standard deviation "
        f"{number(groups.deviations().mean, 3)} within a prompt"
    )
    lines += filled(
        f"{groups.dead:,} of them ({share(groups.dead, groups.several)}) without variance" + (f": {at}" if at else "")
    )
    if groups.beyond:
        lines.append(f"counted for the first {groups.prompts:,} prompts")
    return lines


def _notes(statistics: ScoreStatistics) -> list[str]:
    top = statistics.notes.most_common(SHOWN_NOTES)
    widest = max(len(f"{count:,}") for _, count in top)
    lines = [styled("notes", "bold")]
    lines += [f"{count:>{widest},}  {cut(text, width() - widest - 6)}" for text, count in top]
    hidden = len(statistics.notes) - len(top)
    return [*lines, f"and {hidden:,} other notes"] if hidden > 0 else lines
