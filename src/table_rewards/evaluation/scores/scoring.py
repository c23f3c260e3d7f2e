"""Scoring the rows of a file in a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from table_rewards.core.completion import completion_text
from table_rewards.core.errors import UnreadableCompletion
from table_rewards.core.reward import UNUSABLE, Reward
from table_rewards.core.scores import INAPPLICABLE, UNSCORED, Scores
from table_rewards.datasets.files import UnusableFile, read_batches
from table_rewards.evaluation.scores.identity import at
from table_rewards.evaluation.scores.layout import BY_COLUMNS as BY_COLUMNS
from table_rewards.evaluation.scores.layout import COMPLETION_COLUMNS as COMPLETION_COLUMNS
from table_rewards.evaluation.scores.layout import Plan as Plan
from table_rewards.evaluation.scores.layout import completions_of as completions_of
from table_rewards.evaluation.scores.layout import plan as plan
from table_rewards.evaluation.scores.layout import reference_of as reference_of
from table_rewards.evaluation.scores.layout import scalar

LOOK_AHEAD: Final = 64
MAX_GROUP: Final = 256

Watch = Callable[[Mapping[str, Any], Mapping[str, Any], Any], None]
"""Called with a score row, the row of the file and the completion."""

_PROMPT: Final = "\x00prompt"
"""The key under which a row carries its prompt's identity while it is scored."""

_NUMBER: Final = "\x00number"


