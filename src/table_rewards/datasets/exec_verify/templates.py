"""A user's own prompt in place of ours, for a checkpoint that was trained on another wording; told by fingerprint."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.text.fingerprint import check_fingerprint, fingerprint

_FUNCTION: Final = {"code": "def f(a):\n    return a + 1", "function": "f"}
SAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "io": {**_FUNCTION, "arguments": "3"},
    "oi": {**_FUNCTION, "result": "4"},
    "io_mixed": {**_FUNCTION, "arguments": "3", "questions": ("Q",)},
    "code": {"prompt": "P"},
    "filled": {"code": "f(3) == ????", "language": "Python"},
}
"""What the fingerprint of each kind is taken with: ``f(3)`` gives 4, one question "Q", the problem "P"."""

_EVERY: Final[Mapping[str, frozenset[str]]] = {
    "io": frozenset({"code", "function", "arguments", "numbered", "numbered_call"}),
    "oi": frozenset({"code", "function", "result"}),
    "io_mixed": frozenset({"code", "function", "arguments", "numbered", "numbered_call", "questions"}),
    "code": frozenset({"prompt"}),
    "filled": frozenset({"code", "language"}),
}
_ONE_OF: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "io": (("code", "numbered", "numbered_call"), ("arguments", "numbered_call")),
    "oi": (("code",), ("result",)),
    "io_mixed": (("code", "numbered", "numbered_call"), ("arguments", "numbered_call"), ("questions",)),
    "code": (("prompt",),),
    "filled": (("code",),),
}
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_EACH: Final = re.compile(r"\{#questions\}(.*?)\{/questions\}", re.DOTALL)
_WORDS: Final = re.compile(r"\{#(path|state)\}(.*?)\{/\1\}\n?", re.DOTALL)
KINDS: Final = tuple(SAMPLES)


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with placeholders, filled in one pass: what is put in is never read as a placeholder.

    Placeholders: ``{code}``, ``{numbered}`` (the code, each line behind its number and a tab, blank lines bare),
    ``{numbered_call}`` (the same with a blank line and ``assert f(args) == ????`` behind it), ``{function}``,
    ``{arguments}``, ``{result}``, ``{questions}`` (``Question2: ...``, a line each; the first question is the
    assertion), ``{prompt}`` (a problem to solve) and ``{language}``. ``{#questions}...{number}...{question}...
    {/questions}`` in place of ``{questions}`` is repeated for each question. Everything else stays, other braces and
    the last newline too.

    The words of the questions are ours, unless the file has them: ``{#path}...{/path}`` asks for the next statement,
    ``{#state}...{/state}`` for a value, with ``{line}``, ``{statement}`` (the line as it stands), ``{visit}``,
    ``{variable}``, ``{function}`` and ``{arguments}``. They are taken out of the prompt, with the line end behind them.

    Args:
        text: the template.
        kind: ``io`` asks for an output, ``oi`` for an input, ``io_mixed`` for an output with questions, ``code`` for a
            program, ``filled`` for what stands for the ``????`` of a program in any language.

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
        there = set(_PLACE.findall(_WORDS.sub("", self.text)))
        if _EACH.search(self.text):
            there.add("questions")
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

    def fill(self, *, questions: Sequence[str] = (), **values: str) -> str:
        """The prompt; ``numbered`` and ``numbered_call`` are made of the others."""
        call = f"{values.get('code', '')}\n\nassert {values.get('function')}({values.get('arguments')}) == ????"
        given = {
            **values,
            "numbered": _numbered(values.get("code", "")),
            "numbered_call": _numbered(call),
            "questions": "\n".join(f"Question{number}: {text}" for number, text in enumerate(questions, 2)),
        }
        known = {name: given[name] for name in _EVERY[self.kind]}
        text = _WORDS.sub("", self.text)
        pieces, at = [], 0
        for block in _EACH.finditer(text):
            pieces.append(_filled(text[at : block.start()], known))
            for number, question in enumerate(questions, 2):
                pieces.append(_filled(block[1], {**known, "number": str(number), "question": question}))
            at = block.end()
        return "".join([*pieces, _filled(text[at:], known)])

    def words(self, kind: str, **values: str) -> str | None:
        """A question about a path or a state in the template's own words; None where it has none.

        >>> Template("{code}{arguments}{questions}{#path}After line {line}: {statement}?{/path}", "io_mixed").words(
        ...     "path", line="2", statement="    return a"
        ... )
        'After line 2:     return a?'
        """
        found = [words for name, words in _WORDS.findall(self.text) if name == kind]
        return _filled(found[0], values) if found else None


def _numbered(code: str) -> str:
    lines = enumerate(code.split("\n"), 1)
    return "\n".join(f"{number}\t{line}" if line.strip() else "" for number, line in lines)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), text)
