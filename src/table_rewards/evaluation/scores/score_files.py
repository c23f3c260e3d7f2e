"""Score files, read for a report: those that ``table-rewards score`` wrote, and logs that have scores of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.files import BrokenRow, RowSource, UnusableFile, missing_column, read_batches
from table_rewards.evaluation.scores.distribution import NAN
from table_rewards.evaluation.scores.identity import ID_COLUMNS, WEAK_ID_COLUMNS
from table_rewards.evaluation.scores.layout import (
    BY_COLUMNS,
    RESERVED,
    STEP_COLUMNS,
    Plan,
    completions_of,
    named_value,
    plan,
    scalar,
)
from table_rewards.evaluation.scores.scoring import described, text_of
from table_rewards.evaluation.scores.statistics import ScoreStatistics, asked_of

SCORE: Final = "score"
SCORE_COLUMNS: Final = ("score", "scores", "reward", "rewards", "total_reward")
"""Where a log's own scores stand: verl's dumps and ours, then the usual names."""

_NO_SCORES: Final = frozenset(
    {"advantage", "advantages", "epoch", "acc_n", *STEP_COLUMNS, *ID_COLUMNS, *WEAK_ID_COLUMNS}
)

Seen = Callable[[dict[str, Any], Mapping[str, Any] | None, Any], None]
"""Called with a score row and, for a log, the row of the file and the completion."""


@dataclass
class ScoreFile:
    """One score file and its statistics.

    Attributes:
        path: the file, or the folder or pattern.
        name: a name that tells it from the others of the report.
        statistics: what its scores say.
        source: its rows.
        logged: the column whose scores these are, for a log; empty for what ``score`` wrote.
        matches: prompt and step -> the scores of its completions, for comparisons.
        contents: prompt and step -> digests of what was asked and of the reference.
        remarks: what a person should know about how a log is read.
    """

    path: Path
    name: str
    statistics: ScoreStatistics
    source: RowSource
    logged: str = ""
    matches: dict[tuple[Any, Any], list[float]] = field(default_factory=dict)
    contents: dict[tuple[Any, Any], str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def key(self, row: Mapping[str, Any]) -> tuple[Any, Any]:
        """What :attr:`matches` knows a score row by.

        That is its prompt and step; with what was asked where an earlier row of the file has the same id and asks
        something else, as where several data sets count from 0.
        """
        key = key_of(row)
        content = row.get("content")
        if not content:
            return key
        asked = asked_of(row)
        known = self.contents.setdefault(key, str(content)).partition("-")[0]
        return key if known == asked else (f"{key[0]}/{asked}", key[1])


def load(
    paths: Sequence[Path],
    by: str | None = None,
    *,
    mixed: bool = False,
    score: str | None = None,
    seen: Sequence[Seen] = (),
) -> list[ScoreFile]:
    """Read score files.

    Args:
        paths: written by ``table-rewards score``, or logs with a column of scores: verl's rollout dumps, ms-swift's
            and TRL's completions, any rows.
        by: the column to group by; by default the first of ``qtype``, ``data_source``, ``instruction_type`` that all
            files have.
        mixed: allow scores of different signatures beside one another.
        score: the column of a log to report; by default ``score``, ``reward`` or the like.
        seen: one function for each file that is shown every score row.

    Raises:
        UnusableFile: a file has no column of scores, or not the one to group by.
        ConfigurationError: the signatures differ.
    """
    sources = [RowSource(path) for path in paths]
    there = [source.columns() for source in sources]
    columns = [_score_column(source, names, score) for source, names in zip(sources, there, strict=True)]
    for source, names in zip(sources, there, strict=True):
        if by is not None and by not in names:
            raise UnusableFile(source.name, missing_column(by, names))
    by = by or next((name for name in BY_COLUMNS if all(name in names for names in there)), None)
    files = []
    for number, (path, name, source) in enumerate(zip(paths, short_names(paths), sources, strict=True)):
        ours = {SCORE, "status", "signature"} <= set(there[number]) and columns[number] == SCORE
        parts = parts_of(there[number]) if ours else logged_parts(source, columns[number])
        statistics = ScoreStatistics(parts, by)
        file = ScoreFile(path, name, statistics, source, "" if ours else columns[number])
        how = None if ours else _plan_of(source, columns[number], parts, by)
        file.remarks = [] if how is None else how.remarks
        watch = seen[number] if number < len(seen) else None
        for batch in read_batches(_rows_of(source, file.logged, parts, by), 1024):
            statistics.add_all([row for row, _, _ in batch])
            for row, origin, completion in batch:
                if watch is not None:
                    watch(row, origin, completion)
                value = row.get(SCORE)
                file.matches.setdefault(file.key(row), []).append(NAN if value is None else float(value))
        if not statistics.count:
            raise UnusableFile(source.name, "the file holds no score")
        files.append(file)
    signatures = {signature: file for file in files for signature in file.statistics.signatures}
    if len(signatures) > 1 and not mixed:
        told = "; ".join(f"{file.name}: {signature or 'none'}" for signature, file in signatures.items())
        raise ConfigurationError(
            f"these scores were made in different ways and do not compare ({told}); "
            "--different-signatures shows them beside one another"
        )
    return files


def score_rows(file: ScoreFile) -> Iterator[dict[str, Any]]:
    """The score rows of a file once more, with the key that :attr:`ScoreFile.matches` knows them by."""
    statistics = file.statistics
    for row, _, _ in _rows_of(file.source, file.logged, list(statistics.parts), statistics.by):
        yield row


def key_of(row: Mapping[str, Any]) -> tuple[Any, Any]:
    """The prompt and the training step of a score row."""
    return _handle(row), row.get("step")


def _rows_of(
    source: RowSource, logged: str, parts: Sequence[str], by: str | None
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any] | None, Any]]:
    return _logged(source, logged, parts, by) if logged else _own(source)


def parts_of(columns: Sequence[str]) -> list[str]:
    """The parts: what `score` writes between ``score`` and ``status``."""
    if SCORE not in columns or "status" not in columns:
        return []
    return list(columns[columns.index(SCORE) + 1 : columns.index("status")])


def logged_parts(source: RowSource, score: str) -> list[str]:
    """The columns of a log beside its score that are numbers, or lists of numbers, in every one of the first rows."""
    rows = [row for row in source.first() if not isinstance(row, BrokenRow)]
    names = [name for name in source.columns() if name != score and name not in _NO_SCORES and name not in RESERVED]
    return [name for name in names if any(map(_has(name), rows)) and all(_numeric(row.get(name)) for row in rows)]


def completed(row: dict[str, Any]) -> dict[str, Any]:
    """A row of any file with scores, with a status."""
    if row.get("status") is None:
        value = row.get(SCORE)
        row["status"] = "unscored" if value is None or value != value else "scored"
    return row


def _score_column(source: RowSource, names: Sequence[str], wanted: str | None) -> str:
    rows = [row for row in source.first() if not isinstance(row, BrokenRow)]
    usual = [name for name in SCORE_COLUMNS if name in names]
    if wanted is not None and wanted not in names and all(named_value(row, wanted) is None for row in rows):
        raise UnusableFile(source.name, missing_column(wanted, names))
    for name in [wanted] if wanted is not None else usual:
        if (SCORE in names and "signature" in names) or any(_holds_number(named_value(row, name)) for row in rows):
            return name
    numeric = logged_parts(source, SCORE)
    hint = f"; --score-column takes {', '.join(numeric)}" if numeric else ""
    chosen = wanted or (usual[0] if usual else None)
    if chosen is None:
        raise UnusableFile(source.name, missing_column(SCORE, names) + hint)
    shown = next((value for row in rows if (value := named_value(row, chosen)) is not None), None)
    raise UnusableFile(source.name, f"column {chosen!r} holds no number, but such as {str(shown)[:60]!r}{hint}")


def _own(source: RowSource) -> Iterator[tuple[dict[str, Any], None, None]]:
    for row in source.rows():
        yield completed(row), None, None


def _logged(
    source: RowSource, score: str, parts: Sequence[str], by: str | None
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any] | None, Any]]:
    """The scores that a log has, one for each completion."""
    how = _plan_of(source, score, parts, by)
    if how is None:
        for number, row in enumerate(source.rows()):
            yield completed({"row": number, **row, SCORE: _as_number(named_value(row, score))}), row, None
        return
    for number, row in enumerate(how.rows()):
        completions, problem_found = completions_of(row, how.completion)
        for sample, completion in enumerate(completions):
            logged = named_value(row, score)
            value = _as_number(_pick(logged, sample, len(completions)))
            if value is None and not problem_found and logged is not None:
                problem_found = _no_score(logged, len(completions))
            told = {
                "row": number,
                "sample": sample,
                **described(row, how),
                "characters": len(text_of(completion)[0]),
                "prompt": how.who.of(row) or how.who.row(row, number),
                "content": how.who.content(row),
                SCORE: value,
                **{name: _as_number(_pick(row.get(name), sample, len(completions))) for name in parts},
                "note": problem_found,
                "signature": f"logged:{score}",
            }
            yield completed(told), row, completion


def _plan_of(source: RowSource, score: str, parts: Sequence[str], by: str | None) -> Plan | None:
    """How the rows of a log are read; None for rows of scores alone, without completions."""
    try:
        return plan(source, keep=[by] if by else (), parts=[score, *parts])
    except UnusableFile as problem:
        if not problem.problem.startswith("no column of completions"):
            raise
        return None


def _no_score(logged: Any, completions: int) -> str:
    if isinstance(logged, list) and len(logged) != completions:
        return f"{len(logged)} scores for {completions} completions"
    return f"no finite number: {str(logged)[:60]}"


def _pick(value: Any, sample: int, count: int) -> Any:
    return value[sample] if isinstance(value, list) and len(value) == count else value


def _as_number(value: Any) -> float | None:
    """The finite number that a cell holds."""
    try:
        found = float(value) if isinstance(value, (str, bool, int, float)) else math.nan
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _holds_number(value: Any) -> bool:
    return any(_as_number(one) is not None for one in (value if isinstance(value, list) else [value]))


def _numeric(value: Any) -> bool:
    if isinstance(value, list):
        return all(one is None or isinstance(one, (int, float)) for one in value)
    return value is None or isinstance(value, (int, float))


def _has(name: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda row: row.get(name) is not None


def _handle(row: Mapping[str, Any]) -> Any:
    """What a score row's prompt is called; without one, its number and its id."""
    prompt = row.get("prompt")
    return ("row", row.get("row"), scalar(row.get("id"))) if prompt is None else prompt


def short_names(paths: Sequence[Path]) -> list[str]:
    """Names that tell the files apart: their stems, with as many parent folders as it takes."""
    for depth in range(1, max((len(path.parts) for path in paths), default=1) + 1):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        names = [name.removesuffix(".parquet").removesuffix(".gz").removesuffix(".jsonl") for name in names]
        if len(set(names)) == len(names):
            return names
    return [f"{path} ({number})" for number, path in enumerate(paths, 1)]
