"""Weights against class imbalance: a verifier that sees mostly right solutions must not learn to nod."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from table_rewards.core.errors import ConfigurationError, one_of

SCHEMES: Final = ("sqrt_inverse", "inverse")
EPSILON: Final = 1e-6


class ClassBalance:
    """Weights by class, from running counts of right and wrong solutions.

    ::

        n = decay * n + (1 - decay) * counts of the batch          (the first batch: its counts)
        weight = 1 / (sqrt(n of its class) + 1e-6)                 (scheme "inverse": 1 / (n + 1e-6))

    rescaled so that a batch's weights sum to its size. They multiply a sample's policy loss or, which is the same, its
    advantage; not its KL and entropy terms. Source: RL Tango, arXiv 2505.15034, ``compute_policy_loss``.

    The counts are state: save :meth:`state_dict` with the trainer's checkpoint and give it back.

    Raises:
        ConfigurationError: ``decay`` is not in [0, 1).

    >>> balance = ClassBalance()
    >>> balance.weights([True, True, True, True, False]).round(4).tolist()
    [0.8333, 0.8333, 0.8333, 0.8333, 1.6667]
    >>> again = ClassBalance()
    >>> again.load_state_dict(balance.state_dict())
    >>> again.counts == balance.counts == (4.0, 1.0)
    True
    """

    def __init__(self, *, decay: float = 0.8, scheme: str = "sqrt_inverse") -> None:
        if not (isinstance(decay, (int, float)) and 0 <= decay < 1):
            raise ConfigurationError(f"decay keeps a share of the old counts, in [0, 1), not {decay!r}")
        self.decay = float(decay)
        self.scheme = one_of("scheme", scheme, SCHEMES)
        self.counts: tuple[float, float] | None = None

    def update(self, labels: Sequence[bool] | NDArray[Any]) -> None:
        """Count a batch's labels (True: the solution is right); NaN labels of unscored samples do not count."""
        right, wrong = _split(labels)
        now = (float(right.sum()), float(wrong.sum()))
        if not any(now):
            return
        if self.counts is None:
            self.counts = now
        else:
            old = self.counts
            self.counts = tuple(self.decay * a + (1 - self.decay) * b for a, b in zip(old, now, strict=True))  # type: ignore[assignment]

    def weights(self, labels: Sequence[bool] | NDArray[Any], *, update: bool = True) -> NDArray[np.float64]:
        """One weight a sample, their sum the number of samples; unscored samples weigh 1."""
        if update:
            self.update(labels)
        right, wrong = _split(labels)
        weights = np.ones(len(right))
        if self.counts is None:
            return weights
        known = right | wrong
        for mask, count in ((right, self.counts[0]), (wrong, self.counts[1])):
            size = math.sqrt(count) if self.scheme == "sqrt_inverse" else count
            weights[mask] = 1.0 / (size + EPSILON)
        total = weights[known].sum()
        weights[known] *= known.sum() / total if total else 1.0
        return weights

    def state_dict(self) -> dict[str, Any]:
        """Everything that a checkpoint must hold; plain numbers and text."""
        return {
            "decay": self.decay,
            "scheme": self.scheme,
            "counts": None if self.counts is None else list(self.counts),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state_dict`.

        Raises:
            ConfigurationError: the state is of another decay or scheme, or not a state.
        """
        try:
            mine, theirs = (self.decay, self.scheme), (float(state["decay"]), str(state["scheme"]))
            counts = state["counts"]
            read = None if counts is None else (float(counts[0]), float(counts[1]))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ConfigurationError(f"not the state of a ClassBalance: {type(error).__name__}: {error}") from None
        if mine != theirs:
            raise ConfigurationError(f"the state is of decay and scheme {theirs}, this object of {mine}")
        self.counts = read


def _split(labels: Sequence[bool] | NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    values = np.asarray(labels, dtype=np.float64).reshape(-1)
    return values > 0.5, values <= 0.5
