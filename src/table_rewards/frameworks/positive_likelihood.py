"""GRRM's likelihood term for a policy: rollouts that did better than their group are learnt from as examples, too.

For numpy arrays and torch tensors alike, with gradient where the tensors have one; nothing is imported.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.options import not_negative

Aggregation = Literal["token-mean", "seq-mean-token-mean", "seq-mean-token-sum"]
AGGREGATIONS: Final = ("token-mean", "seq-mean-token-mean", "seq-mean-token-sum")


def positive_likelihood_loss(
    advantages: Any,
    log_probs: Any,
    mask: Any,
    *,
    weight: float = 0.1,
    aggregation: Aggregation = "seq-mean-token-mean",
) -> Any:
    """The loss that is added to the policy's.

    ::

        m    = mask and A > 0
        loss = - weight * aggregate(max(A, 0) * log p, m)

    Source: the SFT loss of GRRM's translation policies, arXiv 2602.14028.

    Args:
        advantages: A, shape (n, tokens); NaN, of an unscored rollout, counts as none above 0.
        log_probs: log p of the tokens that were sampled, same shape.
        mask: 1 where a token is the response's, same shape.
        weight: of the term.
        aggregation: over all tokens; or over the tokens of each sequence that has any (mean or sum), then over those
            sequences. GRRM uses the mean of means.

    Returns:
        A number of 0 dimensions; 0 where no token counts.

    Raises:
        ConfigurationError: the shapes differ, no such aggregation, or a weight below 0.

    >>> import numpy as np
    >>> advantages, log_probs = np.array([[2.0, 2.0], [-1.0, -1.0]]), np.array([[-0.5, -1.5], [-3.0, -3.0]])
    >>> float(positive_likelihood_loss(advantages, log_probs, np.ones((2, 2)), weight=1.0))
    2.0
    """
    one_of("aggregation", aggregation, AGGREGATIONS)
    not_negative("weight", weight)
    if not advantages.shape == log_probs.shape == mask.shape:
        raise ConfigurationError(
            f"advantages, log_probs and mask have one shape, not {tuple(advantages.shape)}, "
            f"{tuple(log_probs.shape)} and {tuple(mask.shape)}"
        )
    counts = (advantages > 0) & (mask > 0)
    # Only what counts is looked at: an advantage of NaN or a log-probability of minus infinity elsewhere stays out.
    gains = advantages[counts] * log_probs[counts]
    if aggregation == "token-mean":
        return -weight * gains.sum() / max(1, int(counts.sum()))
    lengths = counts.sum(-1)
    sequences = max(1, int((lengths > 0).sum()))
    if aggregation == "seq-mean-token-sum":
        return -weight * gains.sum() / sequences
    shares = (1.0 / (lengths + (lengths == 0)))[:, None] * (mask * 0 + 1)
    return -weight * (gains * shares[counts]).sum() / sequences
