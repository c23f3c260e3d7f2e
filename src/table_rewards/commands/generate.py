"""``table-rewards generate``: predictions for any prompt file from OpenAI-compatible endpoints."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any, TextIO

from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.rows import plain
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.prompts import PROMPT_FIELDS, prompt_of
from table_rewards.llm import ChatPool, ChatReply, ChatRequest, Sampling, get_pool

DESCRIPTION = f"""\
Ask a model every prompt of a file and write its predictions, one JSON line each, ready for `score` and `evaluate`.

The prompt is the first of {", ".join(PROMPT_FIELDS)} that a row has: text, or chat messages (a closing assistant turn
is left out). Every field of the row is kept; `prediction`, `model_name` and `generation` are added.

The same command continues where it was stopped. Prompts that no endpoint answered are not predictions: they are
listed in OUT.failed.jsonl and asked again by the next run.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("file", metavar="FILE", type=pathlib.Path, help="prompts: .jsonl, .json (a list) or .parquet")
    where = parser.add_argument_group("endpoints")
    where.add_argument(
        "--endpoint",
        action="append",
        metavar="URL",
        help="server, with or without /v1; repeat it or separate several by commas (default: $llm_serve_urls)",
    )
    where.add_argument("--model", help="served model name (default: the one that /v1/models offers)")
    where.add_argument("--api-key-env", metavar="NAME", help="environment variable that holds the API key")
    where.add_argument("--max-in-flight", type=int, default=128, metavar="N", help="requests at once (%(default)s)")
    where.add_argument(
        "--attempts", type=int, default=8, metavar="N", help="HTTP requests a reply at most (%(default)s)"
    )
    where.add_argument(
        "--timeout-s", type=float, default=600, metavar="S", help="longest wait an attempt (%(default)g)"
    )
    where.add_argument("--deadline-s", type=float, default=1800, metavar="S", help="longest wait a reply (%(default)g)")
    how = parser.add_argument_group("sampling")
    how.add_argument("-n", "--samples", type=int, default=1, metavar="N", help="predictions a prompt (%(default)s)")
    how.add_argument("--temperature", type=float, default=0.0, metavar="T", help="(%(default)g)")
    how.add_argument("--top-p", type=float, default=1.0, metavar="P", help="(%(default)g)")
    how.add_argument("--max-tokens", type=int, default=2048, metavar="N", help="most tokens a prediction (%(default)s)")
    how.add_argument("--seed", type=int, default=0, metavar="N", help="sample k is drawn with seed N + k (%(default)s)")
    how.add_argument("--stop", action="append", metavar="TEXT", help="stop before this text; may be repeated")
    how.add_argument("--system", metavar="TEXT", help="system message in front of every prompt")
    how.add_argument("--extra", type=json.loads, default={}, metavar="JSON", help="more fields of the request body")
    what = parser.add_argument_group("input and output")
    what.add_argument("--prompt-field", metavar="NAME", help="field that holds the prompt")
    what.add_argument("--limit", type=int, metavar="N", help="the first N rows alone")
    what.add_argument("--out", type=pathlib.Path, metavar="OUT", help="(FILE without its ending + .predictions.jsonl)")
    what.add_argument("--overwrite", action="store_true", help="begin anew instead of continuing OUT")
    what.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> int:
    out: pathlib.Path = options.out or options.file.with_suffix(".predictions.jsonl")
    if options.samples < 1:
        raise ConfigurationError(f"--samples must be at least 1, not {options.samples}")
    if options.samples > 1 and options.temperature == 0:
        raise ConfigurationError(
            f"--samples {options.samples} at temperature 0 are {options.samples} times the same; add --temperature 0.7"
        )
    pool = get_pool(
        options.endpoint,
        model=options.model,
        api_key_env=options.api_key_env,
        max_in_flight=options.max_in_flight,
        attempts=options.attempts,
        timeout_s=options.timeout_s,
        deadline_s=options.deadline_s,
        workers=1,
    )
    rows = [plain(row) for row in islice(read_rows(options.file), options.limit)]
    requests = _requests(rows, options)
    done = {} if options.overwrite else _written(out, options.model)
    _check_same(done, requests, out)
    left = [key for key in requests if key not in done]
    if options.overwrite:
        out.unlink(missing_ok=True)
    begun = time.monotonic()
    outcomes, failures = _ask(pool, rows, requests, left, out, quiet=options.quiet)
    _sort(out)
    failed_path = out.with_suffix(".failed.jsonl")
    if failures:
        failed_path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in failures), "utf-8")
    else:
        failed_path.unlink(missing_ok=True)
    _report(pool, outcomes, failures, len(done), out, failed_path, time.monotonic() - begun)
    return INCOMPLETE if failures else DONE


Key = tuple[int, int]  # row, sample


