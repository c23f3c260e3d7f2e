"""What a completion says: its text in any shape that trainers and servers pass, its thoughts, and its answer.

One policy for every reward:

* The text of a conversation is that of its *last assistant message*; what a user, a tool or the system wrote is not.
  A text that holds several turns, told apart by the marks of a chat template, is read alike.
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
    # Kimi K3
    (r"<\|open\|>think(?:ing)?<\|sep\|>", r"<\|close\|>think(?:ing)?<\|sep\|>(?:<\|open\|>response<\|sep\|>)?"),
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    (r"<\|plamo:begin_think:plamo\|>", r"<\|plamo:end_think:plamo\|>"),  # PLaMo 3
    (r"<\|content_thinking\|>", r"<\|end_message\|>\s*<\|message_model\|>\s*<\|content_text\|>"),  # Inkling
    (r"\[unused16\]", r"\[unused17\]"),  # Pangu
)
_BARE_STARTS: Final = frozenset("aH \n\r\t")
_HINTS: Final = ("think", "THINK", "Think", "thought", "Thought", "THOUGHT", "channel", "|inner_")
_CHANNEL: Final = re.compile(  # gpt-oss
    r"<\|channel\|>\s{0,8}(\w{1,40})[^<]{0,200}(?:<\|constrain\|>[^<]{0,80})?<\|message\|>"
)
_CHANNEL_END: Final = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_BARE_CHANNEL: Final = re.compile(r"\s*analysis(?=(?P<word>[^\W\d_])|\S)")  # decoded without its special tokens
_BARE_FINAL: Final = "assistantfinal"
_GRANITE: Final = re.compile(r"\s*Here(?: is|'s) my thought process:")
_GRANITE_END: Final = re.compile(r"^[ \t]*Here(?: is|'s) my response:", re.MULTILINE)

_TOKEN: Final = (
    r"(?:<\|close\|>(?:response|message)<\|sep\|>|<\|[^|<>\s]{1,40}\|>|<｜[^｜<>\s]{1,40}｜>|</?s>"
    r"|<(?:eo[sapd]|bos|pad|EOT|EOD|turn\||\|?end_of_turn|start_of_turn|end_of_(?:sentence|utterance)|seed:eos"
    r"|SPECIAL_\d{1,3}|/longcat_s)>"
    r"|\[\|(?:endofturn|assistant|user|system|tool)\|\]|\[END FINAL RESPONSE\]"  # EXAONE, Apriel
    r"|\[(?:EOS|EOT|unused10|e~)[\]\[])"  # Kimi, Pangu, MiniMax
)
_TOKEN_ENDS: Final = frozenset(">][")
_END_TOKEN: Final = re.compile(rf"\s*{_TOKEN}\s*\Z")
_LEADING_TOKENS: Final = re.compile(rf"(?:\s*{_TOKEN}(?:assistant\b|model\b)?)+\s*")
_BLANK_LINES: Final = re.compile(r"(?:[ \t\r]*\n)+")
_BEFORE_MARK: Final = r"""(?=[<\[◁])(?:(?<![`'"])|(?<=```)|(?<=(?P<quote>[`'"])))"""
_BEHIND_MARK: Final = r"(?(quote)(?!(?P=quote)))"
"""A mark with the same quotation mark on both sides is spoken of, not used. One side alone belongs to the text beside
it: thoughts may end with a word in quotes, an answer may begin with one, and a code fence is no quotation."""
_TURN: Final = re.compile(  # who speaks from here on
    rf"{_BEFORE_MARK}(?:(?<![^\n>])(?:<\|(?:im_start|im_user|im_assistant|im_system|start_header_id|header_start|start_of_role)\|>"
    r"|<start_of_turn>|<\|turn>)\s?(?P<named>\w{2,20})\b"
    r"(?:[^\n<>|]{0,60}<\|(?:end_header_id|header_end|end_of_role|im_middle)\|>)?"
    rf"|<\|(?P<bare>assistant|user|observation|tool)\|>){_BEHIND_MARK}"
)
_TOOL_TEXT: Final = re.compile(rf"{_BEFORE_MARK}<tool_response>{_BEHIND_MARK}.*?(?:</tool_response>|\Z)", re.DOTALL)


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
    begin, end = _last_turn(text, end)
    hidden: list[tuple[int, int]] = []
    shown: list[tuple[int, int]] = []
    start, inside = begin, False
    for mark in _marks(tuple(tags)).finditer(text, begin, end):
        if mark["open"]:
            if not inside:
                shown.append((start, mark.start()))
                start, inside = mark.end(), True
            continue
        if not inside:  # the prompt, or an opening mark that the thoughts themselves closed, opened these thoughts
            start, hidden, shown = begin, [], []
        hidden.append((start, mark.start()))
        start, inside = mark.end(), False
    if inside:
        hidden.append((start, end))
        return Reading(_joined(text, hidden), "", (), closed=False)
    shown.append((start, end))
    if "<tool_response>" in text:
        shown = _without_tools(text, shown)
    spans = tuple(span for span in (_without_margin(text, *span) for span in shown) if span[0] < span[1])
    if spans and text.startswith("<response>", spans[-1][0]):  # Granite 3.3 and ERNIE answer so behind their thoughts
        start, end = spans[-1]
        stop = text.find("</response>", start, end)
        inner = _without_margin(text, start + len("<response>"), stop if stop >= 0 else end)
        spans = (*spans[:-1], inner) if inner[0] < inner[1] else spans[:-1]
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
    are joined; ShareGPT turns (``from``/``value``); outputs of vLLM, SGLang, Ollama and OpenAI-compatible servers, as
    mappings or as objects (``text``, ``message``, ``response``, ``output``, one of ``choices`` or ``outputs``); the
    messages of Gemini (``parts``). A message in a channel of thoughts (harmony) has no answer. None is an empty text.

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
    for name in ("text", "output_text", "outputs", "choices", "message", "content", "output"):
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
    if "[" in text and ("THINK]" in text or "[unused1" in text or "FINAL RESPONSE]" in text):
        return True
    if not text.isascii() and "◁" in text:
        return True
    return text[:1] in _BARE_STARTS and (_BARE_CHANNEL.match(text) or _GRANITE.match(text)) is not None


def _mark_may_begin(text: str, at: int, tags: Sequence[str]) -> bool:
    """Whether a ``<``, the first of which stands at ``at``, comes before a letter with which a mark begins."""
    begins = _BEGINNING if tags is THOUGHT_TAGS else _beginning(tuple(tags))
    if begins.search(text, at) is None:
        return False
    if any(hint in text for hint in _HINTS) or any(tag in text for tag in tags):
        return True
    return _may_hold_turns(text)


def _may_hold_turns(text: str) -> bool:
    """Whether a control token stands in the text that does not end it, or a tool speaks."""
    at = text.find("|>")
    if at >= 0 and at + 2 < len(text) and not text[at + 2 :].isspace():
        return True
    return "<tool_response>" in text or "<start_of_turn>" in text or "<|turn>" in text


@lru_cache(maxsize=16)
def _beginning(tags: tuple[str, ...]) -> re.Pattern[str]:
    letters = "".join({tag[:1] for tag in tags})
    return re.compile(rf"</?[{re.escape(letters.lower() + letters.upper())}|cs]")


_BEGINNING: Final = _beginning(THOUGHT_TAGS)


@lru_cache(maxsize=16)
def _marks(tags: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, tags))
    # Hunyuan's tokens may bear a suffix, as in <think:opensource>.
    opening = "|".join([rf"<(?:{names})(?::\w{{1,40}})?>", *(mark for mark, _ in _MARKS)])
    closing = "|".join([rf"</(?:{names})(?::\w{{1,40}})?>", *(mark for _, mark in _MARKS)])
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
    final = text.rfind(_BARE_FINAL)
    if begun is None or (final < 0 and not begun["word"]):
        return _granite(text, end)
    if final < 0:
        return Reading(text[begun.end() : end], "", (), closed=False)
    spans = (_without_margin(text, final + len(_BARE_FINAL), end),)
    return Reading(text[begun.end() : final], _joined(text, spans), spans)


def _granite(text: str, end: int) -> Reading | None:
    """Granite 3.1 and 3.2 write sentences for marks; only both of them together are some."""
    begun = _GRANITE.match(text)
    close = _GRANITE_END.search(text, begun.end()) if begun is not None else None
    if begun is None or close is None:
        return None
    spans = (_without_margin(text, close.end(), end),)
    return Reading(text[begun.end() : close.start()], _joined(text, spans), spans)


def _last_turn(text: str, end: int) -> tuple[int, int]:
    """Where the last turn in which the assistant says something begins and ends; all of a text without turns."""
    begin, speaks = 0, True
    last = (0, end)
    several = False
    for mark in _TURN.finditer(text, 0, end) if _may_hold_turns(text) else ():
        if speaks:
            last = _spoken(text, begin, mark.start()) or last
        begin, speaks, several = mark.end(), (mark["named"] or mark["bare"]).lower() in _ASSISTANT, True
    if several and speaks:
        last = _spoken(text, begin, end) or last
    return last


def _spoken(text: str, begin: int, end: int) -> tuple[int, int] | None:
    end = max(begin, _end(text, end))
    return (begin, end) if text[begin:end].strip() else None


def _without_tools(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The passages without what a tool wrote into them."""
    left = []
    for start, end in spans:
        for tool in _TOOL_TEXT.finditer(text, start, end):
            left.append((start, tool.start()))
            start = tool.end()
        left.append((start, end))
    return left


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


def _end(text: str, end: int | None = None) -> int:
    """Where the text, or what stands before ``end``, ends without end-of-turn tokens."""
    end = len(text) if end is None else end
    while True:
        tail = text[max(0, end - 64) : end].rstrip()
        if tail[-1:] not in _TOKEN_ENDS:
            return end
        match = _END_TOKEN.search(tail)
        if match is None:
            return end
        end = max(0, end - 64) + match.start()


# -- shapes -----------------------------------------------------------------------------------------------------------

_ASSISTANT: Final = frozenset({"assistant", "model", "gpt", "chatgpt", "bot", "ai"})
_OTHERS: Final = frozenset({"user", "human", "system", "developer", "tool", "function", "observation", "ipython"})
_CALLS: Final = frozenset({"function_call", "tool_call"})  # turns of ShareGPT in which the assistant calls a tool
_HOLDERS: Final = (
    "text", "output_text", "message", "choices", "outputs", "generated_text", "messages", "conversations",
    "response", "output", "candidates",
)  # fmt: skip


def _of_mapping(value: Mapping[Any, Any]) -> str:
    role = value.get("role", value.get("from"))
    if isinstance(role, str) and role.lower() in _OTHERS:
        raise UnreadableCompletion(f"a completion is a message of the role {role!r}, not of the assistant")
    if value.get("channel", "final") not in ("final", None):  # harmony: thoughts, or words to a tool
        return ""
    if "content" in value:
        return _content(value["content"])
    if "from" in value and "value" in value:
        return _content(value["value"])
    if "parts" in value:
        return _content(value["parts"])
    for name in _HOLDERS:
        if name in value:
            held = value[name]
            if isinstance(held, (list, tuple)) and name in ("choices", "outputs", "candidates"):
                if len(held) != 1:
                    raise UnreadableCompletion(f"a completion holds {len(held)} {name}; score each as a completion")
                held = held[0]
            return completion_text(held)
    raise UnreadableCompletion(
        f"a completion is a mapping with {', '.join(map(str, list(value)[:8])) or 'nothing in it'}; known are messages "
        "(role and content), ShareGPT turns (from and value) and outputs (text)"
    )


def _content(content: Any) -> str:
    if hasattr(content, "tolist") and hasattr(content, "shape"):
        content = content.tolist()
    if isinstance(content, Sequence) and not isinstance(content, (str, bytes)):
        return "".join(map(_part, content))
    if content is None or isinstance(content, (str, bytes)):
        return completion_text(content)
    if isinstance(content, Mapping):
        return _part(content)
    raise UnreadableCompletion(f"a message's content is of type {type(content).__name__}; known are texts and parts")


def _part(part: Any) -> str:
    """The text of one content part; thoughts, calls, images and other parts have none."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        part = _as_mapping(part, _PART_FIELDS)
    kind = part.get("type")
    if kind == "message":  # an item of the Responses interface
        return _content(part.get("content"))
    if kind not in (None, "text", "output_text") or part.get("thought") is True:
        return ""
    for name in ("text", "content"):
        if name in part:
            text = part[name]
            if isinstance(text, Mapping):
                text = text.get("value")
            if text is None or isinstance(text, str):
                return text or ""
            raise UnreadableCompletion(f"the {name} of a content part is of type {type(text).__name__}")
    if "parts" in part:
        return _content(part["parts"])
    if kind is not None:
        raise UnreadableCompletion(f"a content part of the type {kind!r} holds {', '.join(map(str, part))} and no text")
    return ""


def _of_list(values: Sequence[Any]) -> str:
    if not values:
        return ""
    if all(isinstance(value, (str, bytes)) for value in values):
        raise UnreadableCompletion(
            f"a completion is a list of {len(values)} texts: several samples? score each as a completion of its own"
        )
    turns = [value if isinstance(value, Mapping) else _as_mapping(value, _TURN_FIELDS) for value in values]
    if not all(turns):
        kinds = sorted({type(value).__name__ for value in values})
        raise UnreadableCompletion(f"a completion is a list of {', '.join(kinds)}; known are lists of messages")
    if all("type" in turn and not _wrote(turn) for turn in turns):
        return _content(turns)
    said = [turn for turn in turns if _wrote(turn) in _ASSISTANT or turn.get("from") in _CALLS]
    if said:
        return "" if said[-1].get("from") in _CALLS else _of_mapping(said[-1])
    if len(turns) == 1 and not _wrote(turns[0]):
        return _of_mapping(turns[0])
    roles = sorted({_wrote(turn) or "none" for turn in turns})
    raise UnreadableCompletion(f"a conversation without a message of the assistant; its roles: {', '.join(roles)}")


_TURN_FIELDS: Final = ("role", "type", "content", "channel")
_PART_FIELDS: Final = ("type", "text", "content", "thought")
_LANG_CHAIN: Final = ("ai", "human", "system", "tool")


def _as_mapping(value: Any, names: Sequence[str]) -> dict[str, Any]:
    """What an object of a client library holds, as a mapping; empty when it holds none of it."""
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _wrote(turn: Mapping[Any, Any]) -> str:
    role = turn.get("role", turn.get("from"))
    if role is None and turn.get("type") in _LANG_CHAIN:
        role = turn["type"]
    return role.lower() if isinstance(role, str) else ""
