"""`table-rewards prepare table-r1`: questions about tables, with regions, as verl, ms-swift and LLaMA-Factory files."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.task import NothingKept, Task
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.rows import Row
from table_rewards.datasets import llama_factory
from table_rewards.datasets.files import RowWriter, read_batches, read_rows
from table_rewards.datasets.files.batch_log import BatchLog
from table_rewards.datasets.files.split import SEED, TRAIN_RATIO
from table_rewards.datasets.table_r1.items import BATCH, PROMPTS, WITHOUT_REGION, Item, Settings, prepare
from table_rewards.datasets.table_r1.report import Report
from table_rewards.datasets.table_r1.rows import (
    ENDINGS,
    FORMATS,
    Split,
    inference_rows,
    sft_rows,
    swift_row,
    verl_row,
)
from table_rewards.datasets.table_r1.table import Unusable, read_table
from table_rewards.datasets.table_r1.wiki import questions, with_tables
from table_rewards.rewards.table_bench.table_region import INSTRUCTION_TYPES
from table_rewards.sandbox.shared import BACKENDS


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write Table-R1's training files from rows of TableBench or TableInstruct (table, question, answer), from "
        "Table-R1's own verl rows, or from prompt-response pairs. Each question becomes a prompt of all four types, "
        "or of its own type where the row has a prompt or response of one. Labels are cleaned, every change and every "
        "row left out is counted with its reason. A row without a region gets one from what its program looks at or "
        "from the cells of its answer; the column region_origin says which. Tables, not rows, are split by seed: none "
        "is seen in training and test."
    )
    parser.add_argument("file", metavar="FILE", help="rows: parquet, JSON lines or JSON")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument(
        "--format",
        nargs="+",
        choices=FORMATS,
        default=["verl"],
        help="verl: train.parquet; swift: train.jsonl; sft: train_sft.json for LLaMA-Factory (verl)",
    )
    parser.add_argument(
        "--types", nargs="+", choices=INSTRUCTION_TYPES, default=[], help="prompt types (a row's own, else all four)"
    )
    parser.add_argument(
        "--prompts",
        choices=PROMPTS,
        default="keep",
        help="keep the prompts of verl rows and pairs, or write ours instead (%(default)s)",
    )
    parser.add_argument(
        "--without-region",
        choices=WITHOUT_REGION,
        default="drop",
        help="what becomes of rows whose region is neither given nor derivable (%(default)s)",
    )
    parser.add_argument(
        "--train-ratio", type=float, default=TRAIN_RATIO, metavar="R", help="share of the file's tables (%(default)g)"
    )
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="of the split (%(default)s)")
    parser.add_argument("--split", metavar="NAME", help="no split: all rows into one file of this name")
    parser.add_argument("--data-source", default="table_area", metavar="NAME", help="of verl rows (%(default)s)")
    parser.add_argument("--sandbox", choices=BACKENDS, default="local", help="where programs run (%(default)s)")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N rows alone")
    parser.add_argument("--overwrite", action="store_true", help="run all programs anew after a run that was stopped")


def run(options: argparse.Namespace) -> int:
    """Write Table-R1's training rows.

    Raises:
        ConfigurationError: an option cannot be.
        NothingKept: no row could be used.
    """
    settings = Settings(
        types=tuple(dict.fromkeys(options.types)),
        prompts=options.prompts,
        without_region=options.without_region,
        data_source=options.data_source,
        sandbox=options.sandbox,
    )
    if options.limit is not None and options.limit < 1:
        raise ConfigurationError(f"--limit must be at least 1, not {options.limit}")
    if options.split and Path(options.split).name != options.split:
        raise ConfigurationError(f"--split is a name such as test, not a path: {options.split!r}")
    split = None if options.split else Split(_tables(options), options.train_ratio, options.seed)
    names = [options.split] if options.split else ["train", "test"]
    formats = list(dict.fromkeys(options.format))
    writers = {(name, form): RowWriter(options.out / f"{name}{ENDINGS[form]}") for name in names for form in formats}
    report, untaught = Report(), Counter[str]()
    kinds: Counter[tuple[str, str]] = Counter()
    with ExitStack() as stack:
        for writer in writers.values():
            stack.enter_context(writer)
        identity = {"command": "table-r1", "sandbox": options.sandbox}
        log = stack.enter_context(BatchLog(options.out / "table-r1", identity, overwrite=options.overwrite))
        made = prepare(_rows(options), settings, report, log)
        for batch in read_batches(({"item": item} for item in made), BATCH):
            parts: dict[str, list[Item]] = {name: [] for name in names}
            for entry in batch:
                item = entry["item"]
                parts[split(item) if split else options.split].append(item)
            for name, items in parts.items():
                kinds.update((name, item.kind) for item in items if not item.repeats)
                _write(writers, name, items, settings, untaught)
        log.finish()
        if not report.kept:
            raise NothingKept(f"no row could be used, nothing is written\n{report}")
    for (name, form), writer in writers.items():
        kinds_of = ", ".join(f"{kind} {kinds[name, kind]:,}" for kind in INSTRUCTION_TYPES if kinds[name, kind])
        print(f"{writer.path}: {writer.count:,} rows" + (f" ({kinds_of})" if form != "sft" and kinds_of else ""))
    print(report)
    if untaught:
        print("not in the fine-tuning files:")
        print("\n".join(f"  {count:>8,} {reason}" for reason, count in untaught.most_common()))
    if "sft" in formats:
        _register(options.out, [name for name in names if writers[name, "sft"].count])
    return DONE


def _rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    return islice(read_rows(options.file, broken="yield"), options.limit)


def _tables(options: argparse.Namespace) -> list[bytes]:
    """The file's tables, each once, in order: what the split is drawn from."""
    found: dict[bytes, None] = {}
    for row in _rows(options):
        try:
            found[read_table(Row(row)).digest()] = None
        except (Unusable, BadReference):
            continue
    return list(found)


