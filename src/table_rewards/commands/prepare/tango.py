"""`table-rewards prepare tango-rl|tango-eval|split`: RL Tango's data, and a seeded split of any file."""

from __future__ import annotations

import argparse
import random
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.prepare.reasons import add_prompt, add_source, need_some, prompt_of, rows_of, tell
from table_rewards.commands.task import Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import RowWriter, count_rows
from table_rewards.datasets.files.split import SEED, TRAIN_RATIO, split_file
from table_rewards.datasets.tango.difficulty import DIFFICULTY, EASY_SHARE, HARD_SHARE, VALIDATION, mix
from table_rewards.datasets.tango.evals import READERS, eval_rows
from table_rewards.datasets.tango.problems import Problem, problems, rl_row, uncontested
from table_rewards.datasets.tango.prompts import GeneratorPrompt

BLOCK: Final = 1024


# -- tango-rl ---------------------------------------------------------------------------------------------------------


def configure_rl(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write train.parquet and validation.parquet for verl: mathematical problems in the generator's prompt, with "
        "the gold answer for the rewards generator and mathematics. With --difficulty (DeepMath-103K) the mixture of "
        "RL Tango's second recipe instead: train_easy.parquet, train_hard.parquet and validation.parquet, shuffled. "
        "With --max-difficulty the harder problems go to train_hard.parquet."
    )
    add_source(parser, "problems, such as Eurus-2-RL-Data or DeepMath-103K")
    parser.add_argument(
        "--output-dir", "--output_dir", required=True, type=Path, metavar="DIR", help="created if need be"
    )
    parser.add_argument(
        "--data-source", metavar="NAME", help="data_source of the rows (default: the source rows', or DeepMath-103K)"
    )
    parser.add_argument("--split", default="train", metavar="NAME", help="split named in extra_info (%(default)s)")
    parser.add_argument(
        "--validation", type=int, metavar="N", help=f"rows to hold out ({VALIDATION:,} with --difficulty, else 0)"
    )
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")
    add_prompt(parser)
    group = parser.add_argument_group("difficulty")
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "--difficulty", type=float, metavar="D", help=f"mix easy and hard: up to D is low, {DIFFICULTY:g} as published"
    )
    either.add_argument("--max-difficulty", type=float, metavar="D", help="harder rows go to a file of their own")
    group.add_argument(
        "--easy-share", type=float, metavar="S", help=f"share of the low ones in train_easy ({EASY_SHARE:g})"
    )
    group.add_argument(
        "--hard-share", type=float, metavar="S", help=f"share of the high ones in train_easy ({HARD_SHARE:g})"
    )


def run_rl(options: argparse.Namespace) -> int:
    """Write the rows that generator and verifier are trained on.

    Raises:
        ConfigurationError: an option needs another one.
    """
    prompt = prompt_of(options)
    left_out: Counter[str] = Counter()
    if options.difficulty is not None:
        _mixture(options, prompt, left_out)
    else:
        for option in ("easy_share", "hard_share"):
            if getattr(options, option) is not None:
                raise ConfigurationError(f"--{option.replace('_', '-')} needs --difficulty, which says what is easy")
        _sets(options, prompt, left_out)
    print(prompt.described())
    tell(left_out, "left out")
    return DONE


