"""What a group judge needs to know of a sample: which group it belongs to, and what its prompt asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.completion import answer_of
from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row, as_mapping, plain

SOURCES: Final = (
    "src_text",
    "source_text",
    "source",
    "question",
    "query",
    "problem",
    "prompt",
    "raw_prompt",
    "messages",
)
GROUPS: Final = ("uid", "prompt_id", "group_id")
CANDIDATES: Final = ("text", "code_block", "last_line")

_FENCE: Final = re.compile(r"^[ \t]{0,3}(`{3,})([^`\n]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GroupReference:
    """The prompt that the completions of a group answer, the group's name, and the languages of a translation."""

    prompt: str
    uid: str = ""
    source_language: str = ""
    target_language: str = ""


def reference_of_row(row: Mapping[str, Any]) -> GroupReference:
    """Read a row: the text to translate or the task, and ``uid``, ``src_lang`` and ``trg_lang`` where it has them.

    verl tells a reward no uid, but its data sets number their rows in ``extra_info.index``, which is the same for all
    rollouts of a prompt. A column ``index`` outside ``extra_info`` may number completions and is not read.

    >>> reference_of_row({"prompt": [{"role": "user", "content": "Name a prime."}], "uid": 7})
    GroupReference(prompt='Name a prime.', uid='7', source_language='', target_language='')
    >>> reference_of_row({"extra_info": {"index": 12, "question": "Name a prime."}}).uid
    '12'

    Raises:
        BadReference: there is no prompt in it.
    """
    wrapped = Row(row)
    prompt = prompt_text(wrapped.find(*SOURCES))
    if not prompt.strip():
        raise BadReference("the prompt is empty; a group is judged by how well it answers its prompt")
    number = (as_mapping(row.get("extra_info")) or {}).get("index")
    uid, source, target = (
        str(wrapped.find(*names, default=default))
        for names, default in (
            (GROUPS, "" if number is None else plain(number)),
            (("src_lang", "source_language"), ""),
            (("trg_lang", "target_language"), ""),
        )
    )
    return GroupReference(prompt, uid, source, target)


def reference_of_value(value: Any) -> GroupReference:
    """Read a bare value: the prompt as text.

    >>> reference_of_value("Name a prime.").prompt
    'Name a prime.'

    Raises:
        BadReference: the value is no text, or an empty one.
    """
    if not isinstance(value, str) or not value.strip():
        raise BadReference("a judge's reference is the prompt, as text, or a row with one")
    return GroupReference(value)


def prompt_text(value: Any) -> str:
    """The text of a prompt: itself, or the last user message of a chat.

    Raises:
        BadReference: the prompt is neither text nor messages with a user's turn.
    """
    value = plain(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        for message in reversed(value):
            if isinstance(message, dict) and message.get("role") == "user":
                content = message.get("content")
                if isinstance(content, list):
                    content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
                return str(content or "")
    raise BadReference(f"the prompt must be text or chat messages with a user's turn, not {type(value).__name__}")


def candidate_of(completion: str, kind: str) -> tuple[str, str]:
    """The candidate in a completion, and why there is none.

    >>> candidate_of("The idiom means hoarse.\\n```text\\n我嗓子有点哑。\\n```", "code_block")
    ('我嗓子有点哑。', '')
    >>> candidate_of("...", "text")
    ('', 'no letter and no digit in the candidate')
    """
    text = answer_of(completion)
    if kind == "code_block":
        text, problem = _only_block(text.rstrip())
        if problem:
            return "", problem
    elif kind == "last_line":
        text = text.rstrip().rpartition("\n")[2]
    text = text.strip()
    if not any(c.isalnum() for c in text):
        return "", "no letter and no digit in the candidate"
    return text, ""


def _only_block(text: str) -> tuple[str, str]:
    """The text of the one code block, which must end the completion."""
    fences = list(_FENCE.finditer(text))
    if len(fences) != 2:
        return "", f"{len(fences)} code fences, not the 2 of one block"
    opening, closing = fences
    if closing.end() != len(text) or closing.group(2).strip():
        return "", "the code block does not end the completion"
    return text[opening.end() + 1 : closing.start()], ""
