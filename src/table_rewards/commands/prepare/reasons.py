"""What the tasks of RL Tango share: where rows come from, which prompt they get, and why some were left out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from table_rewards.commands.task import NothingKept
from table_rewards.datasets.files import columns_of, read_rows
from table_rewards.datasets.tango.prompts import KINDS, GeneratorPrompt

LONG: Final = "r1_solution_"


def add_source(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--input`` and ``--limit``."""
    parser.add_argument("--input", required=True, metavar="FILE", help=f"{what}: parquet, JSON lines or JSON")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N rows alone")


def rows_of(options: argparse.Namespace, *wanted: str) -> Iterator[dict[str, Any]]:
    """The rows of ``--input``, without DeepMath's long solutions unless they are ``wanted``: most of its gigabytes."""
    there = columns_of(options.input)
    needed = [name for name in there if name in wanted or not name.startswith(LONG)]
    return islice(read_rows(options.input, needed if len(needed) < len(there) else None), options.limit)


def add_prompt(parser: argparse.ArgumentParser) -> None:
    """Add ``--prompt``, ``--prompt-file`` and ``--prompt-fingerprint``."""
    group = parser.add_argument_group("prompt")
    group.add_argument(
        "--prompt",
        choices=KINDS,
        default=KINDS[0],
        help="tagged: steps in tags, in our own words; lrm: for reasoning models, as published (%(default)s)",
    )
    add_prompt_file(group, "{{ prompt }} or {question}")


def add_prompt_file(group: Any, places: str) -> None:
    """Add ``--prompt-file`` and ``--prompt-fingerprint``."""
    group.add_argument(
        "--prompt-file",
        metavar="FILE",
        help=f"a template of your own, with {places.replace('%', '%%')}: a text file, or FILE.py:NAME for a constant",
    )
    group.add_argument(
        "--prompt-fingerprint",
        metavar="#HASH/LENGTH",
        help="that the prompt must have; it is printed",
    )


def prompt_of(options: argparse.Namespace, *, evaluation: bool = False) -> GeneratorPrompt:
    """The generator's prompt that the arguments name.

    Raises:
        ConfigurationError: the file is no template, or has another fingerprint.
    """
    return GeneratorPrompt(
        options.prompt, file=options.prompt_file, expected=options.prompt_fingerprint, evaluation=evaluation
    )


def need_some(count: int, reasons: Mapping[str, int]) -> None:
    """Stop where no row could be used.

    Raises:
        NothingKept: says why the rows were left out.
    """
    if not count:
        raise NothingKept(f"no row could be used, nothing is written: {listed(reasons) or 'the file has no rows'}")


def tell(reasons: Mapping[str, int], what: str) -> None:
    """Print reasons with their counts, where there are any."""
    if any(reasons.values()):
        print(f"{what}: {listed(reasons)}", file=sys.stderr)


def listed(reasons: Mapping[str, int]) -> str:
    """Reasons with their counts, the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    return ", ".join(f"{count:,} {name}" for name, count in ordered if count)
