"""`table-rewards profile`: what a reward would give a trainer, before a run costs GPUs."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.output_files import refuse_inputs
from table_rewards.commands.pages.advice import advise
from table_rewards.commands.pages.html import need_report, page, write_page
from table_rewards.commands.pages.sample_views import Shown
from table_rewards.commands.pages.summary import summary, titled
from table_rewards.commands.pages.terminal import filled, indented, seconds, share, styled
from table_rewards.commands.reward_options import add_reward_arguments, reward_from
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.datasets.files import RowSource
from table_rewards.evaluation.scores.distribution import Distribution
from table_rewards.evaluation.scores.samples import SampleBook, fill
from table_rewards.evaluation.scores.score_files import ScoreFile, short_names
from table_rewards.evaluation.scores.scoring import (
    BY_COLUMNS,
    Plan,
    Watch,
    completions_of,
    plan,
    reference_of,
    score_file,
    text_of,
)
from table_rewards.evaluation.scores.statistics import ScoreStatistics

DESCRIPTION = """\
Score saved rollouts and say what a trainer would get from this reward: how many prompts have completions of different
scores, how much of the spread lies within prompts, whether length alone is rewarded, how many completions hold no
answer, how fast it is in batches and one at a time. It reads the whole file and writes nothing.

A command of its own beside `score` and `report`, since it measures the reward, times single calls as verl makes them,
and gives advice, where those two only tell what the scores are.
"""

EPILOG = """\
example:
  table-rewards profile rollouts.jsonl --reward table_region --option 'weight=linear(0.3, 0.1, 1200)' --step 0
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("file", metavar="FILE", nargs="+", help="saved rollouts, several a prompt; - for stdin")
    add_reward_arguments(parser)
    parser.add_argument("--completion-column", metavar="C", help="the column of completions")
    parser.add_argument("--reference-column", metavar="C", help="the column that is the ground truth")
    parser.add_argument("--prompt-column", metavar="C", help="what the completions of one prompt have in common")
    parser.add_argument("--step", type=int, metavar="N", help="the training step, for rewards with a schedule")
    parser.add_argument("--limit", type=int, metavar="N", help="read only the first N rows (default: all)")
    parser.add_argument("--calls", type=int, default=64, metavar="N", help="single calls to time (%(default)s)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page with charts and samples")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    """Measure what a reward costs.

    Raises:
        ConfigurationError: an option is out of its range.
    """
    if (arguments.limit is not None and arguments.limit < 1) or arguments.calls < 0:
        raise ConfigurationError("--limit must be at least 1 and --calls at least 0")
    if arguments.html is not None:
        need_report()
    reward = reward_from(arguments)
    how = plan(
        RowSource(*arguments.file),
        completion=arguments.completion_column,
        reference=arguments.reference_column,
        prompt=arguments.prompt_column,
        parts=reward.parts,
    )
    refuse_inputs(arguments.html, how.source.files, "--html")
    statistics = ScoreStatistics(reward.parts, next((name for name in BY_COLUMNS if name in how.kept), None))
    single = _time_single_calls(reward, how, arguments.calls, arguments.step)  # first: it also warms caches and workers
    book = SampleBook(reward.parts)
    watch = None if arguments.html is None else lambda row, origin, completion: book.add(row)
    wall, cpu = _time_batches(reward, how, arguments.limit, arguments.step, statistics, watch)
    advice = [*how.remarks, *advise(statistics)]
    if arguments.limit is not None and statistics.count and how.source.progress < 1:
        advice.insert(0, f"only the first {arguments.limit:,} rows were read: leave out --limit for all")
    if arguments.html is not None:
        samples = book.chosen()
        name = ", ".join(short_names([Path(place) for place in arguments.file]))
        fill(samples, how)
        file = ScoreFile(Path(arguments.file[0]), name, statistics, how.source)
        shown = Shown(file.name, reward.parts, samples, None if reward.waits else reward, arguments.step)
        write_page(arguments.html, page([file], [], f"{arguments.reward} on {file.name}", [shown], advice))
    if arguments.json:
        told = {
            **statistics.to_dict(),
            "seconds": round(wall, 4),
            "cpu_seconds_of_this_process": round(cpu, 4),
            "single_call_ms": {"median": single.quantile(0.5), "p99": single.quantile(0.99)} if single.count else None,
            "advice": advice,
        }
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return DONE
    print(summary(statistics, took=wall, title=titled(f"{arguments.reward} on", ", ".join(arguments.file))))
    for heading, sentences in (("speed", _speed(reward, statistics, wall, cpu, single)), ("for training", advice)):
        lines = [styled(heading, "bold"), *(line for one in sentences for line in filled(one))]
        print("\n" + "\n".join(indented(lines)))
    return DONE


def _time_batches(
    reward: Reward[Any],
    how: Plan,
    limit: int | None,
    step: int | None,
    statistics: ScoreStatistics,
    watch: Watch | None,
) -> tuple[float, float]:
    """Seconds of the clock and of this process's CPU for the rows, reading included."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _, scored in score_file(reward, how, batch_size=512, step=step, limit=limit, watch=watch):
        statistics.add_all(scored)
    return time.perf_counter() - wall, time.process_time() - cpu


def _time_single_calls(reward: Reward[Any], how: Plan, calls: int, step: int | None) -> Distribution:
    """Milliseconds of single calls."""
    found = Distribution()
    for row in how.unzipped_first():
        for completion in completions_of(row, how.completion)[0][:1]:
            if found.count >= calls:
                return found
            if text_of(completion)[1]:
                continue  # no completion: it is told when the file is scored
            begun = time.perf_counter()
            reward([completion], [reference_of(row, how)], step=step)
            found.add(1000 * (time.perf_counter() - begun))
    return found


def _speed(
    reward: Reward[Any], statistics: ScoreStatistics, wall: float, cpu: float, single: Distribution
) -> list[str]:
    count = statistics.count
    lines = [f"{count / wall:,.0f} completions a second in batches, reading included"]
    if reward.waits:
        lines.append(f"it waits on a model or a sandbox; this process computed {share(cpu, wall)} of the time")
    else:
        lines.append(f"{count / max(cpu, 1e-9):,.0f} a second a core of this process; 1,024 x 8 rollouts cost "
                     f"{seconds(8192 * cpu / count)} of one core")  # fmt: skip
    if single.count:
        lines.append(
            f"one at a time, as verl calls it: {single.quantile(0.5):.2f} ms median, "
            f"{single.highest:.1f} ms at most of {single.count}"
        )
    return lines
