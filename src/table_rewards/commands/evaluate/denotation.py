"""`table-rewards evaluate wikitq` and `evaluate wikisql`: the accuracy of answers about tables, as sets of values."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from table_rewards.commands.evaluate.numbers import write_numbers
from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.pages.terminal import note
from table_rewards.commands.task import Task
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.rows import plain
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.evaluation.denotation.answers import Verdict, judge
from table_rewards.evaluation.denotation.golds import WikiSQLTables, gold_of_row, wikitq_golds
from table_rewards.evaluation.denotation.values import Value

IDS: Final = ("id", "example_id", "ids")
PREDICTIONS: Final = ("prediction", "predictions", "response", "responses", "completion", "output")

Predictions = Iterator[tuple[str, Mapping[str, Any], list[Any]]]
"""Id, row, and the predictions of the row: texts, or lists of items."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="predictions: rows of `generate`, or any with an id")
    parser.add_argument("--prediction-key", metavar="NAME", help=f"column ({', '.join(PREDICTIONS)})")
    parser.add_argument("--id-key", metavar="NAME", help=f"column of the question's id ({', '.join(IDS)})")
    parser.add_argument("--marks", type=Path, metavar="OUT", help="write each prediction's verdict: .jsonl or .parquet")
    parser.add_argument("--out", type=Path, metavar="OUT", help="write the numbers as JSON")


