"""What comes around an answer: thoughts before it, end-of-sequence tokens after it."""

from __future__ import annotations

import re
from typing import Final

_CLOSE: Final = "</think>"
_OPEN: Final = "<think>"
_END_TOKEN: Final = re.compile(r"(?:<\|[^|<>\s]{1,32}\|>|</s>|<eos>|<end_of_turn>|<pad>)\s*\Z")


def after_thinking(text: str) -> str:
    """Return the text after the last ``</think>``; nothing when the thinking was never closed.

    Trainers put ``<think>\\n\\n</think>\\n\\n`` before every completion of some templates, and an answer that is only
    thought of is not given.

    >>> after_thinking("<think>Final Answer: 1</think>Final Answer: 2")
    'Final Answer: 2'
    >>> after_thinking("<think>Final Answer: 1")
    ''
    """
    closed = text.rfind(_CLOSE)
    if closed >= 0:
        return text[closed + len(_CLOSE) :]
    return "" if text.lstrip()[: len(_OPEN)] == _OPEN else text


def without_end_tokens(text: str) -> str:
    """Take end-of-sequence tokens off the end: trainers that decode with special tokens leave them there (T3).

    >>> without_end_tokens("22.33<|im_end|><|endoftext|>")
    '22.33'
    """
    end = len(text)
    while True:
        tail = text[max(0, end - 64) : end].rstrip()
        if not tail.endswith(">"):
            return text if end == len(text) else text[:end]
        match = _END_TOKEN.search(tail)
        if match is None:
            return text if end == len(text) else text[:end]
        end = max(0, end - 64) + match.start()
