"""`table-rewards prepare grrm-sft` and `grrm-rl`: data for ranking models from groups of scored candidates."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from table_rewards.commands.task import Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets import llama_factory
from table_rewards.datasets.files import RowWriter, read_rows, require_columns
from table_rewards.datasets.grrm.groups import Columns, Skipped
from table_rewards.datasets.grrm.rows import SEED, SOURCE, rl_rows, sft_rows, shuffled
from table_rewards.rewards.ranking.parse import MODES


def _both(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-path", "--data_path", required=True, metavar="FILE", help="groups: parquet, JSON lines or JSON"
    )
    parser.add_argument(
        "--output-path", "--output_path", required=True, type=Path, metavar="OUT", help=".parquet or .jsonl"
    )
    parser.add_argument(
        "--mt-key", "--mt_key", default="mt_texts", metavar="NAME", help="column of the candidates (%(default)s)"
    )
    parser.add_argument(
        "--score-key", "--score_key", default="scores", metavar="NAME", help="column of their scores (%(default)s)"
    )
    parser.add_argument(
        "--analysis-key",
        "--analysis_key",
        default="analysis",
        metavar="NAME",
        help="column of the analysis (%(default)s)",
    )
    parser.add_argument(
        "--prompt-type",
        "--prompt_type",
        choices=MODES,
        default="ranking_score",
        help="what a model is asked to end with: an order, an order and scores, or scores (%(default)s)",
    )


def configure_sft(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write one conversation for every group: the prompt that shows the candidates, and the analysis followed by "
        "the reference ranking and scores. LLaMA-Factory's entry for the file is printed and written to "
        "dataset_info.json beside it. Source rows need src_text and the three columns below; src_lang and trg_lang "
        "name the languages."
    )
    _both(parser)
    parser.add_argument(
        "--add-example", "--add_example", action="store_true", help="show the form of the answer by an example"
    )


def run_sft(options: argparse.Namespace) -> int:
    columns = _columns(options, analysis=True)
    skipped = Skipped()
    rows = sft_rows(
        read_rows(options.data_path),
        columns=columns,
        mode=options.prompt_type,
        example=options.add_example,
        skipped=skipped,
    )
    with RowWriter(options.output_path) as writer:
        writer.write(rows)
        _some(writer.count, skipped)
    print(f"{options.output_path}: {writer.count:,} conversations, prompt type {options.prompt_type}")
    _tell(skipped)
    entry = {options.output_path.stem: llama_factory.chat(options.output_path.name)}
    where = llama_factory.register(options.output_path.parent, entry)
    print(f"\nFor LLaMA-Factory, `dataset: {options.output_path.stem}`; this entry is in {where}:\n")
    print(json.dumps(entry, indent=2, ensure_ascii=False))
    return 0


def configure_rl(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write verl rows: every group, smaller groups out of it, and each of them in other orders of its candidates. "
        "All are distinct, and the same seed gives the same file. With --subgroup-augment 4 --shuffle-augment 4 a "
        "group of four candidates becomes up to 25 rows. The reward is ranking_score_reward_fn."
    )
    _both(parser)
    parser.add_argument(
        "--subgroup-augment", "--subgroup_augment", type=int, default=0, metavar="N", help="smaller groups a group (0)"
    )
    parser.add_argument(
        "--shuffle-augment", "--shuffle_augment", type=int, default=0, metavar="N", help="other orders a group (0)"
    )
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--shuffle-buffer",
        type=int,
        default=10_000,
        metavar="N",
        help="rows among which the output is mixed; 0 keeps the source's order (%(default)s)",
    )
    parser.add_argument(
        "--data-source",
        default=SOURCE,
        metavar="NAME",
        help="data_source of the rows, before .PROMPT_TYPE (%(default)s)",
    )


def run_rl(options: argparse.Namespace) -> int:
    columns = _columns(options, analysis=False)
    skipped = Skipped()
    rows = rl_rows(
        read_rows(options.data_path),
        columns=columns,
        mode=options.prompt_type,
        subgroups=options.subgroup_augment,
        shuffles=options.shuffle_augment,
        seed=options.seed,
        source=options.data_source,
        skipped=skipped,
    )
    with RowWriter(options.output_path) as writer:
        writer.write(shuffled(rows, options.shuffle_buffer, options.seed))
        _some(writer.count, skipped)
    print(f"{options.output_path}: {writer.count:,} rows, prompt type {options.prompt_type}, seed {options.seed}")
    _tell(skipped)
    return 0


def _columns(options: argparse.Namespace, *, analysis: bool) -> Columns:
    wanted = ["src_text", options.mt_key, options.score_key, *([options.analysis_key] if analysis else [])]
    require_columns(options.data_path, wanted)
    return Columns(options.mt_key, options.score_key, options.analysis_key)


def _some(count: int, skipped: Skipped) -> None:
    if not count:
        raise ConfigurationError(f"no row could be used, nothing is written: {skipped or 'the file has no rows'}")


def _tell(skipped: Skipped) -> None:
    if skipped.reasons:
        print(f"left out: {skipped}", file=sys.stderr)


SUBCOMMANDS: Final[dict[str, Task]] = {
    "grrm-sft": Task("conversations for fine-tuning a ranking model, for LLaMA-Factory", configure_sft, run_sft),
    "grrm-rl": Task("verl rows for a ranking model, with distinct subgroups and orders", configure_rl, run_rl),
}
