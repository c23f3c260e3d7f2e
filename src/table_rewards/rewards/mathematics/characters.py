r"""One spelling for what keyboards, typesetters and models write: Unicode signs as LaTeX commands, dress taken off.

What is taken off changes no value: white space, sizes of brackets, dollar signs around a formula, a full stop at its
end. Nothing that could be part of an answer (a word, a letter, a sign) is removed here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from table_rewards.rewards.mathematics.bounds import MAX_LENGTH
from table_rewards.rewards.mathematics.spellings import grouped, in_common_spelling, without_flourish

_SIGNS: Final = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "×": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ",
    "∙": r"\cdot ", "•": r"\cdot ", "÷": r"\div ", "∞": r"\infty ", "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ",
    "≥": r"\ge ", "⩾": r"\ge ", "≧": r"\ge ", "≠": r"\ne ", "±": r"\pm ", "∓": r"\mp ", "∪": r"\cup ",
    "∩": r"\cap ", "∅": r"\emptyset ", "∈": r"\in ", "∉": r"\notin ", "∖": r"\setminus ", "°": r"^\circ ", "′": "'",
    "″": "''", "‴": "'''", "’": "'", "‘": "'", "“": '"', "”": '"', "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "，": ",", "、": ",", "；": ";", "：": ":", "。": ".",
    "．": ".", "…": r"\ldots ", "⋯": r"\ldots ", "⁄": "/", "∕": "/", "∠": r"\angle ", "△": r"\triangle ", "→": r"\to ",
    "⇒": r"\Rightarrow ", "⇔": r"\Leftrightarrow ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ",
    "⌉": r"\rceil ", "⟨": r"\langle ", "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ", "∘": r"\circ ",
    "∧": r"\land ", "∨": r"\lor ", "≈": r"\approx ", "≡": r"\equiv ", "∼": r"\sim ", "√": r"\ROOT ",
    "∛": r"\CUBEROOT ", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "∣": "|", "｜": "|", "∥": r"\parallel ",
    "⊥": r"\perp ", "％": "%", "￥": "¥", "℃": r"^\circ C", "℉": r"^\circ F", "½": r"\frac{1}{2}",
    "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅕": r"\frac{1}{5}",
    "⅖": r"\frac{2}{5}", "⅗": r"\frac{3}{5}", "⅘": r"\frac{4}{5}", "⅙": r"\frac{1}{6}", "⅚": r"\frac{5}{6}",
    "⅛": r"\frac{1}{8}", "⅜": r"\frac{3}{8}", "⅝": r"\frac{5}{8}", "⅞": r"\frac{7}{8}", "【": "[", "】": "]",
    "\u2062": "", "\u2061": "", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "\u2060": "",
    "\u00ad": "", "\u200e": "", "\u200f": "", "\ufe0e": "", "\ufe0f": "",
    "\u00a0": " ", "\u2009": " ", "\u200a": " ", "\u202f": " ", "\u3000": " ", "\u2002": " ", "\u2003": " ",
    "𝑖": "i", "𝑒": "e", "𝑥": "x", "𝑦": "y", "∶": ":", "✓": r"\checkmark ", "✔": r"\checkmark ", "✅": r"\checkmark ",
    "■": r"\blacksquare ", "□": r"\square ", "∎": r"\blacksquare ", "∴": r"\therefore ", "⟹": r"\Rightarrow ",
}  # fmt: skip
_GREEK_NAMES: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega phi epsilon theta Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega mu"
)
_GREEK: Final = dict(zip("αβγδεζηθικλμνξπρστυφχψωϕϵϑΓΔΘΛΞΠΣΦΨΩµ", _GREEK_NAMES.split(), strict=True))
_RAISED: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", "0123456789+-=()ni", strict=True))
_LOWERED: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙₖᵢ", "0123456789+-=()nki", strict=True))
_TABLE: Final = {
    **{ord(sign): command for sign, command in _SIGNS.items()},
    **{ord(sign): f"\\{name} " for sign, name in _GREEK.items()},
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in _SIGNS},
}
_RAISED_RUN = re.compile(f"[{''.join(_RAISED)}]+")
_LOWERED_RUN = re.compile(f"[{''.join(_LOWERED)}]+")

LONGEST: Final = 2 * MAX_LENGTH
"""A text that is longer once its signs are commands is not read."""

_SIZES = re.compile(
    r"\\(?:left|right)\s*\."
    r"|\\(?:left|right|middle|bigl|bigr|Bigl|Bigr|biggl|biggr|Biggl|Biggr|big|Big|bigg|Bigg)(?![a-zA-Z])\s*"
)
_STYLES = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|limits|nolimits|mathstrut|normalsize|large|Large)(?![a-zA-Z])"
)
_ESCAPED_TWICE = re.compile(r"(?<!\\)\\\\(?=[a-zA-Z]{2})")
_MATRIX_ESCAPED_TWICE = re.compile(r"(?<!\\)\\\\begin\s*\{")
_GROUPED = re.compile(
    r"(?<=[0-9])(?:\\[,;:! ]|\{\\[,;:! ]\}|\s*\{\s*,(?:\s|\\[,;:! ])*\}|,(?:\s|\\[,;:])*\\!|\\!,|~)\s*"
    r"(?=[0-9]{3}(?![0-9]))"
)
_MICRO = re.compile(r"(?<=[0-9])\s*[μµ]([a-zA-Z])(?![a-zA-Z])")
_SYSTEM = re.compile(
    r"\\left\s*\\\{\s*\\begin\s*\{array\}\s*\{[lcr\s]*\}((?:(?!\\begin).)*?)\\end\s*\{array\}\s*\\right\s*\.", re.DOTALL
)
"""A system of equations behind one brace, as TeX had it before ``cases``."""
_BUILDER = re.compile(r"\{\s*[a-zA-Z]\s*(?:\\in\s*\S+\s*)?(?:\||\\mid|:)")
"""A set by its condition whose braces lost their backslashes."""
_STOP = re.compile(r"[.,;]\s*(?=\\\\|$)")
_SPACED_DIGITS = re.compile(r"(?<![0-9.,_^])(?<![_^]\{)[1-9][0-9]{0,2}(?: {1,3}[0-9]{3})+(?![0-9])")
_SPACED_PLACES = re.compile(r"(?<![0-9])[0-9]*\.[0-9]{3}(?:\\,[0-9]{3})*\\,[0-9]{1,3}(?![0-9])")
"""Decimal places in groups: ``0.123\\,456``."""
_SPACES = re.compile(
    r"(?<!\\)\\[,;:> ]|(?<!\\)\\(?=\s)|~|\\q?quad|\\(?:enspace|thinspace|space)(?![a-zA-Z])"
    r"|\\h(?:space|skip)\{[^{}]*\}"
)
_NOTHING = re.compile(
    r"\\!|\\(?:phantom|label|tag|color|textcolor|colorbox)\s*\{[^{}]*\}|\\(?:relax|nobreak|allowbreak)(?![a-zA-Z])"
)
_QUOTES: Final = frozenset("`'\"*")
_UNESCAPED = re.compile(
    r"[\t\f\x08\r\x07\v](?=(?:frac|imes|ext|heta|an|o|rac|inom|eta|ar|egin|oxed|ight|angle|lpha|ngle|ec|arphi|ert)(?![a-zA-Z]))"
)
_LETTERS_OF_ESCAPES: Final = {"\t": "t", "\f": "f", "\x08": "b", "\r": "r", "\x07": "a", "\v": "v"}
"""A backslash and the letter behind it that were read as one control character: ``\\tfrac`` of badly escaped JSON."""
_APART = re.compile(r"(?<![,;])\s*(?:\\q?quad\s*)+(?=[a-zA-Z](?:_\{?\w{1,4}\}?)?\s*=)")
_RENAMED: Final = (
    (re.compile(r"\\(?:[dtc]frac|nicefrac|sfrac)(?![a-zA-Z])"), r"\\frac"),
    (
        re.compile(
            r"\\frac\s*\{\s*\\(?:text|mathrm)\{([a-zA-Z ]+)\}\s*\}\s*"
            r"\{\s*\\(?:text|mathrm)\{([a-zA-Z ]+)\}\s*(\^\{?[23]\}?)?\s*\}"
        ),
        r"\\text{\1}/\\text{\2}\3",  # a unit over a unit
    ),
    (re.compile(r"\\[dt]binom(?![a-zA-Z])"), r"\\binom"),
    (re.compile(r"\\(?:leqslant|leqq|leq|le)(?![a-zA-Z])"), r"\\le "),
    (re.compile(r"\\(?:geqslant|geqq|geq|ge)(?![a-zA-Z])"), r"\\ge "),
    (re.compile(r"\\(?:neq|ne)(?![a-zA-Z])|\\not\s*="), r"\\ne "),
    (re.compile(r"\\lt(?![a-zA-Z])"), "<"),
    (re.compile(r"\\gt(?![a-zA-Z])"), ">"),
    (re.compile(r"\\(?:varnothing|empty)(?![a-zA-Z])"), r"\\emptyset "),
    (re.compile(r"\\(?:lvert|rvert|vert)(?![a-zA-Z])"), "|"),
    (re.compile(r"\\(?:lVert|rVert|Vert)(?![a-zA-Z])"), r"\\|"),
    (re.compile(r"\\(?:lbrace)(?![a-zA-Z])"), r"\\{"),
    (re.compile(r"\\(?:rbrace)(?![a-zA-Z])"), r"\\}"),
    (re.compile(r"\\(?:lbrack)(?![a-zA-Z])"), "["),
    (re.compile(r"\\(?:rbrack)(?![a-zA-Z])"), "]"),
    (re.compile(r"\\(?:colon)(?![a-zA-Z])|\{:\}"), ":"),
    (re.compile(r"\\(?:dots|cdots|dotsc|dotsb|hdots)(?![a-zA-Z])|\.\.\.+"), r"\\ldots "),
    (re.compile(r"\\(?:bm|boldsymbol|mathbf|pmb)(?![a-zA-Z])"), r"\\mathbf"),
    (re.compile(r"\\(?:bf|rm|it|sf|tt)(?![a-zA-Z])\s*"), ""),
    (re.compile(r"\\(?:degree|degrees)(?![a-zA-Z])"), r"^\\circ "),
    (re.compile(r"\\(?:varphi)(?![a-zA-Z])"), r"\\phi "),
    (re.compile(r"\\(?:varepsilon)(?![a-zA-Z])"), r"\\epsilon "),
    (re.compile(r"\\(?:slash)(?![a-zA-Z])"), "/"),
    (re.compile(r"\\(?:imath)(?![a-zA-Z])"), "i"),
    (re.compile(r"\\(?:jmath)(?![a-zA-Z])"), "j"),
    (re.compile(r"(?:(?<=\\in)\s*|(?<=\\in )|^)\\mathbf\s*\{?([RZNQC])\}?(?=$|[\s,;)}\]\\^_*+-])"), r"\\mathbb{\1}"),
    (re.compile(r"\\in\s*([RZNQ])(?![a-zA-Z_({'])"), r"\\in \\mathbb{\1}"),
    (
        re.compile(
            r"(?<=[0-9}])(?:[\s~]|\\[,;: ])*(?:\\(?:text|mathrm)\s*\{\s*([kMm]?)\s*\\Omega\s*\}"
            r"|\\(?:text|mathrm)\s*\{\s*([kMm])\s*\}\s*\\Omega|([kMm]?)\\Omega)(?=\s*$)"
        ),
        r"\\text{ \1\2\3Ω}",
    ),
    (
        re.compile(
            r"(?<=[0-9}])(?:[\s~]|\\[,;: ])*(?:\\(?:text|mathrm)\s*\{\s*\\mu\s*([a-zA-Z])\s*\}"
            r"|\\mu\s*\\(?:text|mathrm)\s*\{\s*([a-zA-Z])\s*\})"
        ),
        r"\\text{ μ\1\2}",
    ),
    (re.compile(r"\\(?:R|reals|Reals)(?![a-zA-Z])|\\Bbb\s*\{?R\}?"), r"\\mathbb{R}"),
    (re.compile(r"\\(?:ast|star)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\(?:wedge)(?![a-zA-Z])"), r"\\land "),
    (re.compile(r"\\(?:vee)(?![a-zA-Z])"), r"\\lor "),
    (re.compile(r"\\(?:backslash|smallsetminus)(?![a-zA-Z])"), r"\\setminus "),
    (re.compile(r"(?<=[0-9])\s*\^\s*\{\s*(st|nd|rd|th)\s*\}"), r"^{\\text{\1}}"),
    (re.compile(r"\^\s*\{?\s*\\(?:top|intercal)(?![a-zA-Z])\s*\}?"), "^{T}"),
    (re.compile(r"\\(?:rightarrow|longrightarrow)(?![a-zA-Z])"), r"\\to "),
    (re.compile(r"\\lnot(?![a-zA-Z])"), r"\\neg "),
    (re.compile(r"\*\*(?=\s*[({0-9a-zA-Z-])"), "^"),
    (re.compile(r"<="), r"\\le "),
    (re.compile(r">="), r"\\ge "),
    (re.compile(r"!="), r"\\ne "),
)  # fmt: skip
_BOX = re.compile(r"\\(?:boxed|fbox|mathop|mathord|ensuremath|mathrel|underline)\s*\{")


@lru_cache(maxsize=16_384)
def dressed_down(text: str) -> str:
    r"""Return ``text`` in the one spelling that the reader knows.

    >>> dressed_down(r"$\left( \dfrac{1}{2},\, 3 \right)$."), dressed_down("2√３ × 10⁸"), dressed_down(r"12,\!345")
    ('( \\frac{1}{2}, 3 )', '2\\ROOT 3 \\times 10^{8}', '12,345')
    """
    if not text.isascii():
        text = _MICRO.sub(r"\\mu\\text{\1}", text)
        text = _RAISED_RUN.sub(lambda m: "^{" + "".join(_RAISED[c] for c in m[0]) + "}", text)
        text = _LOWERED_RUN.sub(lambda m: "_{" + "".join(_LOWERED[c] for c in m[0]) + "}", text)
        text = text.translate(_TABLE)
        if len(text) > LONGEST:
            return text[: LONGEST + 1]  # thousands of signs of a fraction each: no answer, and not worth the rules
    text = _UNESCAPED.sub(lambda m: "\\" + _LETTERS_OF_ESCAPES[m[0]], text)
    if "\\\\" in text:
        text = text.replace("\\\\", "\\") if _MATRIX_ESCAPED_TWICE.search(text) else _ESCAPED_TWICE.sub(r"\\", text)
    text = text.replace("\n", " ").replace("\t", " ").strip()
    if text[-1:] == "\\":
        text = text.rstrip("\\").rstrip()
    if text[:2] == "**" == text[-2:] and len(text) > 4:
        text = text[2:-2].strip()
    if text[:1] in _QUOTES and text[0] == text[-1] and len(text) > 2 and text.count(text[0]) == 2:
        text = text[1:-1].strip()
    text = _undelimited(_unstopped(text))
    if "\\" in text or text[:1] == "=":
        text = without_flourish(text)
    if "\\" in text or "{" in text or "~" in text:
        if "\\," in text and "." in text:
            text = _SPACED_PLACES.sub(lambda m: m[0].replace("\\,", ""), text)
        text = _GROUPED.sub(",", text)
        text = _SYSTEM.sub(lambda m: f"\\begin{{cases}}{_STOP.sub('', m[1])}\\end{{cases}}", text)
        text = _NOTHING.sub("", text)
        text = _SIZES.sub("", text)
        text = _STYLES.sub("", text)
        text = re.sub(r"(?<=[0-9])\{,\}(?=[0-9])", ".", text).replace("{,}", ",")
        text = re.sub(r"(?<=[0-9])\\!(?=[0-9])", "", text)
        text = _BOX.sub("{", text)
    text = _APART.sub(", ", text) if "quad" in text else text
    text = in_common_spelling(text)
    for pattern, known in _RENAMED:
        text = pattern.sub(known, text)
    text = _SPACES.sub(" ", text).replace("−", "-")
    text = _SPACED_DIGITS.sub(lambda m: re.sub(" +", ",", m[0]), text)
    text = grouped(text)
    text = _undelimited(_unstopped(text.strip()))
    while text[:1] == "{" and text[-1:] == "}" and _one_group(text):
        if _BUILDER.match(text):
            return f"\\{text[:-1]}\\}}"
        text = _unstopped(text[1:-1].strip())
    return text


def _one_group(text: str) -> bool:
    """Whether the first brace closes at the end."""
    depth = 0
    for index, char in enumerate(text):
        if char in "{}" and (index == 0 or text[index - 1] != "\\"):
            depth += 1 if char == "{" else -1
            if not depth:
                return index == len(text) - 1
    return False


def _unstopped(text: str) -> str:
    """Without a full stop, comma or semicolon at the end."""
    while text[-1:] in (".", ",", ";", ":") and text[-2:] != ".." and text[-2:-1] != "\\" and text[-6:] != "right.":
        text = text[:-1].rstrip()
    return text


def _undelimited(text: str) -> str:
    r"""Without the signs that open and close mathematics: ``$``, ``\(``, ``\[``; a single ``$`` is money."""
    if text[:2] in ("\\(", "\\[") and text[-2:] in ("\\)", "\\]"):
        text = text[2:-2].strip()
    bare = text.replace("\\$", "")
    if "$" in bare:
        if bare.count("$") % 2 == 0:
            text = re.sub(r"(?<!\\)\$", " ", text).strip()
            text = _unstopped(text)
        else:
            text = re.sub(r"(?<!\\)\$", r"\\$", text)
    return text
