"""`table-rewards report`: what score files say, alone and beside one another."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.output_files import refuse_inputs
from table_rewards.commands.pages.advice import advise
from table_rewards.commands.pages.html import need_report, page, write_page
from table_rewards.commands.pages.summary import summary, titled
from table_rewards.commands.pages.terminal import brief, indented, note, number, share, spark, styled, table, width
from table_rewards.commands.report_samples import ROOM, shown_samples
from table_rewards.evaluation.scores.pairing import Pairing, changed_rows, pair
from table_rewards.evaluation.scores.samples import SampleBook
from table_rewards.evaluation.scores.score_files import ScoreFile, Seen, load

NARROW = 12
LABEL = 30
"""Terminal cells that the column of a file gets at least, and a name at its left at most."""

DESCRIPTION = """\
Show one score file, or compare several: means, spread, groups, zero-variance prompts, unscored rows; files that share
prompts also completion by completion. A log is reported with the scores it has: verl's rollout dumps, ms-swift's and
TRL's completions. Only scores with one signature are compared: the same reward, options and version.
"""

EPILOG = """\
examples:
  table-rewards report scores.parquet --html report.html
  table-rewards report step100.parquet step200.parquet --by qsubtype
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("scores", metavar="SCORES", nargs="+", type=Path, help="written by `table-rewards score --out`")
    parser.add_argument(
        "--by", metavar="C", help="group by this column (default: qtype, data_source, instruction_type)"
    )
    parser.add_argument("--score-column", metavar="C", help="of a log: the column to report (score, reward)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page that needs nothing beside it")
    parser.add_argument("--rollouts", type=Path, metavar="FILE", help="what was scored, when it has moved")
    parser.add_argument("--png", type=Path, metavar="FILE", help="also write a picture (needs matplotlib)")
    parser.add_argument("--title", metavar="TEXT", help="the page's title")
    parser.add_argument(
        "--different-signatures", action="store_true", help="show scores that were made in different ways anyway"
    )
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    if arguments.html is not None:
        need_report()
    books = [SampleBook(None, ROOM // len(arguments.scores)) for _ in arguments.scores]
    files = load(
        arguments.scores,
        arguments.by,
        mixed=arguments.different_signatures,
        score=arguments.score_column,
        seen=[_into(book) for book in books] if arguments.html is not None else (),
    )
    for remark in dict.fromkeys(remark for file in files for remark in file.remarks):
        note(remark)
    for option, place in (("--html", arguments.html), ("--png", arguments.png)):
        refuse_inputs(place, [path for file in files for path in file.source.files], option)
    pairings = [found for other in files[1:] if (found := pair(files[0], other)) is not None]
    title = arguments.title or " and ".join(file.name for file in files)
    if arguments.html is not None:
        for file, book in zip(files, books, strict=True):
            changes = [change for one in pairings for change in one.changed if file.name in (one.first, one.second)]
            for row, difference in changed_rows(file, changes):
                book.add_changed(row, difference)
        shown = shown_samples(files, books, arguments.rollouts)
        write_page(
            arguments.html, page(files, pairings, title, shown, advise(files[0].statistics) if len(files) == 1 else ())
        )
    if arguments.png is not None:
        from table_rewards.commands.report_png import picture

        picture(files, title, arguments.png)
        note(f"wrote {arguments.png}")
    if arguments.json:
        told = [{"file": str(file.path), **file.statistics.to_dict()} for file in files]
        pairs = [{**vars(one), "changed": [change.to_dict() for change in one.changed]} for one in pairings]
        print(json.dumps({"files": told, "pairs": pairs}, ensure_ascii=False, indent=1))
    elif len(files) == 1:
        print(summary(files[0].statistics, title=titled("", files[0].path)))
    else:
        print("\n".join(_comparison(files, pairings)))
    return DONE


def _into(book: SampleBook) -> Seen:
    def look(row: dict[str, Any], origin: Mapping[str, Any] | None, completion: Any) -> None:
        book.add(row)

    return look


def _comparison(files: Sequence[ScoreFile], pairings: Sequence[Pairing]) -> list[str]:
    rows = []
    for file in files:
        statistics = file.statistics
        values, groups = statistics.values, statistics.groups
        rows.append(
            [
                brief(file.name, max(16, width() - 74)),
                f"{statistics.count:,}",
                number(values.mean),
                number(values.deviation),
                share(statistics.status.get("unparsed", 0), statistics.count),
                share(values.missing, statistics.count),
                share(groups.dead, groups.several),
                spark(values.histogram(10)[0]) if values.count else "",
            ]
        )
    header = ["scores", "rows", "mean", "std", "unparsed", "unscored", "no variance", "low to high"]
    lines = ["", *table(header, rows, right=[1, 2, 3, 4, 5, 6])]
    lines += _paired(files, pairings) + _matrix(files, "part") + _matrix(files, "group")
    signatures = dict.fromkeys(signature for file in files for signature in file.statistics.signatures)
    if len(signatures) > 1:
        lines += ["", styled("made in different ways: only within one signature do numbers compare", "red")]
    return [*lines, "", *indented(f"signature  {signature}" for signature in signatures)]


def _paired(files: Sequence[ScoreFile], pairings: Sequence[Pairing]) -> list[str]:
    told = {one.second: one for one in pairings}
    lines = []
    if pairings:
        rows = [
            [
                " - ".join(brief(name, max(12, (width() - 72) // 2)) for name in (one.second, one.first)),
                f"{one.rows:,}",
                f"{one.difference:+.4f}",
                f"{one.error:.4f}",
                f"{one.higher:,}",
                f"{one.equal:,}",
                f"{one.lower:,}",
                "clear" if one.clear else "within noise",
            ]
            for one in pairings
        ]
        header = ["same prompts", "pairs", "difference", "std error", "higher", "equal", "lower", ""]
        lines += ["", *table(header, rows, right=[1, 2, 3, 4, 5, 6])]
    for file in files[1:]:
        one = told.get(file.name)
        if one is None:
            lines += ["", f"{file.name} and {files[0].name} have no completion in common: nothing is compared"]
        elif one.only_first or one.only_second:
            apart = f"{one.only_first:,} completions are only in {one.first}, {one.only_second:,} only in {one.second}"
            lines.append(f"{one.prompts:,} prompts are in both; {apart}")
    return lines


def _matrix(files: Sequence[ScoreFile], kind: str) -> list[str]:
    """Means of every part, or of every group, one column a file."""
    columns = [file.statistics.parts if kind == "part" else file.statistics.buckets for file in files]
    names = list(dict.fromkeys(name for column in columns for name in column))
    if not names or (kind == "group" and names == ["(none)"]):
        return []
    lead = "part" if kind == "part" else files[0].statistics.by or ""
    label = min(LABEL, max(len(name) for name in (*names, lead)))
    room = max(NARROW, (width() - 4 - label) // len(files) - 2)
    rows = [
        [brief(name, LABEL), *(number(column[name].mean) if name in column else "-" for column in columns)]
        for name in names
    ]
    header = [lead, *(brief(file.name, room) for file in files)]
    return ["", *table(header, rows, right=range(1, len(files) + 1))]
