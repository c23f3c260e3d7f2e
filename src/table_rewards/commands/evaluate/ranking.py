"""`table-rewards evaluate ranking`: ranking accuracy per set, from predictions or through an endpoint."""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.evaluate.numbers import write_numbers
from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.pages.terminal import indented, note, share, table
from table_rewards.commands.prepare.grrm import add_prompt_file, prompt_template
from table_rewards.commands.task import Task
from table_rewards.core.errors import BadReference, ConfigurationError, one_of
from table_rewards.datasets.files import RowWriter, read_batches, read_rows
from table_rewards.evaluation.ranking import FAILED, Outcome, TestSet, average, outcome, single_scores
from table_rewards.evaluation.ranking_rows import (
    group_of,
    messages_of,
    predictions_of,
    reference_of,
    set_of,
    single_messages_of,
)
from table_rewards.llm import ChatPool, ChatRequest, Sampling, get_pool
from table_rewards.rewards.ranking.parse import MODES, Form

Judged = tuple[dict[str, Any], int, list[Outcome]]

MODEL_TYPES: Final = {"grrm": "grrm", "sqmrm": "sqmrm", "drm": "drm", "scalar": "sqmrm", "values": "drm"}
WINDOW: Final = 128  # rows that are asked about at once


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = """\
Compare rankings with reference scores: the share of candidate pairs whose relation (better, worse, tied) is right,
for every test set, with a 95 % interval over groups. Unreadable answers count as wrong and are shown apart.

A row has reference scores (ground_truth, scores) and predictions: an answer, a list of answers (one a run), or the
candidates' scores. With --endpoint the model is asked instead, for the row's prompt or for its candidates.
"""
    parser.add_argument("file", metavar="FILE", nargs="+", type=Path, help="parquet, JSON lines or JSON")
    parser.add_argument("--runs", type=int, metavar="N", help="runs a group (all that there are; 4 with --endpoint)")
    parser.add_argument(
        "--prompt-type",
        "--prompt_type",
        choices=MODES,
        default="ranking_score",
        help="what answers end with (%(default)s)",
    )
    parser.add_argument("--out", type=Path, metavar="OUT", help="write the numbers as JSON")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the intervals, and of --endpoint (0)")
    parser.add_argument(
        "--model-type",
        "--model_type",
        choices=MODEL_TYPES,
        default="grrm",
        help="grrm ranks all candidates in one answer; sqmrm (or scalar) scores each alone: a run is one reply a "
        "candidate; drm (or values) gives values without words, from a file alone (%(default)s)",
    )
    where = parser.add_argument_group("columns")
    where.add_argument("--prediction-key", metavar="NAME", help="predictions (prediction, pred_scores, responses, ...)")
    where.add_argument("--score-key", metavar="NAME", help="reference scores (ground_truth, scores)")
    where.add_argument("--set-key", metavar="NAME", help="test set (dataset, data_source, the language pair)")
    where.add_argument(
        "--held-out",
        action="append",
        default=[],
        metavar="SET",
        help="leave a test set out of the mean over sets, as GRRM's tables do with the held-out one; repeat it",
    )
    where.add_argument("--mt-key", default="mt_texts", metavar="NAME", help="candidates, for prompts (%(default)s)")
    asked = parser.add_argument_group("through an endpoint")
    add_prompt_file(asked)
    asked.add_argument("--endpoint", action="append", metavar="URL", help="OpenAI-compatible server; may be repeated")
    asked.add_argument("--model", metavar="NAME", help="served model (default: the one that /v1/models offers)")
    asked.add_argument("--api-key-env", metavar="NAME", help="environment variable that holds the API key")
    asked.add_argument("--temperature", type=float, default=0.4, metavar="T", help="(%(default)s)")
    asked.add_argument("--top-p", type=float, default=0.7, metavar="P", help="(%(default)s)")
    asked.add_argument("--max-tokens", type=int, default=4096, metavar="N", help="(%(default)s)")
    asked.add_argument("--deadline-s", type=float, default=600, metavar="S", help="longest wait a reply (%(default)g)")
    asked.add_argument("--predictions", type=Path, metavar="OUT", help="keep the rows with the model's answers")


