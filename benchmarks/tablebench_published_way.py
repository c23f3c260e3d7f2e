"""The published per-sample scoring of TableBench and table regions, written plainly: the reference for speed.

One sample at a time: the first answer line by a regular expression, both texts normalised character by character, exact
match and three tolerances in Decimal, ROUGE-L by the rouge-score package; regions by two regular expressions, JSON and
sets, and a loop over all lengths for the repetition guard.
"""

from __future__ import annotations

import json
import re
import string
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from rouge_score import rouge_scorer

ROUGE = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])  # what evaluate's rouge computes


def normalised(text: str) -> str:
    excluded = set(string.punctuation)
    kept = "".join(character for character in text.lower() if character not in excluded)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def matched(gold: str, given: str, tolerance: float | None) -> float:
    if not re.match(r"^-?\d+(\.\d+)?%?$", gold):
        return float(gold == given)
    reference, prediction = decimal(gold), decimal(given)
    if reference is None or prediction is None:
        return 0.0
    if tolerance is None:
        unit = Decimal("1.")
        return float(reference.quantize(unit, ROUND_HALF_UP) == prediction.quantize(unit, ROUND_HALF_UP))
    if reference == 0:
        return float(prediction == 0)
    return float(abs(reference - prediction) / abs(reference) <= tolerance / 100)


def answer_of(completion: str) -> str:
    match = re.search(r"Final Answer: (.+)", completion)
    return match.group(1) if match else ""


def table_bench(completion: str, gold: str) -> dict[str, float]:
    """All metrics of a sample, as the official evaluation computes them."""
    reference, prediction = normalised(gold), normalised(answer_of(completion))
    scores = {"em": matched(reference, prediction, None)}
    for tolerance in (2, 5, 10):
        scores[f"em_{tolerance}"] = matched(reference, prediction, tolerance)
    scores["rouge_l"] = ROUGE.score(reference, prediction)["rougeL"].fmeasure
    return scores


def listed(name: str, area: str) -> set[object]:
    match = re.search(rf'"{name}":\s*(\[.*?\])', area, re.DOTALL)
    try:
        return set(json.loads(match.group(1))) if match else set()
    except json.JSONDecodeError:
        return set()


def repeats(text: str) -> bool:
    return any(text.endswith(text[-length:] * 5) for length in range(5, len(text) // 5 + 1))


def table_region(completion: str, gold: str, gold_area: str, weight: float = 0.1) -> float:
    """The released mix of region and answer."""
    found = re.findall(r"<gold_area>(.*?)</gold_area>", completion)
    area = found[-1].strip() if found else ""
    region = 0.0
    for name in ("columns", "rows"):
        mine, theirs = listed(name, gold_area), listed(name, area)
        union = mine | theirs
        region += 0.5 * len(mine & theirs) / len(union) if union else 0.0
    answer = answer_of(completion)
    right = answer == gold
    if not right:
        try:
            a, b = float(gold), float(answer)
            smaller = min(abs(a), abs(b))
            right = int(a // 1) == int(b // 1) and (a == b if smaller == 0 else abs(a - b) / smaller < 0.01)
        except (ValueError, OverflowError):
            right = False
    looped = repeats(completion)
    return weight * region + (1 - weight) * float(right and not looped)
