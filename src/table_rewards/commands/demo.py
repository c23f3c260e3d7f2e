"""`table-rewards demo`: every reward on real, shipped data, in one table."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from table_rewards.commands.exit_codes import DONE, INCOMPLETE
from table_rewards.commands.installed import shipped
from table_rewards.commands.pages.terminal import cut, filled, number, seconds, shown_width, spark, styled, table, width
from table_rewards.core.completion import completion_text
from table_rewards.core.errors import ConfigurationError, TableRewardsError
from table_rewards.core.registry import create
from table_rewards.datasets.files import read_rows
from table_rewards.evaluation.scores.scoring import plan, score_file
from table_rewards.evaluation.scores.statistics import ScoreStatistics

CATALOGUE = "fixtures/demo.toml"

DESCRIPTION = """\
Score the data that ships with this package, real outputs of models and real tables, with every reward, and print one
table. Needs no network: rewards that ask a model ask a scripted server on this machine, and say so.
"""


@dataclass(frozen=True)
class Entry:
    """One line of the demonstration.

    Attributes:
        reward: a reward's name.
        title: what the data is.
        file: under fixtures/.
        completion: the column of completions.
        options: the reward's options.
        script: who answers on the loopback server, for rewards that ask a model: a name in ``demo_scripts``.
        step: the training step, for rewards with a schedule.
        show: the row to show; by default the lowest score that has a note.
        why: what there is to see in that row.
    """

    reward: str
    title: str
    file: str
    completion: str | None = None
    reference: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    script: str | None = None
    step: int | None = None
    show: int | None = None
    why: str = ""


@dataclass
class Outcome:
    """What an entry came to."""

    entry: Entry
    statistics: ScoreStatistics
    took: float
    example: dict[str, Any] | None = None
    completion: str = ""
    problem: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("rewards", metavar="REWARD", nargs="*", help="only these (default: all)")
    parser.add_argument("--folder", action="store_true", help="only print where that data is")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    """Show every reward on the shipped examples.

    Raises:
        ConfigurationError: a named reward has no example.
    """
    if arguments.folder:
        print(shipped(CATALOGUE).parent)
        return DONE
    chosen = [entry for entry in entries() if not arguments.rewards or entry.reward in arguments.rewards]
    missing = [name for name in arguments.rewards if name not in {entry.reward for entry in chosen}]
    if missing:
        raise ConfigurationError(f"the demonstration has nothing on {', '.join(missing)}")
    begun = time.perf_counter()
    outcomes = []
    for position, entry in enumerate(chosen, 1):
        _progress(f"{position} of {len(chosen)}: {entry.reward}")
        outcomes.append(play(entry))
    _progress("")
    if arguments.json:
        print(json.dumps([_told(outcome) for outcome in outcomes], ensure_ascii=False, indent=1))
    else:
        print("\n".join(_page(outcomes, time.perf_counter() - begun)))
    return INCOMPLETE if any(outcome.problem for outcome in outcomes) else DONE


def entries() -> list[Entry]:
    """The catalogue, ``fixtures/demo.toml``.

    Raises:
        ConfigurationError: the fixtures are not there, or an entry has an unknown key.
    """
    try:
        import tomllib
    except ImportError:  # Python 3.10
        import tomli as tomllib  # type: ignore[import-not-found,no-redef,unused-ignore]
    listed = tomllib.loads(shipped(CATALOGUE).read_text("utf-8"))["entry"]
    try:
        return [Entry(**one) for one in listed]
    except TypeError as error:
        raise ConfigurationError(f"{CATALOGUE}: {error}") from None


def play(entry: Entry) -> Outcome:
    """Score one entry. What cannot run here (an extra that is not installed, no sandbox) is said, not raised."""
    statistics = ScoreStatistics(())
    begun = time.perf_counter()
    try:
        with _server(entry) as server:
            options = dict(entry.options)
            if server is not None:
                options["endpoints"] = server.url
            reward = create(entry.reward, **options)
            statistics = ScoreStatistics(reward.parts)
            path = shipped(f"fixtures/{entry.file}")
            how = plan(path, completion=entry.completion, reference=entry.reference, parts=reward.parts)
            begun = time.perf_counter()
            scored = [row for _, batch in score_file(reward, how, step=entry.step) for row in batch]
            took = time.perf_counter() - begun
    except TableRewardsError as error:
        return Outcome(entry, statistics, time.perf_counter() - begun, problem=" ".join(str(error).split()))
    for row in scored:
        statistics.add(row)
    example = _telling(entry, scored)
    return Outcome(entry, statistics, took, example, _completion(path, how.completion, example))


def _server(entry: Entry) -> AbstractContextManager[Any]:
    if entry.script is None:
        return nullcontext()
    from table_rewards.commands.demo_scripts import script
    from table_rewards.testing.chat_server import ChatServer

    return ChatServer(reply=script(entry.script, shipped(f"fixtures/{entry.file}")), model="scripted")


def _telling(entry: Entry, scored: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The row that the catalogue names, else the lowest score that comes with a note, else the lowest."""
    if entry.show is not None:
        return next((row for row in scored if row["row"] == entry.show), None)
    known = [row for row in scored if row["score"] is not None]
    noted = [row for row in known if row["note"]]
    return min(noted or known, key=lambda row: (row["score"], row["row"]), default=None)