def run(options: argparse.Namespace) -> int:
    """Compute how well a model ranks.

    Raises:
        ConfigurationError: options do not go together, or nothing could be evaluated.
        UnknownName: a test set that is held out is not there.
    """
    if options.runs is not None and options.runs < 1:
        raise ConfigurationError(f"--runs must be at least 1, not {options.runs}")
    if options.predictions and not options.endpoint:
        raise ConfigurationError("--predictions keeps what --endpoint answers; there is none")
    options.model_type = MODEL_TYPES[options.model_type]
    if options.model_type == "drm" and options.endpoint:
        raise ConfigurationError(
            "a model with a value head has no chat endpoint; put its values into the rows (pred_scores) and leave out "
            "--endpoint"
        )
    options.template = prompt_template(options, "single" if options.model_type == "sqmrm" else "group")
    if options.template is not None and not options.endpoint:
        raise ConfigurationError("--prompt-file says what --endpoint is asked; there is none")
    sets: dict[str, TestSet] = {}
    unusable: dict[str, int] = {}
    form = Form(options.prompt_type, "optional")
    judge = _from_endpoint if options.endpoint else _from_rows
    for path in options.file:
        for row, number, outcomes in judge(path, options, form, unusable):
            name = set_of(row, options.set_key, path.stem)
            sets.setdefault(name, TestSet(name)).add((path, group_of(row, number)), outcomes)
    if not any(tested.groups for tested in sets.values()):
        why = "; ".join(unusable) or ("no endpoint answered" if sets else "the file has no rows")
        raise ConfigurationError(f"nothing could be evaluated: {why}")
    for name in options.held_out:
        one_of("test set", name, tuple(sets))
    results = [tested.result(options.seed) for tested in sets.values()]
    counted = [result for result in results if result["set"] not in options.held_out]
    _show(results, counted, unusable)
    numbers = {"sets": [_plain(result) for result in results], "average": _plain(average(counted))}
    write_numbers(options.out, numbers)
    return INCOMPLETE if unusable or any(result["unanswered"] for result in results) else DONE


def _from_rows(path: Path, options: argparse.Namespace, form: Form, unusable: dict[str, int]) -> Iterator[Judged]:
    seen: dict[Any, int] = {}
    for number, row in enumerate(read_rows(path)):
        try:
            reference = reference_of(row, options.score_key)
        except BadReference as error:
            unusable[str(error)] = unusable.get(str(error), 0) + 1
            continue
        group = group_of(row, number)
        before = seen.get(group, 0)
        left = None if options.runs is None else max(0, options.runs - before)
        predictions = predictions_of(row, options.prediction_key)[:left]
        seen[group] = before + len(predictions)
        read = single_scores if options.model_type == "sqmrm" else _values if options.model_type == "drm" else _as_it_is
        yield row, number, [outcome(read(prediction), reference, form) for prediction in predictions]
    short = sum(count < (options.runs or 0) for count in seen.values())
    if short:
        note(f"{path}: {short:,} groups have fewer than {options.runs} predictions; their means are over what is there")


def _from_endpoint(path: Path, options: argparse.Namespace, form: Form, unusable: dict[str, int]) -> Iterator[Judged]:
    pool = get_pool(
        options.endpoint,
        model=options.model,
        api_key_env=options.api_key_env,
        deadline_s=options.deadline_s,
        timeout_s=options.deadline_s,
    )
    sampling = Sampling(options.temperature, options.top_p, options.max_tokens, options.seed)
    runs = options.runs or 4
    if runs > 1 and options.temperature == 0:
        raise ConfigurationError(f"--runs {runs} at temperature 0 are {runs} times the same; use --runs 1")
    numbered: Iterator[dict[str, Any]] = ({"number": n, "row": row} for n, row in enumerate(read_rows(path)))
    with RowWriter(options.predictions) if options.predictions else nullcontext() as writer:
        for window in read_batches(numbered, WINDOW):
            rows, references = [], []
            for item in window:
                try:
                    references.append(reference_of(item["row"], options.score_key))
                except BadReference as error:
                    unusable[str(error)] = unusable.get(str(error), 0) + 1
                    continue
                rows.append(item)
            answers = _ask(pool, [item["row"] for item in rows], options, sampling, runs)
            for item, reference, texts in zip(rows, references, answers, strict=True):
                if writer is not None:
                    writer.write([{**item["row"], "predictions": texts}])
                read = single_scores if options.model_type == "sqmrm" else _as_it_is
                found = [FAILED if text is None else outcome(read(text), reference, form) for text in texts]
                yield item["row"], item["number"], found


