r"""Rare spellings as the common ones: other commands for a sign, other marks of thousands, words and signs of finality.

Nothing is taken away that could be part of an answer. Each rule is tried only where a sign of it stands in the text.
"""

from __future__ import annotations

import re
from typing import Final

_RULES: Final = (
    ("frac", r"(?<![\\a-zA-Z])frac(?=\{)", r"\\frac"),
    ("/", r"(?:\{\})?\^\s{0,3}\{?([0-9]{1,2})\}?\s{0,3}/\s{0,3}_\s{0,3}\{?([0-9]{1,2})\}?", r"\\frac{\1}{\2}"),
    ("}", r"(?<![a-zA-Z])\{\s{0,3}\}\s{0,3}(?=\^)", ""),
    ("infin", r"\\infin(?![a-zA-Z])", r"\\infty "),
    ("dollar", r"\\(?:mathdollar|textdollar)(?![a-zA-Z])", r"\\$"),
    ("pounds", r"\\pounds(?![a-zA-Z])", "£"),
    ("sterling", r"\\(?:textsterling|mathsterling)(?![a-zA-Z])", "£"),
    ("euro", r"\\(?:euro|texteuro)(?![a-zA-Z])", "€"),
    ("yen", r"\\(?:yen|textyen)(?![a-zA-Z])", "¥"),
    ("Rs.", r"(?<![a-zA-Z\\])Rs\.(?=\s{0,3}[0-9])", r"\\text{Rs}"),
    ("cup", r"\\(?:bigcup|sqcup)(?![a-zA-Z])(?!\s{0,3}[_^])", r"\\cup "),
    ("U", r"([(\[][^()\[\],]*,[^()\[\],]*[)\]])\s{0,3}U\s{0,3}(?=[(\[])", r"\1\\cup "),
    ("10", r"(?<=[0-9])\s{0,3}[xX]\s{0,3}(?=10\s{0,3}(?:\^|\*\*))", r"\\times "),
    ("E", r"(?<=[0-9])\s{0,3}\\(?:text|mathrm)\{\s{0,3}E\s{0,3}\}\s{0,3}(?=[+-]?[0-9])", "e"),
    ("root", r"\\root\s{0,3}\{?\s{0,3}([0-9n])\s{0,3}\}?\s{0,3}\\of(?![a-zA-Z])", r"\\sqrt[\1]"),
    ("forall", r"\\forall(?![a-zA-Z])", r"\\text{ for all }"),
    ("surd", r"\\surd(?![a-zA-Z])", r"\\ROOT "),
    ("n", r"^(?:\\(?:text|mathrm)\s?\{\s?(?:negative|minus)\s?\}|(?:negative|minus)\s)\s{0,3}(?=[0-9\\.])", "-"),
    ("o", r"(?<=[0-9])\s{0,3}\^\s{0,3}\{?o\}?(?![a-zA-Z])", r"^\\circ "),
    ("\\cr", r"\\cr(?![a-zA-Z])", r"\\\\"),
    ("\\\\", r"(?<=\\\\)\s{0,3}\[\s{0,3}-?[0-9.]{1,6}\s{0,3}(?:pt|em|ex|mm|cm)\s{0,3}\]", ""),
    (
        "mod",
        r"\(\s{0,3}(?:\\(?:text|mathrm|operatorname)\s?\{\s?mod\s?\}|\\[bp]?mod(?![a-zA-Z])|mod(?![a-z]))"
        r"(?:\s|\\[ ,;:]|~){0,4}([0-9]+|[a-z](?![a-z]))\s{0,3}\)",
        r"\\pmod{\1}",
    ),
    ("mod ", r"(?<![\\a-zA-Z])mod\s{1,3}(?=[0-9])", r"\\bmod "),
    ("mapsto", r"^([a-zA-Z])\s{0,3}:\s{0,3}([a-z])\s{0,3}\\mapsto(?![a-zA-Z])", r"\1(\2)="),
    (":", r"^(?:[lLCE]|\\ell|\\Gamma)\s{0,3}:\s{0,3}(?=[^:]*=)", ""),
    (
        "C",  # but C_1^2 is the square of a constant
        r"(?:\\(?:mathrm|text)\{\s?C\s?\}|(?<![a-zA-Z\\])C)"
        r"_\s?\{?\s?([1-9][0-9]|[4-9])\s?\}?\s?\^\s?(?:\{\s?([0-9]+)\s?\}|([0-9]))",
        r"\\binom{\1}{\2\3}",
    ),
    (
        "C",
        r"(?<![a-zA-Z0-9)}])(?:\{\})?(?:\^|_)\s?\{?\s?([1-9][0-9]?)\s?\}?\s?(?:\\(?:mathrm|text)\{\s?C\s?\}|C)"
        r"_\s?\{?\s?([0-9]{1,2})\s?\}?",
        r"\\binom{\1}{\2}",
    ),
    ("_", r"\\(?:text|mathrm|texttt)\s?\{\s?([0-9][0-9A-Fa-f]*)\s?\}(?=\s?_)", r"\1"),
    ("base", r"_\s?\{\s?\\(?:text|mathrm)\s?\{\s?base\s?\}\s?([0-9]{1,2})\s?\}", r"_{\1}"),
    (
        "base",
        r"(?<=[0-9A-Fa-f])(?:\s|\\[ ,;]){0,4}(?:\\text\s?\{\s?\(?\s?(?:in\s+)?base[\s-]+([0-9]{1,2}|[a-z]+)\s?\)?\s?\}"
        r"|\\text\s?\{\s?(?:in\s+)?base\s?\}\s?([0-9]{1,2})|\(?\s?(?:in\s+)?base[\s-]+([0-9]{1,2}|[a-z]+)\s?\)?)\s?$",
        r"_{\\text{\1\2\3}}",
    ),
    (
        "_",
        r"_\s?\{?\s?(two|three|four|five|six|seven|eight|nine|ten|twelve|sixteen)(?![a-z])\s?\}?",
        r"_{\\text{\1}}",
    ),
    ("时", r"^([0-9]{1,2})时([0-9]{1,2})分?$", r"\1:\2"),
    ("点", r"^([0-9]{1,2})点([0-9]{1,2})分?$", r"\1:\2"),
    ("o'clock", r"(?<=[0-9])\s{0,3}(?:\\text\s?\{\s?o'clock\s?\}|o'clock)", ":00"),
    ("<", r"^<\s?([^<>]+,[^<>]+?)\s?>$", r"\\langle \1\\rangle "),
)
_COMPILED: Final = tuple((sign, re.compile(pattern), known) for sign, pattern, known in _RULES)