def _requests(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> dict[Key, ChatRequest]:
    sampling = Sampling(
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=options.max_tokens,
        seed=options.seed,
        stop=tuple(options.stop or ()),
        extra=options.extra,
    )
    system = [{"role": "system", "content": options.system}] if options.system else []
    requests = {}
    for number, row in enumerate(rows):
        try:
            messages = system + prompt_of(row, options.prompt_field, options.file.parent)
        except ConfigurationError as error:
            raise ConfigurationError(f"{options.file}, row {number}: {error}") from None
        for sample in range(options.samples):
            requests[number, sample] = ChatRequest(messages, sampling, sample)
    return requests


def _ask(
    pool: ChatPool,
    rows: Sequence[dict[str, Any]],
    requests: dict[Key, ChatRequest],
    left: Sequence[Key],
    out: pathlib.Path,
    *,
    quiet: bool,
) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Ask what is left and write each prediction as it comes."""
    from table_rewards.commands.pages.progress import Progress

    outcomes: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        out.open("a", encoding="utf-8", errors="replace") as file,
        Progress(len(requests), "replies", start=len(requests) - len(left), quiet=quiet) as bar,
    ):
        for index, reply in pool.stream([requests[key] for key in left]):
            row, sample = left[index]
            bar.update(failed=len(failures))
            if reply.failed:
                failures.append({"row": row, "sample": sample, "error": reply.error, "attempts": reply.attempts})
                outcomes["failed"] += 1
                continue
            outcomes["cut off" if reply.truncated else "empty" if reply.empty else "complete"] += 1
            _write(file, rows[row], left[index], requests[left[index]], pool.settings.model, reply)
    return outcomes, failures


def _write(
    file: TextIO, row: dict[str, Any], key: Key, request: ChatRequest, model: str | None, reply: ChatReply
) -> None:
    line = {
        **row,
        "model_name": model or reply.model,
        "prediction": reply.text,
        "generation": {
            "row": key[0],
            "sample": key[1],
            "request": _identity(request),
            "finish_reason": reply.finish_reason,
            **reply.usage,
        },
    }
    file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    file.flush()


def _identity(request: ChatRequest) -> str:
    return request.key("")[:16]


def _written(out: pathlib.Path, model: str | None) -> dict[Key, str]:
    """What an earlier run wrote: the identity of each request. A last line that was cut off is taken away."""
    done: dict[Key, str] = {}
    if not out.exists():
        return done
    with out.open("rb+") as file:
        good = 0
        for line in file:
            try:
                written = json.loads(line)
                mark = written["generation"]
                key, identity, named = (mark["row"], mark["sample"]), mark["request"], written["model_name"]
            except (ValueError, KeyError, TypeError):
                if line.endswith(b"\n"):
                    raise ConfigurationError(f"{out} was not written by this command; name another --out") from None
                break
            if model is not None and named and named != model:
                raise ConfigurationError(f"{out} holds predictions of {named!r}; name another --out or --overwrite it")
            done[key] = identity
            good += len(line)
        file.truncate(good)
    return done


def _check_same(done: dict[Key, str], requests: dict[Key, ChatRequest], out: pathlib.Path) -> None:
    for key, identity in done.items():
        if key in requests and _identity(requests[key]) != identity:
            raise ConfigurationError(
                f"{out} holds predictions for other prompts or other sampling (row {key[0]}); "
                "name another --out or --overwrite it"
            )


def _sort(out: pathlib.Path) -> None:
    """Put the lines into the order of the prompts, in one step that a kill can't halve."""
    lines = []
    with out.open(encoding="utf-8") as file:
        for line in file:
            mark = json.loads(line)["generation"]
            lines.append((mark["row"], mark["sample"], line))
    ordered = sorted(lines)
    if ordered == lines:
        return
    partial = out.with_suffix(".partial")
    partial.write_text("".join(line for _, _, line in ordered), "utf-8")
    os.replace(partial, out)


def _report(
    pool: ChatPool,
    outcomes: Counter[str],
    failures: Sequence[dict[str, Any]],
    before: int,
    out: pathlib.Path,
    failed_path: pathlib.Path,
    seconds: float,
) -> None:
    usage = pool.usage()
    asked = sum(outcomes.values())
    written = before + asked - len(failures)
    parts = [f"{outcomes[name]:,} {name}" for name in ("complete", "cut off", "empty") if outcomes[name]]
    if before:
        parts.append(f"{before:,} from before")
    print(f"{written:,} predictions in {out}: {', '.join(parts) or 'none new'}")
    if asked:
        print(
            f"{asked:,} asked in {seconds:.1f} s ({asked / max(seconds, 1e-9):.1f}/s), "
            f"latency {usage['latency_p50_s']:.2f} s median, {usage['latency_p99_s']:.2f} s p99; "
            f"{usage['retries']:,} retries; {usage['prompt_tokens']:,} + {usage['completion_tokens']:,} tokens"
        )
    if outcomes["cut off"]:
        print(f"{outcomes['cut off']:,} ran into --max-tokens; raise it if the answer comes last")
    if failures:
        reasons = Counter(line["error"] for line in failures).most_common(3)
        print(
            f"{len(failures):,} got no answer (listed in {failed_path}); the same command asks them again",
            file=sys.stderr,
        )
        for reason, count in reasons:
            print(f"  {count:,} x {reason}", file=sys.stderr)