def _ask(
    pool: ChatPool, rows: list[dict[str, Any]], options: argparse.Namespace, sampling: Sampling, runs: int
) -> list[list[Any]]:
    """The answers of every run to every row, of ``sqmrm`` one a candidate; None where no endpoint answered."""
    if options.model_type == "sqmrm":
        prompts = [single_messages_of(row, options.mt_key, options.template) for row in rows]
    else:
        prompts = [[messages_of(row, options.prompt_type, options.mt_key, options.template)] for row in rows]
    requests = [
        ChatRequest(messages, sampling, sample)
        for row, sample in itertools.product(prompts, range(runs))
        for messages in row
    ]
    replies: list[str | None] = [None] * len(requests)
    for index, reply in pool.stream(requests):
        replies[index] = None if reply.failed else reply.text
    left = iter(replies)
    answers: list[list[Any]] = []
    for row in prompts:
        several = [list(itertools.islice(left, len(row))) for _ in range(runs)]
        if options.model_type == "sqmrm":
            answers.append([None if None in run else run for run in several])
        else:
            answers.append([run[0] for run in several])
    return answers


def _as_it_is(prediction: Any) -> Any:
    return prediction


def _values(prediction: Any) -> Any:
    """Values are numbers; words in their place are none."""
    return "a text, not values" if isinstance(prediction, str) else prediction


def _show(results: list[dict[str, Any]], counted: list[dict[str, Any]], unusable: dict[str, int]) -> None:
    header = [
        "set",
        "groups",
        "runs",
        "accuracy",
        "95 % interval",
        "readable",
        "of readable",
        "tau",
        "right",
        "tied",
        "reversed",
        "ties kept",
    ]
    rows = [
        [
            r["set"],
            f"{r['groups']:,}",
            str(r["runs"]) if isinstance(r["runs"], int) else f"{r['runs'][0]}-{r['runs'][-1]}" if r["runs"] else "0",
            _percent(r["accuracy"]),
            f"{_percent(r['low'])} - {_percent(r['high'])}",
            _percent(r["valid"]),
            _percent(r["accuracy_of_valid"]),
            "-" if math.isnan(r["kendall_tau_of_valid"]) else f"{r['kendall_tau_of_valid']:.3f}",
            _percent(r["ranked_right"]),
            _percent(r["ranked_tied"]),
            _percent(r["ranked_reversed"]),
            _percent(r["ties_kept"]),
        ]
        for r in results
    ]
    if len(results) > 1:
        mean = average(counted)
        interval = f"{_percent(mean['low'])} - {_percent(mean['high'])}"
        rows.append(["mean of sets", "", "", _percent(mean["accuracy"]), interval, _percent(mean["valid"]), *[""] * 6])
    print("\n".join(table(header, rows, right=range(1, len(header)), room=200)))
    print(
        "\naccuracy: pairs of candidates in the right relation, in %, unreadable answers as wrong.\n"
        "right, tied, reversed: what readable answers make of the pairs that the reference ranks;\n"
        "ties kept: of the pairs that the reference ties."
    )
    for result in results:
        answers = result["answers"]
        if result["problems"]:
            worst = list(result["problems"].items())[:4]
            print(f"\n{result['set']}: unreadable answers")
            print("\n".join(indented(f"{share(count, answers):>7}  {why}" for why, count in worst)))
        if result["unanswered"]:
            note(f"{result['set']}: no endpoint answered {result['unanswered']:,} times; these are not in the numbers")
    for why, count in unusable.items():
        print(f"left out: {count:,} rows: {why}", file=sys.stderr)


def _plain(result: dict[str, Any]) -> dict[str, Any]:
    """The numbers for JSON, which knows no NaN."""
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in result.items()}


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.2f}"


SUBCOMMANDS: Final[dict[str, Task]] = {
    "ranking": Task("ranking accuracy per set with intervals, from predictions or an endpoint", configure, run)
}
