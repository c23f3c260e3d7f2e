"""`table-rewards prepare tango-sft`: prompts for a teacher, and its solutions as rows for fine-tuning."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.endpoint_arguments import (
    CACHE_MB,
    add_cache,
    add_endpoint_arguments,
    cache_of,
    pool_of,
    sampling_of,
)
from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.prepare.reasons import add_prompt, add_source, need_some, prompt_of, rows_of, tell
from table_rewards.commands.task import Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import RowWriter
from table_rewards.datasets.files.split import SEED
from table_rewards.datasets.tango.generation import (
    KEEPS,
    MAX_TOKENS,
    TEMPERATURE,
    TOP_P,
    UNANSWERED,
    Choice,
    Kept,
    asked,
    read,
)
from table_rewards.datasets.tango.problems import Problem, problems, prompt_row, sft_row
from table_rewards.datasets.tango.prompts import GeneratorPrompt

COLUMNS: Final = ("response", "responses")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Ask a model for a solution of every problem and keep those whose answer is right, by the Mathematics reward, "
        "and whose form is whole; or all of them, as RL Tango does. Source: Eurus-2-SFT-Data, Eurus-2-RL-Data, "
        "DeepMath, or rows with a question and an answer; Eurus's rows of other tasks are left out. The "
        "same command goes on where it was stopped. --prompts-only writes the prompts for `generate` instead of "
        "asking, and --read takes what came back."
    )
    add_source(parser, "problems")
    parser.add_argument("--output", required=True, type=Path, metavar="OUT", help=".parquet or .jsonl")
    parser.add_argument(
        "--completion-column",
        choices=COLUMNS,
        default=COLUMNS[0],
        help="response: prompt and response as texts; responses: RL Tango's own rows, a list of texts (%(default)s)",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--prompts-only", action="store_true", help="write prompts and ask nothing")
    instead.add_argument(
        "--read", metavar="COLUMN", help="ask nothing: the solutions stand in this column, as `generate` writes them"
    )
    add_prompt(parser)
    where = parser.add_argument_group("endpoints")
    add_endpoint_arguments(where)
    add_cache(where)
    how = parser.add_argument_group("sampling and rejection")
    how.add_argument(
        "--keep",
        choices=KEEPS,
        default=KEEPS[0],
        help="right: right and whole solutions; all: whatever came, as published; needs no gold answers (%(default)s)",
    )
    how.add_argument(
        "--attempts", type=int, default=1, metavar="N", help="solutions to try for a problem (%(default)s)"
    )
    how.add_argument("--temperature", type=float, default=TEMPERATURE, metavar="T", help="(%(default)g)")
    how.add_argument("--top-p", type=float, default=TOP_P, metavar="P", help="(%(default)g)")
    how.add_argument(
        "--max-tokens", type=int, default=MAX_TOKENS, metavar="N", help="most tokens of a solution (%(default)s)"
    )
    how.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")
    how.add_argument(
        "--least-format",
        type=float,
        default=1.0,
        metavar="MARK",
        help="least mark of the form, in [0, 1] (%(default)g)",
    )


def run(options: argparse.Namespace) -> int:
    """Write solutions in steps, for supervised training.

    Raises:
        ConfigurationError: the number of attempts cannot be.
    """
    if options.attempts < 1:
        raise ConfigurationError(f"--attempts must be at least 1, not {options.attempts}")
    prompt = prompt_of(options)
    left_out: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    with RowWriter(options.output) as writer:
        if options.prompts_only:
            found = problems(rows_of(options), left_out, need_answer=False)
            _write(writer, (_asking(problem, index, prompt) for index, problem in enumerate(found)))
        else:
            choice = Choice(options.keep, prompt, least_format=options.least_format)
            _write(writer, (_row(kept, prompt, options) for kept in _solutions(options, choice, left_out, counts)))
        need_some(writer.count, left_out + counts)
    print(prompt.described())
    if options.prompts_only:
        print(f"{options.output}: {writer.count:,} prompts")
    else:
        total = sum(counts.values())
        of = "solutions and rows without one" if options.read else "problems"
        print(f"{options.output}: {writer.count:,} solutions of {total:,} {of} ({writer.count / total:.1%})")
        tell({name: count for name, count in counts.items() if not choice.keeps(name)}, "rejected")
        if options.keep == "all":
            tell({name: count for name, count in counts.items() if name in ("cut off", "empty")}, "kept though")
    tell(left_out, "left out")
    return INCOMPLETE if counts[UNANSWERED] else DONE


def _solutions(
    options: argparse.Namespace, choice: Choice, left_out: Counter[str], counts: Counter[str]
) -> Iterator[Kept]:
    need_answer = options.keep != "all"
    rows = rows_of(options, options.read)
    if options.read:
        pairs = ((p, row) for row in rows for p in problems([row], left_out, need_answer=need_answer))
        return read(pairs, options.read, choice, counts)
    pool = pool_of(
        options, cache=cache_of(options, options.output), cache_max_mb=CACHE_MB, deadline_s=1800.0, timeout_s=600.0
    )
    sampling = sampling_of(
        options,
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=options.max_tokens,
        seed=options.seed,
    )
    found: Iterator[Problem] = problems(rows, left_out, need_answer=need_answer)
    return asked(found, pool, sampling, choice, counts, attempts=options.attempts)


def _asking(problem: Problem, index: int, prompt: GeneratorPrompt) -> dict[str, Any]:
    """A prompt with the gold answer where there is one, by which the solutions can be told apart afterwards."""
    gold = {"reward_model": {"style": "rule", "ground_truth": problem.answer}} if problem.answer else {}
    return {**prompt_row(problem, index, prompt), **gold}


def _row(kept: Kept, prompt: GeneratorPrompt, options: argparse.Namespace) -> dict[str, Any]:
    if options.completion_column == "responses":
        return {**prompt_row(kept.problem, kept.place, prompt), "responses": [kept.text]}
    return sft_row(kept.problem, kept.text, kept.place, prompt)


def _write(writer: RowWriter, rows: Iterator[dict[str, Any]]) -> None:
    while block := list(islice(rows, 256)):
        writer.write(block)


SUBCOMMANDS: Final[dict[str, Task]] = {
    "tango-sft": Task("solutions from an endpoint for fine-tuning, right ones or all", configure, run),
}
