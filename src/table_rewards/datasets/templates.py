"""Prompts from a file of the user's.

A checkpoint wants the prompt that it was trained on, letter for letter. Its authors publish that prompt with their
code; a user hands it on as a file, and the fingerprint of what comes out says whether it is the one
(:mod:`table_rewards.text.fingerprint`).
"""

from __future__ import annotations

import ast
import os
import re
import string
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Final

from table_rewards.core.errors import ConfigurationError

_CONSTANT: Final = re.compile(r"(?P<file>.+\.py):(?P<name>[A-Za-z_]\w*)")


class Template:
    """A text with places to fill.

    Places are written as in jinja2, ``{{ problem }}``, in which case one newline at the end is dropped as jinja2 does,
    or, where there are none of these, as in ``str.format``: ``{problem}``, with ``{{`` and ``}}`` for braces. What is
    filled in is never read as a place. Statements of jinja2 are not run.

    Args:
        text: the template.
        places: the names that it may have; ``required`` are those that it must have (default: all).
        source: what errors call it.

    Raises:
        ConfigurationError: a place that is not known, one that is missing, a brace that opens nothing, a statement.

    >>> Template("{{ prompt }}\\n\\nThink in {x}.\\n", ["prompt"]).fill(prompt="1+1? {{ prompt }}")
    '1+1? {{ prompt }}\\n\\nThink in {x}.'
    >>> Template("{problem} in \\\\boxed{{}}", ["problem"]).fill(problem="1+1?")
    '1+1? in \\\\boxed{}'
    """

    def __init__(
        self, text: str, places: Sequence[str], *, required: Sequence[str] | None = None, source: str = "the template"
    ) -> None:
        self.places, self.source = tuple(places), source
        self._parts = self._jinja(text) if self._is_jinja(text) else self._format(text)
        for name in self.places if required is None else required:
            if name not in self.filled:
                raise ConfigurationError(f"{source} has no place {{{name}}}; it must have one, and knows {self._known}")

    @property
    def filled(self) -> frozenset[str]:
        """The places that the text has."""
        return frozenset(name for _, name in self._parts if name is not None)

    @property
    def _known(self) -> str:
        return ", ".join(f"{{{name}}}" for name in self.places)

    def _is_jinja(self, text: str) -> bool:
        return re.search(rf"\{{\{{-?\s*(?:{'|'.join(map(re.escape, self.places))})\s*-?\}}\}}", text) is not None

    def _jinja(self, text: str) -> list[tuple[str, str | None]]:
        if "{%" in text or "{#" in text:
            raise ConfigurationError(f"{self.source} has statements or comments of jinja2; places alone are filled")
        parts: list[tuple[str, str | None]] = []
        at = 0
        text = text[:-1] if text.endswith("\n") else text
        for found in re.finditer(r"\{\{\s*(.*?)\s*\}\}", text):
            if found[1] not in self.places:
                raise ConfigurationError(f"{self.source} has the place {found[0]}; known are {self._known}")
            parts.append((text[at : found.start()], found[1]))
            at = found.end()
        return [*parts, (text[at:], None)]

    def _format(self, text: str) -> list[tuple[str, str | None]]:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            raise ConfigurationError(
                f"{self.source}: {error}; a brace that opens no place is written {{{{ or }}}}"
            ) from None
        for _, name, form, conversion in parts:
            if name is not None and (name not in self.places or form or conversion):
                raise ConfigurationError(f"{self.source} has the place {{{name}}}; known are {self._known}")
        return [(literal, name) for literal, name, _, _ in parts]

    def without(self, words: str) -> Template:
        """The same template with some of its words left out."""
        shorter = copy(self)
        shorter._parts = [(literal.replace(words, ""), name) for literal, name in self._parts]
        return shorter

    def fill(self, **values: object) -> str:
        """The text with every place filled."""
        return "".join(literal + ("" if name is None else str(values[name])) for literal, name in self._parts)


def read_template(
    path: str | os.PathLike[str], places: Sequence[str], *, required: Sequence[str] | None = None
) -> Template:
    """Read a template from a text file, or from a constant of a Python file, ``system_prompt.py:PROMPT``, never run.

    Raises:
        ConfigurationError: the file cannot be read, has no such constant, or is no template of these places.
    """
    constant = _CONSTANT.fullmatch(str(path))
    file = Path(constant["file"] if constant else path)
    try:
        # As bytes: a text file's newlines are part of its fingerprint.
        text = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigurationError(f"{file}: cannot be read: {reason}") from None
    if constant:
        text = _constant(file, text, constant["name"])
    return Template(text, places, required=required, source=str(path))


def _constant(file: Path, source: str, name: str) -> str:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ConfigurationError(f"{file}: no Python ({error.msg}, line {error.lineno})") from None
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.update({target.id: node.value.value for target in node.targets if isinstance(target, ast.Name)})
    if name not in found:
        raise ConfigurationError(f"{file} has no text {name}; it has {', '.join(found) or 'none'}")
    return found[name]
