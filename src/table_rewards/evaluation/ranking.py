"""Ranking accuracy of a ranking model, per test set, with confidence intervals.

Accuracy is the share of candidate pairs whose relation (better, worse, tied) is that of the reference scores; an answer
that cannot be read has none of its pairs right. The mean is over the groups, of each group over its runs; the interval
is a bootstrap over groups, since the runs of one group are not independent.

Source: ``run_ranking_acc_eval.py`` of GRRM, arXiv 2602.14028. As released it finds no result at all (M2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from table_rewards.core.rows import plain
from table_rewards.rewards.ranking import RankingReference
from table_rewards.rewards.ranking.agreement import agreement
from table_rewards.rewards.ranking.parse import Form, read_ranking
from table_rewards.rewards.ranking.scalar_quality import score_in_range

RESAMPLES: Final = 2000
CONFIDENCE: Final = 0.95

PAIRS: Final = ("right", "tied", "reversed", "tie kept", "tie broken")
"""A pair that the reference ranks: right, tied or reversed by the model; one that it ties: tied too, or ranked."""


class Outcome(NamedTuple):
    """One answer: how its pairs compare with the reference's; ``problem`` when it could not be read."""

    pairs: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    kendall_tau: float = 0.0
    problem: str = ""
    failed: bool = False  # there is no answer: an endpoint's failure, not the model's

    @property
    def accuracy(self) -> float:
        right, _, _, kept, _ = self.pairs
        return (right + kept) / sum(self.pairs) if not self.problem else 0.0


FAILED: Final = Outcome(failed=True, problem="no endpoint answered")


def outcome(prediction: Any, reference: RankingReference, form: Form) -> Outcome:
    """Judge one prediction: an answer's text, scores of the candidates in order, or scores by name.

    >>> truth = RankingReference.read({"A": 8, "B": 3, "C": 3})
    >>> outcome("why\\nA > B > C\\nA: 8, B: 4, C: 3", truth, Form(reasoning="optional")).pairs
    (2, 0, 0, 0, 1)
    >>> outcome([8, 3], truth, Form()).problem
    '2 scores for 3 candidates'
    """
    prediction = plain(prediction)
    if isinstance(prediction, str):
        scores, problem = read_ranking(prediction, reference.candidates, form)
    else:
        scores, problem = _numbers(prediction, reference)
    if scores is None:
        return Outcome(problem=problem or "unreadable")
    here, there = np.array([scores]), np.array([reference.scores])
    left, right = np.triu_indices(len(scores), 1)
    said = np.sign(here[0, left] - here[0, right])
    true = np.sign(there[0, left] - there[0, right])
    ranked, tied = true != 0, true == 0
    counts = (
        np.count_nonzero(ranked & (said == true)),
        np.count_nonzero(ranked & (said == 0)),
        np.count_nonzero(ranked & (said == -true)),
        np.count_nonzero(tied & (said == 0)),
        np.count_nonzero(tied & (said != 0)),
    )
    tau = float(agreement(here, there).kendall_tau[0])
    return Outcome(tuple(int(n) for n in counts), tau)  # type: ignore[arg-type]


def single_scores(prediction: Any, low: float = 0.0, high: float = 10.0) -> Any:
    """One run of a model that scores each candidate alone (GRRM's ``sqmrm``): its replies, or the scores, in order.

    Returns the candidates' scores; of replies one of which cannot be read, the text that says so, which no form of a
    ranking reads.

    >>> single_scores(["Fluent.\\n7", "**3/10**"]), single_scores(["Fluent.\\n7", "good"])
    ([7.0, 3.0], '1 of 2 scores unreadable')
    """
    prediction = plain(prediction)
    if not isinstance(prediction, list) or not any(isinstance(one, str) for one in prediction):
        return prediction
    scores = [score_in_range(one, low, high)[0] if isinstance(one, str) else one for one in prediction]
    unread = sum(score is None for score in scores)
    return scores if not unread else f"{unread} of {len(scores)} scores unreadable"


