"""Checks of options: what passes comes back, what does not is named with what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from table_rewards.core import options
from table_rewards.core.errors import ConfigurationError

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (options.truth, [True, False], [0, 1, "true", None]),
        (options.whole, [-3, 0, 5], [True, 1.0, "1", None]),
        (options.positive_whole, [1, 5], [0, -1, True, 1.0, "1", None]),
        (options.finite, [-1, 0.5, 2], [True, NAN, INF, "1", None]),
        (options.positive, [0.5, 2], [0, -1, True, NAN, INF, "1", None]),
        (options.not_negative, [0, 0.5], [-0.1, True, NAN, INF, "1", None]),
        (options.fraction, [0, 0.5, 1], [-0.1, 1.1, True, NAN, "1", None]),
        (options.value_range, [(0.0, 10.0)], [(10, 0), (0, 0), (0, NAN), (0, INF), 5, (1, 2, 3), "ab", None]),
    ],
)
def test_every_check(check: Callable[[str, Any], Any], good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert check("option", value) == value
    for value in bad:
        with pytest.raises(ConfigurationError, match="option must"):
            check("option", value)
