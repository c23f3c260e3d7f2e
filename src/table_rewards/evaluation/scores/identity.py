"""Which completions belong to one prompt.

A prompt is an explicit id, never an empty one; else a digest of what was asked, without the final assistant turn, of
its images and of the reference. Completions of one prompt at different training steps are different groups.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from table_rewards.datasets.files.shapes import asked, chat_of, is_chat, role_of, words_of

ID_COLUMNS: Final = ("uid", "prompt_id", "group_id", "group_index", "id", "question_id", "index")
"""Explicit ids of a prompt, the first that is not empty."""

WEAK_ID_COLUMNS: Final = ("problem_id", "task_id", "example_id", "doc_id", "query_id", "qid", "instance_id")
"""Ids of a prompt where a file has no prompt: they stand beside the reference, since data sets count alike."""

ROW_ID_COLUMNS: Final = ("id", "index")
"""Of these, names that number rows as often as prompts: they are none of a prompt where every row has its own."""

PROMPT_COLUMNS: Final = (
    *("prompt", "prompts", "messages", "conversations", "conversation", "input", "inputs", "instruction", "question"),
    *("query", "problem", "system", "table", "context", "raw_prompt", "doc", "arguments"),
)
SHOWN_COLUMNS: Final = (
    *("tables", "document", "passage", "article", "paragraph", "source_text", "src_text", "schema", "options"),
)
"""What is asked about: part of a prompt beside the columns that ask, and none without them."""

OTHER_PROMPT_COLUMNS: Final = (
    *("input_prompt", "user_prompt", "origin_prompt", "original_prompt", "full_prompt", "formatted_prompt"),
    *("prompt_text", "prompt_str", "text_prompt", "prompt_messages", "user_input", "input_text"),
    *("question_text", "raw_question", "prompt_token_ids", "prompt_ids"),
)
"""Where a prompt stands when none of these is there: SkyRL's dumps, OpenCompass's predictions, lighteval's details."""

IMAGE_COLUMNS: Final = (
    *("images", "image", "image_path", "image_paths", "videos", "video", "audios", "audio", "multi_modal_data"),
)
REFERENCE_COLUMNS: Final = (
    *("ground_truth", "reward_model", "gts", "solution", "answer", "answers", "label", "labels", "reference"),
    *("references", "target", "gold", "gold_answer", "qa_pairs", "gold_area", "tests", "test_cases"),
)
_TELLING: Final = 16
"""Characters of a completion that do not stand in a prompt by chance."""

_EMPTY: Final = frozenset({"", "none", "null", "nan", "<na>", "n/a"})


