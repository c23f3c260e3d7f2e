"""Answers in words: which of them say the same."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

TRUTH: Final = {
    "true": "true", "yes": "true", "correct": "true", "false": "false", "no": "false", "incorrect": "false",
    **dict.fromkeys(("正确", "对", "是", "√", "✓", "✔"), "true"),
    **dict.fromkeys(("错误", "不正确", "错", "不对", "不是", "否", "×", "✗", "✘"), "false"),
    "uncertain": "uncertain", "unknown": "uncertain", "undetermined": "uncertain", "maybe": "uncertain",
}  # fmt: skip
_ONE_NAME: Final = {"dne": "does not exist", "limit does not exist": "does not exist", "不存在": "does not exist"}
_BETWEEN_SIGNS = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_WEEK = re.compile(r"(?:星期|礼拜)(?=[一二三四五六日天])")
_ARTICLE = re.compile(r"\b(?:the|an|The|An|THE|AN)\b\s*|\ba\s+(?=\w\w)|(?<![\w])A\s+(?=[a-z]\w)")


def without_articles(text: str) -> str:
    """Without "the", "a" and "an"; a letter of its own is no article."""
    return _ARTICLE.sub("", text)


@lru_cache(maxsize=16_384)
def plain_words(text: str) -> str:
    """Words in one spelling: compatible characters, lower case, no articles, no punctuation.

    A letter of its own is no article: ``Vitamin A``, ``A, C``.

    >>> plain_words("The Beatles"), plain_words("Vitamin A"), plain_words("a red car"), plain_words("(C)")
    ('beatles', 'vitamin a', 'red car', 'c')
    """
    text = unicodedata.normalize("NFKC", text[:4_096])
    if not text.isascii():
        text = _WEEK.sub("周", _BETWEEN_SIGNS.sub("", text)).removesuffix("条件")
    shorter = without_articles(text)
    kept = shorter if re.search(r"\w", shorter) else text
    return " ".join(re.sub(r"[^\w+<>=/*^-]|(?<!\w)-|-(?!\w)|_", " ", kept.casefold()).split())


def same_words(gold: str, answer: str) -> bool:
    """Whether two texts say the same in words."""
    left, right = (_ONE_NAME.get(words, words) for words in (plain_words(gold), plain_words(answer)))
    if not left or not right:
        return False
    return left == right or TRUTH.get(left, 0) == TRUTH.get(right, 1)
