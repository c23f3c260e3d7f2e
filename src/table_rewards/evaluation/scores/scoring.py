"""Scoring the rows of a file in a stream: which column holds the completions, which say what a row is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from table_rewards.core.completion import completion_text
from table_rewards.core.errors import UnreadableCompletion, nearest
from table_rewards.core.reward import Reward
from table_rewards.core.rows import Row
from table_rewards.core.scores import UNSCORED
from table_rewards.datasets.files import (
    BrokenRow,
    UnusableFile,
    columns_of,
    missing_column,
    read_batches,
    read_rows,
    schema_of,
)

COMPLETION_COLUMNS: Final = (
    *("completion", "completions", "response", "responses", "prediction", "predictions"),
    *("solution_str", "output", "outputs", "generated_text", "model_output"),
)
"""Where completions stand: ours and TRL's, verl's and swift's generations, TableBench's, verl's rollout dumps."""

KEPT_COLUMNS: Final = (
    *("id", "uid", "question_id", "index", "data_source", "qtype", "qsubtype", "instruction_type"),
    *("model_name", "split", "step"),
)
PROMPT_COLUMNS: Final = ("uid", "prompt_id", "id", "question_id", "index", "prompt", "input", "messages", "instruction")
BY_COLUMNS: Final = ("qtype", "data_source", "instruction_type")
ALIASES: Final = {"gts": "ground_truth"}
"""verl's rollout dumps call the ground truth so."""

LOOK_AHEAD: Final = 64
MAX_GROUP: Final = 256
RESERVED: Final = frozenset({"row", "sample", "characters", "prompt", "score", "status", "note", "signature"})


@dataclass
class Plan:
    """How the rows of one file are read."""

    path: Path
    completion: str
    kept: dict[str, tuple[str, ...]]
    prompt: tuple[str, ...]
    columns: list[str] | None
    reference_column: str | None = None
    others: list[str] = field(default_factory=list)


def plan(
    path: Path,
    *,
    completion: str | None = None,
    reference: str | None = None,
    prompt: str | None = None,
    keep: Sequence[str] = (),
    parts: Sequence[str] = (),
) -> Plan:
    """Look at the first rows and decide where everything stands.

    Raises:
        UnusableFile: no rows, or a column that is asked for is not there; names the nearest and all there are.
    """
    there = columns_of(path)
    first = _first_rows(path)
    if not first:
        raise UnusableFile(path, "the file holds no row")
    candidates = [name for name in COMPLETION_COLUMNS if name in there]
    chosen = completion or (candidates[0] if candidates else None)
    if chosen is None:
        raise UnusableFile(path, _no_completions(there))
    for name in filter(None, (chosen, reference)):
        if name not in there:
            raise UnusableFile(path, missing_column(name, there))
    kept = {}
    for name in dict.fromkeys([*keep, *KEPT_COLUMNS]):
        where = _locate(name, first)
        if where is not None:
            kept[name] = where
        elif name in keep:
            raise UnusableFile(path, missing_column(name, sorted({key for row in first for key in Row(row)})))
    where = ()
    for name in (prompt,) if prompt else PROMPT_COLUMNS:
        found = _locate(name, first, scalar=False)
        if found is not None:
            where = found
            break
    else:
        if prompt:
            raise UnusableFile(path, missing_column(prompt, there))
    kept = {name: where for name, where in kept.items() if name not in RESERVED and name not in parts}
    return Plan(path, chosen, kept, where, _readable(path), reference, [c for c in candidates if c != chosen])