_FINALITY = re.compile(r"(?:\\(?:therefore|Rightarrow|implies|Longrightarrow)(?![a-zA-Z])|=)\s*")
_FLOURISH = re.compile(r"\\(?:checkmark|blacksquare|square|Box|qed)\s*\Z")
_CIRCLE = re.compile(r"\\textcircled\s?\{\s?(?:\\\w+\s?)?(1?[0-9]|20)\s?\}")

_MARKED = re.compile(
    r"(?<![0-9A-Za-z.,'_^}])[1-9][0-9]{0,2}"
    r"(?:(?:'[0-9]{3})+(?![0-9'])|(?:_[0-9]{3})+(?![0-9_{])|(?:\.[0-9]{3}){2,}(?![0-9.,]))"
)
"""Thousands marked as in Switzerland, in programs and on the Continent: ``1'234'567``, ``1_234_567``, ``1.234.567``."""
_CONTINENTAL = re.compile(r"([-+]?)([1-9][0-9]{0,2}(?:\.[0-9]{3})+),([0-9]{1,2})")
_HEXADECIMAL = re.compile(r"\(?([0-9a-fA-F]+)\)?\s*_\s*\{?\s*16\s*\}?")
_PREFIX = re.compile(
    r"(\\(?:text|textbf|mathrm|mbox)\s?\{)?\s?(?:"
    r"(?:the\s+)?(?:correct\s+|final\s+|right\s+)?(?:answer|ans|choice|option|equation)(?:\s+is|\s?[:=])\s*"
    r"|(?:the\s+)?(?:correct\s+)?(?:option|choice)\s+(?=\(?[A-J]\)?(?:[.:)}\s]|$)))",
    re.IGNORECASE,
)
"""Words in front that say only that an answer follows."""
_HOLLOW = re.compile(r"\\(?:text|textbf|mathrm|mbox)\s?\{\s*\}")
_TO = re.compile(r"([0-9]+)\s?(?:\\text\s?\{\s?to\s?\}|\bto\b)\s?([0-9]+)")


def in_common_spelling(text: str) -> str:
    r"""The text with rare commands and notations as the reader knows them.

    >>> in_common_spelling(r"2.5 x 10^3"), in_common_spelling(r"(0,1)U(2,3)"), in_common_spelling("^{10}C_3")
    ('2.5\\times 10^3', '(0,1)\\cup (2,3)', '\\binom{10}{3}')
    """
    for sign, pattern, known in _COMPILED:
        if sign in text:
            text = pattern.sub(known, text)
    return text


def without_flourish(text: str) -> str:
    r"""The text without what says only that it is the answer: ``\therefore`` before it, a black square behind it.

    >>> without_flourish(r"\therefore x=5 \blacksquare"), without_flourish(r"\textcircled{2}")
    ('x=5', '②')
    """
    said = _FINALITY.match(text)
    if said:
        text = text[said.end() :]
    found = _FLOURISH.search(text) if text[-12:].count("\\") else None
    if found:
        text = text[: found.start()].rstrip(" ~")
        text = text[:-2].rstrip() if text[-2:] in ("\\,", "\\;") else text.rstrip("\\")
    return _CIRCLE.sub(lambda match: chr(0x245F + int(match[1])), text) if "textcircled" in text else text


def grouped(text: str) -> str:
    """The text with commas between thousands, capital digits of base 16, and no words in front of the answer.

    >>> grouped("1'234'567"), grouped("1.234,56"), grouped("2a_{16}"), grouped("Answer: 5"), grouped("3 to 4")
    ('1,234,567', '1234.56', '2A_{16}', '5', '3:4')
    """
    if "16" in text and (hexadecimal := _HEXADECIMAL.fullmatch(text)):
        return f"{hexadecimal[1].upper()}_{{16}}"
    if "'" in text or "_" in text or "." in text:
        text = _MARKED.sub(lambda match: re.sub("['_.]", ",", match[0]), text)
        if "," in text and (continental := _CONTINENTAL.fullmatch(text)):
            return f"{continental[1]}{continental[2].replace('.', '')}.{continental[3]}"
    prefix = _PREFIX.match(text)
    if prefix and prefix.end() < len(text):
        text = _HOLLOW.sub("", (prefix[1] or "") + text[prefix.end() :]).strip()
    ratio = _TO.fullmatch(text) if "to" in text else None
    return f"{ratio[1]}:{ratio[2]}" if ratio else text
