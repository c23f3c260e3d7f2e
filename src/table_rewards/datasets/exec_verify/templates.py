"""A user's own prompt in place of ours, for a checkpoint that was trained on another wording; told by fingerprint."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.text.fingerprint import check_fingerprint, fingerprint

SAMPLES: Final[Mapping[str, Mapping[str, str]]] = {
    kind: {"code": "def f(a):\n    return a + 1", "function": "f", **more}
    for kind, more in {
        "io": {"arguments": "3"},
        "oi": {"result": "4"},
        "io_mixed": {"arguments": "3", "questions": "Question2: Q"},
    }.items()
} | {"code": {"prompt": "P"}}
"""What the fingerprint of each kind is taken with: ``f(3)`` gives 4, one question "Question2: Q", the problem "P"."""

_EVERY: Final[Mapping[str, frozenset[str]]] = {
    "io": frozenset({"code", "function", "arguments", "numbered"}),
    "oi": frozenset({"code", "function", "result"}),
    "io_mixed": frozenset({"code", "function", "arguments", "numbered", "questions"}),
    "code": frozenset({"prompt"}),
}
_ONE_OF: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "io": (("code", "numbered"), ("arguments",)),
    "oi": (("code",), ("result",)),
    "io_mixed": (("code", "numbered"), ("arguments",), ("questions",)),
    "code": (("prompt",),),
}
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
KINDS: Final = tuple(SAMPLES)


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with placeholders, filled in one pass: what is put in is never read as a placeholder.

    Placeholders: ``{code}``, ``{numbered}`` (the code, each line behind its number and a tab), ``{function}``,
    ``{arguments}``, ``{result}``, ``{questions}`` (``Question2: ...``, a line each; the first question is the
    assertion) and ``{prompt}`` (a problem to solve). Everything else stays, other braces and the last newline too.

    Args:
        text: the template.
        kind: ``io`` asks for an output, ``oi`` for an input, ``io_mixed`` for an output with questions, ``code`` for a
            program.

    Raises:
        ConfigurationError: a placeholder that is needed is missing.

    >>> template = Template("{code}\\n{function}({arguments}) == ????", "io")
    >>> template.fill(code="def g(x): ...", function="g", arguments="'{code}'")
    "def g(x): ...\\ng('{code}') == ????"
    >>> template.fingerprint
    '#023e6af49f325691/39'
    """

    text: str
    kind: str = "io"

    def __post_init__(self) -> None:
        one_of("kind of template", self.kind, KINDS)
        there = set(_PLACE.findall(self.text))
        for names in _ONE_OF[self.kind]:
            if not there & set(names):
                wanted = " or ".join(f"{{{name}}}" for name in names)
                raise ConfigurationError(f"the prompt template has no {wanted}; kind {self.kind!r} needs it")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], kind: str, expected: str | None = None) -> Template:
        """Read a file as it is, the last newline among the rest.

        Raises:
            ConfigurationError: it cannot be read, is no template, or has another fingerprint than the expected one.
        """
        try:
            template = cls(Path(path).read_bytes().decode("utf-8"), kind)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"prompt template {os.fspath(path)}: {error}") from None
        except ConfigurationError as error:
            raise ConfigurationError(f"{os.fspath(path)}: {error}") from None
        check_fingerprint(template.sample, expected, os.fspath(path))
        return template

    @property
    def sample(self) -> str:
        """The prompt that the fingerprint is taken of."""
        return self.fill(**SAMPLES[self.kind])

    @property
    def fingerprint(self) -> str:
        """``#hash/length`` of the sample."""
        return fingerprint(self.sample)

    def fill(self, **values: str) -> str:
        """The prompt; ``numbered`` is made of ``code``."""
        lines = enumerate(values.get("code", "").splitlines(), 1)
        given = {**values, "numbered": "\n".join(f"{number}\t{line}" for number, line in lines)}
        known = _EVERY[self.kind]
        return _PLACE.sub(lambda place: given[place[1]] if place[1] in known else place[0], self.text)
