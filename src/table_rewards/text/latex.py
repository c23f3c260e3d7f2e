r"""LaTeX round a short answer: ``\boxed{\text{Paris}}``, ``\(7\)``, ``7\%``, ``7{,}000``, ``$\beta$``.

Models that were trained on mathematics write it into any answer. What it means is kept, what only sets it is taken off;
a command that is not known stays as it is written.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 20_000
"""Longer texts are returned as they are: an answer is a line."""

_ROUNDS: Final = 6  # commands inside commands, at most
_SETTING: Final = re.compile(
    r"\\(?:d?boxed|fbox|framebox|mbox|text(?:bf|it|rm|tt|sf|sc|normal|color\s*\{[^{}]*\})?|math(?:bf|rm|it|sf|tt|bb|cal)"
    r"|bm|boldsymbol|bold|emph|underline|operatorname|color\s*\{[^{}]*\}|textsuperscript(?=\{\}))\s*\{([^{}]*)\}"
)
_SUPERSCRIPT: Final = re.compile(r"(?:\^|\\textsuperscript)\s*\{\s*([^{}]*?)\s*\}")
_SUBSCRIPT: Final = re.compile(r"(?:_|\\textsubscript)\s*\{\s*([^{}]*?)\s*\}")
_FRACTION: Final = re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_DEGREES: Final = re.compile(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ\b)")
_COMMAND: Final = re.compile(r"\\([A-Za-z]+)(?:\{\})?\s?")
_DISPLAY: Final = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)
_INLINE: Final = re.compile(r"\$(?=[^\s$])((?:\\[^\n]|[^$\\\n])*?)(?<=[^\s$\\])\$(?!\d)")
_ESCAPES: Final = {
    **{f"\\{mark}": mark for mark in "%$&#_{}"},
    "\\(": "",
    "\\)": "",
    "\\[": "",
    "\\]": "",
    "\\,": " ",
    "\\;": " ",
    "\\:": " ",
    "\\ ": " ",
    "\\!": "",
}
_ESCAPE: Final = re.compile(r"\\[%$&#_{}()\[\],;:! ]")
_LOWER_DIGITS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_GREEK: Final = {
    name: letter
    for letters in (
        "alpha=α beta=β gamma=γ delta=δ epsilon=ε varepsilon=ε zeta=ζ eta=η theta=θ iota=ι kappa=κ lambda=λ mu=μ nu=ν",
        "xi=ξ pi=π rho=ρ sigma=σ tau=τ upsilon=υ phi=φ varphi=φ chi=χ psi=ψ omega=ω",
        "Gamma=Γ Delta=Δ Theta=Θ Lambda=Λ Xi=Ξ Pi=Π Sigma=Σ Phi=Φ Psi=Ψ Omega=Ω",
    )
    for name, _, letter in (item.partition("=") for item in letters.split())
}
_SYMBOLS: Final[dict[str, str]] = {
    **_GREEK,
    **dict.fromkeys(
        ("left", "right", "displaystyle", "textstyle", "bigl", "bigr", "bf", "rm", "it", "tt", "large", "Large"), ""
    ),
    **dict.fromkeys(("quad", "qquad", "space", "thinspace", "enspace"), " "),
    **dict.fromkeys(("approx", "simeq", "cong"), "≈"),
    **dict.fromkeys(("le", "leq", "leqslant"), "≤"),
    **dict.fromkeys(("ge", "geq", "geqslant"), "≥"),
    **dict.fromkeys(("dots", "ldots", "cdots", "textellipsis"), "…"),
    **dict.fromkeys(("to", "rightarrow", "longrightarrow"), "→"),
    **dict.fromkeys(("circ", "degree", "textdegree"), "°"),
    **dict.fromkeys(("pounds", "textsterling"), "£"),
    **dict.fromkeys(("euro", "texteuro"), "€"),
    **dict.fromkeys(("checkmark", "cmark"), "✓"),
    **dict.fromkeys(("xmark", "ballotx"), "✗"),
    **dict.fromkeys(("sim", "textasciitilde"), "~"),
    "times": "×",
    "cdot": "·",
    "pm": "±",
    "infty": "∞",
    "textdollar": "$",
    "textmu": "μ",
    "textendash": "–",
    "textemdash": "—",
    "neq": "≠",
    "lt": "<",
    "gt": ">",
    "ell": "l",
}


def without_latex(text: str) -> str:
    r"""Return a short text with its LaTeX read; a text without any is returned as it is.

    Dollar signs are mathematics where they stand in pairs round something (``$7$``, not ``from $5 to $7``); else money.

    >>> [without_latex(x) for x in (r"\boxed{\text{Paris}}", r"$7{,}000$", r"12\%", "$5 or $6", r"2\cdot10^{-3}")]
    ['Paris', '7,000', '12%', '$5 or $6', '2·10^-3']
    """
    if ("\\" not in text and "$" not in text and "{" not in text) or len(text) > MAX_LENGTH:
        return text
    if "$" in text:
        text = _INLINE.sub(r"\1", _DISPLAY.sub(r"\1", text))
    if "{" in text:
        text = text.replace("{,}", ",")
    if "\\" not in text and "^" not in text and "_" not in text:
        return text
    text = _DEGREES.sub("°", text)
    for _ in range(_ROUNDS):
        before = text
        text = _SETTING.sub(r"\1", text)
        text = _SUPERSCRIPT.sub(r"^\1", _SUBSCRIPT.sub(_lowered, text))
        text = _FRACTION.sub(r"\1/\2", text)
        if text == before:
            break
    text = _COMMAND.sub(_symbol, text)
    return _ESCAPE.sub(lambda match: _ESCAPES[match[0]], text)


def _lowered(match: re.Match[str]) -> str:
    return match[1].translate(_LOWER_DIGITS) if match[1].isdecimal() else "_" + match[1]


def _symbol(match: re.Match[str]) -> str:
    symbol = _SYMBOLS.get(match[1])
    if symbol is None:
        return match[0]
    return symbol + " " if match[0][-1:].isspace() and symbol.isalnum() else symbol