def score_file(
    reward: Reward[Any],
    plan: Plan,
    *,
    start: int = 0,
    batch_size: int = 1024,
    step: int | None = None,
    limit: int | None = None,
    watch: Watch | None = None,
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield (rows of the file, their score rows) batch by batch, at most ``limit`` rows, in order, in bounded memory.

    Raises:
        UnusableFile: none of the first rows has a reference that this reward can read.
    """
    number = start
    rows = _identified(plan.rows(start, batch_size), plan, start)
    batches = read_batches(rows if limit is None else islice(rows, limit), batch_size)
    for batch in _whole_prompts(batches):
        scored = _score(reward, plan, batch, number, step, watch)
        if number == 0:
            _check_first(plan, scored)
        number += len(batch)
        yield len(batch), scored


def score_block(
    reward: Reward[Any],
    plan: Plan,
    start: int,
    stop: int,
    *,
    batch_size: int = 1024,
    step: int | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """Yield the score rows of the prompts that begin in rows ``start`` to ``stop``, batch by batch.

    A prompt belongs to the block in which it begins, up to 256 rows behind it, so that the blocks of a file together
    hold every row once, and a reward of a group sees it whole.

    Raises:
        UnusableFile: none of the first rows has a reference that this reward can read.
    """
    number = start
    rows = _identified(plan.rows(max(0, start - 1), batch_size), plan, max(0, start - 1))
    for batch in _whole_prompts(read_batches(_own_rows(rows, start, stop), batch_size)):
        numbers = [row.pop(_NUMBER) for row in batch]
        scored = _score(reward, plan, batch, numbers[0], step, None)
        if number == 0:
            _check_first(plan, scored)
        number = numbers[-1] + 1
        yield scored


def _own_rows(rows: Iterator[dict[str, Any]], start: int, stop: int) -> Iterator[dict[str, Any]]:
    """Of the rows from the one before ``start`` on, those whose prompt begins in the block."""
    previous = None
    if start > 0:
        previous = next(rows, {_PROMPT: None})[_PROMPT]
    skipping = start > 0
    for number, row in enumerate(rows, start):
        same = row[_PROMPT] == previous
        if skipping and same and number - start < MAX_GROUP:
            if number >= stop:
                return
            continue
        skipping = False
        if number >= stop and not (same and number - stop < MAX_GROUP):
            return
        previous = row[_PROMPT]
        row[_NUMBER] = number
        yield row


def described(row: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """What is copied from a row to its scores."""
    return {name: scalar(at(row, where)) for name, where in plan.kept.items()}


def text_of(completion: Any) -> tuple[str, str]:
    """The text of a completion, and what is wrong when its shape is not known."""
    if type(completion) is str:
        return completion, ""
    if completion is None:
        return "", "no completion: it is null"
    try:
        return completion_text(completion), ""
    except UnreadableCompletion as error:
        return "", f"completion unreadable: {error}"


def _identified(rows: Iterable[dict[str, Any]], plan: Plan, start: int) -> Iterator[dict[str, Any]]:
    """The rows with the identity of their prompt; images, which only it needs, are let go."""
    who, images = plan.who, [name for name in plan.who.images if name in plan.bytes_in]
    for number, row in enumerate(rows, start):
        row[_PROMPT] = who.of(row) or who.row(row, number)
        for name in images:
            row[name] = None
        yield row


def _whole_prompts(batches: Iterator[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    """Move a batch's end to where a prompt ends, so that rewards of a group see it whole (up to 256 rows of it)."""
    held: list[dict[str, Any]] = []
    for batch in batches:
        batch = held + batch
        last = batch[-1][_PROMPT]
        end = len(batch)
        while end > 1 and len(batch) - end < MAX_GROUP and batch[end - 1][_PROMPT] == last:
            end -= 1
        if end == 1 or len(batch) - end >= MAX_GROUP:
            end = len(batch)
        held = batch[end:]
        yield batch[:end]
    if held:
        yield held


def _score(
    reward: Reward[Any],
    plan: Plan,
    batch: list[dict[str, Any]],
    number: int,
    step: int | None,
    watch: Watch | None,
) -> list[dict[str, Any]]:
    texts: list[Any] = []
    references: list[Any] = []
    heads: list[dict[str, Any]] = []
    seen: list[tuple[dict[str, Any], Any, str]] = []
    content_of = plan.who.contents()
    bare: dict[str, Any] | None = None
    content, told = "", dict[str, Any]()
    reference: Mapping[str, Any] = {}
    apart = plan.completion not in plan.who.asked  # else the completions of a chat hold the prompt
    for offset, row in enumerate(batch):
        prompt = row.pop(_PROMPT)
        completions, problem = completions_of(row, plan.completion)
        others = {name: value for name, value in row.items() if name != plan.completion or not apart}
        if others != bare:  # else all this is that of the row before, and its reference is read once for both
            bare, content, reference, told = others, content_of(row), reference_of(row, plan), described(row, plan)
        for sample, completion in enumerate(completions):
            text, unreadable = text_of(completion)
            head: dict[str, Any] = {"row": number + offset, "sample": sample}
            head.update(told)
            head.update(characters=len(text), prompt=prompt, content=content)
            heads.append(head)
            seen.append((row, completion, problem or unreadable))
            if not (problem or unreadable):
                texts.append(text)
                references.append(reference)
    signature = reward.signature
    names = ("score", *reward.parts, "status", "note")
    nothing: tuple[Any, ...] = (None,) * (1 + len(reward.parts))
    judged = _lines(reward(texts, references, step=step))
    for head, (_, _, problem) in zip(heads, seen, strict=True):
        head.update(zip(names, (*nothing, UNSCORED, problem) if problem else next(judged), strict=True))
        head["signature"] = signature
    _own_task(heads)
    if watch is not None:
        for head, (row, completion, _) in zip(heads, seen, strict=True):
            watch(head, row, completion)
    return heads


def _lines(scores: Scores) -> Iterator[tuple[Any, ...]]:
    """Score, parts, status and note of each sample, None where there is no number."""
    columns = [_nullable(column) for column in (scores.values, *scores.parts.values())]
    return zip(*columns, scores.status.tolist(), scores.notes, strict=True)


def _nullable(column: Any) -> list[float | None]:
    values: list[float | None] = column.tolist()
    return [None if value != value else value for value in values] if (column != column).any() else values


def _own_task(scored: Sequence[dict[str, Any]]) -> None:
    """A row without a reference is of another task only where it says so: by a data source that nothing is scored of.

    Elsewhere it is a row of this task whose reference is missing, which counts as unscored.
    """
    if not any(row["status"] == INAPPLICABLE for row in scored):
        return
    ours = {row.get("data_source") for row in scored if row["status"] != INAPPLICABLE}
    for row in scored:
        source = row.get("data_source")
        if row["status"] == INAPPLICABLE and (source is None or source in ours):
            row["status"] = UNSCORED
            row["note"] = UNUSABLE + str(row["note"]).removeprefix("not for this reward: ")


def _check_first(plan: Plan, scored: Sequence[Mapping[str, Any]]) -> None:
    first = scored[:LOOK_AHEAD]
    lead = "completion unreadable: "
    if first and all(str(row["note"]).startswith(lead) for row in first):
        why = str(first[0]["note"])[len(lead) :]
        raise UnusableFile(
            plan.name, f"no completion can be read in the first {len(first)} rows: {why} (see --completion-column)"
        )
    if first and all(row["status"] == INAPPLICABLE or str(row["note"]).startswith(UNUSABLE) for row in first):
        why = str(first[0]["note"]).removeprefix(UNUSABLE)
        named = [name for name in plan.who.references if name != plan.completion]
        hint = f"did you mean --reference-column {named[0]}?" if plan.reference_column is None and named else ""
        raise UnusableFile(
            plan.name,
            f"no reference can be read in the first {len(first)} rows: {why} ({hint or 'see --reference-column'})",
        )
