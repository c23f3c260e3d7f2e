"""`table-rewards prepare grrm-mt-sft`, `grrm-mt-rl` and `grrm-annotate`: GRRM's translation half."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.completed_rows import complete_rows, report_completed
from table_rewards.commands.endpoint_arguments import add_endpoint_arguments, sampling_of
from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.prepare.grrm import add_prompt_file, prompt_template, tell, write_some
from table_rewards.commands.task import Task
from table_rewards.core.options import positive_whole
from table_rewards.datasets import llama_factory
from table_rewards.datasets.files import read_rows, require_columns
from table_rewards.datasets.grrm.annotation import PARADIGMS, Annotation
from table_rewards.datasets.grrm.groups import Columns, Skipped, UnusableRow
from table_rewards.datasets.grrm.rows import SEED, shuffled
from table_rewards.datasets.grrm.translation import CLA_LANGUAGES, SOURCE, policy_rl_rows, policy_sft_rows


def _source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-path", "--data_path", required=True, metavar="FILE", help="rows with src_text, src_lang and trg_lang"
    )
    parser.add_argument(
        "--output-path", "--output_path", required=True, type=Path, metavar="OUT", help=".parquet or .jsonl"
    )


def _mixing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--shuffle-buffer",
        type=int,
        default=10_000,
        metavar="N",
        help="rows among which the output is mixed; 0 keeps the source's order (%(default)s)",
    )
    add_prompt_file(parser)


def configure_sft(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write one conversation a row for a policy that translates: the prompt that asks for a translation, and the "
        "row's response. LLaMA-Factory's entry is written to dataset_info.json beside the file."
    )
    _source(parser)
    parser.add_argument(
        "--response-key", "--response_key", default="response", metavar="NAME", help="column to learn (%(default)s)"
    )
    _mixing(parser)


def run_sft(options: argparse.Namespace) -> int:
    require_columns(options.data_path, ["src_text", "src_lang", "trg_lang", options.response_key])
    skipped = Skipped()
    rows = policy_sft_rows(
        read_rows(options.data_path),
        response_key=options.response_key,
        template=prompt_template(options, "translate"),
        skipped=skipped,
    )
    count = write_some(options.output_path, shuffled(rows, options.shuffle_buffer, options.seed), skipped)
    print(f"{options.output_path}: {count:,} conversations, seed {options.seed}")
    tell(skipped)
    entry = {options.output_path.stem: llama_factory.chat(options.output_path.name)}
    where = llama_factory.register(options.output_path.parent, entry)
    print(f"For LLaMA-Factory, `dataset: {options.output_path.stem}`; its entry is in {where}")
    return DONE


def configure_rl(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write verl rows for a policy that translates, to be scored by group_judge or scalar_judge. --cla N adds, for "
        "each row, N rows that ask for other target languages; these have no reference translation, and none is "
        "made up."
    )
    _source(parser)
    parser.add_argument("--cla", type=int, default=0, metavar="N", help="further target languages a row (0)")
    parser.add_argument(
        "--languages",
        default=",".join(CLA_LANGUAGES),
        metavar="CODES",
        help="languages that --cla draws from (%(default)s)",
    )
    parser.add_argument("--data-source", default=SOURCE, metavar="NAME", help="data_source of the rows (%(default)s)")
    _mixing(parser)


def run_rl(options: argparse.Namespace) -> int:
    require_columns(options.data_path, ["src_text", "src_lang", "trg_lang"])
    skipped, further = Skipped(), 0

    def counted(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        nonlocal further
        for row in rows:
            further += row["extra_info"]["further_language"]
            yield row

    rows = policy_rl_rows(
        read_rows(options.data_path),
        further=options.cla,
        languages=[code.strip() for code in options.languages.split(",") if code.strip()],
        seed=options.seed,
        source=options.data_source,
        template=prompt_template(options, "translate"),
        skipped=skipped,
    )
    count = write_some(options.output_path, shuffled(counted(rows), options.shuffle_buffer, options.seed), skipped)
    print(f"{options.output_path}: {count:,} rows, {further:,} of them into further languages, seed {options.seed}")
    tell(skipped)
    return DONE


def configure_annotate(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Ask a model for scores and analyses of candidate translations: of all candidates of a row at once (gqm), or "
        "of one after another (sqm; a row with one unreadable reply has none). Rows that have scores already are kept "
        "as they are. The same command goes on where it was stopped, and asks again what could not be read."
    )
    _source(parser)
    parser.add_argument("--paradigm", choices=PARADIGMS, default="gqm", help="(%(default)s)")
    for flag, default, what in (
        ("text", "mt_texts", "candidates"),
        ("score", "scores", "scores, written"),
        ("analysis", "analysis", "analyses, written"),
    ):
        parser.add_argument(
            f"--{flag}-key",
            f"--{flag}_key",
            default=default,
            metavar="NAME",
            help=f"column of the {what} (%(default)s)",
        )
    add_prompt_file(parser)
    where = parser.add_argument_group("the model")
    add_endpoint_arguments(where)
    where.add_argument("--temperature", type=float, default=0.4, metavar="T", help="of the first attempt (%(default)g)")
    where.add_argument("--top-p", "--top_p", type=float, default=0.9, metavar="P", help="(%(default)g)")
    where.add_argument("--max-tokens", type=int, default=8192, metavar="N", help="(%(default)s)")
    where.add_argument("--seed", type=int, default=0, metavar="N", help="(%(default)s)")
    where.add_argument("--attempts", type=int, default=3, metavar="N", help="until a reply is read (%(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="begin anew instead of continuing OUT")


def run_annotate(options: argparse.Namespace) -> int:
    positive_whole("--attempts", options.attempts)
    require_columns(options.data_path, ["src_text", options.text_key])
    template = prompt_template(options, "group" if options.paradigm == "gqm" else "single")
    columns = Columns(options.text_key, options.score_key, options.analysis_key)
    sampling = sampling_of(
        options,
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=options.max_tokens,
        seed=options.seed,
    )
    skipped = Skipped()

    def questions() -> Iterator[tuple[int, Annotation]]:
        for number, row in enumerate(read_rows(options.data_path)):
            try:
                yield number, Annotation(row, columns, options.paradigm, sampling, template)
            except UnusableRow as error:
                skipped.add(str(error), number)

    identity = {
        "command": "grrm-annotate",
        "paradigm": options.paradigm,
        "columns": [columns.candidates, columns.scores, columns.analysis],
    }
    asked = complete_rows(options, options.data_path, options.output_path, identity, questions())
    tell(skipped)
    return report_completed(options.output_path, asked, "annotated")


SUBCOMMANDS: Final[dict[str, Task]] = {
    "grrm-mt-sft": Task("conversations for a policy that translates, for LLaMA-Factory", configure_sft, run_sft),
    "grrm-mt-rl": Task("verl rows for a policy that translates, into further languages too", configure_rl, run_rl),
    "grrm-annotate": Task("scores and analyses of translations, asked of a model", configure_annotate, run_annotate),
}
