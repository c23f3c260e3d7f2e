"""Where everything stands in a file of rollouts: completions, references, ids, prompts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from table_rewards.core.errors import nearest
from table_rewards.core.rows import Row
from table_rewards.datasets.files import BrokenRow, RowSource, UnusableFile, missing_column
from table_rewards.datasets.files.cells import looks_like_texts, texts_in
from table_rewards.datasets.files.shapes import OWN_ROLES, batch_size_of, chat_of, role_of, samples_of, unzipped
from table_rewards.evaluation.scores.identity import (
    ID_COLUMNS,
    IMAGE_COLUMNS,
    REFERENCE_COLUMNS,
    WEAK_ID_COLUMNS,
    Identity,
    at,
    identity,
    prompt_columns,
    rows_have_own_ids,
)

COMPLETION_COLUMNS: Final = (
    *("completion", "completions", "response", "responses", "prediction", "predictions"),
    *("solution_str", "output", "outputs", "generated_text", "model_output"),
    *("generation", "generations", "choices", "model_response", "samples", "resps"),
)
"""Where completions stand: ours and TRL's, verl's and swift's generations, TableBench's, verl's rollout dumps."""

SAMPLE_COLUMNS: Final = frozenset(
    {"completions", "responses", "predictions", "outputs", "generations", "choices", "samples", "resps"}
)
"""Of these, those that are named after several completions."""

CHAT_COLUMNS: Final = ("messages", "conversations", "conversation")
"""Where they stand when none of these is there: the last turn of a chat."""

KEPT_COLUMNS: Final = (
    *("id", "uid", "question_id", "index", "data_source", "qtype", "qsubtype", "instruction_type"),
    *("model_name", "split", "step"),
)
STEP_COLUMNS: Final = (
    *("step", "global_step", "training_step", "global_steps", "gen_step", "train_step", "optimizer_step"),
)
"""Training steps: ours, verl's and TRL's, and ms-swift's under Megatron (``gen_step``)."""
BY_COLUMNS: Final = ("qtype", "data_source", "instruction_type")
ALIASES: Final = {"gts": "ground_truth"}
"""verl's rollout dumps call the ground truth so."""

_FILTER: Final = "filter"
"""lm-eval's column of the filter that a row's answer went through: the completion is the same under each."""

RESERVED: Final = frozenset(
    {"row", "sample", "characters", "prompt", "content", "score", "status", "note", "signature"}
)


