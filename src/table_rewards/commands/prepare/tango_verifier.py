"""`table-rewards prepare tango-verifier`: what RL Tango's verifier has to judge, from the generator's solutions."""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Final

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.prepare.reasons import add_prompt_file, add_source, need_some, rows_of, tell
from table_rewards.commands.task import Task
from table_rewards.datasets.files import RowWriter
from table_rewards.datasets.tango.verifications import KINDS, MAX_SOLUTION, VerifierPrompt, verifier_rows


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write verl rows for RL Tango's verifier: a prompt for each solution of the generator, with its number of "
        "steps, and as its label whether the answer is right. Free text is cut into its paragraphs; long steps lose "
        "their middles, so that the beginning, the end and every step stay. The source is what `generate` wrote for "
        "rows of `prepare tango-rl`."
    )
    add_source(parser, "rows with completions")
    parser.add_argument("--output", required=True, type=Path, metavar="OUT", help=".parquet or .jsonl")
    parser.add_argument(
        "--completion-column",
        default="prediction",
        metavar="NAME",
        help="column of the solutions, a text or a list of texts (%(default)s)",
    )
    parser.add_argument("--split", default="train", metavar="NAME", help="split named in extra_info (%(default)s)")
    parser.add_argument(
        "--max-solution",
        type=int,
        default=MAX_SOLUTION,
        metavar="N",
        help="most characters of a solution's steps; about 10,000 for a prompt of 4,096 tokens (%(default)s)",
    )
    group = parser.add_argument_group("prompt")
    group.add_argument(
        "--prompt",
        choices=KINDS,
        default=KINDS[0],
        help="tango: problem and solution first; lrm: form and rules first, as in the second recipe (%(default)s)",
    )
    add_prompt_file(group, "{problem}, {solution} and {generator_step_count}")


def run(options: argparse.Namespace) -> int:
    prompt = VerifierPrompt(
        options.prompt, file=options.prompt_file, expected=options.prompt_fingerprint, max_solution=options.max_solution
    )
    left_out: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    column = options.completion_column
    rows = verifier_rows(rows_of(options, column), prompt, left_out, counts, column=column, split=options.split)
    with RowWriter(options.output) as writer:
        while block := list(islice(rows, 256)):
            writer.write(block)
        need_some(writer.count, left_out)
    print(prompt.described())
    print(
        f"{options.output}: {writer.count:,} rows, {counts['right']:,} of right solutions and {counts['wrong']:,} of "
        "wrong ones"
    )
    tell({"solutions lost the middles of long steps": counts["cut"]}, "cut")
    tell(left_out, "left out")
    return DONE


SUBCOMMANDS: Final[dict[str, Task]] = {
    "tango-verifier": Task("verl rows for RL Tango's verifier, from the generator's solutions", configure, run),
}
