"""What can go wrong, by whose fault.

::

    TableRewardsError
    ├── ConfigurationError(ValueError)   the caller: an option, a name, a length; raised at once
    │   ├── UnknownName                  there is no such option, reward or column; names the nearest
    │   └── UnreadableCompletion         a completion of a shape that is not known; names it
    ├── BadReference(ValueError)         the data: a reference that cannot be read from its row; unscored inside a batch
    │   └── MissingReference             the row has none of the reference's keys; inapplicable inside a batch
    └── ScorerFailed(RuntimeError)       our side: an endpoint, a sandbox; unscored inside a batch, never a wrong answer

Model output is never a reason to raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any


class TableRewardsError(Exception):
    """The root of every error that this library raises on purpose."""


class ConfigurationError(TableRewardsError, ValueError):
    """The caller asked for something that does not exist or cannot work."""


class UnknownName(ConfigurationError):
    """A name outside the offered set. The message names the nearest one and lists the set.

    >>> raise UnknownName("metric", "rougel", ["em", "rouge_l"])
    Traceback (most recent call last):
    table_rewards.core.errors.UnknownName: unknown metric 'rougel' (did you mean 'rouge_l'?); known: em, rouge_l
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.what, self.name, self.known = what, name, tuple(known)
        super().__init__(
            f"unknown {what} {name!r}{nearest(name, self.known)}; known: {', '.join(self.known) or 'none'}"
        )

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.what, self.name, self.known)


class UnreadableCompletion(ConfigurationError):
    """A completion whose shape is not known. One among others makes its own sample unscored; a whole batch raises."""


class BadReference(TableRewardsError, ValueError):
    """A reference that cannot be read. In a batch it makes its own sample unscored and no other."""


class MissingReference(BadReference):
    """A row without the keys of a reference. In a batch its sample is inapplicable when the row holds none of them.

    Attributes:
        names: the keys that were looked for, any of which would do.
        looked_in: the mapping that has none of them.
        partial: whether a key that was looked for before was there.
    """

    def __init__(
        self, message: str, names: Iterable[str] = (), looked_in: Mapping[str, Any] | None = None, partial: bool = False
    ) -> None:
        self.names, self.looked_in, self.partial = tuple(names), looked_in, partial
        super().__init__(message)

    def __reduce__(self) -> tuple[type[MissingReference], tuple[str, tuple[str, ...], None, bool]]:
        return type(self), (str(self), self.names, None, self.partial)


class ScorerFailed(TableRewardsError, RuntimeError):
    """The scorer could not do its work. In a batch it makes its own sample unscored and no other."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known name, or nothing.

    >>> nearest("anwser", ["answer", "qtype"])
    " (did you mean 'answer'?)"
    >>> nearest("zzz", ["answer"])
    ''
    """
    found = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""


def one_of(what: str, value: str, known: Iterable[str]) -> str:
    """Return ``value`` when it is one of the offered names, else raise :class:`UnknownName`.

    >>> one_of("profile", "released", ["corrected", "released"])
    'released'
    """
    names = tuple(known)
    if value not in names:
        raise UnknownName(what, str(value), names)
    return value