def score_file(
    reward: Reward[Any],
    plan: Plan,
    *,
    start: int = 0,
    batch_size: int = 1024,
    step: int | None = None,
    limit: int | None = None,
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield (rows of the file, their score rows) batch by batch, at most ``limit`` rows, in order, in bounded memory.

    Raises:
        UnusableFile: none of the first rows has a reference that this reward can read.
    """
    number = start
    rows = read_rows(plan.path, plan.columns, start=start, batch_size=min(batch_size, 1024), broken="yield")
    batches = read_batches(rows if limit is None else islice(rows, limit), batch_size)
    for batch in _whole_prompts(batches, plan) if plan.prompt else batches:
        scored = _score(reward, plan, batch, number, step)
        if number == 0:
            _check_references(plan, scored)
        number += len(batch)
        yield len(batch), scored


def _whole_prompts(batches: Iterator[list[dict[str, Any]]], plan: Plan) -> Iterator[list[dict[str, Any]]]:
    """Move a batch's end to where a prompt ends, so that rewards of a group see it whole (up to 256 rows of it)."""
    held: list[dict[str, Any]] = []
    for batch in batches:
        batch = held + batch
        last = _at(batch[-1], plan.prompt)
        end = len(batch)
        while (
            end > 1 and last is not None and len(batch) - end < MAX_GROUP and _at(batch[end - 1], plan.prompt) == last
        ):
            end -= 1
        if end == 1 or len(batch) - end >= MAX_GROUP:
            end = len(batch)
        held = batch[end:]
        yield batch[:end]
    if held:
        yield held


def _score(
    reward: Reward[Any], plan: Plan, batch: list[dict[str, Any]], number: int, step: int | None
) -> list[dict[str, Any]]:
    texts: list[Any] = []
    references: list[Any] = []
    heads: list[dict[str, Any]] = []
    problems: list[str] = []
    for offset, row in enumerate(batch):
        completions, problem = completions_of(row, plan.completion)
        reference = reference_of(row, plan)
        described = {name: _scalar(_at(row, where)) for name, where in plan.kept.items()}
        prompt = _prompt(_at(row, plan.prompt) if plan.prompt else None)
        for sample, completion in enumerate(completions):
            head = {"row": number + offset, "sample": sample, **described, "characters": _length(completion)}
            if prompt is not None:
                head["prompt"] = prompt
            heads.append(head)
            problems.append(problem)
            if not problem:
                texts.append(completion)
                references.append(reference)
    scores = iter(reward(texts, references, step=step))
    nothing = dict.fromkeys(reward.parts)
    out = []
    for head, problem in zip(heads, problems, strict=True):
        if problem:
            out.append({**head, "score": None, **nothing, "status": UNSCORED, "note": problem})
        else:
            value, parts, status, note = next(scores)
            numbers = {name: None if part != part else part for name, part in parts.items()}
            out.append({**head, "score": None if value != value else value, **numbers, "status": status, "note": note})
        out[-1]["signature"] = reward.signature
    return out


def completions_of(row: dict[str, Any], column: str) -> tuple[list[Any], str]:
    if isinstance(row, BrokenRow):
        return [None], row.problem
    if column not in row:
        return [None], f"no {column!r} in this row"
    value = row[column]
    if not isinstance(value, list) or (value and isinstance(value[0], Mapping) and "role" in value[0]):
        return [value], ""
    return (value, "") if value else ([None], f"no completion: {column!r} is an empty list")


def reference_of(row: dict[str, Any], plan: Plan) -> Mapping[str, Any]:
    if plan.reference_column is not None:
        return {**row, "ground_truth": row.get(plan.reference_column)}
    for alias, name in ALIASES.items():
        if row.get(alias) is not None and row.get(name) is None:
            return {**row, name: row[alias]}
    return row


def _check_references(plan: Plan, scored: Sequence[Mapping[str, Any]]) -> None:
    first = scored[:LOOK_AHEAD]
    lead = "reference unusable: "
    if first and all(str(row["note"]).startswith(lead) for row in first):
        why = str(first[0]["note"])[len(lead) :]
        raise UnusableFile(
            plan.path, f"no reference can be read in the first {len(first)} rows: {why} (see --reference-column)"
        )


def _first_rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in read_rows(path, _readable(path), broken="yield", batch_size=LOOK_AHEAD):
        if isinstance(row, BrokenRow) and not found:
            raise UnusableFile(path, row.problem)
        found.append(row)
        if len(found) >= LOOK_AHEAD:
            break
    return found


def _readable(path: Path) -> list[str] | None:
    """Leave parquet columns of images and other bytes on the disk."""
    schema = schema_of(path, rows=1)
    wanted = [name for name, kind in schema.items() if "binary" not in kind]
    return None if len(wanted) == len(schema) else wanted


def _no_completions(there: Sequence[str]) -> str:
    for name in there:
        guess = nearest(name, COMPLETION_COLUMNS)
        if guess:
            return (
                f"no column of completions ({', '.join(COMPLETION_COLUMNS)}); did you mean --completion-column {name}? "
                f"columns: {', '.join(there)}"
            )
    return (
        f"no column of completions ({', '.join(COMPLETION_COLUMNS)}); name it with --completion-column; "
        f"columns: {', '.join(there)}"
    )


_PLACES: Final = ((), ("reward_model", "ground_truth"), ("ground_truth",), ("extra_info",))


def _locate(name: str, rows: Sequence[Mapping[str, Any]], *, scalar: bool = True) -> tuple[str, ...] | None:
    """The path to ``name`` in the rows: at the top, in the ground truth, in ``extra_info``."""
    for place in _PLACES:
        path = (*place, name)
        values = [value for value in (_at(row, path) for row in rows) if value is not None]
        if values and (not scalar or all(_scalar(value) is not None for value in values)):
            return path
    return None


def _at(row: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = row
    for key in path:
        if isinstance(value, str) and value[:1] == "{":
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return None
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= 200 else None
    return value if isinstance(value, (bool, int, float)) else None


def _prompt(value: Any) -> Any:
    """A short name of the prompt, equal for equal prompts."""
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, str) and len(value) <= 64):
        return value if value is None or isinstance(value, str) else str(value)
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", errors="replace"), digest_size=8).hexdigest()


def _length(completion: Any) -> int:
    """Characters of a completion; 0 for one whose shape is not known, which its score says."""
    try:
        return len(completion_text(completion))
    except UnreadableCompletion:
        return 0
