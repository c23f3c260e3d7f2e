"""`table-rewards score`: a file of completions in, scores and a summary out."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.output_files import refuse_inputs
from table_rewards.commands.own_reward import is_place
from table_rewards.commands.pages.progress import Progress
from table_rewards.commands.pages.summary import summary, titled
from table_rewards.commands.pages.terminal import note, share
from table_rewards.commands.reward_options import add_reward_arguments, options_of, reward_from
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.reward import Reward
from table_rewards.datasets.files import RowSource, read_batches
from table_rewards.datasets.files.remote import is_address
from table_rewards.datasets.files.resume import ResumableOutput
from table_rewards.evaluation.scores.scoring import BY_COLUMNS, COMPLETION_COLUMNS, Plan, plan, score_file
from table_rewards.evaluation.scores.statistics import ScoreStatistics

DESCRIPTION = f"""\
Score the completions of a file and sum up.

FILE is parquet, arrow, JSON, csv, also compressed, of any size: it is streamed. Completions stand in the
column {", ".join(COMPLETION_COLUMNS[:6])},
{", ".join(COMPLETION_COLUMNS[6:])}, or where --completion-column says;
a list of responses in a row is scored one by one. References are read from each row, in verl's or swift's form.

With --out, scores are written as they come, one line a completion: row, sample, the row's ids, score, the parts,
status, note, signature. Stop it, kill it, start it again: the same command goes on where it stopped.
"""

EPILOG = """\
examples:
  table-rewards score predictions.jsonl --reward table_bench
  table-rewards score rollouts.parquet --reward teds --option structure_only=yes --out scores.parquet
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("file", metavar="FILE", nargs="+", help="rows with completions and references; - for stdin")
    add_reward_arguments(parser)
    where = parser.add_argument_group("columns")
    where.add_argument("--completion-column", metavar="C", help="the column of completions")
    where.add_argument("--reference-column", metavar="C", help="the column that is the ground truth, or doc.answer")
    where.add_argument("--prompt-column", metavar="C", help="what the completions of one prompt have in common")
    where.add_argument("--keep", action="append", default=[], metavar="C", help="one more column to copy; repeat it")
    out = parser.add_argument_group("output")
    out.add_argument(
        "--out",
        type=_out,
        metavar="FILE",
        help="write scores to .parquet or .jsonl, or with --engine ray to a folder of parts; resumable",
    )
    out.add_argument("--overwrite", action="store_true", help="begin anew instead of going on with --out")
    out.add_argument("--by", metavar="C", help=f"summarise by this column (default: {', '.join(BY_COLUMNS)})")
    out.add_argument("--json", action="store_true", help="the summary as JSON")
    out.add_argument("--quiet", action="store_true", help="no progress and no remarks")
    how = parser.add_argument_group("running")
    how.add_argument("--step", type=int, metavar="N", help="the training step, for rewards with a schedule")
    how.add_argument("--batch-size", type=int, metavar="N", help="rows scored and written at once (1024)")
    how.add_argument(
        "--fail-on-unscored",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="exit with 1 when a larger share is unscored (%(default)g)",
    )

    where = parser.add_argument_group("where it runs")
    where.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="this process, or a Ray cluster (%(default)s)"
    )
    where.add_argument("--address", metavar="A", help="of the Ray cluster; `auto` for the one here (a new one here)")
    where.add_argument("--concurrency", type=int, metavar="N", help="actors of the Ray engine (one a CPU)")
    where.add_argument("--cpus", type=float, metavar="N", help="CPUs that an actor reserves (1)")


def _out(text: str) -> Path | str:
    """A path, or the address of a folder, whose slashes a path would lose."""
    return text if is_address(text) else Path(text)


