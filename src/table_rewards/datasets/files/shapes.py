"""The shapes in which trainers and servers write rollouts: columns of lists, chats, content parts, lists of samples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from table_rewards.datasets.files.json_rows import BrokenRow

OWN_ROLES: Final = frozenset({"assistant", "gpt", "model", "bot", "chatgpt", "tool", "function", "observation"})
"""Roles of turns that the policy, or what it called, wrote."""

_LISTS: Final = ("options", "tables")
"""Parts of a prompt that are lists themselves: they do not tell a row of a batch."""

_SAMPLE_LISTS: Final = ("outputs", "choices", "completions", "responses", "samples", "generations", "candidates")
_MARKS: Final = frozenset({"role", "from"})
_WORDS: Final = ("content", "value", "parts", "text", "prompt")
"""Where a turn keeps what it says: chats, ShareGPT, Gemini, OpenCompass."""


def is_turn(value: Any) -> bool:
    """Whether this is one turn of a chat: ``{"role": ..., "content": ...}`` or ShareGPT's ``from`` and ``value``."""
    return isinstance(value, Mapping) and not _MARKS.isdisjoint(value)


def is_chat(value: Any) -> bool:
    """Whether this is a list of turns."""
    return isinstance(value, (list, tuple)) and bool(value) and is_turn(value[0])


def is_parts(value: Any) -> bool:
    """Whether this is a message's list of content parts, such as ``{"type": "text", "text": ...}``."""
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], Mapping) and "type" in value[0]


def chat_of(value: Any) -> list[Mapping[str, Any]] | None:
    """The turns of a chat, also of one written as JSON text; None for anything else."""
    if (isinstance(value, str) and value[:2] in ("[{", "[ ")) or (isinstance(value, str) and value[:1] == "["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return list(value) if is_chat(value) else None


def role_of(turn: Mapping[str, Any]) -> str:
    """Who speaks, in lower case."""
    return str(turn.get("role") or turn.get("from") or "").lower()


def asked(turns: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The turns of a chat without what the policy wrote at its end: the prompt.

    >>> asked([{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}])
    [{'role': 'user', 'content': '2+2?'}]
    """
    end = len(turns)
    while end and role_of(turns[end - 1]) in OWN_ROLES:
        end -= 1
    return list(turns[:end])


def words_of(turn: Mapping[str, Any]) -> Any:
    """What a turn says, under whichever name; of a turn with none of the names, all but who speaks.

    >>> words_of({"role": "user", "content": "2+2?"}), words_of({"role": "HUMAN", "prompt": "2+2?"})
    ('2+2?', '2+2?')
    >>> words_of({"role": "user", "asks": "2+2?"})
    {'asks': '2+2?'}
    """
    there = [name for name in _WORDS if name in turn]
    if there:
        return next((turn[name] for name in there if turn[name] is not None), None)
    return {name: value for name, value in turn.items() if name not in ("role", "from", "id")}


def samples_of(value: Any) -> list[Any]:
    """The completions in one cell: a text, a chat or a server's output is one; a list holds as many as it is long.

    >>> samples_of("a"), samples_of(["a", "b"]), samples_of([{"role": "assistant", "content": "a"}])
    (['a'], ['a', 'b'], [[{'role': 'assistant', 'content': 'a'}]])
    >>> samples_of([{"index": 0, "text": "a"}, {"index": 1, "text": "b"}])
    ['a', 'b']
    >>> samples_of([["a", "b"]])  # lm-eval's: the samples of each request
    ['a', 'b']
    >>> samples_of({"text": ["a", "b"], "output_tokens": [[1], [2]]})  # lighteval's
    ['a', 'b']
    """
    if isinstance(value, Mapping):
        body = value.get("body")
        if isinstance(body, Mapping):  # a line of OpenAI's batches
            return samples_of(body)
        for name in _SAMPLE_LISTS:
            if isinstance(value.get(name), list):
                return samples_of(value[name])
        texts = value.get("text")
        if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts):
            return list(texts)
        return [_one(value)]
    if isinstance(value, (list, tuple)) and not is_chat(value) and not is_parts(value):
        if value and all(isinstance(one, list) and one and all(isinstance(text, str) for text in one) for one in value):
            return [text for one in value for text in one]
        return [_one(item) for item in value]
    if isinstance(value, str) and value[:1] == "[":
        turns = chat_of(value)
        return [value if turns is None else turns]
    return [value]


def _one(value: Any) -> Any:
    """A server's output as the text or the message that it holds."""
    if isinstance(value, Mapping) and not is_turn(value):
        for name in ("message", "text", "content", "completion", "response", "output", "generated_text"):
            found = value.get(name)
            if found is not None:
                return _gemini(found)
    return value


def _gemini(found: Any) -> Any:
    """The text of Gemini's ``{"role": "model", "parts": [{"text": ...}]}`` without its thoughts; else as it is."""
    parts = found.get("parts") if isinstance(found, Mapping) else None
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        return found
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str) and not part.get("thought"))


