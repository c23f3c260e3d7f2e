"""Data for a policy that translates: conversations for fine-tuning, and verl rows for reinforcement learning.

A source row holds a text, its languages and, as far as there is one, a reference translation::

    {"src_text": ..., "src_lang": "en", "trg_lang": "zh", "trg_text": ..., "response": ...}

Source: the data of GRRM's translation policies, arXiv 2602.14028. Each row of the rewritten kinds (*CLA*, further
target languages) asks for a translation of the same text into a language that nobody has translated it to: there is no
reference for it, so it has none, and a judge without reference scores it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.grrm.groups import Skipped, UnusableRow
from table_rewards.rewards.ranking.prompts import LANGUAGES, translation_prompt
from table_rewards.rewards.ranking.template import PromptTemplate, language_code

SOURCE: Final = "towerblocks"
CLA_LANGUAGES: Final = ("en", "de", "fr", "nl", "it", "es", "pt", "ko", "ru", "zh")
"""The ten languages among which further targets are drawn."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text to translate."""

    text: str
    source_language: str
    target_language: str
    reference: str = ""

    def prompt(self, template: PromptTemplate | None = None) -> str:
        """The prompt that asks for the translation: ours, or that of the user's template."""
        if template is not None:
            return template.fill(self.text, source_language=self.source_language, target_language=self.target_language)
        return translation_prompt(self.text, source_language=self.source_language, target_language=self.target_language)


def read_text(row: Mapping[str, Any]) -> Text:
    """Read a source row; languages become two letters where they are known.

    >>> read_text({"src_text": "Hi", "src_lang": "English", "trg_lang": "fr"}).source_language
    'en'

    Raises:
        UnusableRow: there is no text or no language, or both languages are one.
    """
    text = row.get("src_text")
    if not isinstance(text, str) or not text.strip():
        raise UnusableRow("no src_text")
    source, target = (language_code(str(row.get(name) or "").strip()) for name in ("src_lang", "trg_lang"))
    for name, code in (("src_lang", source), ("trg_lang", target)):
        if not code:
            raise UnusableRow(f"no {name}")
    if source == target:
        raise UnusableRow("source and target language are one")
    reference = row.get("trg_text")
    return Text(text, source, target, reference if isinstance(reference, str) and reference.strip() else "")


def policy_sft_rows(
    rows: Iterable[Mapping[str, Any]],
    *,
    response_key: str = "response",
    template: PromptTemplate | None = None,
    skipped: Skipped | None = None,
) -> Iterator[dict[str, Any]]:
    """One conversation a source row: the prompt, and the response with white space round it taken off."""
    for number, row in enumerate(rows):
        text = _usable(row, number, skipped)
        if text is None:
            continue
        response = row.get(response_key)
        if not isinstance(response, str) or not response.strip():
            _skip(skipped, f"no {response_key}", number)
            continue
        yield {
            "messages": [
                {"role": "user", "content": text.prompt(template)},
                {"role": "assistant", "content": response.strip()},
            ]
        }


def policy_rl_rows(
    rows: Iterable[Mapping[str, Any]],
    *,
    further: int = 0,
    languages: Sequence[str] = CLA_LANGUAGES,
    seed: int,
    source: str = SOURCE,
    template: PromptTemplate | None = None,
    skipped: Skipped | None = None,
) -> Iterator[dict[str, Any]]:
    """verl rows: one for each source row, and ``further`` more into other languages, which have no reference.

    Args:
        rows: the source rows.
        further: target languages to draw for each row, without its own two.
        languages: those to draw from; two letters each.
        seed: of the drawing; a row's languages depend on it and on the row's number alone.
        source: ``data_source`` of the rows.
        template: the prompt; None for ours.
        skipped: counts what was left out; None raises instead.

    Raises:
        ConfigurationError: a language that is not known, or fewer than ``further`` are left.
        UnusableRow: a row that cannot be used, without ``skipped``.

    >>> row = {"src_text": "Hi", "src_lang": "en", "trg_lang": "zh", "trg_text": "x"}
    >>> [(r["extra_info"]["trg_lang"], r["reward_model"]["ground_truth"])
    ...  for r in policy_rl_rows([row], further=1, languages=("en", "zh", "de"), seed=0)]
    [('zh', 'x'), ('de', '')]
    """
    for code in languages:
        if code not in LANGUAGES:
            raise ConfigurationError(f"no language {code!r}; there are {', '.join(LANGUAGES)}")
    if not 0 <= further <= max(0, len(set(languages)) - 2):
        raise ConfigurationError(
            f"{len(set(languages))} languages without a row's own two leave {max(0, len(set(languages)) - 2)}, "
            f"not {further} to draw"
        )
    index = 0
    for number, row in enumerate(rows):
        text = _usable(row, number, skipped)
        if text is None:
            continue
        others = [code for code in languages if code not in (text.source_language, text.target_language)]
        drawn = random.Random(f"{seed}:{number}").sample(others, further)
        for target in (text.target_language, *drawn):
            own = target == text.target_language
            asked = text if own else Text(text.text, text.source_language, target)
            yield {
                "data_source": source,
                "prompt": [{"role": "user", "content": asked.prompt(template)}],
                "ability": "translation",
                "reward_model": {"style": "rule", "ground_truth": asked.reference},
                "extra_info": {
                    "index": index,
                    "source_row": number,
                    "src_lang": asked.source_language,
                    "trg_lang": asked.target_language,
                    "src_text": asked.text,
                    "trg_text": asked.reference,
                    "further_language": not own,
                },
            }
            index += 1


def _usable(row: Mapping[str, Any], number: int, skipped: Skipped | None) -> Text | None:
    try:
        return read_text(row)
    except UnusableRow as error:
        _skip(skipped, str(error), number)
        return None


def _skip(skipped: Skipped | None, reason: str, number: int) -> None:
    if skipped is None:
        raise UnusableRow(f"row {number:,}: {reason}")
    skipped.add(reason, number)
