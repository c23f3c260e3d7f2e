"""How sure a judge was: probabilities of what it wrote, from the log-probabilities that its server sends.

A verdict is a word and a score a number, but the model had a distribution over both. Reading it where the word or the
number begins makes a judge's reward finer than its words, without another request.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from table_rewards.core.completion import read_completion
from table_rewards.llm import TokenLogprob

ALTERNATIVES: Final = 20
"""How many alternatives a place are asked for; the OpenAI API allows no more."""

_WORD: Final = re.compile(
    r"\\box(?:ed)?\s*\{\s*(?:\\(?:text|textbf|mathrm|mathbf)\s*\{\s*)?((?:IN)?CORRECT)\s*\}", re.IGNORECASE
)
_RIGHT, _WRONG = "CORRECT", "INCORRECT"


class Tokens:
    """The tokens of a reply by the place in its text where they stand.

    >>> tokens = Tokens([TokenLogprob("A: ", -0.1), TokenLogprob("8", -0.2, (("8", -0.2), ("7", -1.8)))])
    >>> tokens.text, tokens.at(3)[1].token
    ('A: 8', '8')
    """

    def __init__(self, tokens: Sequence[TokenLogprob]) -> None:
        self._tokens = tokens
        self._starts = [0, *accumulate(len(token.token) for token in tokens)]
        self.text = "".join(token.token for token in tokens)

    def at(self, place: int) -> tuple[int, TokenLogprob]:
        """The start of the token that holds a place, and the token."""
        number = bisect_right(self._starts, place) - 1
        return self._starts[number], self._tokens[number]

    def said(self) -> int:
        """Where what stands outside of thoughts begins; the end of the text, when nothing does."""
        spans = read_completion(self.text).spans
        return spans[0][0] if spans else len(self.text)

    def alternatives(self, place: int) -> list[tuple[str, float]]:
        """What might have stood from a place on, as far as one token shows it, with the probabilities."""
        start, token = self.at(place)
        before = token.token[: place - start]
        top = dict(token.top)
        top.setdefault(token.token, token.logprob)
        return [(text[len(before) :], math.exp(p)) for text, p in top.items() if text.startswith(before)]


def verdict_probabilities(tokens: Sequence[TokenLogprob], count: int) -> list[float] | None:
    """The probability of CORRECT, against INCORRECT, for each of ``count`` verdicts of a reply.

    None when the log-probabilities do not show exactly so many verdicts outside of thoughts.

    >>> top = (("COR", -0.105), ("IN", -2.303))
    >>> said = [TokenLogprob("\\\\boxed{", 0.0), TokenLogprob("COR", -0.105, top), TokenLogprob("RECT}", 0.0)]
    >>> [round(p, 3) for p in verdict_probabilities(said, 1)], verdict_probabilities(said, 2)
    ([0.9], None)
    """
    placed = Tokens(tokens)
    places = [match.start(1) for match in _WORD.finditer(placed.text, placed.said())]
    if len(places) != count:
        return None
    found = []
    for place in places:
        right = wrong = 0.0
        for text, probability in placed.alternatives(place):
            word = text.upper().strip()
            if not word:
                continue
            if _RIGHT.startswith(word) or word.startswith(_RIGHT):
                right += probability
            elif _WRONG.startswith(word) or word.startswith(_WRONG):
                wrong += probability
        if not right + wrong:
            return None
        found.append(right / (right + wrong))
    return found


def expected_scores(
    tokens: Sequence[TokenLogprob], names: Sequence[str], low: int = 0, high: int = 10
) -> list[float] | None:
    """The mean score of each candidate over what might have stood in the place of its score.

    Whole scores alone are seen; a digit that may be the first of two (1 of 10) counts only where it was written. None
    when the log-probabilities do not show the scores.

    >>> said = [TokenLogprob("A > B\\nA: ", 0.0), TokenLogprob("8", -0.1, (("8", -0.105), ("6", -2.303)))]
    >>> expected_scores([*said, TokenLogprob(", B: ", 0.0), TokenLogprob("3", 0.0)], ["A", "B"])
    [7.8..., 3.0]
    """
    placed = Tokens(tokens)
    two_digits = {str(value)[0] for value in range(low, high + 1) if value > 9}
    found = []
    for name in names:
        pattern = re.compile(rf"(?<!\w){re.escape(name)}\W{{0,4}}[:：]\W{{0,4}}?(\d+)(?!\d|\.\d)")
        matches = list(pattern.finditer(placed.text, placed.said()))
        if not matches:
            return None
        place, end, written = matches[-1].start(1), matches[-1].end(1), matches[-1][1]
        start, token = placed.at(place)
        whole = start + len(token.token) >= end
        total = weight = 0.0
        for text, probability in placed.alternatives(place):
            digits = re.match(r"\d*", text)
            value = digits[0] if digits else ""
            if not value:
                continue
            if not whole and written.startswith(value):
                value = written  # the first of its digits: what stood behind it is known
            elif value in two_digits and value != written:
                continue
            if low <= int(value) <= high:
                total += probability * int(value)
                weight += probability
        if not weight:
            return None
        found.append(total / weight)
    return found
