"""Checks of the options that constructors take: each returns the value, or names the option and says what would do.

>>> positive_whole("attempts", 3), fraction("ceiling", 0.2), truth("clip", True)
(3, 0.2, True)
>>> positive_whole("attempts", 0)
Traceback (most recent call last):
table_rewards.core.errors.ConfigurationError: attempts must be a positive whole number, not 0
"""

from __future__ import annotations

from typing import Any

from table_rewards.core.errors import ConfigurationError


def truth(option: str, value: Any) -> bool:
    """Return ``value`` when it is True or False.

    Raises:
        ConfigurationError: it is not.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{option} must be True or False, not {value!r}")
    return value


def whole(option: str, value: Any) -> int:
    """Return ``value`` when it is a whole number.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{option} must be a whole number, not {value!r}")
    return value


def positive_whole(option: str, value: Any) -> int:
    """Return ``value`` when it is a whole number of at least 1.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{option} must be a positive whole number, not {value!r}")
    return value


def finite(option: str, value: Any) -> float:
    """Return ``value`` as a float when it is a finite number.

    Raises:
        ConfigurationError: it is not.
    """
    if not _is_number(value):
        raise ConfigurationError(f"{option} must be a number, not {value!r}")
    return float(value)


def positive(option: str, value: Any) -> float:
    """Return ``value`` as a float when it is a finite number above 0.

    Raises:
        ConfigurationError: it is not.
    """
    if not _is_number(value) or value <= 0:
        raise ConfigurationError(f"{option} must be a number above 0, not {value!r}")
    return float(value)


def not_negative(option: str, value: Any) -> float:
    """Return ``value`` as a float when it is a finite number of 0 or more.

    Raises:
        ConfigurationError: it is not.
    """
    if not _is_number(value) or value < 0:
        raise ConfigurationError(f"{option} must be a number of 0 or more, not {value!r}")
    return float(value)


def fraction(option: str, value: Any) -> float:
    """Return ``value`` as a float when it is a number from 0 to 1.

    Raises:
        ConfigurationError: it is not.
    """
    if not _is_number(value) or not 0 <= value <= 1:
        raise ConfigurationError(f"{option} must be a number from 0 to 1, not {value!r}")
    return float(value)


def value_range(option: str, value: Any) -> tuple[float, float]:
    """Return ``value`` as two floats when it is a pair that goes up, such as ``(0, 10)``.

    Raises:
        ConfigurationError: it is not.

    >>> value_range("score_range", [0, 10])
    (0.0, 10.0)
    """
    try:
        low, high = (float(number) for number in value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{option} must be a pair such as (0, 10), not {value!r}") from None
    if not float("-inf") < low < high < float("inf"):
        raise ConfigurationError(f"{option} must go up, as (0, 10) does, not {value!r}")
    return low, high


def _is_number(value: Any) -> bool:
    return (
        not isinstance(value, bool)
        and isinstance(value, (int, float))
        and value == value
        and abs(value) != float("inf")
    )