def configure_wikitq(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = """\
Denotation accuracy of WikiTableQuestions, with the verdicts of the official evaluator, and beside it a tolerant one
that takes 1,000 for 1000. A completion's answer stands behind "Final Answer:"; its items stand between "|", or, where
the gold answer has several, between ", ". FILE may also be the official form of predictions (.tsv: id, then items).
"""
    _arguments(parser)
    parser.add_argument(
        "--gold",
        type=Path,
        metavar="FILE",
        help="the official file, data/*.tsv or, as the official evaluator reads, tagged/data/*.tagged "
        "(default: the rows' own answers)",
    )


def configure_wikisql(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = """\
Accuracy of WikiSQL's questions answered in words: the gold answer is what the question's stated SQL selects, compared
as a set of values with what stands behind "Final Answer:". Beside it stands a tolerant accuracy that takes 1,000 for
1000. Without --gold the rows of FILE have table_id and sql themselves, as `generate` keeps them.
"""
    _arguments(parser)
    parser.add_argument("--gold", type=Path, metavar="FILE", help="test.jsonl; rows are joined by id, else by number")
    parser.add_argument("--tables", type=Path, metavar="FILE", help="test.tables.jsonl (needed where there is SQL)")


@dataclass
class _Count:
    """What is known so far; a question with several predictions counts with their mean."""

    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    unknown: int = 0

    def numbers(self, questions: int) -> dict[str, Any]:
        problems = Counter(one.problem for some in self.verdicts.values() for one in some if one.problem)
        return {
            "questions": questions,
            "predicted": len(self.verdicts),
            "accuracy": self._mean("right", questions),
            "accuracy_tolerant": self._mean("alike", questions),
            "unreadable": sum(problems.values()),
            "problems": dict(problems),
            "left_out": dict(self.left_out),
            "of_no_question": self.unknown,
        }

    def _mean(self, name: str, questions: int) -> float:
        means = [sum(getattr(one, name) for one in some) / len(some) for some in self.verdicts.values()]
        return sum(means) / questions if questions else 0.0


def run_wikitq(options: argparse.Namespace) -> int:
    golds = dict(wikitq_golds(options.gold)) if options.gold else None
    return _run(options, golds, gold_of_row)


def run_wikisql(options: argparse.Namespace) -> int:
    tables = WikiSQLTables.from_file(options.tables) if options.tables else WikiSQLTables([])
    left_out: Counter[str] = Counter()
    golds = None if options.gold is None else _wikisql_golds(options.gold, tables, left_out)
    return _run(options, golds, tables.gold, left_out)


def _wikisql_golds(path: Path, tables: WikiSQLTables, left_out: Counter[str]) -> dict[str, list[Value]]:
    golds = {}
    for number, row in enumerate(read_rows(path)):
        try:
            golds[_id(row, None, number)] = tables.gold(row)
        except BadReference as error:
            left_out[str(error)] += 1
    return golds


def _run(
    options: argparse.Namespace,
    golds: Mapping[str, list[Value]] | None,
    gold_of: Callable[[Mapping[str, Any]], list[Value]],
    left_out: Counter[str] | None = None,
) -> int:
    count = _Count(left_out=Counter(left_out or ()))
    marks: list[dict[str, Any]] = []
    if golds is not None and not golds:
        raise ConfigurationError(f"{options.gold} holds no question with an answer: {dict(count.left_out) or 'empty'}")
    for name, row, predictions in _predictions(options):
        try:
            gold = gold_of(row) if golds is None else golds.get(name)
        except BadReference as error:
            count.left_out[str(error)] += 1
            continue
        if gold is None:
            count.unknown += 1
            continue
        found = [judge(prediction, gold) for prediction in predictions]
        count.verdicts.setdefault(name, []).extend(found)
        if options.marks:
            marks += [_mark(name, gold, one) for one in found]
    questions = len(count.verdicts) if golds is None else len(golds)
    if not count.verdicts:
        why = dict(count.left_out) or ("no id is one of --gold's" if count.unknown else "the file has no rows")
        raise ConfigurationError(f"{options.file}: nothing could be evaluated: {why}")
    numbers = count.numbers(questions)
    if options.marks:
        with RowWriter(options.marks) as writer:
            writer.write(marks)
    write_numbers(options.out, numbers)
    _show(numbers)
    return INCOMPLETE if count.left_out or count.unknown or numbers["predicted"] < questions else DONE


def _predictions(options: argparse.Namespace) -> Predictions:
    if options.file.suffix == ".tsv" and options.prediction_key is None:
        for line in options.file.read_text("utf-8").split("\n"):
            if line:
                name, *items = line.rstrip("\r").split("\t")
                yield name, {}, [items]
        return
    for number, row in enumerate(read_rows(options.file)):
        names = (options.prediction_key,) if options.prediction_key else PREDICTIONS
        column = next((name for name in names if name in row), None)
        if column is None:
            raise ConfigurationError(
                f"{options.file}: no column {' or '.join(map(repr, names))}; there are {', '.join(map(str, row))}"
            )
        value = plain(row[column])
        texts = value if isinstance(value, list) and value else [value or ""]
        yield _id(row, options.id_key, number), row, [one if isinstance(one, list) else str(one or "") for one in texts]


def _id(row: Mapping[str, Any], key: str | None, number: int) -> str:
    """The question's id: a column, else the number of the row that was asked about."""
    if key is not None and row.get(key) is None:
        raise ConfigurationError(f"no {key!r} in row {number:,}; there are {', '.join(map(str, row))}")
    for name in (key,) if key else IDS:
        if row.get(name) is not None:
            return str(plain(row[name]))
    asked = plain(row.get("generation"))
    return f"row {asked['row'] if isinstance(asked, dict) and 'row' in asked else number}"


def _mark(name: str, gold: list[Value], verdict: Verdict) -> dict[str, Any]:
    return {
        "id": name,
        "right": verdict.right,
        "right_tolerant": verdict.alike,
        "gold": [value.text for value in gold],
        "predicted": list(verdict.predicted),
        "problem": verdict.problem,
    }


def _show(numbers: Mapping[str, Any]) -> None:
    official, tolerant = 100 * numbers["accuracy"], 100 * numbers["accuracy_tolerant"]
    print(f"accuracy           {official:6.2f}  official comparison, of {numbers['questions']:,} questions")
    print(f"accuracy, tolerant {tolerant:6.2f}  1,000 is 1000")
    for problem, times in numbers["problems"].items():
        print(f"unreadable: {times:,} predictions: {problem}; they count as wrong")
    missing = numbers["questions"] - numbers["predicted"]
    if missing:
        note(f"{missing:,} questions have no prediction; they count as wrong")
    if numbers["of_no_question"]:
        note(f"{numbers['of_no_question']:,} predictions have an id that --gold does not; they are left out")
    for reason, times in numbers["left_out"].items():
        print(f"left out: {times:,} questions: {reason}", file=sys.stderr)


SUBCOMMANDS: Final[dict[str, Task]] = {
    "wikitq": Task("denotation accuracy of WikiTableQuestions", configure_wikitq, run_wikitq),
    "wikisql": Task("accuracy of WikiSQL's questions answered in words", configure_wikisql, run_wikisql),
}