def unzipped(
    rows: Iterable[dict[str, Any]], completion: str, prompts: Sequence[str], references: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Rows that hold a whole batch, every column a list, as one row a completion; other rows as they are.

    ms-swift's ``completions.jsonl`` is written so, and batches that are saved as a dict of lists. A batch whose
    prompts or references are more or fewer than its completions is a :class:`BrokenRow`: nobody knows which belong
    together.

    >>> list(unzipped([{"step": 3, "prompt": ["a", "b"], "completion": ["x", "y"]}], "completion", ["prompt"]))
    [{'step': 3, 'prompt': 'a', 'completion': 'x'}, {'step': 3, 'prompt': 'b', 'completion': 'y'}]
    """
    for row in rows:
        uneven = "" if isinstance(row, BrokenRow) else _uneven(row, completion, prompts, references)
        if uneven:
            yield BrokenRow(uneven)
            continue
        count = None if isinstance(row, BrokenRow) else batch_size_of(row, completion, prompts)
        if count is None:
            yield row
            continue
        for i in range(count):
            yield {name: value[i] if _is_column(value, count) else value for name, value in row.items()}


def batch_size_of(row: Mapping[str, Any], completion: str, prompts: Sequence[str]) -> int | None:
    """How many completions a row of columns holds; None for a row of one prompt.

    A row of columns has a list for each prompt-like column it has, as long as its list of completions; without any
    prompt, every other list must be as long.
    """
    value = row.get(completion)
    if not isinstance(value, list) or not value or is_chat(value) or is_parts(value):
        return None
    asking = [row[name] for name in prompts if name not in (completion, *_LISTS) and row.get(name) is not None]
    if asking:
        return len(value) if all(_is_column(one, len(value)) for one in asking) else None
    others = [one for name, one in row.items() if name != completion and isinstance(one, list)]
    whole = bool(others) and all(_is_column(one, len(value)) for one in others)
    return len(value) if whole and len(others) >= len(row) - 2 else None


def _is_column(value: Any, count: int) -> bool:
    return _is_list(value) and len(value) == count


def _uneven(row: Mapping[str, Any], completion: str, prompts: Sequence[str], references: Sequence[str]) -> str:
    """What is wrong with a batch whose columns have different lengths; empty for any other row."""
    value = row.get(completion)
    if not isinstance(value, list) or len(value) < 2 or is_chat(value) or is_parts(value):
        return ""
    asking = [name for name in prompts if name not in (completion, *_LISTS) and row.get(name) is not None]
    if not asking or not all(_is_list(row[name]) for name in asking):
        return ""
    columns = [*asking, *(name for name in references if name != completion and _is_list(row.get(name)))]
    told = [name for name in columns if len(row[name]) != len(value)]
    if not told or len(told) == len(columns):
        return ""
    return (
        f"columns of different lengths: {len(value)} in {completion!r}, {len(row[told[0]])} in {told[0]!r}; "
        "a batch has as many of each"
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and not is_chat(value) and not is_parts(value)
