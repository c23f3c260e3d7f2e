"""`table-rewards prepare grrm-sft` and `grrm-rl`: data for ranking models from groups of scored candidates."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.task import NothingKept, Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets import llama_factory
from table_rewards.datasets.files import RowWriter, read_rows, require_columns
from table_rewards.datasets.grrm.groups import Columns, Skipped
from table_rewards.datasets.grrm.rows import SEED, SOURCE, rl_rows, sft_rows, shuffled
from table_rewards.rewards.ranking.parse import MODES
from table_rewards.rewards.ranking.template import KINDS, Kind, PromptTemplate


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
    add_prompt_file(parser)


def add_prompt_file(parser: Any) -> None:
    """Add ``--prompt-file`` and ``--prompt-fingerprint``."""
    parser.add_argument(
        "--prompt-file",
        type=Path,
        metavar="FILE",
        help="a prompt of your own with placeholders (docs/cli.md), such as the one that a checkpoint was trained on; "
        "its answers must end as --prompt-type says (default: our prompt)",
    )
    parser.add_argument(
        "--prompt-fingerprint",
        metavar="#HASH/LENGTH",
        help="refuse a --prompt-file that gives another prompt than this",
    )


def prompt_template(options: argparse.Namespace, kind: Kind) -> PromptTemplate | None:
    """The template that the arguments name, its fingerprint told; None for our prompt.

    Raises:
        ConfigurationError: the file is no such template, or its fingerprint is another than the one given.
    """
    if options.prompt_file is None:
        if options.prompt_fingerprint is not None:
            raise ConfigurationError("--prompt-fingerprint checks a --prompt-file; there is none")
        return None
    template = PromptTemplate.from_file(options.prompt_file, kind, options.prompt_fingerprint)
    print(f"prompt of {options.prompt_file}: {template.fingerprint}")
    return template


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
        template=prompt_template(options, "group"),
        skipped=skipped,
    )
    count = write_some(options.output_path, rows, skipped)
    print(f"{options.output_path}: {count:,} conversations, prompt type {options.prompt_type}")
    tell(skipped)
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
        template=prompt_template(options, "group"),
        skipped=skipped,
    )
    count = write_some(options.output_path, shuffled(rows, options.shuffle_buffer, options.seed), skipped)
    print(f"{options.output_path}: {count:,} rows, prompt type {options.prompt_type}, seed {options.seed}")
    tell(skipped)
    return 0


def _columns(options: argparse.Namespace, *, analysis: bool) -> Columns:
    wanted = ["src_text", options.mt_key, options.score_key, *([options.analysis_key] if analysis else [])]
    require_columns(options.data_path, wanted)
    return Columns(options.mt_key, options.score_key, options.analysis_key)


def write_some(path: Path, rows: Iterable[Mapping[str, Any]], skipped: Skipped) -> int:
    """Write the rows and count them; a file without rows is not written.

    Raises:
        NothingKept: there are none; says why they were left out.
    """
    with RowWriter(path) as writer:
        writer.write(rows)
        if not writer.count:
            raise NothingKept(f"no row could be used, nothing is written: {skipped or 'the file has no rows'}")
    return writer.count


def tell(skipped: Skipped) -> None:
    """Say on standard error what was left out, and why."""
    if skipped.reasons:
        print(f"left out: {skipped}", file=sys.stderr)


def configure_fingerprint(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print the fingerprint of a prompt template: of the prompt that it gives for English, Chinese, the text SRC "
        "and the candidates ONE and TWO. Equal fingerprints are equal prompts."
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the template, UTF-8")
    parser.add_argument("--kind", choices=KINDS, default="group", help="what the prompt shows (%(default)s)")
    parser.add_argument("--expect", metavar="#HASH/LENGTH", help="fail when the fingerprint is another")
    parser.add_argument("--show", action="store_true", help="print that prompt, too")


def run_fingerprint(options: argparse.Namespace) -> int:
    template = PromptTemplate.from_file(options.file, options.kind, options.expect)
    print(template.fingerprint)
    if options.show:
        print(template.sample)
    return 0


SUBCOMMANDS: Final[dict[str, Task]] = {
    "fingerprint": Task("the fingerprint of a prompt template", configure_fingerprint, run_fingerprint),
    "grrm-sft": Task("conversations for fine-tuning a ranking model, for LLaMA-Factory", configure_sft, run_sft),
    "grrm-rl": Task("verl rows for a ranking model, with distinct subgroups and orders", configure_rl, run_rl),
}
