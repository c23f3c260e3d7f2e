"""What becomes of a sample without a value in a framework that knows only numbers.

A failed scorer is not a wrong answer, but verl turns NaN into poisoned advantages and swift counts None as 0. So an
unscored sample gets the mean of the scored completions of its own group in the same call, which gives it advantage 0;
where a call brings none of them, the mean of its prompt's last ones that this process has seen; without any, the
running mean of all; else 0. A mean of other steps would not do where the group is there: in a group whose rewards are
all equal the smallest difference becomes a large advantage. Failures are counted. When too many of the last training
samples failed, every further training call raises; validation never raises. An inapplicable sample is filled likewise
and is no failure.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from table_rewards.core.errors import ConfigurationError, ScorerFailed
from table_rewards.core.scores import INAPPLICABLE, UNSCORED, Scores

WINDOW: Final = 256
CEILING: Final = 0.2
NEUTRAL: Final = "neutral"
RAISE: Final = "raise"
_PROMPTS: Final = 8_192
_LATEST: Final = 16  # samples of a prompt that its mean over several calls remembers: about one group

logger = logging.getLogger("table_rewards")


class TooManyUnscored(ScorerFailed):
    """More of the last samples could not be scored than the ceiling allows."""


class UnscoredPolicy:
    """Fills samples without a value, counts the failures, and stops training at a ceiling. Safe from any thread.

    Args:
        rule: ``neutral`` (mean of the same prompt, else running mean), ``raise``, or the number to use.
        ceiling: the largest share of the last 256 training samples that may be unscored. Once it is passed, every
            training call raises, whatever its own samples are: frameworks that lose single exceptions stop, too.
        inapplicable_fails: count inapplicable samples as failures: for a reward that is alone, where nobody else
            scores them.

    >>> import numpy as np
    >>> from table_rewards.core.scores import Judgement, Scores
    >>> scores = Scores.of([Judgement(1.0), Judgement(0.5), Judgement.unscored("endpoint down")], ())
    >>> UnscoredPolicy().fill(scores, ["prompt"] * 3)[:, 0]
    array([1.  , 0.5 , 0.75])

    Raises:
        ConfigurationError: the rule or the ceiling is none of these.
    """

    def __init__(
        self, rule: str | float = NEUTRAL, ceiling: float = CEILING, *, inapplicable_fails: bool = False
    ) -> None:
        if isinstance(rule, str) and rule not in (NEUTRAL, RAISE):
            try:
                rule = float(rule)
            except ValueError:
                raise ConfigurationError(f"unscored must be 'neutral', 'raise' or a number, not {rule!r}") from None
        if isinstance(rule, bool) or not isinstance(rule, (str, int, float)):
            raise ConfigurationError(f"unscored must be 'neutral', 'raise' or a finite number, not {rule!r}")
        if not isinstance(rule, str) and not isfinite(rule):
            raise ConfigurationError(f"unscored must be 'neutral', 'raise' or a finite number, not {rule!r}")
        if isinstance(ceiling, bool) or not isinstance(ceiling, (int, float)) or not 0.0 <= ceiling <= 1.0:
            raise ConfigurationError(f"unscored_ceiling must be in [0, 1], not {ceiling!r}")
        self.rule, self.ceiling = rule, float(ceiling)
        self.inapplicable_fails = inapplicable_fails
        self.unscored = 0
        self.seen = 0
        self.stopped = ""
        self._lock = threading.Lock()
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._recent_unscored = 0
        self._means: dict[bool, _Mean] = {True: _Mean(), False: _Mean()}
        self._prompts: OrderedDict[Hashable, _Mean] = OrderedDict()

    def fill(
        self,
        scores: Scores,
        prompts: Sequence[Hashable],
        *,
        groups: Sequence[Hashable] | None = None,
        training: bool = True,
    ) -> NDArray[np.float64]:
        """Return (n, 1 + parts) finite numbers: the value, then the parts.

        Args:
            prompts: n labels; equal ones answer the same prompt.
            groups: n labels of the groups within this call, where equal prompts may be of two; the prompts by default.
            training: False in validation, whose means are its own and which never raises.

        Raises:
            ScorerFailed: a training sample is unscored and the rule is ``raise``.
            TooManyUnscored: the ceiling is or was passed, in training.
        """
        rows = np.column_stack([scores.values, *scores.parts.values()]).tolist()
        status = scores.status.tolist()
        filled = self.fill_rows(rows, status, scores.notes, scores.signature, prompts, groups=groups, training=training)
        return np.array(filled, dtype=np.float64).reshape(len(rows), 1 + len(scores.parts))

    def fill_rows(
        self,
        rows: list[list[float]],
        statuses: Sequence[str],
        notes: Sequence[str],
        signature: str,
        prompts: Sequence[Hashable],
        *,
        groups: Sequence[Hashable] | None = None,
        training: bool = True,
    ) -> list[list[float]]:
        """The same for rows of numbers, the value first, which are changed in place.

        Raises:
            TooManyUnscored: the ceiling is passed.
        """
        missing: list[int] = []
        failed: list[int] = []
        with self._lock:
            for i, (row, status, prompt) in enumerate(zip(rows, statuses, prompts, strict=True)):
                if status in (UNSCORED, INAPPLICABLE) or not isfinite(row[0]):
                    missing.append(i)
                    if status == INAPPLICABLE and not self.inapplicable_fails:
                        continue
                    failed.append(i)
                    self._count(True, training)
                else:
                    self._count(False, training)
                    row[:] = [x if isfinite(x) else 0.0 for x in row]
                    self._means[training].add(row)
                    self._prompt((training, prompt)).add(row)
            if failed:
                self._tell([notes[i] for i in failed], signature, training)
            if training and self.stopped:
                raise TooManyUnscored(self.stopped)
            groups = prompts if groups is None else groups
            own = self._means_of(rows, groups, missing)
            for i in missing:
                here = own.get(groups[i])
                rows[i] = (
                    here.mean(len(rows[i])) if here else self._filler((training, prompts[i]), len(rows[i]), training)
                )
        return rows

    def _means_of(
        self, rows: Sequence[Sequence[float]], groups: Sequence[Hashable], missing: Sequence[int]
    ) -> dict[Hashable, _Mean]:
        """The means of this call's scored samples, for the groups that lack some."""
        if not missing or isinstance(self.rule, (int, float)) or len(rows) == 1:
            return {}
        lacking, without = {groups[i] for i in missing}, set(missing)
        means: dict[Hashable, _Mean] = {}
        for i, (row, group) in enumerate(zip(rows, groups, strict=True)):
            if group in lacking and i not in without:
                means.setdefault(group, _Mean()).add(row)
        return means

    def _count(self, failed: bool, training: bool) -> None:
        self.seen += 1
        self.unscored += failed
        if not training:
            return
        if len(self._recent) == WINDOW:
            self._recent_unscored -= self._recent[0]
        self._recent.append(failed)
        self._recent_unscored += failed

    def _tell(self, reasons: Sequence[str], signature: str, training: bool) -> None:
        reasons = list(dict.fromkeys(reasons))
        why = "; ".join(note for note in reasons[:3] if note) or "no reason given"
        if training and self._recent_unscored > self.ceiling * WINDOW and not self.stopped:
            self.stopped = (
                f"{signature}: {self._recent_unscored} of the last {len(self._recent)} samples could not be "
                f"scored, more than {self.ceiling:.0%} of {WINDOW} (unscored_ceiling); last reasons: {why}"
            )
            logger.error("training must stop, every further call raises: %s", self.stopped)
        if training and self.rule == RAISE and not self.stopped:
            raise ScorerFailed(f"{signature}: unscored sample: {why}")
        logger.warning("%s: %d unscored of %d so far: %s", signature, self.unscored, self.seen, why)

    def _filler(self, prompt: Hashable, width: int, training: bool) -> list[float]:
        if not isinstance(self.rule, str):
            return [float(self.rule)] * width
        own = self._prompts.get(prompt)
        return (own or self._means[training]).mean(width)

    def _prompt(self, prompt: Hashable) -> _Mean:
        mean = self._prompts.pop(prompt, None) or _Mean(_LATEST)
        self._prompts[prompt] = mean
        if len(self._prompts) > _PROMPTS:
            self._prompts.popitem(last=False)
        return mean


class _Mean:
    """A running mean of rows, over the last few hundred of them in weight."""

    __slots__ = ("_most", "count", "total")

    def __init__(self, most: int = 2 * WINDOW) -> None:
        self._most = most
        self.count = 0.0
        self.total: list[float] = []

    def add(self, row: Sequence[float]) -> None:
        if not self.count:
            self.count, self.total = 1.0, list(row)
            return
        if self.count >= self._most:
            self.count, self.total = self.count / 2, [x / 2 for x in self.total]
        self.count += 1.0
        self.total = [x + y for x, y in zip(self.total, row, strict=True)]

    def mean(self, width: int) -> list[float]:
        return [x / self.count for x in self.total] if self.count else [0.0] * width
