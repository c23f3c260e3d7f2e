"""``table-rewards prepare trivia``, ``trivia-check``, ``trivia-consistency`` and ``trivia-questions``."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from table_rewards.commands.endpoint_arguments import (
    CACHE_MB,
    add_cache,
    add_endpoint_arguments,
    cache_of,
    pool_of,
    sampling_of,
)
from table_rewards.commands.exit_codes import DONE, INCOMPLETE, UNUSABLE_FILE
from table_rewards.commands.pages.progress import Progress
from table_rewards.commands.task import Task
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.options import fraction, positive_whole
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.datasets.prompts import image_part
from table_rewards.datasets.trivia.check import ERROR, check
from table_rewards.datasets.trivia.consistency import HIGH, LOW, consistencies, grouped, sample
from table_rewards.datasets.trivia.images import find_images, image_rows
from table_rewards.datasets.trivia.rows import Prepared, for_verl, prepare, split
from table_rewards.llm import Sampling


def _trivia_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write train and validation files for ms-swift or verl. For swift: messages, solution and qa_pairs, the latter "
        "two as text, which is the one form that no version of swift or its loader changes. The result is checked."
    )
    parser.add_argument("file", metavar="FILE", help="rows with messages (or images) and qa_pairs")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR", help="folder for the two files")
    parser.add_argument("--validation", metavar="FILE", help="annotated rows for TEDS; they need no qa_pairs")
    parser.add_argument(
        "--validation-share", type=float, default=0.02, metavar="X", help="without --validation: share of FILE (0.02)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the split (0)")
    parser.add_argument("--format", choices=("swift", "verl"), default="swift", help="jsonl or parquet (%(default)s)")


def _trivia(options: argparse.Namespace) -> int:
    if not 0 <= options.validation_share < 1:
        raise ConfigurationError(f"--validation-share must lie in [0, 1), not {options.validation_share}")
    train = prepare(read_rows(options.file))
    if options.validation:
        validation = prepare(read_rows(options.validation), questions=False)
    else:
        train.rows, held_out = split(train.rows, options.validation_share, options.seed)
        validation = Prepared(held_out)
    worst = 0
    for name, part in (("train", train), ("validation", validation)):
        path = options.out / (f"{name}.parquet" if options.format == "verl" else f"{name}.jsonl")
        _write(path, for_verl(part.rows, name) if options.format == "verl" else part.rows)
        print(f"{path}: {part.describe()}")
        if part.rows:
            worst = max(worst, _print_findings(part.rows))
    return worst if train.rows else max(worst, INCOMPLETE)


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Find what loaders and trainers corrupt in silence: mixed types that turn '007' into 7, a gold table in the "
        "assistant's turn, columns that swift eats, pairs that no reward can read. Exit status 3 on an error."
    )
    parser.add_argument("file", metavar="FILE", help="a training file for ms-swift")


def _check(options: argparse.Namespace) -> int:
    rows = list(read_rows(options.file))
    status = _print_findings(rows)
    if not status:
        print(f"{options.file}: {len(rows):,} rows, no errors")
    return status


def _consistency_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Keep prompts whose responses agree neither too little nor, with --count, too often too well: mean pairwise "
        "TEDS among the responses to each prompt. Make FILE with `table-rewards generate -n 8 --temperature 1`."
    )
    parser.add_argument("file", metavar="FILE", help="predictions, several a prompt")
    parser.add_argument(
        "--out", type=pathlib.Path, required=True, metavar="OUT", help="the prompts that are kept, jsonl"
    )
    parser.add_argument("--low", type=float, default=LOW, metavar="X", help="least consistency (%(default)s)")
    parser.add_argument("--high", type=float, default=HIGH, metavar="X", help="most consistency (%(default)s)")
    parser.add_argument("--count", type=int, metavar="N", help="keep N prompts, spread evenly over consistency")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the drawing (0)")


def _consistency(options: argparse.Namespace) -> int:
    left_out: Counter[str] = Counter()
    prompts, responses = grouped(read_rows(options.file), left_out)
    if not any(len(group) > 1 for group in responses):
        raise ConfigurationError(
            f"{options.file} holds one response a prompt; make it with `table-rewards generate -n 8 --temperature 1`"
        )
    values = consistencies(responses)
    chosen = sample(values, low=options.low, high=options.high, count=options.count, seed=options.seed)
    _write(options.out, ({**prompts[i], "consistency": round(values[i], 6)} for i in chosen))
    print(f"{options.out}: {len(chosen):,} of {len(prompts):,} prompts kept")
    for reason, rows in left_out.items():
        print(f"left out: {rows:,} rows: {reason}", file=sys.stderr)
    bins, kept = Counter(min(int(v * 10), 9) for v in values), Counter(min(int(values[i] * 10), 9) for i in chosen)
    widest = max(bins.values())
    for number in range(10):
        bar = "#" * round(40 * bins[number] / widest)
        print(f"  {number / 10:.1f}-{(number + 1) / 10:.1f}  {bins[number]:7,}  kept {kept[number]:7,}  {bar}".rstrip())
    return DONE if chosen else INCOMPLETE


def _questions_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write question-answer pairs for tables with one model and check them with another: kept is what the checker "
        "finds in the table and not without it; repeats are dropped. The table is the row's solution, html or otsl; "
        "with --images, for models that see, it is the row's images."
    )
    parser.add_argument("file", metavar="FILE", help="rows with a table, or a folder of images (with --images)")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="OUT", help="the rows with qa_pairs, jsonl")
    add_endpoint_arguments(parser.add_argument_group("the writer"), whose=" that writes the pairs")
    add_endpoint_arguments(
        parser.add_argument_group("the checker; best another model"),
        "check-",
        whose=" that checks the pairs",
        same="the writer's, with the writer's options",
    )
    parser.add_argument("--count", type=int, default=30, metavar="N", help="most pairs a table (%(default)s)")
    parser.add_argument("--images", action="store_true", help="show the models the row's images instead of its table")
    parser.add_argument("--language", default="English", help="of the questions (%(default)s)")
    chosen = parser.add_argument_group("by visual sources; FILE then has qa_pairs, and no model is asked")
    chosen.add_argument(
        "--sources",
        type=pathlib.Path,
        metavar="FILE",
        help="lines with image, question, answer and vs (numbers of visual tokens, or boxes), or attention",
    )
    chosen.add_argument("--select", choices=("iou",), default="iou", help="least pairwise overlap (%(default)s)")
    chosen.add_argument("--keep", type=int, default=30, metavar="N", help="most pairs an image (%(default)s)")
    chosen.add_argument("--tau", type=float, metavar="X", help="attention above which a visual token counts")
    add_cache(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the sampling (0)")
    parser.add_argument(
        "--fail-on-lost",
        type=float,
        default=0.02,
        metavar="SHARE",
        help="exit with 1 when a larger share of the tables or of the pairs was lost to outages or unreadable replies "
        "(%(default)g)",
    )


def _questions(options: argparse.Namespace) -> int:
    from table_rewards.datasets.trivia.questions import CHECKING, NOT_CHECKED, write_questions, writing_sampling

    fraction("--fail-on-lost", options.fail_on_lost)
    positive_whole("--count", options.count)
    if options.sources is not None:
        return _by_sources(options)
    where = pathlib.Path(options.file)
    if where.is_dir():
        options.images = True
        options.out.parent.mkdir(parents=True, exist_ok=True)  # the paths of the rows are relative to it
        rows = list(image_rows(find_images(where), options.out.parent))
        folder = options.out.parent
    else:
        rows, folder = list(read_rows(options.file)), where.parent
    tables = [_images(row, folder) if options.images else _table(row) for row in rows]
    slow: dict[str, Any] = {
        "timeout_s": 600.0,
        "deadline_s": 1800.0,
        "workers": 1,
        "cache": cache_of(options, options.out),
        "cache_max_mb": CACHE_MB,
    }
    writer = pool_of(options, **slow)
    same = options.check_endpoint is None  # then the checker is asked where the writer is, and as the writer is
    if same:
        options.check_endpoint = options.endpoint
        options.check_api_key_env = options.check_api_key_env or options.api_key_env
        options.check_model = options.check_model or options.model
        options.check_endpoint_option = [*options.endpoint_option, *options.check_endpoint_option]
    checker = pool_of(options, "check-", **slow)
    writing, checking = writing_sampling(options.count, options.seed), CHECKING
    with Progress(len(rows), "tables") as bar:
        results = write_questions(
            tables,
            writer,
            checker,
            count=options.count,
            language=options.language,
            seed=options.seed,
            progress=bar.to,
            writing=sampling_of(options, **_fields(writing)),
            checking=sampling_of(options, "check-", **_fields(checking)),
        )
    kept = [(row, result) for row, result in zip(rows, results, strict=True) if result.pairs]
    _write(options.out, ({**row, "qa_pairs": [pair._asdict() for pair in result.pairs]} for row, result in kept))
    pairs = sum(len(result.pairs) for result in results)
    print(f"{options.out}: {pairs:,} pairs for {len(kept):,} of {len(rows):,} tables")
    for reason, count in sum((result.dropped for result in results), Counter[str]()).most_common():
        print(f"  {count:7,} pairs dropped: {reason}")
    cut_off = sum(result.cut_off for result in results)
    if cut_off:
        print(f"  {cut_off:7,} replies of the writer were cut off; their whole pairs count (--sampling max_tokens=N)")
    errors = Counter(result.error for result in results if result.error)
    for reason, count in errors.most_common(5):
        print(f"  {count:7,} tables without pairs: {reason}", file=sys.stderr)
    lost = sum(result.lost for result in results)
    unchecked = sum(result.dropped[NOT_CHECKED] for result in results)
    checked = pairs + sum(sum(result.dropped.values()) for result in results)
    too_many = lost > options.fail_on_lost * len(rows) or unchecked > options.fail_on_lost * checked
    if too_many:
        print(
            f"table-rewards: {lost:,} of {len(rows):,} tables and {unchecked:,} of {checked:,} pairs were lost, more "
            f"than --fail-on-lost {options.fail_on_lost:g} allows; the same command asks only for those",
            file=sys.stderr,
        )
    return INCOMPLETE if too_many or not kept else DONE


def _by_sources(options: argparse.Namespace) -> int:
    """Choose among the pairs that FILE has."""
    from table_rewards.datasets.trivia.sources import choose, read_sources
    from table_rewards.rewards.qa_f1.reference import COLUMN, QAPairs

    keep = positive_whole("--keep", options.keep)
    sources, problems = read_sources(read_rows(options.sources), options.tau)
    if not sources:
        raise ConfigurationError(f"{options.sources} holds no visual source: {dict(problems) or 'it is empty'}")
    dropped: Counter[str] = Counter()
    kept, rows, pairs, overlap = [], 0, 0, 0.0
    for row in read_rows(options.file):
        rows += 1
        try:
            before = QAPairs.read(row.get(COLUMN)).pairs
        except BadReference:
            dropped["their row has no usable qa_pairs"] += 1
            continue
        images = row.get("images") or row.get("image") or [""]
        first = images if isinstance(images, str) else images[0]
        name = first.get("path", "") if isinstance(first, Mapping) else first
        found = choose(before, str(name), sources, keep)
        dropped.update(found.dropped)
        overlap += found.overlap
        pairs += len(found.pairs)
        if found.pairs:
            kept.append({**row, COLUMN: [pair._asdict() for pair in found.pairs]})
    if not kept:
        raise ConfigurationError(f"no pair of {options.file} has a visual source in {options.sources}")
    _write(options.out, kept)
    print(f"{options.out}: {pairs:,} pairs for {len(kept):,} of {rows:,} images, summed overlap {overlap:.3f}")
    for reason, count in dropped.most_common():
        print(f"  {count:7,} pairs dropped: {reason}")
    for reason, count in problems.most_common():
        print(f"  {count:7,} lines of {options.sources} left out: {reason}", file=sys.stderr)
    return DONE


def _fields(sampling: Sampling) -> dict[str, Any]:
    return {field.name: getattr(sampling, field.name) for field in dataclasses.fields(sampling)}


SUBCOMMANDS = {
    "trivia": Task("TRivia's rows for ms-swift, train and validation", _trivia_arguments, _trivia),
    "trivia-check": Task("find what loaders corrupt in a training file", _check_arguments, _check),
    "trivia-consistency": Task("keep prompts by how well their responses agree", _consistency_arguments, _consistency),
    "trivia-questions": Task("write and check question-answer pairs for tables", _questions_arguments, _questions),
}


def _table(row: Mapping[str, Any]) -> str:
    turns = row.get("messages")
    last = turns[-1] if isinstance(turns, list) and turns else None
    gold = last.get("content") if isinstance(last, Mapping) and last.get("role") == "assistant" else ""
    return str(row.get("solution") or row.get("html") or row.get("otsl") or gold or "")


def _images(row: Mapping[str, Any], folder: pathlib.Path) -> list[dict[str, Any]]:
    found = row.get("images") or row.get("image") or []
    return [image_part(image, folder) for image in (found if isinstance(found, list) else [found])]


def _write(path: pathlib.Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with RowWriter(path) as writer:
        writer.write(rows)


def _print_findings(rows: Iterable[Mapping[str, Any]]) -> int:
    findings = check(rows)
    for finding in findings[:20]:
        print(f"  {finding}", file=sys.stderr)
    if len(findings) > 20:
        print(f"  and {len(findings) - 20:,} more", file=sys.stderr)
    return UNUSABLE_FILE if any(finding.level == ERROR for finding in findings) else DONE
