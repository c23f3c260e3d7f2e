"""A prompt's fingerprint: two people with equal ones have equal prompts, without either of them showing theirs."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from table_rewards.core.errors import ConfigurationError

_FINGERPRINT: Final = re.compile(r"#?([0-9a-f]{16})/([0-9]+)")


def fingerprint(text: str) -> str:
    """The first 16 hexadecimal digits of the text's SHA-256 (UTF-8), and its length in characters.

    >>> fingerprint("What is 2+2?")
    '#52cb6b5e4a038af1/12'
    """
    return f"#{hashlib.sha256(text.encode('utf-8')).hexdigest()[:16]}/{len(text)}"


def check_fingerprint(sample: str, expected: str | None, where: str) -> None:
    """Refuse another prompt than the expected one.

    Args:
        sample: the prompt that the fingerprint is taken of.
        expected: the fingerprint that it must have, ``#hash/length``; None accepts any.
        where: what errors call the prompt.

    Raises:
        ConfigurationError: the fingerprints differ, or ``expected`` is none.

    >>> check_fingerprint("What is 2+2?", "#52cb6b5e4a038af1/12", "the prompt")
    """
    if expected is None:
        return
    wanted = _FINGERPRINT.fullmatch(expected.strip())
    if wanted is None:
        raise ConfigurationError(f"a fingerprint is '#' and 16 digits, '/' and a length, not {expected!r}")
    found = fingerprint(sample)
    if f"#{wanted[1]}/{wanted[2]}" == found:
        return
    more = len(sample) - int(wanted[2])
    why = f"{more:+d} characters" if more else "of the same length"
    hint = "; it ends in a newline that an editor may have added" if more == 1 and sample.endswith("\n") else ""
    raise ConfigurationError(f"{where} gives another prompt: {found}, not #{wanted[1]}/{wanted[2]} ({why}{hint})")