@dataclass
class TestSet:
    """What is known of one test set so far; groups are told apart by any key."""

    __test__ = False  # not a test of pytest's

    name: str
    groups: dict[Any, list[float]] = field(default_factory=dict)  # of each group the accuracies of its runs
    taus: list[float] = field(default_factory=list)
    pairs: list[int] = field(default_factory=lambda: [0] * len(PAIRS))
    valid_accuracy: list[float] = field(default_factory=list)
    problems: dict[str, int] = field(default_factory=dict)
    failed: int = 0

    def add(self, key: Any, outcomes: Iterable[Outcome]) -> None:
        """Count the runs of one group."""
        for one in outcomes:
            if one.failed:
                self.failed += 1
                continue
            self.groups.setdefault(key, []).append(one.accuracy)
            if one.problem:
                kind = one.problem.split(":")[0]
                self.problems[kind] = self.problems.get(kind, 0) + 1
                continue
            self.valid_accuracy.append(one.accuracy)
            self.taus.append(one.kendall_tau)
            for i, count in enumerate(one.pairs):
                self.pairs[i] += count

    def result(self, seed: int = 0) -> dict[str, Any]:
        """The numbers of the set; accuracies and shares in 0 to 1, NaN where there is nothing to share."""
        means = np.array([sum(runs) / len(runs) for runs in self.groups.values()])
        answers = sum(map(len, self.groups.values()))
        runs = sorted({len(runs) for runs in self.groups.values()})
        low, high = _interval(means, seed)
        right, tied, reversed_, kept, broken = self.pairs
        return {
            "set": self.name,
            "groups": len(means),
            "answers": answers,
            "runs": runs[0] if len(runs) == 1 else runs,
            "accuracy": _mean(means),
            "low": low,
            "high": high,
            "valid": (answers - sum(self.problems.values())) / answers if answers else math.nan,
            "accuracy_of_valid": _mean(self.valid_accuracy),
            "kendall_tau_of_valid": _mean(self.taus),
            "ranked_pairs": right + tied + reversed_,
            "ranked_right": _ratio(right, right + tied + reversed_),
            "ranked_tied": _ratio(tied, right + tied + reversed_),
            "ranked_reversed": _ratio(reversed_, right + tied + reversed_),
            "tied_pairs": kept + broken,
            "ties_kept": _ratio(kept, kept + broken),
            "problems": dict(sorted(self.problems.items(), key=lambda item: -item[1])),
            "unanswered": self.failed,
        }


def average(results: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The plain mean over the sets, as papers print it; the interval takes the sets as given and independent."""
    known = [r for r in results if not math.isnan(r["accuracy"])]
    if not known:
        return dict.fromkeys(("accuracy", "low", "high", "valid"), math.nan)
    mean = _mean([r["accuracy"] for r in known])
    below = math.sqrt(sum((r["accuracy"] - r["low"]) ** 2 for r in known)) / len(known)
    above = math.sqrt(sum((r["high"] - r["accuracy"]) ** 2 for r in known)) / len(known)
    return {"accuracy": mean, "low": mean - below, "high": mean + above, "valid": _mean([r["valid"] for r in known])}


def _numbers(prediction: Any, reference: RankingReference) -> tuple[list[float] | None, str]:
    if prediction is None:
        return None, "no prediction"
    if isinstance(prediction, dict):
        missing = [name for name in reference.candidates if prediction.get(name) is None]
        if missing:
            return None, f"missing from the scores: {', '.join(missing[:3])}"
        prediction = [prediction[name] for name in reference.candidates]
    if not isinstance(prediction, list):
        return None, f"a prediction is text or scores, not {type(prediction).__name__}"
    if len(prediction) != len(reference.candidates):
        return None, f"{len(prediction)} scores for {len(reference.candidates)} candidates"
    try:
        scores = [float(score) for score in prediction]
    except (TypeError, ValueError, OverflowError):
        return None, "a score is no number"
    return (scores, "") if all(map(math.isfinite, scores)) else (None, "a score is no number")


def _interval(means: Any, seed: int) -> tuple[float, float]:
    """Percentile bootstrap over groups."""
    n = len(means)
    if n < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    draws = np.empty(RESAMPLES)
    step = max(1, (1 << 22) // n)
    for start in range(0, RESAMPLES, step):
        size = min(step, RESAMPLES - start)
        draws[start : start + size] = means[rng.integers(0, n, (size, n))].mean(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
