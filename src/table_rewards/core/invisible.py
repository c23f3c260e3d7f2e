"""Characters that a reader cannot see: zero-width spaces, soft hyphens, byte order marks, direction marks.

Models copy them from pages and tokenizers make them; two texts that differ in them alone look the same. The corrected
comparisons leave them out. A published normalisation keeps them where its authors' code does.

Kept is what changes what is drawn: the joiners U+200C and U+200D (Persian and Indic letters, emoji), and the
embeddings and overrides of direction, which can show a text backwards.
"""

from __future__ import annotations

import re
from typing import Final

INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Unicode's default ignorable characters without the joiners and the embeddings and overrides of direction."""

HARDLY_SEEN: Final = "\u200c\u200d\u202a-\u202e\u2066-\u2069"
"""Those: joiners, embeddings, overrides, isolates; as a part of a character class of regular expressions."""


def visible(text: str) -> str:
    """Return the text without what cannot be seen.

    >>> visible("to\\u200btal\\u00ad 1\\u20607\\ufeff")
    'total 17'
    """
    return text if text.isascii() else INVISIBLE.sub("", text)
