"""What the numbers of a set of scores mean for a training run."""

from __future__ import annotations

from table_rewards.commands.pages.terminal import number, share
from table_rewards.evaluation.scores.statistics import ScoreStatistics


def advise(statistics: ScoreStatistics) -> list[str]:
    """What the numbers mean for a training run, one line each."""
    groups, values = statistics.groups, statistics.values
    told = []
    if not groups.several:
        told.append("every prompt has one completion: nothing can be said of groups (see --prompt-column)")
    elif groups.dead_share > 0.5:
        where = ", ".join(
            f"{share(count, groups.dead)} at {number(value, 3)}" for value, count in top(groups.dead_at())
        )
        told.append(
            f"{share(groups.dead, groups.several)} of the prompts give no gradient ({where}): "
            "filter them, choose other prompts or a finer reward"
        )
    else:
        told.append(f"{share(groups.several - groups.dead, groups.several)} of the prompts give a gradient")
    if groups.several and values.deviation > 0:
        within = groups.deviations()
        told.append(
            f"standard deviation {number(within.mean, 3)} within prompts, {number(values.deviation, 3)} over all: "
            + ("prompts differ more than completions do" if within.mean < values.deviation / 2 else "a usable spread")
        )
    length = statistics.length_within
    if length.notable:
        way = "longer" if length.value > 0 else "shorter"
        told.append(
            f"{way} completions score higher within prompts (correlation {length.value:+.2f}): "
            "look whether length is rewarded"
        )
    unparsed = statistics.status.get("unparsed", 0)
    if unparsed > statistics.count / 4:
        told.append(f"{share(unparsed, statistics.count)} hold no answer: look at the prompt's format before training")
    if statistics.unscored_share > 0.2:
        told.append(
            f"{share(values.missing, statistics.count)} unscored, see the notes: "
            "the adapters stop a run when it is more than 20 %"
        )
    return told


def top(counts: dict[float, int]) -> list[tuple[float, int]]:
    return list(counts.items())[:2]
