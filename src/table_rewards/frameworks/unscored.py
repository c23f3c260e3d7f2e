"""What becomes of an unscored sample in a framework that knows only finite numbers.

A failed scorer is not a wrong answer, but verl turns NaN into poisoned advantages and swift counts None as 0. So an
unscored sample gets the mean of the scored completions of its own prompt, which leaves the group's advantages where
they were; without one, the running mean of all; without any, 0. Failures are counted, and when too many of the last
samples failed, training stops instead of learning from filler.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from table_rewards.core.errors import ConfigurationError, ScorerFailed
from table_rewards.core.scores import UNSCORED, Scores

WINDOW: Final = 256
CEILING: Final = 0.2
NEUTRAL: Final = "neutral"
RAISE: Final = "raise"
_PROMPTS: Final = 8_192

logger = logging.getLogger("table_rewards")


class TooManyUnscored(ScorerFailed):
    """More of the last samples could not be scored than the ceiling allows."""


class UnscoredPolicy:
    """Fills unscored samples, counts them, and stops at a ceiling. Safe from any thread.

    Args:
        rule: ``neutral`` (mean of the same prompt, else running mean), ``raise``, or the number to use.
        ceiling: the largest share of the last 256 samples that may be unscored; above it every rule raises.

    >>> import numpy as np
    >>> from table_rewards.core.scores import Judgement, Scores
    >>> scores = Scores.of([Judgement(1.0), Judgement(0.5), Judgement.unscored("endpoint down")], ())
    >>> UnscoredPolicy().fill(scores, ["prompt"] * 3)[:, 0]
    array([1.  , 0.5 , 0.75])
    """

    def __init__(self, rule: str | float = NEUTRAL, ceiling: float = CEILING) -> None:
        if isinstance(rule, str) and rule not in (NEUTRAL, RAISE):
            try:
                rule = float(rule)
            except ValueError:
                raise ConfigurationError(f"unscored must be 'neutral', 'raise' or a number, not {rule!r}") from None
        if isinstance(rule, bool) or (not isinstance(rule, str) and not math.isfinite(rule)):
            raise ConfigurationError(f"unscored must be 'neutral', 'raise' or a finite number, not {rule!r}")
        if not 0.0 <= float(ceiling) <= 1.0:
            raise ConfigurationError(f"unscored_ceiling must be in [0, 1], not {ceiling!r}")
        self.rule, self.ceiling = rule, float(ceiling)
        self.unscored = 0
        self.seen = 0
        self._lock = threading.Lock()
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._recent_unscored = 0
        self._all = _Mean()
        self._prompts: OrderedDict[Hashable, _Mean] = OrderedDict()

    def fill(self, scores: Scores, prompts: Sequence[Hashable]) -> NDArray[np.float64]:
        """Return (n, 1 + parts) finite numbers: the value, then the parts.

        Raises:
            ScorerFailed: a sample is unscored and the rule is ``raise``.
            TooManyUnscored: the ceiling is passed.
        """
        columns = np.column_stack([scores.values, *scores.parts.values()])
        missing = (scores.status == UNSCORED) | ~np.isfinite(scores.values)
        with self._lock:
            for row, prompt, failed in zip(columns, prompts, missing.tolist(), strict=True):
                self._count(failed)
                if not failed:
                    self._all.add(row)
                    self._prompt(prompt).add(row)
            if missing.any():
                self._refuse(scores, missing)
                for i in np.flatnonzero(missing).tolist():
                    columns[i] = self._filler(prompts[i], columns.shape[1])
        return np.nan_to_num(columns, nan=0.0, posinf=0.0, neginf=0.0)

    def _count(self, failed: bool) -> None:
        self.seen += 1
        self.unscored += failed
        if len(self._recent) == WINDOW:
            self._recent_unscored -= self._recent[0]
        self._recent.append(failed)
        self._recent_unscored += failed

    def _refuse(self, scores: Scores, missing: NDArray[np.bool_]) -> None:
        reasons = list(dict.fromkeys(scores.notes[i] for i in np.flatnonzero(missing).tolist()))
        why = "; ".join(note for note in reasons[:3] if note) or "no reason given"
        if self._recent_unscored > self.ceiling * WINDOW:
            raise TooManyUnscored(
                f"{scores.signature}: {self._recent_unscored} of the last {len(self._recent)} samples could not be "
                f"scored, more than {self.ceiling:.0%} of {WINDOW} (unscored_ceiling); last reasons: {why}"
            )
        if self.rule == RAISE:
            raise ScorerFailed(f"{scores.signature}: unscored sample: {why}")
        logger.warning("%s: %d unscored of %d so far: %s", scores.signature, self.unscored, self.seen, why)

    def _filler(self, prompt: Hashable, width: int) -> Any:
        if not isinstance(self.rule, str):
            return np.full(width, self.rule)
        own = self._prompts.get(prompt)
        return (own or self._all).mean(width)

    def _prompt(self, prompt: Hashable) -> _Mean:
        mean = self._prompts.pop(prompt, None) or _Mean()
        self._prompts[prompt] = mean
        if len(self._prompts) > _PROMPTS:
            self._prompts.popitem(last=False)
        return mean


class _Mean:
    """A running mean of rows, over the last few hundred of them in weight."""

    __slots__ = ("count", "total")

    def __init__(self) -> None:
        self.count = 0.0
        self.total: Any = 0.0

    def add(self, row: NDArray[np.float64]) -> None:
        if self.count >= 2 * WINDOW:
            self.count, self.total = self.count / 2, self.total / 2
        self.count += 1.0
        self.total = self.total + np.nan_to_num(row)

    def mean(self, width: int) -> Any:
        return self.total / self.count if self.count else np.zeros(width)