@dataclass(frozen=True)
class Identity:
    """Where the rows of one file say which prompt they belong to.

    Attributes:
        ids: paths of explicit ids, tried in order.
        weak: paths of ids that count beside the reference, tried in order where nothing else is known.
        asked: the columns that make up the prompt.
        images: the columns of its images.
        references: the columns of its reference.
        given: the ids are a column that the user named, of ids or of prompts.
        numbering: the column that looks like the id of a prompt and numbers rows; empty where there is none.
    """

    ids: tuple[tuple[str, ...], ...] = ()
    weak: tuple[tuple[str, ...], ...] = ()
    asked: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    given: bool = False
    numbering: str = ""

    def of(self, row: Mapping[str, Any]) -> str | None:
        """A short text, equal for the completions of one prompt; None where the row does not say."""
        for path in self.ids:
            value = at(row, path)
            if not is_empty(value):
                named = _named(value)
                return f"{row['data_source']}/{named}" if path[-1] == "index" and _text(row, "data_source") else named
        found = self.digest(row)
        if found is None:
            weak = next((_named(value) for path in self.weak if not is_empty(value := at(row, path))), None)
            found = None if weak is None else f"{weak}/{_digest(self._gold(row))[:8]}"
        return found

    def digest(self, row: Mapping[str, Any]) -> str | None:
        """A digest of the prompt, its images and its reference; None where there is neither prompt nor image."""
        told = [_asked(row.get(name)) for name in self.asked]
        seen = [_plain(row.get(name)) for name in self.images]
        if all(one is None for one in told) and all(one is None for one in seen):
            return None
        return _digest([told, seen, self._gold(row)])

    def content(self, row: Mapping[str, Any]) -> str:
        """Two short digests, of what was asked with its images and of the reference; empty where there is none.

        With them a file can tell whether equal ids mean equal prompts, as a comparison of two files can. Where the user
        named what a prompt is, what was asked tells nothing more.
        """
        told = [_asked(row.get(name)) for name in self.asked] + [_plain(row.get(name)) for name in self.images]
        halves = ([] if self.given else told, self._gold(row))
        return "-".join(_digest(one)[:8] if any(part is not None for part in one) else "" for one in halves)

    def contents(self) -> Callable[[Mapping[str, Any]], str]:
        """:meth:`content`, which remembers the row before: most rows ask what that one asked."""
        names = (*self.asked, *self.images, *self.references)
        before: list[Any] = []
        said = ""

        def content(row: Mapping[str, Any]) -> str:
            nonlocal before, said
            now = [row.get(name) for name in names]
            if now != before or not said:
                before, said = now, self.content(row)
            return said

        return content

    def row(self, row: Mapping[str, Any], number: int) -> str:
        """What stands for the prompt of a row that says nothing of it: its place and its reference."""
        return _digest([number, self._gold(row)])

    def _gold(self, row: Mapping[str, Any]) -> list[Any]:
        return [_as_text(_plain(row.get(name))) for name in self.references]


def prompt_columns(columns: Sequence[str]) -> list[str]:
    """The columns that make up the prompt; where no usual name is there, one in other letters or a rarer name.

    >>> prompt_columns(["table", "question", "input_prompt"]), prompt_columns(["Question", "Answer"])
    (['question', 'table'], ['Question'])
    """
    usual = [name for name in PROMPT_COLUMNS if name in columns]
    if usual:
        return usual + [name for name in SHOWN_COLUMNS if name in columns]
    rarer = {name.lower(): name for name in columns}
    return [rarer[name] for name in (*PROMPT_COLUMNS, *OTHER_PROMPT_COLUMNS) if name in rarer]


def identity(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    completion: str | None,
    located: Mapping[str, tuple[str, ...]],
    given: tuple[str, ...] | None = None,
    reference: str | None = None,
) -> Identity:
    """Decide by the first rows where a file says which prompt a row belongs to.

    An id that stands for different prompts in these rows is none of a prompt, such as the number of a sample.

    Args:
        rows: the first rows.
        columns: the columns that the file has.
        completion: the column of completions.
        located: name -> path of the ids that these rows hold.
        given: the path that the user named.
        reference: the column of references that the user named.
    """
    there = set(columns)
    prompts = tuple(
        name
        for name in prompt_columns(columns)
        if (name != completion or _chats(rows, name)) and not _hold(rows, name, completion)
    )
    if not prompts and completion is not None and _asking(rows, completion):
        prompts = (completion,)
    images = tuple(name for name in IMAGE_COLUMNS if name in there)
    references = tuple(name for name in ((reference,) if reference else REFERENCE_COLUMNS) if name in there)
    if given is not None:
        return Identity((given,), (), prompts, images, references, given=True)
    plain = Identity((), (), prompts, images, references)
    found = {name: path for name in ID_COLUMNS if (path := located.get(name)) and _names_prompts(rows, path, plain)}
    numbering = [name for name in ROW_ID_COLUMNS if name in found and _numbers_rows(rows, (found[name],), plain)]
    ids = tuple(path for name, path in found.items() if name not in numbering)
    weak = tuple(path for name in WEAK_ID_COLUMNS if (path := located.get(name)) is not None)
    return Identity(ids, weak, prompts, images, references, numbering=numbering[0] if numbering else "")


