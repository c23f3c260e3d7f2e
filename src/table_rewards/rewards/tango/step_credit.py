"""How the verdicts on steps add up, so that padding does not pay.

The published rule counts steps: three wrong ones and sixty times ``1*1=1`` are 95 % right. The other rules are options.

===============  ====================================================================================================
``share``        published: every step weighs the same
``text``         a step weighs what it adds to the text; one that repeats an earlier step weighs nothing
``first_wrong``  the same weights, and what follows the first wrong step counts nothing
``weakest``      the whole is as good as its worst step: no padding pays, before or behind
===============  ====================================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

StepCredit = Literal["share", "text", "first_wrong", "weakest"]
STEP_CREDITS: Final = ("share", "text", "first_wrong", "weakest")


def step_weights(texts: Sequence[str], rule: str) -> list[float]:
    """What each step weighs, together 1.

    >>> step_weights(["1*1=1", "1*1 = 1", "so x = 45"], "text")
    [0.45454545454545453, 0.0, 0.5454545454545454]
    >>> step_weights(["1*1=1", "1*1 = 1"], "share")
    [0.5, 0.5]
    """
    if rule == "share" or not texts:
        return [1.0 / len(texts)] * len(texts) if texts else []
    seen: set[str] = set()
    lengths = []
    for text in texts:
        bare = "".join(text.split()).casefold()
        lengths.append(0 if bare in seen else max(1, len(bare)))
        seen.add(bare)
    total = sum(lengths)
    return [length / total for length in lengths]


def share_right(sure: Sequence[float], texts: Sequence[str], rule: str) -> float:
    """The share of a solution that is right, from how sure it is of each step that it is right (1 and 0 in words).

    A step is wrong where that is below 1/2.

    >>> padded = ["x = 7"] + [f"{n}*1={n}" for n in range(9)]
    >>> sure = [0.0] + [1.0] * 9
    >>> [round(share_right(sure, padded, rule), 2) for rule in STEP_CREDITS]
    [0.9, 0.94, 0.0, 0.0]
    """
    if not sure:
        return 0.0
    if rule == "share":
        return sum(sure) / len(sure)
    if rule == "weakest":
        return min(sure)
    return sum(weight * one for weight, one in zip(counted_weights(sure, texts, rule), sure, strict=True))


def counted_weights(sure: Sequence[float | None], texts: Sequence[str], rule: str) -> list[float]:
    """What each step's own reward weighs: behind the first wrong step nothing, under ``first_wrong`` and ``weakest``;
    under ``weakest`` the first wrong step weighs all, so that neither steps in front of it nor long ones lighten it.
    None: a step without a verdict.

    >>> counted_weights([1.0, 0.0, 1.0], ["ab", "cd", "ef"], "share")
    [0.3333333333333333, 0.3333333333333333, 0.3333333333333333]
    >>> [round(one, 2) for one in counted_weights([1.0, 0.0, 1.0], ["ab", "cd", "ef"], "first_wrong")]
    [0.33, 0.33, 0.0]
    >>> [round(one, 2) for one in counted_weights([1.0, 0.0, 1.0], ["ab", "cd", "ef"], "weakest")]
    [0.0, 1.0, 0.0]
    """
    weights = step_weights(texts, rule)
    wrong = [one is not None and one < 0.5 for one in sure]
    if rule in ("share", "text") or not any(wrong):
        return weights
    first = wrong.index(True)
    if rule == "weakest":
        return [float(at == first) for at in range(len(weights))]
    return [weight if at <= first else 0.0 for at, weight in enumerate(weights)]
