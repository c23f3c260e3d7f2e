"""`table-rewards evaluate cruxeval`, `reval` and `programs`."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections import Counter
from collections.abc import Sequence

from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.task import Task
from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import RowWriter, read_rows, require_columns
from table_rewards.evaluation.execution.code_answers import BENCHMARKS, solutions
from table_rewards.evaluation.execution.cruxeval import TASKS, evaluate_cruxeval
from table_rewards.evaluation.execution.cruxeval_generations import (
    are_generations,
    evaluate_generations,
    read_generations,
    told,
)
from table_rewards.evaluation.execution.cruxeval_x import LANGUAGES, evaluate_language
from table_rewards.evaluation.execution.reval import evaluate_reval
from table_rewards.evaluation.execution.reval_gold import DREval


def _cruxeval_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "CRUXEval: output prediction (what does f(input) return?) and input prediction (which input gives output?). "
        "FILE holds rows of code, input, output and prediction (or response, or a list of them), also with the whole "
        "call in input (LiveCodeBench execution-v2), or of CRUXEval-X in Python (code, output_reasoning and "
        "input_reasoning with ????; code_template); a call may be written as `candidate(...)`. Or it is CRUXEval's own "
        "generations.json, one object of id and list of texts, and --samples names the problems. Nothing that the "
        "model wrote is run but plain values; found inputs go to the given function, in the sandbox. Problems that "
        "CRUXEval-X has no program for count as wrong, as in its numbers. --language judges its programs in another "
        "language by that language's own compiler and runtime, which must be on the PATH; only plain data is put into "
        "them, so that an answer that exits, or calls the function, is wrong."
    )
    parser.add_argument("file", metavar="FILE", help="rows (jsonl, json, parquet), or generations.json with --samples")
    parser.add_argument(
        "--samples",
        metavar="FILE",
        help="the problems of a generations.json: cruxeval.jsonl, rows of id, code, input, output",
    )
    parser.add_argument(
        "--task", choices=TASKS, help="the task of the whole file; without it each row says its own in `task`"
    )
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default="py",
        help="of CRUXEval-X's programs: cpp needs g++, cs mono and its compiler, go go, java a JDK and --javatuples, "
        "js node, php php (%(default)s)",
    )
    parser.add_argument(
        "--javatuples", metavar="JAR", help="javatuples-1.2.jar, for Java (that of CLASSPATH or of Debian)"
    )
    parser.add_argument(
        "--profile",
        choices=("corrected", "released"),
        default="corrected",
        help="of another language than Python. released: as the published checker counts, which lets every answer pass "
        "to rows in Go and PHP that hold sentences, and puts an input in place of the whole call (%(default)s)",
    )
    parser.add_argument("--cpu", type=float, default=3.0, metavar="S", help="CPU seconds a call (%(default)s)")


def _cruxeval(options: argparse.Namespace) -> int:
    if options.language == "py" and options.profile != "corrected":
        raise ConfigurationError("--profile released is of CRUXEval-X's other languages: name one with --language")
    if options.language != "java" and options.javatuples is not None:
        raise ConfigurationError("--javatuples is for --language java; leave it out")
    if options.language != "py" and options.samples is not None:
        raise ConfigurationError("--samples names CRUXEval's problems, which are in Python; leave --language out")
    if options.samples is not None:
        if options.task is None:
            raise ConfigurationError("a file of generations does not say its task: add --task output or --task input")
        samples = list(read_rows(options.samples))
        report = evaluate_generations(read_generations(options.file), samples, options.task, options.cpu)
    elif are_generations(options.file):
        raise ConfigurationError(
            f"{options.file} holds generations by id, as CRUXEval writes them, and not the problems: "
            "add --samples cruxeval.jsonl and --task"
        )
    elif options.language != "py":
        if options.task is None:
            raise ConfigurationError(
                f"programs of --language {options.language} do not say their task: add --task output or --task input"
            )
        report = evaluate_language(
            read_rows(options.file), options.language, options.task, options.javatuples, options.profile
        )
    else:
        report = evaluate_cruxeval(read_rows(options.file), options.task, options.cpu)
    _print_table(report.table())
    for line in told(report):
        print(line, file=sys.stderr)
    status = _problems(report.unusable, report.unscored)
    return INCOMPLETE if report.missing else status


def _reval_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "REval on DREval: coverage, path, state and output, and the consistency score over all four. The right answers "
        "are traced from DREval's two files. FILE holds rows of task, task_id, input_idx, lineno, var and response (or "
        "prediction, as `generate` writes it), or the logs that REval writes; several files count together."
    )
    parser.add_argument("file", metavar="FILE", nargs="+", help="predictions")
    parser.add_argument("--data", required=True, metavar="FILE", help="DREval_data.jsonl")
    parser.add_argument("--tasks", required=True, metavar="FILE", help="DREval_tasks.jsonl")


def _reval(options: argparse.Namespace) -> int:
    require_columns(options.data, ("task_id", "entry_point", "code", "inputs", "outputs", "test"))
    require_columns(options.tasks, ("task_id", "tasks"))
    benchmark = DREval.load(read_rows(options.data), read_rows(options.tasks))
    report = evaluate_reval(benchmark, (row for file in options.file for row in read_rows(file)))
    _print_table(report.table())
    if report.no_gold:
        print(f"{report.no_gold:,} state questions about values that are not plain data were left out")
    return _problems(report.unusable, 0)


def _programs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Take the programs out of answers for a benchmark that judges them itself: EvalPlus and BigCodeBench get JSON "
        "lines of task_id and solution, LiveCodeBench one JSON list of question_id and code_list. FILE holds rows with "
        "the problem's id and prediction (or response, or a list of them), such as `table-rewards generate` writes."
    )
    parser.add_argument("file", metavar="FILE", help="answers")
    parser.add_argument("--benchmark", choices=BENCHMARKS, required=True, help="whose form to write")
    parser.add_argument(
        "--out", type=pathlib.Path, required=True, metavar="OUT", help="samples.jsonl; for livecodebench a .json"
    )


def _programs(options: argparse.Namespace) -> int:
    counts: Counter[str] = Counter()
    with RowWriter(options.out) as writer:
        writer.write(solutions(read_rows(options.file), options.benchmark, counts))
    print(f"{options.out}: {writer.count:,} rows")
    for reason, count in counts.items():
        if reason != "kept":
            print(f"  {count:,} {reason}", file=sys.stderr)
    return INCOMPLETE if not writer.count or any(reason.startswith("unusable") for reason in counts) else DONE


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())


def _problems(unusable: Sequence[str], unscored: int) -> int:
    for problem in unusable[:10]:
        print(f"  {problem}", file=sys.stderr)
    if len(unusable) > 10:
        print(f"  and {len(unusable) - 10:,} more", file=sys.stderr)
    if unscored:
        print(f"{unscored:,} predictions could not be scored; they count as wrong here", file=sys.stderr)
    return INCOMPLETE if unusable or unscored else DONE


SUBCOMMANDS = {
    "cruxeval": Task("CRUXEval: output and input prediction", _cruxeval_arguments, _cruxeval),
    "cruxeval-x": Task("the same, under the name of CRUXEval-X", _cruxeval_arguments, _cruxeval),
    "lcb-exec": Task("the same, under the name of LiveCodeBench's execution task", _cruxeval_arguments, _cruxeval),
    "programs": Task("answers as EvalPlus, BigCodeBench and LiveCodeBench read them", _programs_arguments, _programs),
    "reval": Task("REval on DREval: coverage, path, state, output, consistency", _reval_arguments, _reval),
}