def rows_have_own_ids(rows: Sequence[Mapping[str, Any]], who: Identity) -> bool:
    """Whether every row has an id of its own though prompts repeat: then the id may be the row's, not the prompt's."""
    return bool(who.ids) and not who.given and _numbers_rows(rows, who.ids, who)


def _numbers_rows(rows: Sequence[Mapping[str, Any]], paths: Sequence[tuple[str, ...]], who: Identity) -> bool:
    """Whether every row has a value of its own at the first of the paths, though most prompts repeat."""
    named = [str(next((value for path in paths if not is_empty(value := at(row, path))), "")) for row in rows]
    told = [(who.digest(row), str(row.get("step"))) for row in rows]
    if "" in named or any(digest is None for digest, _ in told):
        return False
    return len(set(named)) == len(rows) > len(set(told)) and 2 * len(set(told)) <= len(rows) + 1


def at(row: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path of keys; JSON text on the way is read."""
    if len(path) == 1:
        return row.get(path[0])
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


def is_empty(value: Any) -> bool:
    """Whether a value names nothing: null, NaN, blank text, an empty list.

    >>> [is_empty(value) for value in (None, "", " ", float("nan"), "nan", [], 0, "0")]
    [True, True, True, True, True, True, False, False]
    """
    if value is None or value != value:
        return True
    if isinstance(value, str):
        return value.strip().lower() in _EMPTY
    return isinstance(value, (list, dict)) and not value


def _names_prompts(rows: Sequence[Mapping[str, Any]], path: tuple[str, ...], plain: Identity) -> bool:
    seen: dict[tuple[Any, ...], str] = {}
    for row in rows:
        value = at(row, path)
        told = plain.digest(row)
        if is_empty(value) or told is None:
            continue
        if seen.setdefault((str(value), str(row.get("step")), str(row.get("data_source"))), told) != told:
            return False
    return True


def _chats(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(chat_of(row.get(name)) for row in rows[:8])


def _asking(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a column holds chats that begin with what was asked, so that prompt and completion stand together."""
    chats = [turns for row in rows[:8] if (turns := chat_of(row.get(name)))]
    return bool(chats) and all(asked(turns) for turns in chats)


def _hold(rows: Sequence[Mapping[str, Any]], name: str, completion: str | None) -> bool:
    """Whether the texts of a column hold the completions of their rows, as the text of a whole conversation does."""
    told = [] if completion in (name, None) else [(row.get(name), row.get(str(completion))) for row in rows]
    pairs = [(text, said) for text, said in told if text is not None or said is not None]
    return len(pairs) > 1 and all(
        isinstance(text, str) and isinstance(said, str) and len(said) >= _TELLING and said in text
        for text, said in pairs
    )


def _asked(value: Any) -> Any:
    if isinstance(value, str) and value[:1] != "[":
        return value or None
    turns = chat_of(value)
    if turns is None:
        return _plain(value)
    return [[role_of(turn), _plain(words_of(turn))] for turn in asked(turns)]


def _plain(value: Any) -> Any:
    """The value without what parquet pads structs with."""
    if type(value) is str:
        return value or None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value] or None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return blake2b(bytes(value), digest_size=16).hexdigest()
    return None if isinstance(value, str) and not value else value


def _as_text(value: Any) -> Any:
    """A number as csv files have it, so that 12 and "12" are one gold answer."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _named(value: Any) -> str:
    if is_chat(value):
        return _digest(_asked(value))
    if isinstance(value, str):
        return value if len(value) <= 64 and not re.search(r"\s", value) else _digest(value)
    return str(value) if isinstance(value, (bool, int)) else _digest(_plain(value))


def _text(row: Mapping[str, Any], name: str) -> bool:
    return isinstance(row.get(name), str) and bool(row[name])


def _digest(value: Any) -> str:
    told = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return blake2b(told.encode("utf-8", errors="replace"), digest_size=8).hexdigest()