def _write(
    writers: dict[tuple[str, str], RowWriter], name: str, items: list[Item], settings: Settings, untaught: Counter[str]
) -> None:
    prompts = [item for item in items if not item.repeats]
    if (name, "verl") in writers:
        writer = writers[name, "verl"]
        rows = [verl_row(item, writer.count + i, name, settings.data_source) for i, item in enumerate(prompts)]
        writer.write(rows)
    if (name, "swift") in writers:
        writers[name, "swift"].write(map(swift_row, prompts))
    if (name, "sft") in writers:
        writers[name, "sft"].write(sft_rows(items, untaught))


def _register(folder: Path, names: list[str]) -> None:
    """LLaMA-Factory's entries, beside those that dataset_info.json has already."""
    entries = {f"table_r1_{name}": llama_factory.prompt_response(f"{name}{ENDINGS['sft']}") for name in names}
    where = llama_factory.register(folder, entries)
    print(f"\nFor LLaMA-Factory, `dataset: {', '.join(entries)}`; its entries are in {where}:\n")
    print(json.dumps(entries, indent=2, ensure_ascii=False))


def configure_prompts(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write TableBench's questions with the prompts that `prepare table-r1` trains on, for `table-rewards generate` "
        "and then `evaluate tablebench`: every row of FILE, charts included, once a prompt type, with all its columns, "
        "and with instruction and instruction_type. No region is needed: it is the model that names one. The same for "
        "`evaluate wikitq` and `evaluate wikisql`, with --tables where the tables stand in files of their own."
    )
    parser.add_argument("file", metavar="FILE", help="rows with table and question, or WikiTableQuestions' data/*.tsv")
    parser.add_argument(
        "--tables",
        type=Path,
        metavar="PATH",
        help="WikiTableQuestions' folder (which holds csv/), or WikiSQL's *.tables.jsonl",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help=".jsonl")
    parser.add_argument(
        "--types", nargs="+", choices=INSTRUCTION_TYPES, default=list(INSTRUCTION_TYPES), help="prompt types (all four)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="the first N rows alone")


def run_prompts(options: argparse.Namespace) -> int:
    """Write the prompts of rows for an inference engine.

    Raises:
        NothingKept: no row could be used.
    """
    left_out: Counter[str] = Counter()
    with RowWriter(options.out) as writer:
        rows = islice(questions(options.file), options.limit)
        found = rows if options.tables is None else with_tables(rows, options.tables)
        writer.write(inference_rows(found, list(dict.fromkeys(options.types)), left_out))
        if not writer.count:
            raise NothingKept(f"no row could be used, nothing is written: {dict(left_out) or 'FILE has no rows'}")
    print(f"{options.out}: {writer.count:,} prompts")
    for reason, count in left_out.most_common():
        print(f"left out: {count:>8,} {reason}")
    return DONE


SUBCOMMANDS: Final[dict[str, Task]] = {
    "table-r1": Task("questions about tables with regions, for verl, ms-swift and LLaMA-Factory", configure, run),
    "table-r1-prompts": Task(
        "a benchmark's questions with these prompts, for inference", configure_prompts, run_prompts
    ),
}
