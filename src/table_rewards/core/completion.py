"""What a completion says: its text in any shape that trainers and servers pass, its thoughts, and its answer.

One policy for every reward:

* The text of a conversation is that of its *last assistant message*; what a user, a tool or the system wrote is not.
* What stands inside thoughts is never the answer. Thoughts that were never closed have no answer behind them; a closing
  mark without an opening one closes thoughts that the prompt opened. An empty thought changes nothing.
* Tokens that end a turn change nothing.

Rewards whose format gives ``<think>`` a meaning of its own (RL Tango's steps stand inside it) read their tags
themselves and use only :func:`completion_text`, :func:`without_end_tokens` and :func:`without_empty_thoughts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from table_rewards.core.errors import UnreadableCompletion

THOUGHT_TAGS: Final = (
    *("think", "thinking", "thought", "longcat_think", "seed:think", "mm:think", "think:opensource"),
)
"""The tags that open models write round their thoughts, in any case: ``<think> ... </think>``."""

REASONING_TAGS: Final = (*THOUGHT_TAGS, "reasoning")
"""The same for systems whose format puts the thoughts into ``<reasoning>`` (ExecVerify)."""

_MARKS: Final = (
    (r"\[THINK\]", r"\[/THINK\]"),  # Magistral
    (r"◁think▷", r"◁/think▷"),  # Kimi-VL
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Command A
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),  # Sky-T1, OpenThinker
    (r"<\|channel>thought\n?", r"<channel\|>"),  # Gemma 4
    (r"(?!)", r"\[BEGIN FINAL RESPONSE\]"),  # Apriel, whose prompt opens the thoughts
)
_BARE_STARTS: Final = frozenset("a \n\r\t")
_HINTS: Final = ("think", "THINK", "Think", "thought", "Thought", "THOUGHT")
_CHANNEL: Final = re.compile(r"<\|channel\|>\s{0,8}(\w{1,40})[^<]{0,200}<\|message\|>")  # gpt-oss
_CHANNEL_END: Final = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_BARE_CHANNEL: Final = re.compile(r"\s*analysis(?=[A-Z])")  # the same, decoded without its special tokens
_BARE_FINAL: Final = "assistantfinal"

_TOKEN: Final = (
    r"(?:<\|[^|<>\s]{1,40}\|>|<｜[^｜<>\s]{1,40}｜>|</?s>"
    r"|<(?:eos|bos|pad|EOT|EOD|turn\||\|?end_of_turn|start_of_turn)>|\[END FINAL RESPONSE\])"
)
_END_TOKEN: Final = re.compile(rf"\s*{_TOKEN}\s*\Z")
_LEADING_TOKENS: Final = re.compile(rf"(?:\s*{_TOKEN}(?:assistant\b|model\b)?)+\s*")
_BLANK_LINES: Final = re.compile(r"(?:[ \t\r]*\n)+")
_BEFORE_MARK: Final = r"""(?=[<\[◁])(?:(?<![`'"])|(?<=```)|(?<=(?P<quote>[`'"])))"""
_BEHIND_MARK: Final = r"(?(quote)(?!(?P=quote)))"
"""A mark with the same quotation mark on both sides is spoken of, not used. One side alone belongs to the text beside
it: thoughts may end with a word in quotes, an answer may begin with one, and a code fence is no quotation."""


class Reading(NamedTuple):
    """A completion taken apart.

    Attributes:
        thoughts: what stands inside thoughts, one passage after the other; empty without thoughts.
        answer: what stands outside of them, without end-of-turn tokens; empty when thoughts were never closed.
        spans: where the answer stands in the text: (start, end) of each passage, in characters.
        closed: False when thoughts were opened and never closed.
    """

    thoughts: str
    answer: str
    spans: tuple[tuple[int, int], ...]
    closed: bool = True


def read_completion(text: str, tags: Sequence[str] = THOUGHT_TAGS) -> Reading:
    """Take a completion's text apart into thoughts and answer.

    Args:
        text: the text of the completion.
        tags: names of the tags that hold thoughts, without brackets. The marks that are no tags (``[THINK]``, the
            channels of gpt-oss and of Gemma 4, ...) are always read.

    >>> read_completion("<think>7 or 8?</think>\\n\\nFinal Answer: 8<|im_end|>")
    Reading(thoughts='7 or 8?', answer='Final Answer: 8', spans=((24, 39),), closed=True)
    >>> read_completion("7 or 8?</think>Final Answer: 8").answer  # the prompt opened the thoughts
    'Final Answer: 8'
    >>> read_completion("<think>Final Answer: 7, but wait")
    Reading(thoughts='Final Answer: 7, but wait', answer='', spans=(), closed=False)
    """
    end = _end(text)
    if not may_hold_thoughts(text, tags):
        return Reading("", text[:end], ((0, end),) if end else ())
    channels = _channels(text, end)
    if channels is not None:
        return channels
    hidden: list[tuple[int, int]] = []
    shown: list[tuple[int, int]] = []
    start, inside = 0, False
    for mark in _marks(tuple(tags)).finditer(text, 0, end):
        if mark["open"]:
            if not inside:
                shown.append((start, mark.start()))
                start, inside = mark.end(), True
            continue
        if not inside:  # the prompt, or an opening mark that the thoughts themselves closed, opened these thoughts
            start, hidden, shown = 0, [], []
        hidden.append((start, mark.start()))
        start, inside = mark.end(), False
    if inside:
        hidden.append((start, end))
        return Reading(_joined(text, hidden), "", (), closed=False)
    shown.append((start, end))
    spans = tuple(span for span in (_without_margin(text, *span) for span in shown) if span[0] < span[1])
    return Reading(_joined(text, hidden), _joined(text, spans), spans)


def answer_of(text: str, tags: Sequence[str] = THOUGHT_TAGS) -> str:
    """Return what a completion says outside of its thoughts, without end-of-turn tokens.

    >>> answer_of("<think>\\n\\n</think>\\n\\nA > B</s>"), answer_of("<think>A > B")
    ('A > B', '')
    """
    if not may_hold_thoughts(text, tags):
        return without_end_tokens(text)
    return read_completion(text, tags).answer


def without_end_tokens(text: str) -> str:
    """Take end-of-turn tokens off the end: trainers that decode with special tokens leave them there.

    >>> without_end_tokens("22.33<|im_end|><|endoftext|>"), without_end_tokens("7<｜end▁of▁sentence｜>")
    ('22.33', '7')
    """
    end = _end(text)
    return text if end == len(text) else text[:end]


def without_empty_thoughts(text: str, tags: Sequence[str] = THOUGHT_TAGS) -> str:
    """Take an empty thought off the beginning, which some chat templates write before every completion.

    >>> without_empty_thoughts("<think>\\n\\n</think>\\n\\n<think><step>1+1=2</step></think>")
    '<think><step>1+1=2</step></think>'
    """
    while True:
        found = _empty(tuple(tags)).match(text)
        if found is None:
            return text
        text = text[found.end() :]


def completion_text(completion: Any) -> str:
    """Return the text of a completion in any shape that trainers and servers pass.

    Texts and bytes; chat messages, alone or as a conversation (the last assistant message counts); content parts, which
    are joined; ShareGPT turns (``from``/``value``); outputs of vLLM and of OpenAI-compatible servers, as mappings or as
    objects (``text``, ``message``, one of ``choices`` or ``outputs``). None is an empty text.

    Raises:
        UnreadableCompletion: the shape is none of these, or holds several samples; the message names it.

    >>> completion_text([{"role": "user", "content": "?"}, {"role": "assistant", "content": "Final Answer: 7"}])
    'Final Answer: 7'
    >>> completion_text([{"from": "human", "value": "?"}, {"from": "gpt", "value": "7"}]), completion_text(None)
    ('7', '')
    >>> completion_text(["7", "8"])
    Traceback (most recent call last):
    table_rewards.core.errors.UnreadableCompletion: a completion is a list of 2 texts: several samples? score each ...
    """
    if isinstance(completion, str):
        return str(completion)
    if completion is None:
        return ""
    if isinstance(completion, (bytes, bytearray)):
        return bytes(completion).decode("utf-8", errors="replace")
    if isinstance(completion, Mapping):
        return _of_mapping(completion)
    if hasattr(completion, "tolist") and hasattr(completion, "shape"):  # a numpy array, as parquet readers give
        completion = completion.tolist()
        return completion_text(completion)
    if isinstance(completion, (list, tuple)):
        return _of_list(completion)
    for name in ("text", "outputs", "choices", "message", "content"):
        if hasattr(completion, name):
            return _of_mapping({name: getattr(completion, name)})
    raise UnreadableCompletion(f"a completion of type {type(completion).__name__} has no text")


# -- thoughts ---------------------------------------------------------------------------------------------------------


def may_hold_thoughts(text: str, tags: Sequence[str] = THOUGHT_TAGS) -> bool:
    """False when a text surely holds no mark of thoughts; made to say so at once, which is nearly always the answer."""
    at = text.find("<")
    return (at >= 0 and _mark_may_begin(text, at, tags)) or may_hold_untagged_thoughts(text)


def may_hold_untagged_thoughts(text: str) -> bool:
    """The same for the marks that are not written with a ``<``."""
    if "K" in text and "[" in text and "THINK]" in text:  # one letter is found much sooner than a word
        return True
    if "FINAL RESPONSE]" in text or (not text.isascii() and "◁" in text):
        return True
    return text[:1] in _BARE_STARTS and _BARE_CHANNEL.match(text) is not None


def _mark_may_begin(text: str, at: int, tags: Sequence[str]) -> bool:
    """Whether a ``<``, the first of which stands at ``at``, comes before a letter with which a mark begins."""
    begins = _BEGINNING if tags is THOUGHT_TAGS else _beginning(tuple(tags))
    if begins.search(text, at) is None:
        return False
    return any(hint in text for hint in _HINTS) or "channel" in text or any(tag in text for tag in tags)


@lru_cache(maxsize=16)
def _beginning(tags: tuple[str, ...]) -> re.Pattern[str]:
    letters = "".join({tag[:1] for tag in tags})
    return re.compile(rf"</?[{re.escape(letters.lower() + letters.upper())}|c]")


_BEGINNING: Final = _beginning(THOUGHT_TAGS)


@lru_cache(maxsize=16)
def _marks(tags: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, tags))
    opening = "|".join([rf"<(?:{names})>", *(mark for mark, _ in _MARKS)])
    closing = "|".join([rf"</(?:{names})>", *(mark for _, mark in _MARKS)])
    return re.compile(rf"{_BEFORE_MARK}(?:(?P<open>{opening})|(?P<close>{closing})){_BEHIND_MARK}", re.IGNORECASE)


@lru_cache(maxsize=16)
def _empty(tags: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, tags))
    return re.compile(rf"\s*<(?:{names})>\s*</(?:{names})>\s*", re.IGNORECASE)


def _channels(text: str, end: int) -> Reading | None:
    """gpt-oss: messages in channels, of which only ``final`` is the answer."""
    if "<|channel|>" in text:
        hidden: list[tuple[int, int]] = []
        shown: list[tuple[int, int]] = []
        for mark in _CHANNEL.finditer(text):
            stop = _CHANNEL_END.search(text, mark.end())
            span = (mark.end(), min(stop.start() if stop else end, end))
            (shown if mark[1] == "final" else hidden).append(span)
        if not hidden and not shown:
            return None
        spans = tuple(_without_margin(text, *span) for span in shown[-1:])
        return Reading(_joined(text, hidden), _joined(text, spans), spans, closed=bool(shown))
    begun = _BARE_CHANNEL.match(text)
    if begun is None:
        return None
    final = text.rfind(_BARE_FINAL)
    if final < 0:
        return Reading(text[begun.end() : end], "", (), closed=False)
    spans = (_without_margin(text, final + len(_BARE_FINAL), end),)
    return Reading(text[begun.end() : final], _joined(text, spans), spans)


def _without_margin(text: str, start: int, end: int) -> tuple[int, int]:
    """A passage without the blank lines and control tokens before it; the indentation of its first line stays."""
    for margin in (_LEADING_TOKENS, _BLANK_LINES):
        found = margin.match(text, start, end)
        if found is not None:
            start = found.end()
    if not text[start:end].strip():
        return end, end
    return start, end


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> str:
    return "".join(text[start:end] for start, end in spans)


def _end(text: str) -> int:
    """Where the text ends, without end-of-turn tokens."""
    end = len(text)
    while True:
        tail = text[max(0, end - 64) : end].rstrip()
        if not tail.endswith((">", "RESPONSE]")):
            return end
        match = _END_TOKEN.search(tail)
        if match is None:
            return end
        end = max(0, end - 64) + match.start()


# -- shapes -----------------------------------------------------------------------------------------------------------

_ASSISTANT: Final = frozenset({"assistant", "model", "gpt", "chatgpt", "bot", "ai"})
_OTHERS: Final = frozenset({"user", "human", "system", "developer", "tool", "function", "observation", "ipython"})
_HOLDERS: Final = ("text", "message", "choices", "outputs", "generated_text", "messages", "conversations")


def _of_mapping(value: Mapping[Any, Any]) -> str:
    role = value.get("role", value.get("from"))
    if isinstance(role, str) and role.lower() in _OTHERS:
        raise UnreadableCompletion(f"a completion is a message of the role {role!r}, not of the assistant")
    if "content" in value:
        return _content(value["content"])
    if "from" in value and "value" in value:
        return _content(value["value"])
    for name in _HOLDERS:
        if name in value:
            held = value[name]
            if isinstance(held, (list, tuple)) and name in ("choices", "outputs"):
                if len(held) != 1:
                    raise UnreadableCompletion(f"a completion holds {len(held)} {name}; score each as a completion")
                held = held[0]
            return completion_text(held)
    raise UnreadableCompletion(
        f"a completion is a mapping with {', '.join(map(str, list(value)[:8])) or 'nothing in it'}; known are messages "
        "(role and content), ShareGPT turns (from and value) and outputs (text)"
    )


def _content(content: Any) -> str:
    if isinstance(content, Sequence) and not isinstance(content, (str, bytes)):
        return "".join(map(_part, content))
    if content is None or isinstance(content, (str, bytes)):
        return completion_text(content)
    if isinstance(content, Mapping):
        return _part(content)
    raise UnreadableCompletion(f"a message's content is of type {type(content).__name__}; known are texts and parts")


def _part(part: Any) -> str:
    """The text of one content part; thoughts, images and other parts have none."""
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping) and part.get("type", "text") in ("text", "output_text"):
        text = part.get("text", "")
        return text if isinstance(text, str) else ""
    return ""


def _of_list(values: Sequence[Any]) -> str:
    if not values:
        return ""
    if all(isinstance(value, (str, bytes)) for value in values):
        raise UnreadableCompletion(
            f"a completion is a list of {len(values)} texts: several samples? score each as a completion of its own"
        )
    if not all(isinstance(value, Mapping) for value in values):
        kinds = sorted({type(value).__name__ for value in values})
        raise UnreadableCompletion(f"a completion is a list of {', '.join(kinds)}; known are lists of messages")
    if all("type" in value and "role" not in value for value in values):
        return _content(values)
    turns = [turn for turn in values if _wrote(turn) in _ASSISTANT]
    if turns:
        return _of_mapping(turns[-1])
    if len(values) == 1 and not _wrote(values[0]):
        return _of_mapping(values[0])
    roles = sorted({_wrote(turn) or "none" for turn in values})
    raise UnreadableCompletion(f"a conversation without a message of the assistant; its roles: {', '.join(roles)}")


def _wrote(turn: Mapping[Any, Any]) -> str:
    role = turn.get("role", turn.get("from"))
    return role.lower() if isinstance(role, str) else ""
