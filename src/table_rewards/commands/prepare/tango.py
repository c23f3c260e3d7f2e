"""`table-rewards prepare tango-sft|tango-rl|tango-eval|split`: RL Tango's data, and a seeded split of any file."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.task import Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.datasets.files.split import SEED, TRAIN_RATIO, split_file
from table_rewards.datasets.tango.evals import READERS, eval_rows
from table_rewards.datasets.tango.generation import TEMPERATURE, TOP_P, accepted_solutions
from table_rewards.datasets.tango.problems import Problem, problems, rl_row

HELD_OUT: Final = 2_000


def _source(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--input", required=True, metavar="FILE", help=f"{what}: parquet, JSON lines or JSON")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N rows alone")


def _rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from itertools import islice

    return islice(read_rows(options.input), options.limit)


# -- tango-sft --------------------------------------------------------------------------------------------------------


def configure_sft(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Ask a model for a solution of every problem and keep those whose answer is right, by the Mathematics reward, "
        "and whose form is whole. Source: Eurus-2-SFT-Data, Eurus-2-RL-Data, DeepMath, or rows with a question and an "
        "answer; Eurus's rows of other tasks are left out. A --cache makes an interrupted run go on where it was."
    )
    _source(parser, "problems")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="OUT", help=".parquet or .jsonl: prompt, response"
    )
    where = parser.add_argument_group("endpoints")
    where.add_argument(
        "--endpoint",
        action="append",
        metavar="URL",
        help="OpenAI-compatible server; repeatable (default: $llm_serve_urls)",
    )
    where.add_argument("--model", help="served model name (default: the one that /v1/models offers)")
    where.add_argument("--api-key-env", metavar="NAME", help="environment variable that holds the API key")
    where.add_argument("--cache", metavar="FILE", help="SQLite file of the replies")
    how = parser.add_argument_group("sampling and rejection")
    how.add_argument(
        "--attempts", type=int, default=1, metavar="N", help="solutions to try for a problem (%(default)s)"
    )
    how.add_argument("--temperature", type=float, default=TEMPERATURE, metavar="T", help="(%(default)g)")
    how.add_argument("--top-p", type=float, default=TOP_P, metavar="P", help="(%(default)g)")
    how.add_argument(
        "--max-tokens", type=int, default=2048, metavar="N", help="most tokens of a solution (%(default)s)"
    )
    how.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")
    how.add_argument(
        "--least-format",
        type=float,
        default=1.0,
        metavar="MARK",
        help="least mark of the form, in [0, 1] (%(default)g)",
    )


def run_sft(options: argparse.Namespace) -> int:
    from table_rewards.llm import Sampling, get_pool

    if options.attempts < 1:
        raise ConfigurationError(f"--attempts must be at least 1, not {options.attempts}")
    pool = get_pool(
        options.endpoint,
        model=options.model,
        api_key_env=options.api_key_env,
        cache=options.cache,
        deadline_s=1800.0,
        timeout_s=600.0,
    )
    sampling = Sampling(options.temperature, options.top_p, options.max_tokens, options.seed)
    left_out: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    found = problems(_rows(options), left_out)
    with RowWriter(options.output) as writer:
        for row in accepted_solutions(
            found, pool, sampling, counts, attempts=options.attempts, least_format=options.least_format
        ):
            writer.write([row])
        _some(writer.count, left_out + counts)
    total = sum(counts.values())
    print(f"{options.output}: {writer.count:,} solutions of {total:,} problems ({writer.count / total:.1%})")
    rejected = Counter({name: count for name, count in counts.items() if name != "accepted"})
    _tell(rejected, "rejected")
    _tell(left_out, "left out")
    return INCOMPLETE if counts["unanswered"] else DONE


# -- tango-rl ---------------------------------------------------------------------------------------------------------


def configure_rl(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write train.parquet and validation.parquet for verl: mathematical problems in the generator's prompt, with "
        "the gold answer for the rewards generator and mathematics. With --max-difficulty (DeepMath) the harder "
        "problems go to train_hard.parquet."
    )
    _source(parser, "problems, such as Eurus-2-RL-Data or DeepMath-103K")
    parser.add_argument(
        "--output-dir", "--output_dir", required=True, type=Path, metavar="DIR", help="created if need be"
    )
    parser.add_argument("--data-source", metavar="NAME", help="data_source of the rows (default: the source rows')")
    parser.add_argument("--split", default="train", metavar="NAME", help="split named in extra_info (%(default)s)")
    parser.add_argument(
        "--validation", type=int, default=0, metavar="N", help=f"rows to hold out, {HELD_OUT:,} in RL Tango's fork (0)"
    )
    parser.add_argument("--max-difficulty", type=float, metavar="D", help="harder rows go to a file of their own")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")


def run_rl(options: argparse.Namespace) -> int:
    from table_rewards.datasets.files import count_rows

    left_out: Counter[str] = Counter()
    total = sum(1 for _ in problems(_rows(options), left_out)) if options.validation else 0
    if options.validation and not 0 < options.validation < total:
        raise ConfigurationError(
            f"--validation {options.validation} of {total:,} usable rows leaves nothing to train on"
        )
    held = _sample(total, options.validation, options.seed)
    left_out.clear()
    folder: Path = options.output_dir
    names = [
        "train",
        *(["validation"] if held else []),
        *(["train_hard"] if options.max_difficulty is not None else []),
    ]
    writers = {name: RowWriter(folder / f"{name}.parquet") for name in names}
    from contextlib import ExitStack

    with ExitStack() as stack:
        for writer in writers.values():
            stack.enter_context(writer)
        buffers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for index, problem in enumerate(problems(_rows(options), left_out)):
            name = "validation" if index in held else _shelf(problem, options.max_difficulty)
            split = "validation" if name == "validation" else options.split
            buffers[name].append(rl_row(problem, index, split, options.data_source))
            if len(buffers[name]) >= 1024:
                writers[name].write(buffers[name])
                buffers[name] = []
        for name, rest in buffers.items():
            writers[name].write(rest)
        _some(sum(writer.count for writer in writers.values()), left_out)
    for writer in writers.values():
        print(f"{writer.path}: {count_rows(writer.path):,} rows")
    _tell(left_out, "left out")
    return DONE


def _sample(total: int, count: int, seed: int) -> frozenset[int]:
    import random

    return frozenset(random.Random(seed).sample(range(total), count))


def _shelf(problem: Problem, most: float | None) -> str:
    return (
        "train_hard" if most is not None and problem.difficulty is not None and problem.difficulty > most else "train"
    )


# -- tango-eval -------------------------------------------------------------------------------------------------------


def configure_eval(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write one of RL Tango's nine evaluation sets as verl rows. The source is the file that its publisher offers; "
        "of TableBench only NumericalReasoning and FactChecking are part of it, so its numbers are not TableBench's."
    )
    parser.add_argument("set", choices=sorted(READERS), metavar="SET", help=", ".join(READERS))
    _source(parser, "the published set")
    parser.add_argument("--output", required=True, type=Path, metavar="OUT", help=".parquet or .jsonl")


def run_eval(options: argparse.Namespace) -> int:
    left_out: Counter[str] = Counter()
    with RowWriter(options.output) as writer:
        writer.write(eval_rows(options.set, _rows(options), left_out))
        _some(writer.count, left_out)
    print(f"{options.output}: {writer.count:,} rows, data_source {options.set}")
    _tell(left_out, "left out")
    return DONE


# -- split ------------------------------------------------------------------------------------------------------------


def configure_split(parser: argparse.ArgumentParser) -> None:
    parser.description = "Split a file into train and test by seed; the order of the rows stays, memory stays small."
    parser.add_argument("--input", required=True, metavar="FILE", help="parquet, JSON lines or JSON")
    parser.add_argument(
        "--output-dir", "--output_dir", type=Path, metavar="DIR", help="where the two files go (beside the input)"
    )
    parser.add_argument(
        "--train-ratio", "--train_ratio", type=float, default=TRAIN_RATIO, metavar="R", help="(%(default)g)"
    )
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")


def run_split(options: argparse.Namespace) -> int:
    source = Path(options.input)
    folder = options.output_dir or source.parent
    done = split_file(
        source,
        folder,
        train_ratio=options.train_ratio,
        seed=options.seed,
        names=(f"{source.stem}_train.parquet", f"{source.stem}_test.parquet")
        if options.output_dir is None
        else ("train.parquet", "test.parquet"),
    )
    print(f"{done.train}: {done.train_rows:,} rows\n{done.test}: {done.test_rows:,} rows\nseed {options.seed}")
    return DONE


def _some(count: int, reasons: Mapping[str, int]) -> None:
    if not count:
        raise ConfigurationError(
            f"no row could be used, nothing is written: {_listed(reasons) or 'the file has no rows'}"
        )


def _tell(reasons: Mapping[str, int], what: str) -> None:
    if any(reasons.values()):
        print(f"{what}: {_listed(reasons)}", file=sys.stderr)


def _listed(reasons: Mapping[str, int]) -> str:
    ordered: Iterable[tuple[str, int]] = sorted(reasons.items(), key=lambda item: -item[1])
    return ", ".join(f"{count:,} {name}" for name, count in ordered)


SUBCOMMANDS: Final[dict[str, Task]] = {
    "tango-sft": Task("solutions from an endpoint, kept when their answer is right", configure_sft, run_sft),
    "tango-rl": Task("verl rows for RL Tango's generator", configure_rl, run_rl),
    "tango-eval": Task("one of RL Tango's nine evaluation sets as verl rows", configure_eval, run_eval),
    "split": Task("any file into train and test, by seed", configure_split, run_split),
}