def _completion(path: Path, column: str, example: dict[str, Any] | None) -> str:
    if example is None:
        return ""
    value = next(iter(read_rows(path, start=example["row"])))[column]
    return completion_text(value[example["sample"]] if isinstance(value, list) and isinstance(value[0], str) else value)


# -- what it looks like -----------------------------------------------------------------------------------------------

HEADER = ("reward", "data", "rows", "mean", "unscored", "time", "low to high")


def _page(outcomes: Sequence[Outcome], took: float) -> list[str]:
    columns = len(HEADER) if width() >= 100 else len(HEADER) - 1
    rows = [_row(outcome)[:columns] for outcome in outcomes]
    lines = table(HEADER[:columns], rows, right=[2, 3, 4, 5])
    page = ["", lines[0]]
    for outcome, line in zip(outcomes, lines[1:], strict=True):
        page += [line, *_example(outcome)]
    scored = sum(outcome.statistics.count for outcome in outcomes)
    rewards = len({outcome.entry.reward for outcome in outcomes})
    many = "reward" if rewards == 1 else "rewards"
    page += ["", f"{scored:,} completions, {rewards} {many}, {seconds(took)}."]
    if any(outcome.entry.script for outcome in outcomes):
        page += filled("* asks a model: here a scripted server on this machine, so the mean says nothing of a model.")
    page += [f"Your own file: {called()} score FILE --reward NAME --out scores.parquet", ""]
    return page


def called() -> str:
    """How this command is called here: by its name where that is on the path, else by where it stands."""
    own = Path(sys.argv[0])
    if own.name != "table-rewards" or not own.is_file():
        return "table-rewards"
    there = shutil.which(own.name)
    if there is not None and Path(there).resolve() == own.resolve():
        return own.name
    try:
        return str(own.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(own)


def _row(outcome: Outcome) -> list[str]:
    entry, statistics = outcome.entry, outcome.statistics
    name = entry.reward + ("*" if entry.script else "")
    if outcome.problem:
        return [name, entry.title, "-", "-", "-", "-", ""]
    values = statistics.values
    return [
        name,
        entry.title,
        f"{statistics.count:,}",
        number(values.mean, 3),
        f"{values.missing:,}",
        seconds(outcome.took),
        spark(values.histogram(10)[0]) if values.count else "",
    ]


def _example(outcome: Outcome) -> list[str]:
    room = width() - 4
    if outcome.problem:
        return ["    " + styled(cut(f"cannot run here: {outcome.problem}", room), "red")]
    example = outcome.example
    if example is None:
        return []
    parts = [f"{name} {number(example[name], 3)}" for name in outcome.statistics.parts]
    told = f"row {example['row']}: {number(example['score'], 3)}"
    about = outcome.entry.why or example["note"] or ", ".join(parts)
    told += f" ({about})" if about else ""
    told = cut(told, room)
    left = room - shown_width(told) - 5
    tail = " ".join(outcome.completion.split())
    if left >= 24 and tail and not re.search(r"</td>|<nl>|<[ef]cel>", tail):  # a table's markup tells nobody anything
        shown = tail if shown_width(tail) <= left else "…" + tail[-(left - 1) :]
        while shown_width(shown) > left:
            shown = "…" + shown[2:]
        told += f'  "{cut(shown, left)}"'
    return ["    " + styled(told, "dim")]


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "reward": outcome.entry.reward,
        "title": outcome.entry.title,
        "file": outcome.entry.file,
        "scripted": outcome.entry.script is not None,
        "seconds": round(outcome.took, 3),
        "problem": outcome.problem or None,
        **outcome.statistics.to_dict(),
    }


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
