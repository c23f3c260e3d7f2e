"""A cache for functions of short texts: a group repeats them, and a hostile megabyte must not stay in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar

LONGEST: Final = 8_192

ResultT = TypeVar("ResultT")


def cache_short(maxsize: int) -> Callable[[Callable[..., ResultT]], Callable[..., ResultT]]:
    """Cache the last ``maxsize`` results of a function of texts; calls with a text of over 8,192 characters are not.

    >>> length = cache_short(10)(len)
    >>> length("abc"), length("x" * 9000), length.cache_info().currsize
    (3, 9000, 1)
    """

    def decorate(function: Callable[..., ResultT]) -> Callable[..., ResultT]:
        cached = lru_cache(maxsize)(function)

        @wraps(function)
        def call(*texts: Any) -> ResultT:
            for text in texts:
                if type(text) is str and len(text) > LONGEST:
                    return function(*texts)
            return cached(*texts)

        call.cache_info = cached.cache_info  # type: ignore[attr-defined]
        return call

    return decorate
