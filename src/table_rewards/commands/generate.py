"""``table-rewards generate``: predictions for any prompt file from OpenAI-compatible endpoints."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from table_rewards.commands.endpoint_arguments import add_endpoint_arguments, pool_of, sampling_of
from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.output_files import refuse_inputs
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.rows import plain
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.files.resume import ResumableOutput
from table_rewards.datasets.prompts import PROMPT_FIELDS, prompt_of
from table_rewards.llm import ChatPool, ChatReply, ChatRequest

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
    add_endpoint_arguments(where)
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
    """Ask an endpoint for the completions of prompts.

    Raises:
        ConfigurationError: the number of samples cannot be, or they would all be the same.
    """
    out: pathlib.Path = options.out or options.file.with_suffix(".predictions.jsonl")
    refuse_inputs(out, [options.file])
    if options.samples < 1:
        raise ConfigurationError(f"--samples must be at least 1, not {options.samples}")
    if options.samples > 1 and options.temperature == 0:
        raise ConfigurationError(
            f"--samples {options.samples} at temperature 0 are {options.samples} times the same; add --temperature 0.7"
        )
    pool = pool_of(
        options,
        max_in_flight=options.max_in_flight,
        attempts=options.attempts,
        timeout_s=options.timeout_s,
        deadline_s=options.deadline_s,
        workers=1,
    )
    rows = [plain(row) for row in islice(read_rows(options.file), options.limit)]
    requests = _requests(rows, options)
    begun = time.monotonic()
    with ResumableOutput(out, IDENTITY, overwrite=options.overwrite, key=_key) as output:
        earlier = _Earlier(out, pool.settings.model)
        output.replay(earlier.add)
        earlier.check(requests)
        left = [key for key in requests if key not in earlier.requests]
        outcomes, failures = _ask(pool, rows, requests, left, output, earlier, quiet=options.quiet)
        output.finish(time.monotonic() - begun)
        failed_path = out.with_suffix(".failed.jsonl")
        if failures:
            lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in failures)
            failed_path.write_text(lines, "utf-8", "replace")
        else:
            failed_path.unlink(missing_ok=True)
    _report(pool, outcomes, failures, len(earlier.requests), out, failed_path, time.monotonic() - begun)
    return INCOMPLETE if failures else DONE


IDENTITY: Final = {"command": "generate"}
"""Of the output; what its lines depend on stands in each of them, so that more rows or samples can be added."""

Key = tuple[int, int]  # row, sample


def _requests(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> dict[Key, ChatRequest]:
    sampling = sampling_of(
        options,
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


class _Earlier:
    """What earlier runs wrote into the output: the identity of each request, and the models' names."""

    def __init__(self, out: pathlib.Path, model: str | None) -> None:
        self.out, self.model = out, model
        self.requests: dict[Key, str] = {}
        self.models: set[str] = set()

    def add(self, line: dict[str, Any]) -> None:
        try:
            self.requests[_key(line)] = line["generation"]["request"]
            name = line["model_name"]
        except (KeyError, TypeError):
            raise ConfigurationError(f"{self.out} was not written by this command; name another --out") from None
        if name:
            self.models.add(name)
            if self.model is not None and name != self.model:
                raise self._other(name)

    def check(self, requests: dict[Key, ChatRequest]) -> None:
        """Refuse to mix predictions for other prompts or of other sampling."""
        for key, identity in self.requests.items():
            if key in requests and _identity(requests[key]) != identity:
                raise ConfigurationError(
                    f"{self.out} holds predictions for other prompts or other sampling (row {key[0]}); "
                    "name another --out or --overwrite it"
                )

    def check_model(self, name: str) -> None:
        """Refuse to mix models where the server says which one it is."""
        if self.model is None and name and self.models and name not in self.models:
            raise self._other(min(self.models))

    def _other(self, name: str) -> ConfigurationError:
        return ConfigurationError(f"{self.out} holds predictions of {name!r}; name another --out or --overwrite it")


def _ask(
    pool: ChatPool,
    rows: Sequence[dict[str, Any]],
    requests: dict[Key, ChatRequest],
    left: Sequence[Key],
    output: ResumableOutput,
    earlier: _Earlier,
    *,
    quiet: bool,
) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Ask what is left and write each prediction as it comes."""
    from table_rewards.commands.pages.progress import Progress

    outcomes: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    with Progress(len(requests), "replies", start=len(requests) - len(left), quiet=quiet) as bar:
        for index, reply in pool.stream([requests[key] for key in left]):
            row, sample = left[index]
            bar.update(failed=len(failures))
            if reply.failed:
                failures.append({"row": row, "sample": sample, "error": reply.error, "attempts": reply.attempts})
                outcomes["failed"] += 1
                continue
            earlier.check_model(reply.model)
            outcomes["cut off" if reply.truncated else "empty" if reply.empty else "complete"] += 1
            output.append([_line(rows[row], left[index], requests[left[index]], pool.settings.model, reply)])
    failures.sort(key=lambda line: (line["row"], line["sample"]))
    return outcomes, failures


def _line(row: dict[str, Any], key: Key, request: ChatRequest, model: str | None, reply: ChatReply) -> dict[str, Any]:
    return {
        **row,
        "model_name": model or reply.model,
        "prediction": reply.text,
        **({"reasoning": reply.reasoning} if reply.reasoning else {}),
        "generation": {
            "row": key[0],
            "sample": key[1],
            "request": _identity(request),
            "finish_reason": reply.finish_reason,
            **reply.usage,
        },
    }


def _key(line: Mapping[str, Any]) -> Key:
    mark = line["generation"]
    return mark["row"], mark["sample"]


def _identity(request: ChatRequest) -> str:
    return request.key("")[:16]


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
