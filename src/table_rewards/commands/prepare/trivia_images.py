"""`table-rewards prepare trivia-images`, `trivia-sft` and `trivia-benchmark`: rows out of images of tables."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.task import NothingKept, Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.datasets.prompts import IMAGE_TAG
from table_rewards.datasets.trivia.benchmarks import LAYOUTS, cut_out, omnidocbench_rows, pubtabnet_rows
from table_rewards.datasets.trivia.images import find_images, image_rows
from table_rewards.datasets.trivia.rows import PROMPT
from table_rewards.datasets.trivia.stages import STAGES, stage_rows


def _out(parser: argparse.ArgumentParser, endings: str = ".jsonl") -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help=endings)
    parser.add_argument(
        "--prompt-file",
        type=Path,
        metavar="FILE",
        help="what is asked for, with one <image> (default: OTSL)",
    )


def _prompt(options: argparse.Namespace) -> str:
    if options.prompt_file is None:
        return PROMPT
    try:
        text: str = options.prompt_file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--prompt-file {options.prompt_file}: {error}") from None
    if text.count(IMAGE_TAG) != 1:
        raise ConfigurationError(f"{options.prompt_file} has {text.count(IMAGE_TAG)} {IMAGE_TAG}, not one")
    return text


def configure_images(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write one row for each image of a folder and all below it (jpg, jpeg, png, webp in any case, sorted), or of a "
        "text file with one path a line: for `generate` and, with its samples, `prepare trivia-consistency`. Paths in "
        "the rows are relative to OUT."
    )
    parser.add_argument("images", metavar="DIR", type=Path, help="a folder, or a list of paths")
    _out(parser)


def run_images(options: argparse.Namespace) -> int:
    rows = image_rows(find_images(options.images), options.out.parent, _prompt(options))
    print(f"{options.out}: {_write(options.out, rows, Counter()):,} images")
    return DONE


def configure_sft(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write image and table as fine-tuning rows for ms-swift: the prompt, and the table in OTSL. Tables whose OTSL "
        "does not read back as the same cells and spans are left out. --stage says which of TRivia's two stages before "
        "reinforcement learning the file is for; the arguments of `swift sft` that differ are printed."
    )
    parser.add_argument("file", metavar="FILE", help="rows with images (or image) and html, solution or otsl")
    parser.add_argument("--stage", choices=STAGES, default="sft", help="(%(default)s)")
    _out(parser)


def run_sft(options: argparse.Namespace) -> int:
    left_out: Counter[str] = Counter()
    rows = stage_rows(read_rows(options.file), left_out, prompt=_prompt(options))
    print(f"{options.out}: {_write(options.out, rows, left_out):,} conversations for the stage {options.stage}")
    print(f"swift sft --dataset {options.out} {STAGES[options.stage]} ...")
    return DONE


def configure_benchmark(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write a benchmark's tables as rows for `generate`, with the gold table in the column solution and the set in "
        "dataset; `evaluate tables` then reads the predictions. pubtabnet: its JSON lines and folder of images; "
        "omnidocbench: its JSON of pages, from whose images the tables are cut (into OUT.images)."
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the benchmark's annotations")
    parser.add_argument("--layout", choices=LAYOUTS, required=True)
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="the benchmark's images")
    parser.add_argument("--split", default="val", metavar="NAME", help="of PubTabNet (%(default)s)")
    _out(parser)


def run_benchmark(options: argparse.Namespace) -> int:
    """Write a benchmark's tables as rows, each with its image.

    Raises:
        ConfigurationError: ``--images`` is no folder.
    """
    left_out: Counter[str] = Counter()
    prompt = _prompt(options)
    if not options.images.is_dir():
        raise ConfigurationError(f"--images {options.images} is no folder")
    if options.layout == "pubtabnet":
        rows = pubtabnet_rows(options.file, options.images, options.out, left_out, split=options.split, prompt=prompt)
    else:
        rows = omnidocbench_rows(options.file, options.images, options.out, left_out, cut_out, prompt=prompt)
    print(f"{options.out}: {_write(options.out, rows, left_out):,} tables")
    return DONE


def _write(out: Path, rows: Iterable[Mapping[str, Any]] | Iterator[Mapping[str, Any]], left_out: Counter[str]) -> int:
    with RowWriter(out) as writer:
        writer.write(rows)
        if not writer.count:
            raise NothingKept(f"no row could be used, nothing is written: {dict(left_out) or 'there are none'}")
    for reason, count in left_out.most_common():
        print(f"left out: {count:,} rows: {reason}", file=sys.stderr)
    return writer.count


SUBCOMMANDS: Final[dict[str, Task]] = {
    "trivia-images": Task("a row for each image of a folder", configure_images, run_images),
    "trivia-sft": Task("images and tables in OTSL, for the stages before TRivia's last", configure_sft, run_sft),
    "trivia-benchmark": Task("PubTabNet's and OmniDocBench's tables, for generate", configure_benchmark, run_benchmark),
}
