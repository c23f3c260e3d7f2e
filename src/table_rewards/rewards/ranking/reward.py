"""Ranking: how well a model ranks and scores a group of candidates, against reference scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from table_rewards.core.errors import BadReference, ConfigurationError, UnknownName, one_of
from table_rewards.core.explanation.assembling import passages_of
from table_rewards.core.explanation.data import Working
from table_rewards.core.options import not_negative, value_range
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.core.zero_point import BlindScores, ZeroPoint, above_blind, checked_zero_point
from table_rewards.rewards.ranking.agreement import agreement, spearman
from table_rewards.rewards.ranking.agreement_plain import all_tied
from table_rewards.rewards.ranking.explain import orders_section, pairs_section
from table_rewards.rewards.ranking.parse import MODES, REASONING, Form, read_ranking
from table_rewards.rewards.ranking.reference import RankingReference, reference_of_row
from table_rewards.rewards.ranking.released import ReleasedRanking

Mode = Literal["ranking", "ranking_score", "score"]


class Ranking(Reward[RankingReference]):
    """Agreement of a ranking with the reference, over all pairs of candidates.

    ::

        ranking = share of the pairs whose relation (better, worse, tied) is the reference's
        margin  = mean over the pairs of credit(| predicted difference - reference difference |)
                  credit: 1 when exact, 0.6 for one point off, 0.2 for two, 0 from three; between them linear
        value   = ranking                              mode "ranking"
        value   = ranking + margin_weight * margin     modes "ranking_score" and "score"

    The value is in [0, 1] or, with margins, in [0, 2]. An answer that breaks a rule scores 0 and is *unparsed*, with a
    note: a candidate missing, named twice or unknown, a score out of range, an order that contradicts the scores, no
    reasoning, a second ranking on a line of its own. Two candidates or more, in any number and under any name.

    Source: GRRM, arXiv 2602.14028, ``ranking_score_reward_fn`` and ``ranking_reward_fn_zero``, ``..._no_cot``;
    ``profile="released"`` equals these to the bit. ``ranking_reward_fn`` itself is 0 for every completion (M1) and
    offered as corrected alone.

    Args:
        mode: what a completion ends with: ``ranking`` an order such as ``B > A = C``; ``ranking_score`` an order and a
            line of scores such as ``B: 9, A: 7, C: 7``; ``score`` the scores alone.
        reasoning: what stands before the answer: ``required``, ``absent``, ``optional``, or a number: at least so many
            characters a candidate (GRRM's runs from a base model: 50). Thoughts that say something count as reasoning,
            empty ones do not.
        score_range: lowest and highest score; others are out of range.
        margin_weight: what the margin counts beside the ranking.
        scale: factor of the value (``score_scale_factor`` in the published code).
        rank_correlation: ``kendall`` gives the part ``kendall_tau`` (tau-b); ``both`` adds ``spearman``. Both are 0
            where one side ties all candidates.
        zero_point: ``blind``: only what is above R0 counts, what the ranking earns that ties all candidates:
            ``value = top * max(0, (R - R0) / (top - R0))`` with the best value ``top``, see docs/blind.md. A number in
            (0, 1): R0 is that share of ``top`` for every row.

    Parts: ``ranking``, ``margin`` (not in mode ``ranking``), ``valid``, ``kendall_tau``, if asked for
    ``spearman``, and with a zero point ``blind``, R0.

    >>> reward = Ranking()
    >>> text = "A keeps the idiom.\\n\\n### Final Ranking:\\n\\nA > B\\n\\n### Scores:\\n\\nA: 8, B: 4"
    >>> scores = reward([text, "A > B"], [{"A": 8, "B": 3}] * 2)
    >>> scores.values.tolist(), scores.parts["margin"].tolist(), scores.status.tolist()
    ([1.6, 0.0], [0.6, 0.0], ['scored', 'unparsed'])
    >>> Ranking(mode="ranking", reasoning="absent")(["B > A = C"], ["B > C > A"]).values.round(4)
    array([0.6667])
    """

    name: ClassVar[str] = "ranking"
    for_training: ClassVar[Mapping[str, Any]] = {"zero_point": "blind"}
    reference_type: ClassVar[type[Any]] = RankingReference
    headline = ("ranking", "valid")
    accuracy = "ranking"

    def __init__(
        self,
        *,
        mode: Mode = "ranking_score",
        reasoning: Literal["required", "absent", "optional"] | int = "required",
        score_range: Sequence[float] = (0, 10),
        margin_weight: float = 1.0,
        scale: float = 1.0,
        rank_correlation: Literal["kendall", "both"] = "kendall",
        zero_point: ZeroPoint = "none",
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.zero_point = checked_zero_point(zero_point, profile)
        self.mode = one_of("mode", mode, MODES)
        self.reasoning = checked_reasoning(reasoning)
        self.score_range = value_range("score_range", score_range)
        self.margin_weight = not_negative("margin_weight", margin_weight)
        self.scale = not_negative("scale", scale)
        self.rank_correlation = one_of("rank_correlation", rank_correlation, ("kendall", "both"))
        self.released = self._as_released() if profile == "released" else None
        margin = () if mode == "ranking" else ("margin",)
        self.parts = (
            "ranking",
            *margin,
            "valid",
            "kendall_tau",
            *(("spearman",) if rank_correlation == "both" else ()),
            *(("blind",) if self.zero_point != "none" else ()),
        )
        self._blind = BlindScores(self.zero_point, self._top)
        self._form = Form(self.mode, self.reasoning, *self.score_range)

    def reference(self, row: Mapping[str, Any]) -> RankingReference:
        return self._usable(reference_of_row(row))

    def natural(self, value: Any) -> RankingReference:
        return self._usable(RankingReference.read(value))

    def options(self) -> dict[str, object]:
        return {
            "mode": self.mode,
            "reasoning": self.reasoning,
            "range": "{:g}..{:g}".format(*self.score_range),
            "margin_weight": self.margin_weight,
            "scale": self.scale,
            "correlation": self.rank_correlation,
            **({} if self.zero_point == "none" else {"zero_point": self.zero_point}),
            **super().options(),
        }

    # -- judging ------------------------------------------------------------------------------------------------------

    def judge(self, completion: str, reference: RankingReference, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[RankingReference], step: int | None
    ) -> Sequence[Judgement]:
        form, floor = self._form, (0.0,) * len(self.parts)
        judged: list[Judgement] = []
        sizes: dict[int, tuple[list[int], list[list[float]], list[tuple[float, ...]]]] = {}
        for i, (completion, reference) in enumerate(zip(completions, references, strict=True)):
            scores, problem = read_ranking(completion, reference.candidates, form)
            judged.append(Judgement(0.0, floor, UNPARSED, problem))
            if scores is not None:
                where, here, there = sizes.setdefault(len(scores), ([], [], []))
                where.append(i)
                here.append(scores)
                there.append(reference.scores)
        for where, here, there in sizes.values():
            predicted, truth = np.array(here, dtype=np.float64), np.array(there, dtype=np.float64)
            values, columns = self._columns(predicted, truth)
            if self.zero_point != "none":
                blind = [self._blind.of(references[i], self._earned_blindly) for i in where]
                columns = np.column_stack((columns, blind))
                top = self._top
                values = np.array([above_blind(*pair, top) for pair in zip(values.tolist(), blind, strict=True)])
            for i, value, row in zip(where, values.tolist(), columns.tolist(), strict=True):
                judged[i] = Judgement(value, tuple(row), SCORED, "")
        return judged if self.released is None else self.released.judged(completions, references, judged, self.parts)

    def working(self, completion: str, reference: RankingReference, judgement: Judgement, step: int | None) -> Working:
        passages = passages_of(completion, self.thought_tags)
        scores, _ = read_ranking(completion, reference.candidates, self._form)
        if scores is None or self.released is not None or judgement.status != SCORED:
            return Working((orders_section(str(scores or ""), reference, judgement),), passages)
        pairs = pairs_section(
            scores,
            reference,
            margins=self.mode != "ranking",
            margin_weight=self.margin_weight,
            scale=self.scale,
        )
        return Working((pairs,), passages)

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _top(self) -> float:
        return self.scale * (1.0 if self.mode == "ranking" else 1.0 + self.margin_weight)

    def _earned_blindly(self, reference: RankingReference) -> float:
        """What all candidates tied earn."""
        ranking, margin = all_tied(reference.scores)
        return self.scale * (ranking if self.mode == "ranking" else ranking + self.margin_weight * margin)

    def _columns(self, predicted: Any, truth: Any) -> tuple[Any, Any]:
        agreed = agreement(predicted, truth)
        valid = np.ones(len(predicted))
        columns = [agreed.ranking, valid, agreed.kendall_tau]
        values = agreed.ranking
        if self.mode != "ranking":
            columns.insert(1, agreed.margin)
            values = agreed.ranking + self.margin_weight * agreed.margin
        if self.rank_correlation == "both":
            columns.append(spearman(predicted, truth))
        return self.scale * values, np.column_stack(columns)

    def _as_released(self) -> ReleasedRanking:
        if self.margin_weight != 1.0 or self.score_range != (0.0, 10.0):
            raise ConfigurationError("the released reward knows no margin_weight and no score_range; leave them out")
        return ReleasedRanking(self.mode, self.reasoning, self.scale)

    def _usable(self, reference: RankingReference) -> RankingReference:
        if self.mode != "ranking" and not reference.scored:
            raise BadReference(
                f"mode={self.mode!r} compares scores, but the reference is the order {reference.order[:60]!r}; "
                "give scores, or use mode='ranking'"
            )
        return reference


def checked_reasoning(value: Any) -> str | int:
    """Return the option ``reasoning`` when it can be one.

    Raises:
        ConfigurationError: the number of characters is not positive.
        UnknownName: the word is none of the three.
    """
    if isinstance(value, str):
        if value not in REASONING:
            raise UnknownName("reasoning", value, (*REASONING, "a number of characters a candidate"))
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"reasoning must be one of {', '.join(REASONING)} or a positive number of characters a candidate, "
            f"not {value!r}"
        )
    return value
