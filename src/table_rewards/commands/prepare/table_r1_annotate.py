"""`table-rewards prepare table-r1-annotate`: regions that a model marks, voted on and checked."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from table_rewards.commands.completed_rows import complete_rows, report_completed
from table_rewards.commands.endpoint_arguments import add_endpoint_arguments, sampling_of
from table_rewards.commands.prepare.grrm import tell
from table_rewards.commands.task import Task
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.options import positive_whole
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.grrm.groups import Skipped
from table_rewards.datasets.table_r1.annotation import VERSION, RegionQuestion
from table_rewards.datasets.table_r1.table import Unusable


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Ask a model which columns and rows each question needs, and write the rows with a gold_area, for `prepare "
        "table-r1`. Of --votes replies, what more than half of those mark is the region; a reply that marks what the "
        "table has not is none. With --check the question is asked again with the region alone, and the region kept "
        "where the answer is still the gold one. Rows that have a region are kept as they are; --compare asks about "
        "them, too, and prints how far both agree. The same command goes on where it was stopped."
    )
    parser.add_argument("file", metavar="FILE", help="rows of any form that `prepare table-r1` reads")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help=".jsonl")
    parser.add_argument("--votes", type=int, default=1, metavar="K", help="replies a question (%(default)s)")
    parser.add_argument("--check", action="store_true", help="keep regions alone from which the gold answer follows")
    parser.add_argument("--compare", action="store_true", help="ask about rows that have a region, too")
    parser.add_argument("--hide-answer", action="store_true", help="do not tell the model the gold answer")
    where = parser.add_argument_group("the model")
    add_endpoint_arguments(where)
    where.add_argument("--temperature", type=float, metavar="T", help="(0 with one vote, else 0.6)")
    where.add_argument("--max-tokens", type=int, default=4096, metavar="N", help="(%(default)s)")
    where.add_argument("--seed", type=int, default=0, metavar="N", help="(%(default)s)")
    where.add_argument("--attempts", type=int, default=2, metavar="N", help="until a region is found (%(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="begin anew instead of continuing OUT")


def run(options: argparse.Namespace) -> int:
    """Ask a model which region of its table each question needs.

    Raises:
        ConfigurationError: all votes would be the same.
    """
    votes = positive_whole("--votes", options.votes)
    positive_whole("--attempts", options.attempts)
    temperature = options.temperature if options.temperature is not None else 0.0 if votes == 1 else 0.6
    if votes > 1 and temperature == 0:
        raise ConfigurationError(f"--votes {votes} at temperature 0 are {votes} times the same; add --temperature 0.6")
    sampling = sampling_of(options, temperature=temperature, max_tokens=options.max_tokens, seed=options.seed)
    skipped = Skipped()

    def questions() -> Iterator[tuple[int, RegionQuestion]]:
        for number, row in enumerate(read_rows(options.file, broken="yield")):
            try:
                yield (
                    number,
                    RegionQuestion(
                        row, number, sampling, votes, not options.hide_answer, options.check, options.compare
                    ),
                )
            except (Unusable, BadReference) as error:
                skipped.add(str(error).partition(":")[0], number)

    identity = {
        "command": "table-r1-annotate",
        "prompts": VERSION,
        "check": options.check,
        "compare": options.compare,
    }
    asked = complete_rows(options, options.file, options.out, identity, questions())
    tell(skipped)
    status = report_completed(options.out, asked, "annotated")
    if options.compare:
        _agreement(options.out)
    return status


def _agreement(out: Path) -> None:
    overlaps = [row["region_iou"] for row in read_rows(out) if row.get("region_iou") is not None]
    if overlaps:
        equal, mean = sum(one == 1 for one in overlaps), sum(overlaps) / len(overlaps)
        print(
            f"agreement with {len(overlaps):,} given regions: mean overlap {mean:.3f} (as the reward counts it), "
            f"{equal:,} ({100 * equal / len(overlaps):.1f} %) equal"
        )


SUBCOMMANDS: Final[dict[str, Task]] = {
    "table-r1-annotate": Task("regions of tables, marked by a model and checked", configure, run),
}
