"""The work behind QA-F1: question, the reader's answer, the gold answer, and what it earns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from table_rewards.core.explanation.data import RIGHT, TOLD, VALUE, WRONG, Section, Step
from table_rewards.rewards.qa_f1.reference import QAPair


def questions_section(
    pairs: Sequence[QAPair],
    answers: Sequence[str | None],
    prices: Sequence[float],
    mark: Callable[[str, str], tuple[float, bool]],
) -> Section:
    """One step a question; the mean of what they earn is the value."""
    steps = []
    earned: list[float] = []
    for pair, answer, price in zip(pairs, answers, prices, strict=True):
        if answer is None:
            steps.append(Step(TOLD, pair.question, "unscored: the reader gave no answer", None, None, pair.answer))
            continue
        f1, _ = mark(answer, pair.answer)
        earned.append(f1 * price)
        detail = f"F1 {f1:.4g}" + (f" x structure {price:.4g}" if price != 1.0 else "")
        kind = RIGHT if f1 == 1.0 else WRONG if not f1 else TOLD
        steps.append(Step(kind, pair.question, detail, f1 * price, answer, pair.answer))
    if not earned:
        return Section("Questions", tuple(steps))
    total = sum(earned)
    value = total / len(earned)
    closing = f"{total:.6g} / {len(earned)} questions = {value:.6g}"
    return Section("Questions", tuple(steps), total=total, unit="F1", closing=closing, gives={VALUE: value})
