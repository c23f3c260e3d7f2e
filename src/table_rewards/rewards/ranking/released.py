"""The released ranking rewards, for comparison with runs of them (GRRM, arXiv 2602.14028, ``reward_utils``).

Their rules: a ranking is exactly as long as ``A > B = C`` with single spaces, the last four lines that say something
are header, ranking, header, scores, whatever the headers say; scores are what ``int`` reads; out of range or a name
given twice goes unnoticed (M5); credit for a margin is looked up by exact value.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.ranking.reference import RankingReference

CREDIT: Final[Mapping[float, float]] = {0: 1.0, 1: 0.6, 2: 0.2}
FAR: Final = 10**9


class ReleasedRanking:
    """The released rewards of a ranking: ``ranking_score_reward_fn`` and two of ``ranking_reward_fn``.

    Raises:
        ConfigurationError: the release has no reward for these options, or one that is 0 for every completion (M1).
    """

    def __init__(self, mode: str, reasoning: str | int, scale: float) -> None:
        if mode == "score":
            raise ConfigurationError("the release has no reward for mode='score'; leave profile at 'corrected'")
        if mode == "ranking" and reasoning in ("required", "optional"):
            raise ConfigurationError(
                "Ranking(mode='ranking', reasoning='required') has no released profile: the released ranking_reward_fn "
                "is 0 for every completion (defect M1). Released are reasoning='absent' (ranking_reward_fn_no_cot) and "
                "reasoning=50 (ranking_reward_fn_zero)"
            )
        if mode == "ranking_score" and reasoning != "required":
            raise ConfigurationError("the released ranking_score_reward_fn requires reasoning: reasoning='required'")
        self.mode, self.scale = mode, scale
        self.characters = None if reasoning == "absent" or mode != "ranking" else int(reasoning)

    def judged(
        self,
        completions: Sequence[str],
        references: Sequence[RankingReference],
        corrected: Sequence[Judgement],
        names: Sequence[str],
    ) -> list[Judgement]:
        """The released values; correlations, which the release does not know, where the corrected reading has them."""
        found = []
        for completion, reference, ours in zip(completions, references, corrected, strict=True):
            if self.mode == "ranking":
                value, valid = released_ranking(completion, reference, self.characters)
                values = {"ranking": value, "valid": float(valid)}
            else:
                ranking, margin, valid = released_ranking_score(completion, reference)
                values = {"ranking": ranking, "margin": margin, "valid": float(valid)}
                value = ranking + margin
            parts = tuple(values.get(name, known) for name, known in zip(names, ours.parts, strict=True))
            note = "" if valid else ours.note or "not in the released format"
            found.append(Judgement(self.scale * value, parts, SCORED if valid else UNPARSED, note))
        return found


class ReleasedQuality:
    """How the released SQM reward reads and credits a score: no decimals, credit looked up by exact value."""

    def __init__(self, error_credit: Mapping[float, float]) -> None:
        self.error_credit = error_credit

    def score(self, completion: str) -> tuple[float | None, str]:
        """The whole number on the last line, without a line end the last character alone (M3); or None and why."""
        text = completion.strip()
        line = text[text.rfind("\n") :].strip()
        try:
            return float(int(line.split(".")[0])), ""
        except (ValueError, OverflowError):
            return None, "not in the released format"

    def truth(self, score: float) -> float:
        """The gold score as it is compared."""
        return float(int(score))

    def credit(self, error: float) -> float:
        """What a distance earns."""
        return self.error_credit.get(error, 0.0)


def released_ranking(completion: str, reference: RankingReference, characters: int | None) -> tuple[float, bool]:
    """The reward of an order, and whether it was valid.

    Args:
        characters: characters a candidate that must stand before the last line; None: nothing stands before it.
    """
    truth = reference.order
    answer = completion.strip()
    if characters is not None:
        before, line_end, answer = answer.rpartition("\n")
        answer = answer.strip()
        if not line_end or len(before.strip()) < characters * len(reference.candidates):
            return 0.0, False
    if not _is_order(answer, truth) or completion.count(answer) != 1:
        return 0.0, False
    return _order_agreement(answer, truth), True


def released_ranking_score(completion: str, reference: RankingReference) -> tuple[float, float, bool]:
    """The ranking reward, the margin reward, and whether the answer was valid."""
    lines = []
    rest = completion.strip()
    for _ in range(4):
        rest, line_end, line = rest.rpartition("\n")
        if not line_end:
            return 0.0, 0.0, False
        lines.append(line.strip())
        rest = rest.strip()
    score_text, _, ranking_text, _ = lines
    scores = _int_scores(score_text)
    if not rest or scores is None:
        return 0.0, 0.0, False
    implied = _order_of(scores)
    if not _is_order(ranking_text, implied) or _order_agreement(ranking_text, implied) != 1:
        return 0.0, 0.0, False
    truth = dict(zip(reference.candidates, reference.scores, strict=True))
    if set(scores) != set(truth):
        return 0.0, 0.0, False
    pairs = list(itertools.combinations(truth, 2))
    near = {name: max(-FAR, min(FAR, score)) for name, score in scores.items()}  # floats end where ints go on
    margin = sum(CREDIT.get(abs((truth[x] - truth[y]) - (near[x] - near[y])), 0.0) for x, y in pairs) / len(pairs)
    return _order_agreement(implied, _order_of(truth)), margin, True


def _tiers(order: str) -> list[set[str]]:
    return [{name.strip() for name in tier.split("=")} for tier in order.split(">")]


def _is_order(order: str, truth: str) -> bool:
    wanted = _tiers(truth)
    count = sum(map(len, wanted))
    return (
        "<" not in order
        and len(order) == 4 * count - 3
        and sum(map(len, _tiers(order))) == count
        and all(order.count(name) == 1 for tier in wanted for name in tier)
    )


def _order_agreement(order: str, truth: str) -> float:
    here, there = _places(order), _places(truth)
    pairs = list(itertools.combinations(sorted(here), 2))
    if not pairs or any(name not in there for name in here):
        return 0.0
    return sum(_sign(here[x] - here[y]) == _sign(there[x] - there[y]) for x, y in pairs) / len(pairs)


def _places(order: str) -> dict[str, int]:
    return {name: place for place, tier in enumerate(_tiers(order)) for name in tier}


def _int_scores(text: str) -> dict[str, int] | None:
    scores = {}
    for item in text.split(","):
        name, colon, value = item.partition(":")
        try:
            scores[name.strip()] = int(value.strip())
        except ValueError:
            return None
        if not colon:
            return None
    return scores


def _order_of(scores: Mapping[str, float]) -> str:
    tiers: dict[float, list[str]] = {}
    for name, score in scores.items():
        tiers.setdefault(score, []).append(name)
    return " > ".join(" = ".join(sorted(tiers[score])) for score in sorted(tiers, reverse=True))


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