def run(arguments: argparse.Namespace) -> int:
    """Score a file.

    Raises:
        ConfigurationError: an option is out of its range, or belongs to another engine.
    """
    batch_size = 1024 if arguments.batch_size is None else arguments.batch_size
    if batch_size < 1:
        raise ConfigurationError(f"--batch-size must be at least 1, not {batch_size}")
    if not 0 <= arguments.fail_on_unscored <= 1:
        raise ConfigurationError(f"--fail-on-unscored is a share from 0 to 1, not {arguments.fail_on_unscored:g}")
    if arguments.engine == "ray":
        return _on_ray(arguments, batch_size)
    for option in ("address", "concurrency", "cpus"):
        if getattr(arguments, option) is not None:
            raise ConfigurationError(f"--{option} goes with --engine ray")
    if isinstance(arguments.out, str):
        raise ConfigurationError(f"--out {arguments.out} is on another file system, which --engine ray writes to")
    reward = reward_from(arguments)
    keep = [*arguments.keep, *([arguments.by] if arguments.by and arguments.by not in reward.parts else [])]
    how = plan(
        RowSource(*arguments.file),
        completion=arguments.completion_column,
        reference=arguments.reference_column,
        prompt=arguments.prompt_column,
        keep=keep,
        parts=reward.parts,
    )
    refuse_inputs(arguments.out, how.source.files)
    if not arguments.quiet:
        for remark in how.remarks:
            note(remark)
    by = arguments.by or next((name for name in BY_COLUMNS if name in how.kept), None)
    statistics = ScoreStatistics(reward.parts, by)
    took = _score(arguments, reward, how, statistics, batch_size)
    return _close(arguments, statistics, took, how.remarks)


def _close(arguments: argparse.Namespace, statistics: ScoreStatistics, took: float, remarks: Sequence[str]) -> int:
    """Print the summary and return the exit status."""
    _print(arguments, statistics, took, remarks)
    if statistics.unscored_share > arguments.fail_on_unscored:
        note(
            f"table-rewards: {share(statistics.values.missing, statistics.count)} unscored, more than "
            f"--fail-on-unscored {arguments.fail_on_unscored:g} allows"
        )
        return INCOMPLETE
    return DONE


def _score(
    arguments: argparse.Namespace, reward: Reward[Any], how: Plan, statistics: ScoreStatistics, batch_size: int
) -> float:
    """Score the file into ``statistics`` and, when asked, ``--out``; return the seconds that scoring took in all."""
    quiet = arguments.quiet
    if arguments.out is None:
        begun = time.perf_counter()
        with Progress(1.0, "completions", quiet=quiet) as bar:
            for _, scored in score_file(reward, how, batch_size=batch_size, step=arguments.step):
                statistics.add_all(scored)
                _advance(bar, how, statistics)
        return time.perf_counter() - begun
    output = ResumableOutput(
        arguments.out,
        _identity(arguments, reward, how),
        floats=("score", *reward.parts),
        overwrite=arguments.overwrite,
        about={
            "files": [str(path.resolve()) for path in how.source.files],
            "reward": arguments.reward,
            "options": options_of(arguments),
        },
    )
    with output:
        there: list[dict[str, Any]] = []
        output.replay(lambda row: _taken(there, row, statistics))
        statistics.add_all(there)
        if output.complete:
            if not arguments.quiet:
                note(f"{arguments.out} is complete; --overwrite scores anew")
            return output.seconds
        if output.next_row and not arguments.quiet:
            note(f"going on at row {output.next_row:,}; {statistics.count:,} scores are there")
        begun = time.perf_counter() - output.seconds
        paused = time.perf_counter()
        with Progress(1.0, "completions", quiet=quiet) as bar:
            for _, scored in score_file(reward, how, start=output.next_row, batch_size=batch_size, step=arguments.step):
                output.append(scored)
                statistics.add_all(scored)
                if time.perf_counter() - paused > 5:
                    paused = time.perf_counter()
                    output.pause(paused - begun)
                _advance(bar, how, statistics)
        took = time.perf_counter() - begun
        output.finish(took)
    return took


