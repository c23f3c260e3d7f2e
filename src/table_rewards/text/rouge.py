"""ROUGE-L: F1 of the longest common subsequence of tokens (Lin 2004), as the rouge-score package computes it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from rapidfuzz.distance import LCSseq

from table_rewards.text.caching import cache_short

MAX_TOKENS: Final = 4_096

_ASCII: Final = re.compile(r"[a-z0-9]+")
_ANY: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af]|[^\W_]+", re.UNICODE)


@cache_short(4096)
def ascii_tokens(text: str) -> tuple[str, ...]:
    """rouge-score's tokens: lower-cased runs of a-z and 0-9; everything else is a gap.

    >>> ascii_tokens("Well-known: 3.5%")
    ('well', 'known', '3', '5')
    """
    return tuple(_ASCII.findall(text.lower())[:MAX_TOKENS])


@cache_short(4096)
def script_tokens(text: str) -> tuple[str, ...]:
    """Tokens in any script: words, and one token for each Chinese, Japanese or Korean character.

    >>> script_tokens("Größe 表格 3.5")
    ('grösse', '表', '格', '3', '5')
    """
    return tuple(_ANY.findall(unicodedata.normalize("NFKC", text).casefold())[:MAX_TOKENS])


def rouge_l(reference: tuple[str, ...], prediction: tuple[str, ...]) -> float:
    """``2PR / (P + R)`` with P = lcs / len(prediction), R = lcs / len(reference); 0 when either has no token.

    >>> round(rouge_l(("a", "b", "c", "d"), ("a", "c", "x")), 6)
    0.571429
    """
    if not reference or not prediction:
        return 0.0
    if reference == prediction:
        return 1.0
    common = LCSseq.similarity(reference, prediction)
    return 2.0 * common / (len(reference) + len(prediction))