def _mixture(options: argparse.Namespace, prompt: GeneratorPrompt, left_out: Counter[str]) -> None:
    """The easy and the hard set of the second recipe, and what both are validated on."""
    found = []
    for problem in uncontested(problems(rows_of(options), left_out), left_out):
        if problem.difficulty is None:
            left_out["no difficulty"] += 1
        else:
            found.append(problem)
    need_some(len(found), left_out)
    made = mix(
        found,
        difficulty=options.difficulty,
        easy_share=EASY_SHARE if options.easy_share is None else options.easy_share,
        hard_share=HARD_SHARE if options.hard_share is None else options.hard_share,
        validation=VALIDATION if options.validation is None else options.validation,
        seed=options.seed,
    )
    parts = (("train_easy", made.easy), ("train_hard", made.hard), ("validation", made.validation))
    for name, part in parts:
        split = "validation" if name == "validation" else options.split
        path = options.output_dir / f"{name}.parquet"
        if not part:
            path.unlink(missing_ok=True)
            print(f"{path}: no rows, not written")
            continue
        with RowWriter(path) as writer:
            for start in range(0, len(part), BLOCK):
                writer.write(
                    rl_row(problem, start + place, split, options.data_source, prompt)
                    for place, problem in enumerate(part[start : start + BLOCK])
                )
        above = sum(problem.difficulty is not None and problem.difficulty > options.difficulty for problem in part)
        print(f"{path}: {len(part):,} rows, {above:,} of them above {options.difficulty:g}")
    print(f"{made.low:,} problems up to {options.difficulty:g} and {made.high:,} above it to train on")
    tell({"validation questions stand in training too: the source repeats them": made.repeated}, "note")


def _sets(options: argparse.Namespace, prompt: GeneratorPrompt, left_out: Counter[str]) -> None:
    """Training rows in the order of the source, some held out by seed."""
    validation = options.validation or 0
    total = sum(1 for _ in uncontested(problems(rows_of(options), left_out), left_out)) if validation else 0
    if validation and not 0 < validation < total:
        raise ConfigurationError(f"--validation {validation} of {total:,} usable rows leaves nothing to train on")
    held = frozenset(random.Random(options.seed).sample(range(total), validation))
    left_out.clear()
    names = [
        "train",
        *(["validation"] if held else []),
        *(["train_hard"] if options.max_difficulty is not None else []),
    ]
    writers = {name: RowWriter(options.output_dir / f"{name}.parquet") for name in names}
    with ExitStack() as stack:
        for writer in writers.values():
            stack.enter_context(writer)
        buffers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for index, problem in enumerate(uncontested(problems(rows_of(options), left_out), left_out)):
            name = "validation" if index in held else _shelf(problem, options.max_difficulty)
            split = "validation" if name == "validation" else options.split
            buffers[name].append(rl_row(problem, index, split, options.data_source, prompt))
            if len(buffers[name]) >= BLOCK:
                writers[name].write(buffers[name])
                buffers[name] = []
        for name, rest in buffers.items():
            writers[name].write(rest)
        need_some(sum(writer.count for writer in writers.values()), left_out)
    for writer in writers.values():
        print(f"{writer.path}: {count_rows(writer.path):,} rows")


def _shelf(problem: Problem, most: float | None) -> str:
    hard = most is not None and problem.difficulty is not None and problem.difficulty > most
    return "train_hard" if hard else "train"


# -- tango-eval -------------------------------------------------------------------------------------------------------


def configure_eval(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write one of RL Tango's nine evaluation sets as verl rows. The source is the file that its publisher offers; "
        "of TableBench only NumericalReasoning and FactChecking are part of it, so its numbers are not TableBench's."
    )
    parser.add_argument("set", choices=sorted(READERS), metavar="SET", help=", ".join(READERS))
    add_source(parser, "the published set")
    parser.add_argument("--output", required=True, type=Path, metavar="OUT", help=".parquet or .jsonl")
    add_prompt(parser)


def run_eval(options: argparse.Namespace) -> int:
    prompt = prompt_of(options, evaluation=True)
    left_out: Counter[str] = Counter()
    with RowWriter(options.output) as writer:
        writer.write(eval_rows(options.set, rows_of(options), left_out, prompt))
        need_some(writer.count, left_out)
    print(f"{options.output}: {writer.count:,} rows, data_source {options.set}")
    print(prompt.described())
    tell(left_out, "left out")
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


SUBCOMMANDS: Final[dict[str, Task]] = {
    "tango-rl": Task("verl rows for RL Tango's generator", configure_rl, run_rl),
    "tango-eval": Task("one of RL Tango's nine evaluation sets as verl rows", configure_eval, run_eval),
    "split": Task("any file into train and test, by seed", configure_split, run_split),
}