@dataclass
class Plan:
    """How the rows of one file are read.

    Attributes:
        source: the file, or the files.
        completion: the column of completions.
        kept: name -> path of what is copied to the scores.
        who: which prompt a row belongs to.
        columns: what is read; None for everything.
        reference_column: the column that the user named as the ground truth, or a place below one (``doc.answer``).
        others: other columns that could hold completions.
        bytes_in: the columns that hold bytes, such as images.
        remarks: what a person should know about how the file is read.
        view: of rows that lm-eval wrote once for each of its filters, the filter whose rows are read; None for others.
    """

    source: RowSource
    completion: str
    kept: dict[str, tuple[str, ...]]
    who: Identity
    columns: list[str] | None = None
    reference_column: str | None = None
    others: list[str] = field(default_factory=list)
    bytes_in: frozenset[str] = frozenset()
    remarks: list[str] = field(default_factory=list)
    view: str | None = None

    @property
    def name(self) -> str:
        """What to call the file in messages."""
        return self.source.name

    def rows(self, start: int = 0, batch_size: int = 1024) -> Iterator[dict[str, Any]]:
        """The rows from ``start`` on, one prompt each, columns of lists unzipped."""
        size = min(batch_size, 64) if self.heavy else min(batch_size, 1024)
        if self.unzips:
            read = self._looked_at(self.source.rows(self.columns, broken="yield", batch_size=size))
            return islice(unzipped(read, self.completion, self.who.asked, self.who.references), start, None)
        return self._looked_at(self.source.rows(self.columns, start=start, broken="yield", batch_size=size))

    @property
    def unzips(self) -> bool:
        """Whether a row of the file is not one row here: it holds columns of lists, or is another view of a row."""
        if self.view is not None:
            return True
        return any(batch_size_of(row, self.completion, self.who.asked) is not None for row in self.source.first())

    def unzipped_first(self) -> list[dict[str, Any]]:
        """The first rows of the source, one prompt each."""
        first = self._looked_at(self.source.first())
        return list(unzipped(first, self.completion, self.who.asked, self.who.references))

    def _looked_at(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The rows that count, with the completion at the top where its column is a place below one."""
        path = () if self.completion in self.source.columns() else tuple(self.completion.split("."))
        if not path and self.view is None:
            yield from rows
            return
        for row in rows:
            if self.view is not None and row.get(_FILTER, self.view) != self.view:
                continue
            if path and not isinstance(row, BrokenRow):
                row = {**row, self.completion: at(row, path)}
            yield row

    @property
    def heavy(self) -> bool:
        """Whether rows hold images, so that few of them fit in memory."""
        return bool(self.bytes_in & set(self.who.images))


def plan(
    place: str | os.PathLike[str] | RowSource,
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
    source = place if isinstance(place, RowSource) else RowSource(place)
    there = source.columns()
    raw = source.first()
    if not raw:
        raise UnusableFile(source.name, "the file holds no row")
    if isinstance(raw[0], BrokenRow):
        raise UnusableFile(source.name, raw[0].problem)
    candidates = completion_columns(there, raw)
    chosen = completion or (candidates[0] if candidates else None)
    if chosen is None:
        raise UnusableFile(source.name, _no_completions(there))
    if _below(chosen, there, raw) is None:
        raise UnusableFile(source.name, missing_column(chosen, there))
    if chosen in _with_bytes(source):
        raise UnusableFile(source.name, f"column {chosen!r} holds bytes, where text is wanted: cast it to a string")
    if reference is not None and _below(reference, there, raw) is None:
        raise UnusableFile(source.name, missing_column(reference, there))
    asking = prompt_columns(there)
    golden = [name for name in REFERENCE_COLUMNS if name in there]
    view = raw[0].get(_FILTER) if {_FILTER, "filtered_resps"} <= set(there) else None
    look = Plan(source, chosen, {}, Identity(asked=tuple(asking), references=tuple(golden)), view=view)
    first = look.unzipped_first()[: max(64, len(raw))]
    if isinstance(first[0], BrokenRow):
        raise UnusableFile(source.name, first[0].problem)
    named = (*keep, *KEPT_COLUMNS, *ID_COLUMNS, *WEAK_ID_COLUMNS)
    located = {name: where for name in named if (where := _locate(name, first))}
    step = next((where for name in STEP_COLUMNS if (where := _locate(name, first))), None)
    kept = {}
    for name in dict.fromkeys([*keep, *KEPT_COLUMNS]):
        if name in located:
            kept[name] = located[name]
        elif name in keep:
            raise UnusableFile(source.name, missing_column(name, sorted({key for row in first for key in Row(row)})))
    if step is not None:
        kept["step"] = step
    given = None
    if prompt:
        given = _locate(prompt, first, scalar=False) or _below(prompt, there, first)
        if given is None:
            raise UnusableFile(source.name, missing_column(prompt, there))
    kept = {name: where for name, where in kept.items() if name not in RESERVED and name not in parts}
    golden_column = reference if reference is None or reference in there else reference.split(".")[0]
    who = identity(first, there, chosen, located, given, golden_column)
    others = [name for name in candidates if name != chosen and name not in CHAT_COLUMNS]
    found = Plan(source, chosen, kept, who, _readable(source), reference, others, _with_bytes(source), view=view)
    if others and completion is None:
        told = ", ".join(map(repr, others))
        found.remarks.append(f"scoring column {chosen!r}; there is also {told} (--completion-column)")
    found.remarks += _doubts(first, found, prompt is not None)
    same = next((name for name in who.references if _are_gold(first, chosen, name)), None)
    if same is not None:
        found.remarks.append(
            f"every one of the first completions ({chosen!r}) is its own gold answer ({same!r}): did a model write it?"
        )
    models = sorted({str(row[name]) for row in first for name in ("model_name", "model") if scalar(row.get(name))})
    if len(models) > 1:
        found.remarks.append(
            f"the rows are of several models ({', '.join(models[:4])}): their completions of one prompt count as one "
            "group, as no trainer would see them; score each model's rows alone"
        )
    if who.numbering:
        found.remarks.append(
            f"{who.numbering} is another in every row though prompts repeat: it is taken for the row's, and prompts "
            f"are told by what was asked; --prompt-column {who.numbering} takes it for the prompt's"
        )
    if rows_have_own_ids(first, who):
        found.remarks.append(
            f"every row has an id of its own ({'.'.join(who.ids[0])}) though prompts repeat: each counts as a prompt; "
            f"--prompt-column {who.asked[0] if who.asked else 'C'} groups by what was asked"
        )
    return found


def _doubts(first: Sequence[Mapping[str, Any]], plan: Plan, named: bool) -> list[str]:
    """What may be wrong with how the rows are taken: filters, steps that file names tell, prompts, lists as text."""
    found = []
    whole = [row for row in first if not isinstance(row, BrokenRow)]
    if plan.view not in (None, "none"):
        found.append(f"the log holds every completion once for each of its filters: the rows of {plan.view!r} are read")
    told = plan.source.named_steps
    if told:
        shown = ", ".join(map(str, told[:3])) + (", ..." if len(told) > 3 else "")
        found.append(
            f"the files' numbers ({shown}) are taken for training steps, and a prompt at two steps for two; files that "
            "are parts of one step belong into one file"
        )
    if len(whole) > 1 and not named and all(plan.who.of(row) is None for row in whole):
        like = [name for row in whole for name in row if re.search(r"prompt|question|quer|input", name, re.I)]
        hint = next((name for name in like if name != plan.completion), "C")
        found.append(
            "nothing says which prompt a row belongs to: each row counts as a prompt of its own; "
            f"--prompt-column {hint} groups them"
        )
    texts = [row.get(plan.completion) for row in whole]
    if plan.completion not in SAMPLE_COLUMNS and len(texts) > 1 and all(_is_list_of_texts(text) for text in texts):
        found.append(
            f"every completion ({plan.completion!r}) is a list of texts that is written as one text, and is scored as "
            "one; in a column 'completions' each would be scored"
        )
    return found


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, str) and len(texts_in(value) or ()) > 1


def _are_gold(rows: Sequence[Mapping[str, Any]], completion: str, reference: str) -> bool:
    """Whether a column of completions holds what a column of gold answers holds, row for row."""
    pairs = [(row.get(completion), row.get(reference)) for row in rows]
    return len(pairs) >= 8 and all(isinstance(text, str) and text and text == gold for text, gold in pairs)


def completion_columns(there: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that can hold completions, the likeliest first: those with a value, then chats that end in one."""
    named = [name for name in COMPLETION_COLUMNS if name in there]
    named.sort(key=lambda name: all(row.get(name) is None for row in rows))
    if named and any(row.get(named[0]) is not None for row in rows):
        return named
    chats = [name for name in CHAT_COLUMNS if name in there and any(_ends_in_answer(row.get(name)) for row in rows)]
    return chats + named


def completions_of(row: Mapping[str, Any], column: str) -> tuple[list[Any], str]:
    """The completions of a row, and what is wrong when there are none."""
    if isinstance(row, BrokenRow):
        return [None], row.problem
    if column not in row:
        return [None], f"no {column!r} in this row"
    value = row[column]
    if type(value) is str and value[:1] != "[":
        return [value], ""
    if column in SAMPLE_COLUMNS and isinstance(value, str):
        texts = texts_in(value)  # a list that a csv file, or a second encoding, holds as text
        if texts is None and looks_like_texts(value):
            return [None], (
                f"the list of texts in {column!r} cannot be read back from how it is shown; write the rows as JSON "
                "lines or parquet"
            )
        value = texts or value
    found = samples_of(value)
    return (found, "") if found else ([None], f"no completion: {column!r} is an empty list")


def reference_of(row: Mapping[str, Any], plan: Plan) -> Mapping[str, Any]:
    """The row as a reward reads its reference from it."""
    if plan.reference_column is not None:
        return {**row, "ground_truth": named_value(row, plan.reference_column)}
    for alias, name in ALIASES.items():
        if row.get(alias) is not None and row.get(name) is None:
            return {**row, name: row[alias]}
    return row


def named_value(row: Mapping[str, Any], name: str) -> Any:
    """The value of a column, or below one: ``doc.answer`` is the ``answer`` in the column ``doc``."""
    return row[name] if name in row else at(row, tuple(name.split(".")))


def scalar(value: Any) -> Any:
    """The value when it is short text, a number or a truth value, else None."""
    if isinstance(value, str):
        return value if len(value) <= 200 else None
    return value if isinstance(value, (bool, int, float)) else None


def _ends_in_answer(value: Any) -> bool:
    turns = chat_of(value)
    return turns is not None and role_of(turns[-1]) in OWN_ROLES


def _readable(source: RowSource) -> list[str] | None:
    """Leave parquet columns of bytes that are no images of the prompt on the disk."""
    schema = source.schema(rows=1)
    wanted = [name for name, kind in schema.items() if "binary" not in kind or name in IMAGE_COLUMNS]
    return None if len(wanted) == len(schema) else wanted


def _with_bytes(source: RowSource) -> frozenset[str]:
    return frozenset(name for name, kind in source.schema(rows=1).items() if "binary" in kind)


def _no_completions(there: Sequence[str]) -> str:
    for name in there:
        if name not in REFERENCE_COLUMNS and nearest(name, COMPLETION_COLUMNS):
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
        values = [value for value in (at(row, path) for row in rows) if value is not None]
        if values and (not scalar or all(_is_scalar(value) for value in values)):
            return path
    return None


def _below(name: str, there: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """The path that a column's name, or one such as ``doc.answer``, stands for; None where no row has it."""
    if name in there:
        return (name,)
    path = tuple(name.split("."))
    return path if len(path) > 1 and any(at(row, path) is not None for row in rows) else None


def _is_scalar(value: Any) -> bool:
    return scalar(value) is not None
