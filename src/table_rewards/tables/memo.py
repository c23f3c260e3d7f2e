"""What a function gives for each different argument, computed once.

A model that has run into a loop writes the same cell hundreds of thousands of times. Whoever reads such a table makes
one of these for it, so that each different cell is read once and kept no longer than the reading takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Argument = TypeVar("Argument")
Value = TypeVar("Value")


class Memo(dict[Argument, Value]):
    """A dictionary that asks ``function`` for what it lacks.

    >>> lengths = Memo(len)
    >>> [lengths[word] for word in ("ab", "abc", "ab")], lengths
    ([2, 3, 2], {'ab': 2, 'abc': 3})
    """

    def __init__(self, function: Callable[[Argument], Value]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, argument: Argument) -> Value:
        value = self[argument] = self.function(argument)
        return value
