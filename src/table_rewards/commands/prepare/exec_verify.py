"""`table-rewards prepare exec-verify`, `exec-verify-code` and `exec-verify-sft`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.pages.progress import followed
from table_rewards.commands.task import Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets import llama_factory
from table_rewards.datasets.exec_verify.code import passing_responses, prepare_code
from table_rewards.datasets.exec_verify.questions import TRIVIAL_SHARE
from table_rewards.datasets.exec_verify.rows import Report, Settings, prepare, sharegpt
from table_rewards.datasets.exec_verify.templates import Template
from table_rewards.datasets.exec_verify.tracing import TRACED
from table_rewards.datasets.files import RowWriter, count_rows, read_batches, read_rows
from table_rewards.datasets.files.batch_log import BatchLog
from table_rewards.rewards.white_box.reference import TYPES

SFT_FILE = "sft.json"


def _stage_one_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Stage one of ExecVerify: run every (function, call) sample in the sandbox, trace it, ask about it, and write "
        "rows for verl and the `white_box` reward. FILE is json, jsonl or parquet with code and input (CRUXEval as it "
        "is) or func_str and func_args; a stated output must be what the call returns. The same FILE and seed make "
        "the same rows, and the same command goes on where it was stopped. Supervised data for LLaMA-Factory, with "
        "reasoning written from the traces, come with --sft."
    )
    parser.add_argument("file", metavar="FILE", help="samples: a function and the arguments of a call")
    parser.add_argument(
        "--out", type=pathlib.Path, required=True, metavar="DIR", help="for train.parquet, test.parquet"
    )
    parser.add_argument(
        "--types", nargs="+", choices=TYPES, default=list(TYPES), help="rows to make of a sample (both)"
    )
    parser.add_argument("--questions", type=int, default=5, metavar="K", help="of each kind at most (%(default)s)")
    parser.add_argument(
        "--unreached", type=int, default=0, metavar="K", help="lines that are never executed to ask about (%(default)s)"
    )
    parser.add_argument(
        "--trivial-share",
        type=float,
        default=TRIVIAL_SHARE,
        metavar="X",
        help="most of the questions that are answered by the line below or by the line's own literal (%(default)s)",
    )
    parser.add_argument("--io-prompt-file", metavar="FILE", help="a template of your own for io_mixed rows")
    parser.add_argument("--oi-prompt-file", metavar="FILE", help="the same for oi rows (docs/rewards/white_box.md)")
    parser.add_argument("--io-fingerprint", metavar="#HASH/LENGTH", help="refuse another prompt for io_mixed rows")
    parser.add_argument("--oi-fingerprint", metavar="#HASH/LENGTH", help="the same for oi rows")
    parser.add_argument("--system", default="", metavar="TEXT", help="system message of every row (none)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the choice of questions (%(default)s)")
    parser.add_argument(
        "--test-share", type=float, default=0.02, metavar="X", help="share of the functions held out (%(default)s)"
    )
    parser.add_argument("--cpu", type=float, default=TRACED.cpu_s, metavar="S", help="CPU seconds a call (%(default)s)")
    parser.add_argument(
        "--keep-trivial",
        action="store_true",
        help="keep input rows that the result itself, empty values or 'aaa' solve (default: left out and counted)",
    )
    parser.add_argument("--sft", action="store_true", help=f"also write {SFT_FILE} and dataset_info.json")
    parser.add_argument("--overwrite", action="store_true", help="begin anew instead of going on where a run stopped")


def _stage_one(options: argparse.Namespace) -> int:
    _share(options.test_share)
    limits = dataclasses.replace(TRACED, cpu_s=options.cpu)
    settings = Settings(
        tuple(options.types),
        options.questions,
        options.seed,
        limits,
        unreached=options.unreached,
        trivial_share=options.trivial_share,
        keep_trivial=options.keep_trivial,
        templates=_templates(options),
        system=options.system,
    )
    report = Report()
    with contextlib.ExitStack() as stack:
        writers = {
            name: stack.enter_context(RowWriter(_under(options.out) / f"{name}.parquet")) for name in ("train", "test")
        }
        sft = stack.enter_context(RowWriter(options.out / SFT_FILE)) if options.sft else None
        identity = {"command": "exec-verify", "settings": dataclasses.asdict(settings)}
        log = stack.enter_context(BatchLog(options.out / "exec-verify", identity, overwrite=options.overwrite))
        samples = _shown(read_rows(options.file), count_rows(options.file))
        for row, solution in prepare(samples, settings, report, log=log):
            code = json.loads(row["reward_model"]["ground_truth"])["func_str"]
            part = "test" if _held_out(code, options.test_share, options.seed) else "train"
            row["extra_info"].update(split=part, index=writers[part].count)
            writers[part].write([row])
            if sft is not None and part == "train":
                sft.write([sharegpt(row, solution)])
    log.finish()
    print(report)
    for name, writer in writers.items():
        print(f"{options.out / f'{name}.parquet'}: {writer.count:,} rows")
    if options.test_share and report.kept and not writers["test"].count:
        print("no function was held out, and verl stops at an empty file; a larger --test-share holds some out")
    if sft is not None:
        llama_factory.register(options.out, {"exec_verify_sft": llama_factory.sharegpt(SFT_FILE)})
        print(f"{options.out / SFT_FILE}: {sft.count:,} conversations, registered in dataset_info.json")
    return DONE if report.kept else INCOMPLETE


def _templates(options: argparse.Namespace) -> dict[str, Template]:
    found = {}
    for kind, path, expected in (
        ("io_mixed", options.io_prompt_file, options.io_fingerprint),
        ("oi", options.oi_prompt_file, options.oi_fingerprint),
    ):
        if path is not None:
            found[kind] = Template.from_file(path, kind, expected)
            print(f"prompt of {path}: {found[kind].fingerprint}")
        elif expected is not None:
            raise ConfigurationError(f"a fingerprint checks a prompt file; there is none for {kind} rows")
    return found


def _stage_two_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Stage two of ExecVerify: problems with unit tests to rows for verl and the `unit_tests` reward. FILE holds "
        "rows of Eurus-2-RL-Data (code rows are taken, others counted), APPS, TACO, CodeContests, LiveCodeBench, "
        "HumanEval(+), MBPP or KodCode. Rows whose tests cannot be read are left out and counted. "
        "extra_info.tests_in_prompt numbers those whose input stands in the prompt: a table of examples passes them."
    )
    parser.add_argument("file", metavar="FILE", help="problems with tests")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="OUT", help="the rows: .parquet or .jsonl")
    parser.add_argument("--split", default="train", metavar="NAME", help="what extra_info.split says (%(default)s)")


def _stage_two(options: argparse.Namespace) -> int:
    report = Report()
    _under(options.out.parent)
    with RowWriter(options.out) as writer:
        rows = prepare_code(_shown(read_rows(options.file), count_rows(options.file)), report, options.split)
        for batch in read_batches(rows, 256):
            writer.write(batch)
    print(report)
    print(f"{options.out}: {writer.count:,} rows")
    return DONE if report.kept else INCOMPLETE


def _sft_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Supervised data by rejection sampling: of the responses to prepared rows, keep those that the reward gives "
        "full marks, in LLaMA-Factory's sharegpt form. Make FILE with `table-rewards generate -n 8`."
    )
    parser.add_argument("file", metavar="FILE", help="prepared rows with prediction, response or responses")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR", help=f"for {SFT_FILE}")
    parser.add_argument("--reward", choices=("white_box", "unit_tests"), default="white_box", help="(%(default)s)")
    parser.add_argument("--least", type=float, default=1.0, metavar="X", help="least score (%(default)s)")
    parser.add_argument("--most", type=int, default=1, metavar="N", help="most responses a prompt (%(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="begin anew instead of going on where a run stopped")


def _sft(options: argparse.Namespace) -> int:
    from table_rewards.core.registry import create

    report = Report()
    rows = _shown(read_rows(options.file), count_rows(options.file))
    identity = {"command": "exec-verify-sft", "reward": options.reward}
    with (
        BatchLog(_under(options.out) / SFT_FILE, identity, overwrite=options.overwrite) as log,
        RowWriter(options.out / SFT_FILE) as writer,
    ):
        for row, response in passing_responses(
            rows, create(options.reward), report, least=options.least, most=options.most, log=log
        ):
            writer.write([sharegpt(row, response)])
    log.finish()
    llama_factory.register(options.out, {f"{options.reward}_sft": llama_factory.sharegpt(SFT_FILE)})
    reasons = "".join(f"\n  {count:>8,} {reason}" for reason, count in report.left_out.most_common())
    print(f"{report.kept:,} of {report.read:,} responses kept{reasons and ';  left out:'}{reasons}")
    print(f"{options.out / SFT_FILE}: {writer.count:,} conversations, registered in dataset_info.json")
    return DONE if report.kept else INCOMPLETE


def _share(share: float) -> None:
    if not 0 <= share < 1:
        raise ConfigurationError(f"--test-share must lie in [0, 1), not {share}")


def _under(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _held_out(code: str, share: float, seed: int) -> bool:
    """By the function's own text, so that no function is on both sides and the order of the file does not matter."""
    digest = hashlib.blake2b(f"{seed}\0{code}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _shown(rows: Iterator[dict[str, Any]], total: int) -> Iterator[Mapping[str, Any]]:
    """The rows behind a progress bar, on a terminal."""
    yield from followed(rows, total, "rows")


SUBCOMMANDS = {
    "exec-verify": Task(
        "trace functions and ask about them, for the white_box reward", _stage_one_arguments, _stage_one
    ),
    "exec-verify-code": Task("problems with unit tests, for the unit_tests reward", _stage_two_arguments, _stage_two),
    "exec-verify-sft": Task("responses that earn full marks, for LLaMA-Factory", _sft_arguments, _sft),
}
