"""A user's own prompt in a file, for a model that was trained on another wording than ours.

A checkpoint wants the prompt it was trained on, letter for letter. The file holds that text with placeholders; its
fingerprint says whether two people's files give the same prompt, without either of them showing it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.rewards.ranking.prompts import LANGUAGES, language
from table_rewards.rewards.ranking.reference import label
from table_rewards.text.fingerprint import check_fingerprint, fingerprint

Kind = Literal["group", "single", "reference", "translate"]
KINDS: Final = ("group", "single", "reference", "translate")

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "group": ("source",),
    "single": ("source", "translation"),
    "reference": ("source", "reference", "translation"),
    "translate": ("source",),
}
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_BLOCK: Final = re.compile(r"\{#candidates\}(.*?)\{/candidates\}", re.DOTALL)
_EXAMPLES: Final = ("English", "Chinese", "SRC", ("ONE", "TWO"))


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt with placeholders, filled in one pass: what is put in is never read as a placeholder.

    Placeholders are ``{source}``, ``{source_language}``, ``{target_language}`` (English names), ``{source_code}``,
    ``{target_code}`` (two letters), ``{translation}`` (kinds ``single`` and ``reference``), ``{reference}`` (kind
    ``reference``), and, in kind ``group``, ``{#candidates}...{label}...{text}...{/candidates}``, whose inside is
    repeated for each candidate. All else stays as it is, braces and line ends too.

    Args:
        text: the template.
        kind: ``group`` shows several candidates to rank, ``single`` one translation to score, ``reference``
            one beside a reference translation, ``translate`` asks a
            policy for a translation.

    Raises:
        ConfigurationError: a placeholder is missing, or there is one that this kind does not have.

    >>> template = PromptTemplate("{target_language}: {source}{#candidates}\\n{label}) {text}{/candidates}\\n", "group")
    >>> template.fill("Hi {text}.", ["Salut.", "Non."], source_language="en", target_language="fr")
    'French: Hi {text}.\\nA) Salut.\\nB) Non.\\n'
    >>> template.fingerprint
    '#e5a86e3a52f4cac2/27'
    """

    text: str
    kind: Kind = "group"

    def __post_init__(self) -> None:
        one_of("kind of template", self.kind, KINDS)
        outside = set(_PLACE.findall(_BLOCK.sub("", self.text)))
        needed = _NAMES[self.kind]
        for name in needed:
            if name not in outside:
                raise ConfigurationError(f"the prompt template has no {{{name}}}; kind {self.kind!r} needs it")
        blocks = _BLOCK.findall(self.text)
        if len(blocks) != (self.kind == "group"):
            raise ConfigurationError(
                "a template of kind 'group' has one part {#candidates}...{label}...{text}...{/candidates}"
                if self.kind == "group"
                else f"a template of kind {self.kind!r} has no part {{#candidates}}"
            )
        if blocks and "text" not in _PLACE.findall(blocks[0]):
            raise ConfigurationError("the part {#candidates} has no {text}")
        for name in ("translation", "reference"):
            if name in outside and name not in needed:
                raise ConfigurationError(f"a template of kind {self.kind!r} has no {{{name}}}")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], kind: Kind, expected: str | None = None) -> PromptTemplate:
        """Read a file as it is, line ends and the last newline among the rest.

        Args:
            path: the file, UTF-8.
            kind: what the prompt shows.
            expected: the fingerprint that it must have, ``#hash/length``; None accepts any.

        Raises:
            ConfigurationError: the file cannot be read or is no template, or its fingerprint is another.
        """
        try:
            text = Path(path).read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"prompt template {os.fspath(path)}: {error}") from None
        try:
            found = cls(text, kind)
        except ConfigurationError as error:
            raise ConfigurationError(f"{os.fspath(path)}: {error}") from None
        found.check(expected, os.fspath(path))
        return found

    def check(self, expected: str | None, where: str = "the prompt template") -> None:
        """Refuse another prompt than the expected one.

        Raises:
            ConfigurationError: the fingerprints differ, or ``expected`` is none.
        """
        check_fingerprint(self.sample, expected, where)

    @property
    def sample(self) -> str:
        """The prompt that the fingerprint is taken of: English to Chinese, "SRC", "ONE" and "TWO"."""
        source, target, text, candidates = _EXAMPLES
        shown = candidates if self.kind == "group" else candidates[:1]
        return self.fill(text, shown, source_language=source, target_language=target, reference="REF")

    @property
    def fingerprint(self) -> str:
        """``#hash/length`` of the sample."""
        return fingerprint(self.sample)

    def fill(
        self,
        source: str,
        candidates: Sequence[str] = (),
        *,
        source_language: str = "",
        target_language: str = "",
        reference: str = "",
    ) -> str:
        """The prompt for a text and its candidates (kind ``single``: the one translation)."""
        values = {
            "source": source,
            "reference": reference,
            "translation": candidates[0] if candidates else "",
            "source_language": language(source_language),
            "target_language": language(target_language),
            "source_code": language_code(source_language),
            "target_code": language_code(target_language),
        }
        pieces, at = [], 0
        for block in _BLOCK.finditer(self.text):
            pieces.append(_filled(self.text[at : block.start()], values))
            pieces += [
                _filled(block[1], {**values, "label": label(i), "text": text}) for i, text in enumerate(candidates)
            ]
            at = block.end()
        return "".join([*pieces, _filled(self.text[at:], values)])


def template_of(path: str | os.PathLike[str] | None, expected: str | None, kind: Kind) -> PromptTemplate | None:
    """The template that a reward's options name; None without one.

    Raises:
        ConfigurationError: a fingerprint without a file, or what ``PromptTemplate.from_file`` raises.
    """
    if path is None:
        if expected is not None:
            raise ConfigurationError("prompt_fingerprint checks a prompt_file; there is none")
        return None
    return PromptTemplate.from_file(path, kind, expected)


def language_code(name: str) -> str:
    """The two letters of a language; what is no known language as it is.

    >>> language_code("Chinese"), language_code("pt_BR"), language_code("Klingon")
    ('zh', 'pt', 'Klingon')
    """
    short = re.split(r"[-_]", name.strip().lower())[0]
    if short in LANGUAGES:
        return short
    return next((code for code, known in LANGUAGES.items() if known.lower() == name.strip().lower()), name)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), text)
