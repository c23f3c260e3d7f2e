"""`table-rewards evaluate mt`: translations judged against references, and scores of other metrics beside them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.completed_rows import complete_rows, report_completed
from table_rewards.commands.endpoint_arguments import add_endpoint_arguments, sampling_of
from table_rewards.commands.evaluate.numbers import write_numbers
from table_rewards.commands.pages.terminal import note, table
from table_rewards.commands.prepare.grrm import add_prompt_file, prompt_template, tell
from table_rewards.commands.task import Task
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.datasets.completed_rows import MARK
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.grrm.groups import Skipped
from table_rewards.evaluation.translation import COLUMN, VERSION, TranslationQuestion, means
from table_rewards.rewards.group_judge.reference import CANDIDATES

NOT_NUMBER: Final = float("nan")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Quality of translations, for every language pair: a judge model scores each against the reference, 0 to 100 "
        "(a row's comment is shown to it), and --scores puts the numbers of other metrics beside it, such as BLEURT's. "
        "A row has src_text, trg_text, src_lang, trg_lang and predictions, one a run; an item counts with the mean of "
        "its runs. Judgements are kept in --judged: the same command goes on where it was stopped."
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="rows with predictions")
    parser.add_argument("--judged", type=Path, metavar="OUT", help="rows with judge_scores (FILE.judged.jsonl)")
    parser.add_argument("--prediction-key", metavar="NAME", help="column of the predictions")
    parser.add_argument(
        "--candidate", choices=CANDIDATES, default="text", help="what of a prediction is the translation (%(default)s)"
    )
    parser.add_argument(
        "--comment-heading", default="What matters here:", metavar="TEXT", help="in front of a comment (%(default)s)"
    )
    parser.add_argument(
        "--scores",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="lines with row, score and, with several runs, sample: numbers of another metric; repeat it",
    )
    parser.add_argument("--out", type=Path, metavar="OUT", help="write the numbers as JSON")
    add_prompt_file(parser)
    where = parser.add_argument_group("the judge")
    add_endpoint_arguments(where)
    where.add_argument(
        "--temperature", type=float, default=0.4, metavar="T", help="0.2 more with each try (%(default)g)"
    )
    where.add_argument("--max-tokens", type=int, default=8192, metavar="N", help="(%(default)s)")
    where.add_argument("--seed", type=int, default=0, metavar="N", help="(%(default)s)")
    where.add_argument("--attempts", type=int, default=6, metavar="N", help="until a reply is read (%(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="judge anew")


def run(options: argparse.Namespace) -> int:
    """Judge translations by a model behind an endpoint.

    Raises:
        ConfigurationError: nothing could be judged.
    """
    judged: Path = options.judged or options.file.with_suffix(".judged.jsonl")
    template = prompt_template(options, "reference")
    sampling = sampling_of(options, temperature=options.temperature, max_tokens=options.max_tokens, seed=options.seed)
    skipped = Skipped()

    def questions() -> Iterator[tuple[int, TranslationQuestion]]:
        for number, row in enumerate(read_rows(options.file)):
            try:
                yield (
                    number,
                    TranslationQuestion(
                        row, sampling, options.candidate, options.prediction_key, options.comment_heading, template
                    ),
                )
            except BadReference as error:
                skipped.add(str(error), number)

    others = [_named(given) for given in options.scores]
    identity = {"command": "evaluate mt", "prompts": VERSION}
    asked = complete_rows(options, options.file, judged, identity, questions())
    tell(skipped)
    status = report_completed(judged, asked, "judged")
    rows = list(read_rows(judged))
    if not rows:
        raise ConfigurationError(f"nothing could be judged: {dict(asked.reasons) or skipped or 'FILE has no rows'}")
    metrics = {"judge": [[float(score) for score in row[COLUMN]] for row in rows]}
    for name, path in others:
        known = _scores(path)
        metrics[name] = [known.get(row[MARK]["row"], [NOT_NUMBER]) for row in rows]
        missing = sum(row[MARK]["row"] not in known for row in rows)
        if missing:
            note(f"{missing:,} rows have no score in {path}; they are left out of the means of {name}")
    numbers = {**means(rows, metrics), "failed_judgements": len(asked.failures)}
    _show(numbers, list(metrics))
    write_numbers(options.out, _plain(numbers))
    return status


def _named(given: str) -> tuple[str, Path]:
    name, equals, path = given.partition("=")
    if not equals or not name or name == "judge" or not path:
        raise ConfigurationError(f"--scores is NAME=FILE, such as bleurt=scores.jsonl, not {given!r}")
    return name, Path(path)


def _scores(path: Path) -> dict[int, list[float]]:
    found: dict[int, dict[int, float]] = {}
    for number, line in enumerate(read_rows(path)):
        try:
            found.setdefault(int(line.get("row", number)), {})[int(line.get("sample") or 0)] = float(line["score"])
        except (KeyError, TypeError, ValueError):
            raise ConfigurationError(
                f"{path}, line {number + 1:,}: a line has row, sample and a number in score"
            ) from None
    return {row: [samples[place] for place in sorted(samples)] for row, samples in found.items()}


def _show(numbers: dict[str, Any], names: list[str]) -> None:
    lines = [
        [pair, f"{some['items']:,}", *("-" if math.isnan(some[name]) else f"{some[name]:.2f}" for name in names)]
        for pair, some in [*numbers["pairs"].items(), ("overall", numbers["overall"])]
    ]
    print("\n".join(table(["pair", "items", *names], lines, right=range(1, 2 + len(names)), room=120)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


SUBCOMMANDS: Final[dict[str, Task]] = {
    "mt": Task("translations judged against references, by language pair", configure, run)
}
