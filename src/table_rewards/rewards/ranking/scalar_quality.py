"""Scalar quality: how close a model's single quality score is to the reference score."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from table_rewards.core.completion import answer_of
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.explanation.data import Working
from table_rewards.core.options import finite, value_range
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.core.zero_point import ZeroPoint, above_blind, checked_zero_point
from table_rewards.rewards.ranking.explain import quality_section
from table_rewards.rewards.ranking.parse import FOLD, read_number
from table_rewards.rewards.ranking.released import ReleasedQuality

ERROR_CREDIT: Final[Mapping[float, float]] = {0: 1.0, 1: 0.8, 2: 0.4, 3: 0.2}
_HEADER: Final = re.compile(r"[^:=]{0,40}[:=]\s*|(?:[\w ]{0,20}\b)?(?:score|rating|grade)\s+is\s+", re.IGNORECASE)
_RULE: Final = re.compile(r"[-=~_*`#\s]*")
_CLOSING: Final = re.compile(r"</(?:answer|score|rating)>", re.I)
_WRAPPED: Final = re.compile(  # the whole of it, so that nothing is cut out of a text
    r"[*_`\s]*(?:<(answer|score|rating)>([^<>]*)</\1>|\\boxed\{([^{}]*)\}|\$([^$]+)\$|\\\((.+)\\\))[*_`\s.]*", re.I
)


@dataclass(frozen=True, slots=True)
class QualityReference:
    """The reference score."""

    score: float


class ScalarQuality(Reward[QualityReference]):
    """Credit for a quality score on the last line, by its distance from the reference score.

    ::

        value = credit(| score - reference |)      0: 1, 1: 0.8, 2: 0.4, 3: 0.2, from 4: 0; between them linear

    The last line that says something, outside of thoughts, is one integer or decimal, alone or behind a header:
    ``8``, ``7.5``, ``Score: 8/10``. Two numbers, a number out of range or none score 0 and are *unparsed*.

    Source: the SQM reward of GRRM, arXiv 2602.14028, ``score_reward_fn``. ``profile="released"`` cuts decimals off,
    knows no range and, of a completion of one line, reads the last character alone: "10" as 0 (M3).

    Args:
        score_range: lowest and highest score.
        error_credit: distance -> credit; linear in between, 0 one unit behind the last.
        zero_point: ``blind``: only what is above R0 counts, what ``constant`` earns on the row:
            ``value = max(0, (R - R0) / (1 - R0))``, see docs/blind.md. Where the constant is the reference score, it
            alone earns anything. A number in (0, 1): R0 is that share of the best credit for every row.
        constant: the score that a judge gives without reading; None: seven tenths of the range, as 7 of 0 to 10.

    Parts: ``error``, the distance (of an invalid answer the width of the range), and ``valid``; with
    a zero point ``blind``, R0.

    Raises:
        ConfigurationError: an option cannot be, or the released profile is given options of its own.

    >>> scores = ScalarQuality()(["Fluent, one slip.\\n\\n8", "Score: 7.5", "8 or 9", "10"], [9, 8, 8, 10])
    >>> scores.values.round(4).tolist(), scores.notes[2]
    ([0.8, 0.9, 0.0, 1.0], "the last line is no single score: '8 or 9'")
    """

    name: ClassVar[str] = "scalar_quality"
    for_training: ClassVar[Mapping[str, Any]] = {"zero_point": "blind"}
    reference_type: ClassVar[type[Any]] = QualityReference
    parts: tuple[str, ...] = ("error", "valid")
    headline = ("error", "valid")

    def __init__(
        self,
        *,
        score_range: Sequence[float] = (0, 10),
        error_credit: Mapping[float, float] | None = None,
        zero_point: ZeroPoint = "none",
        constant: float | None = None,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.zero_point = checked_zero_point(zero_point, profile)
        self.score_range = value_range("score_range", score_range)
        self.error_credit = _checked_credit(ERROR_CREDIT if error_credit is None else error_credit)
        low, high = self.score_range
        self.constant = low + 0.7 * (high - low) if constant is None else finite("constant", constant)
        if not low <= self.constant <= high:
            raise ConfigurationError(f"constant must be a score from {low:g} to {high:g}, not {constant!r}")
        if constant is not None and self.zero_point != "blind":
            raise ConfigurationError("constant is what zero_point='blind' is measured by; set that too")
        if self.zero_point != "none":
            self.parts = ("error", "valid", "blind")
        self.released = ReleasedQuality(ERROR_CREDIT) if profile == "released" else None
        options = self.error_credit, self.score_range
        if self.released and options != (_checked_credit(ERROR_CREDIT), (0, 10)):
            raise ConfigurationError("the released reward has its own range and credits; leave these options out")

    def reference(self, row: Mapping[str, Any]) -> QualityReference:
        _, value = self.row_answer(row, "score", "rating", "quality", "solution")
        return self.natural(value)

    def natural(self, value: Any) -> QualityReference:
        """The reference of a bare value: the true score.

        Raises:
            BadReference: the value is no number.
        """
        try:
            score = float(value)
        except (TypeError, ValueError, OverflowError):
            raise BadReference(f"the reference score must be a number, not {str(value)[:40]!r}") from None
        if isinstance(value, bool) or not math.isfinite(score):
            raise BadReference(f"the reference score must be a number, not {value!r}")
        return QualityReference(score)

    def options(self) -> dict[str, object]:
        low, high = self.score_range
        own: dict[str, object] = {} if self.zero_point == "none" else {"zero_point": self.zero_point}
        if self.zero_point == "blind":
            own["constant"] = self.constant
        return {"range": f"{low:g}..{high:g}", "credit": dict(self.error_credit), **own, **super().options()}

    def judge(self, completion: str, reference: QualityReference, step: int | None) -> Judgement:
        low, high = self.score_range
        behind = (self._earned_blindly(reference),) if self.zero_point != "none" else ()
        score, problem = self.released.score(completion) if self.released else score_in_range(completion, low, high)
        if score is None:
            return Judgement(0.0, (high - low, 0.0, *behind), UNPARSED, problem)
        error = abs(score - (self.released.truth(reference.score) if self.released else reference.score))
        value = self.released.credit(error) if self.released else self._credit(error)
        if behind:
            value = above_blind(value, *behind, top=self._credit(0.0))
        return Judgement(value, (error, 1.0, *behind), SCORED, "")

    def working(self, completion: str, reference: QualityReference, judgement: Judgement, step: int | None) -> Working:
        low, high = self.score_range
        score, _ = self.released.score(completion) if self.released else score_in_range(completion, low, high)
        truth = self.released.truth(reference.score) if self.released else reference.score
        return Working((quality_section(score, truth, judgement),))

    def _earned_blindly(self, reference: QualityReference) -> float:
        """R0: what the constant earns, or the share of the best that the option says."""
        if isinstance(self.zero_point, float):
            return self.zero_point * self._credit(0.0)
        return self._credit(abs(self.constant - reference.score))

    def _credit(self, error: float) -> float:
        xs, ys = zip(*self.error_credit, strict=True)
        return float(np.interp(round(error, 9), [*xs, xs[-1] + 1.0], [*ys, 0.0]))


def score_in_range(completion: str, low: float, high: float) -> tuple[float | None, str]:
    """The score of a completion, or None and what is wrong with it."""
    found = _last_line_score(completion, high)
    if isinstance(found, str):
        return None, found
    return (found, "") if low <= found <= high else (None, f"out of range: {found:g}, not {low:g} to {high:g}")


def _last_line_score(completion: str, high: float) -> float | str:
    """The score on the last line that says something, or what is wrong."""
    rest = answer_of(completion).rstrip()
    line = ""
    for _ in range(8):
        rest, _, line = rest.rpartition("\n")
        rest, line = rest.rstrip(), line.strip()
        if not (_RULE.fullmatch(line) or _CLOSING.fullmatch(line)):
            break
    if len(line) > 120:
        return "the last line is no single score but a text"
    if not line or _RULE.fullmatch(line) or _CLOSING.fullmatch(line):
        return "no score"
    folded = _unwrapped(line if line.isascii() else line.translate(FOLD))
    score = read_number(folded, high)
    if score is None:
        header = _HEADER.match(folded)
        score = read_number(_unwrapped(folded[header.end() :]), high) if header else None
    return f"the last line is no single score: {line[:40]!r}" if score is None else score


def _unwrapped(line: str) -> str:
    """What stands in ``<answer>``, ``\\boxed{}`` or ``$``, where it is all there is."""
    line = line.removeprefix("> ")  # a quotation of Markdown
    for _ in range(3):
        found = _WRAPPED.fullmatch(line)
        if not found:
            break
        line = next(inner for inner in found.groups()[1:] if inner is not None).strip()
    return line


def _checked_credit(credit: Mapping[float, float]) -> tuple[tuple[float, float], ...]:
    try:
        points = tuple(sorted((float(error), float(value)) for error, value in credit.items()))
    except (AttributeError, TypeError, ValueError):
        raise ConfigurationError(f"error_credit must map distances to credits, not {credit!r}") from None
    if not points or points[0][0] != 0:
        raise ConfigurationError("error_credit must say what distance 0 earns, for example {0: 1.0, 1: 0.5}")
    values = [value for _, value in points]
    if values != sorted(values, reverse=True) or values[-1] < 0 or not math.isfinite(values[0]):
        raise ConfigurationError(f"error_credit must not grow with the distance nor fall below 0: {credit!r}")
    return points