def _taken(held: list[dict[str, Any]], row: dict[str, Any], statistics: ScoreStatistics) -> None:
    """Hold a row, and hand on what is held when it is enough."""
    held.append(row)
    if len(held) >= 1024:
        statistics.add_all(held)
        held.clear()


def _on_ray(arguments: argparse.Namespace, batch_size: int) -> int:
    """Score on a Ray cluster: ``--out`` is a folder of parts, each written once."""
    from table_rewards.evaluation.scores.ray_engine import Cluster, Run, Work

    if arguments.out is None:
        raise ConfigurationError("--engine ray writes a folder of parquet parts: name it with --out")
    reward = reward_from(arguments)
    own = reward if is_place(arguments.reward) else None
    if own is not None:
        _carried_along(own)
    work = Work(
        places=tuple(arguments.file),
        reward=arguments.reward,
        options=options_of(arguments),
        out=os.fspath(arguments.out),
        completion=arguments.completion_column,
        reference=arguments.reference_column,
        prompt=arguments.prompt_column,
        keep=(*arguments.keep, *([arguments.by] if arguments.by and arguments.by not in reward.parts else [])),
        step=arguments.step,
        batch_size=batch_size,
    )
    cluster = Cluster(arguments.address, arguments.concurrency, arguments.cpus)
    begun = time.perf_counter()
    job = Run(work, cluster, overwrite=arguments.overwrite, reward=own)
    by = arguments.by or next((name for name in BY_COLUMNS if name in job.plan.kept), None)
    statistics = ScoreStatistics(reward.parts, by)
    if not arguments.quiet:
        for remark in job.plan.remarks:
            note(remark)
    missing = len(job.missing())
    if not arguments.quiet and missing < job.blocks:
        note(f"{job.blocks - missing:,} of {job.blocks:,} parts are there" + ("" if missing else "; nothing to do"))
    with Progress(job.total, "rows", quiet=arguments.quiet) as bar:
        for _ in job:
            told = {"mean": f"{job.mean:.4f}", **({"unscored": f"{job.unscored:,}"} if job.unscored else {})}
            bar.to(job.done, **told)
    for rows in read_batches(job.rows(), 1024):
        statistics.add_all(rows)
    return _close(arguments, statistics, time.perf_counter() - begun, job.plan.remarks)


def _carried_along(reward: Reward[Any]) -> None:
    """Let the actors get the class of a reward of one's own as it is: they cannot import a file of this machine."""
    try:
        from ray import cloudpickle
    except ImportError:
        return  # the engine says what is missing
    cloudpickle.register_pickle_by_value(sys.modules[type(reward).__module__])


def _identity(arguments: argparse.Namespace, reward: Reward[Any], how: Plan) -> dict[str, Any]:
    """What the lines of ``--out`` depend on."""
    return {
        "file": ", ".join(path.name for path in how.source.files[:8]),
        "content": how.source.fingerprint(),
        "signature": reward.signature,
        "completion_column": how.completion,
        "reference_column": how.reference_column,
        "prompt_column": arguments.prompt_column,
        "columns": list(how.kept),
        "step": arguments.step,
    }


def _advance(bar: Progress, how: Plan, statistics: ScoreStatistics) -> None:
    if not bar.shown:
        return
    told = {"mean": f"{statistics.values.mean:.4f}"}
    if statistics.unscored:
        told["unscored"] = f"{statistics.unscored:,}"
    bar.to(how.source.progress, **{"": f"{statistics.count:,} completions"}, **told)


def _print(arguments: argparse.Namespace, statistics: ScoreStatistics, took: float, remarks: Sequence[str]) -> None:
    if arguments.json:
        told = statistics.to_dict()
        told.update(
            file=", ".join(arguments.file), out=str(arguments.out) if arguments.out else None, seconds=round(took, 3)
        )
        told["remarks"] = list(remarks)
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return
    print(summary(statistics, took=took, title=titled(f"{arguments.reward} on", ", ".join(arguments.file))))
    if arguments.out is not None:
        print(f"  scores     {arguments.out}")
