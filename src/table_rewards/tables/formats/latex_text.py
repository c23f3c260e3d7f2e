"""What stands in a LaTeX cell, as plain text, and plain text as LaTeX.

Formatting and colours are dropped around their text, symbols and accents become Unicode, spaces of any width one space,
``\\textsuperscript`` and ``\\textsubscript`` marks, ``--`` and ``---`` dashes, doubled quotation marks curly. Notes
are left out. Mathematics stays as it is written, and so does a macro that is not known, with its arguments: macros are
not expanded.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from table_rewards.tables.formats.scripts import MACROS, SUB, SUB_END, SUP, SUP_END, unmarked
from table_rewards.tables.table import tidy

_ARGUMENT: Final = r"\s*(?:\[[^\[\]]*\]\s*)?"
_PIECE: Final = re.compile(r"\\[a-zA-Z@]+\*?|\\.|\$+|[{}~]|[\^_]\{|[^\\${}~^_]+|[\^_]", re.DOTALL)
_FORMULA: Final = re.compile(
    r"\$(?=[^\s$])(?:[^$\\{}&%#~\n]|\\[^\\\n]|\{(?:[^$\\{}&%#\n]|\\[^\\\n]|\{(?:[^$\\{}&%#\n]|\\[^\\\n])*\})*\})*?"
    r"(?<=[^\s])\$(?!\d)"
)
_PARENTHESES: Final = re.compile(r"\\\(.*?\\\)", re.DOTALL)

_KEEPS_ITS_ARGUMENT_NAMES: Final = """
textbf textit textrm texttt textsc textsf textsl textup textmd textnormal text emph underline uline mbox makebox
fbox framebox makecell thead shortstack mathrm mathbf mathit mathsf mathtt boldsymbol bm operatorname hbox num
uppercase lowercase sout st hl ul centerline url nolinkurl path uuline uwave dashuline numprint tablenum lstinline
"""
_KEEPS_ITS_ARGUMENT: Final = frozenset(_KEEPS_ITS_ARGUMENT_NAMES.split())
_DROPS_FIRST: Final = {  # arguments dropped in front of the one that is kept
    "textcolor": 1, "colorbox": 1, "fcolorbox": 2, "rotatebox": 1, "scalebox": 1, "resizebox": 2, "raisebox": 1,
    "parbox": 1, "href": 1, "hyperref": 0, "adjustbox": 1, "hspace": 1, "vspace": 1, "color": 1, "rowcolor": 1,
    "cellcolor": 1, "columncolor": 1, "rowcolors": 3, "arrayrulecolor": 1, "label": 1, "fontsize": 2, "cline": 1,
    "hphantom": 1, "vphantom": 1, "phantom": 1, "setlength": 2, "renewcommand": 2, "SetCell": 1, "SetRow": 1,
    "rowfont": 1, "index": 1, "vrule": 0, "footnote": 1, "tablefootnote": 1, "footnotemark": 0, "rule": 2,
    "includegraphics": 1,
}  # fmt: skip
_DROPPED_NAMES: Final = """
bfseries itshape small footnotesize scriptsize tiny normalsize large Large LARGE huge Huge bf it rm sc tt sf em
mdseries upshape rmfamily sffamily ttfamily scshape slshape selectfont centering raggedright raggedleft
arraybackslash hfill vfill noindent par strut relax displaystyle textstyle leavevmode protect left right
ignorespaces null unskip xspace RaggedRight RaggedLeft Centering hline toprule midrule bottomrule endhead
endfirsthead endfoot endlastfoot boldmath unboldmath nobreak allowbreak hfil vfil
"""
_DROPPED: Final = frozenset(_DROPPED_NAMES.split())
_SPACES_NAMES: Final = """
quad qquad enspace thinspace space newline linebreak nobreakspace enskip
"""
_SPACES: Final = frozenset(_SPACES_NAMES.split())
_SYMBOLS: Final = {
    "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textbar": "|", "textless": "<",
    "textgreater": ">", "textdollar": "$", "textunderscore": "_", "textbraceleft": "{", "textbraceright": "}",
    "textdegree": "°", "degree": "°", "textpm": "±", "texttimes": "×", "textdiv": "÷", "textmu": "µ", "micro": "µ",
    "textpercent": "%", "textperthousand": "‰", "texteuro": "€", "euro": "€", "textsterling": "£", "pounds": "£",
    "textyen": "¥", "textcent": "¢", "textendash": "–", "textemdash": "—", "textellipsis": "…", "ldots": "…",
    "dots": "…", "textquotedblleft": "“", "textquotedblright": "”", "textquoteleft": "‘", "textquoteright": "’",
    "textquotesingle": "'", "textquotedbl": '"', "textbullet": "•", "textperiodcentered": "·", "textdagger": "†",
    "textdaggerdbl": "‡", "dag": "†", "ddag": "‡", "textasteriskcentered": "*", "textsection": "§", "S": "§",
    "textparagraph": "¶", "P": "¶", "copyright": "©", "textcopyright": "©", "textregistered": "®",
    "texttrademark": "™", "textonehalf": "½", "textonequarter": "¼", "textthreequarters": "¾", "textohm": "Ω",
    "checkmark": "✓", "cmark": "✓", "xmark": "✗", "ding": "", "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ",
    "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "aa": "å", "AA": "Å", "i": "ı", "j": "ȷ", "dh": "ð", "th": "þ",
    "slash": "/", "lbrack": "[", "rbrack": "]", "lbrace": "{", "rbrace": "}", "LaTeX": "LaTeX", "TeX": "TeX",
    "textnumero": "№", "textminus": "−", "textonesuperior": "¹", "texttwosuperior": "²", "textthreesuperior": "³",
    "textuparrow": "↑", "textdownarrow": "↓", "textrightarrow": "→", "textleftarrow": "←", "faCheck": "✓",
    "faTimes": "✗",
    "guillemotleft": "«", "guillemotright": "»", "textexclamdown": "¡", "textquestiondown": "¿", "and": "",
}  # fmt: skip
_ACCENTS: Final = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331",
}  # fmt: skip
_DINGS: Final = {"51": "✓", "52": "✔", "55": "✗", "56": "✘"}
_SCRIPTS: Final = {
    "textsuperscript": (SUP, SUP_END), "textsubscript": (SUB, SUB_END), "tnote": (SUP, SUP_END), "up": (SUP, SUP_END),
    "sym": (SUP, SUP_END),  # esttab's stars
}  # fmt: skip
_INNER: Final = {  # environments in a cell whose content it says, with how many arguments they have
    "tabular": 1, "tabular*": 2, "tabularx": 2, "minipage": 1, "varwidth": 1, "adjustbox": 1, "turn": 1, "sideways": 0,
    "center": 0, "flushleft": 0, "flushright": 0, "itemize": 0, "enumerate": 0, "small": 0, "footnotesize": 0,
    "scriptsize": 0, "tiny": 0, "tabitemize": 0,
}  # fmt: skip
_ENVIRONMENT: Final = re.compile(r"\s*\{([a-z]{1,16}\*?)\}")
_GLUE: Final = re.compile(r"\s*-?\s*[\d.]+\s*(?:em|ex|pt|cm|mm|in|mu)(?![a-zA-Z])")

_ESCAPES: Final = str.maketrans(
    {
        "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "{": "\\{", "}": "\\}",
        "$": "\\$", "&": "\\&", "%": "\\%", "#": "\\#", "_": "\\_",
    }
)  # fmt: skip
_IN_FORMULA: Final = str.maketrans({"\\": None})


def closing_brace(text: str, opening: int) -> int:
    """Position of the brace that closes the one at ``opening``; the end of the text when none does."""
    depth = 0
    for match in _BRACE.finditer(text, opening):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return len(text)


_BRACE: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_OPTION: Final = re.compile(r"\s*\[[^\[\]]*\]")
_SPACE: Final = re.compile(r"\s*")
_BACKSLASHES: Final = re.compile(r"\\\\\*?(?:\s*\[\s*-?[\d.]+\s*[a-z\\]+\s*\])?")


def latex_text(source: str) -> str:
    """Return what a cell's source says, superscripts and subscripts marked.

    >>> latex_text(r"\\textbf{5\\,000}~\\%"), latex_text(r"{\\bf M\\"uller} $x^{2}$"), latex_text(r"\\foo{a}")
    ('5 000 %', 'Müller $x^{2}$', '\\\\foo{a}')
    """
    if not _MARKUP.search(source):
        return tidy(source)
    reader = _Reader(unmarked(source))
    reader.read()
    return tidy("".join(reader.parts))


_MARKUP: Final = re.compile(r"[\\{}~$^_]|--|``|''")
_LIGATURES: Final = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"))
_LIGATURE: Final = re.compile(r"-(?=-)|`(?=`)|'(?=')")


class _Reader:
    """Walks over a source once; ``closings`` is what to write where each open group ends."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.parts: list[str] = []
        self.closings: list[str] = []
        self.inner = 0  # environments that are open

    def read(self) -> None:
        source, parts = self.source, self.parts
        while self.position < len(source):
            match = _PIECE.match(source, self.position)
            if match is None:
                parts.append(source[self.position])
                self.position += 1
                continue
            piece = match[0]
            first = piece[0]
            self.position = match.end()
            if first == "\\":
                self._macro(piece, match.start())
            elif first == "{":
                self.closings.append("")
            elif first == "}":
                if self.closings:
                    parts.append(self.closings.pop())
            elif first == "~":
                parts.append(" ")
            elif first == "$":
                formula = _FORMULA.match(source, match.start())
                if formula is not None:
                    parts.append(formula[0])
                    self.position = formula.end()
                else:
                    parts.append(piece)
            elif piece in ("^{", "_{"):
                end = closing_brace(source, match.end() - 1)
                parts.append(source[match.start() : end + 1])
                self.position = min(end + 1, len(source))
            else:
                parts.append(_with_ligatures(piece.replace("&", " ") if self.inner else piece))
        while self.closings:
            parts.append(self.closings.pop())

    def _macro(self, piece: str, start: int) -> None:
        name = piece[1:]
        parts = self.parts
        if piece == "\\\\":
            match = _BACKSLASHES.match(self.source, start)
            assert match is not None
            self.position = match.end()
            parts.append(" ")
        elif name in _ACCENTS and (not name.isalpha() or self._argument_follows()):
            self._accent(_ACCENTS[name])
        elif not name.isalpha() and not name.rstrip("*").isalpha():
            if name == "(":
                formula = _PARENTHESES.match(self.source, start)
                parts.append(formula[0] if formula else "\\(")
                self.position = formula.end() if formula else self.position
            elif name in (",", ";", ":", " ", ">", "\n", "\t"):
                parts.append(" ")
            elif name in "!/-@":
                pass
            elif name in "%&_#${}|":
                parts.append(name)
            else:
                parts.append(piece)
        else:
            self._named(name.rstrip("*"), piece)

    def _named(self, name: str, piece: str) -> None:
        if name in _SCRIPTS:
            opening, closing = _SCRIPTS[name]
            if self._argument_follows():
                self._skip_space()
                self.position += 1
                self.parts.append(opening)
                self.closings.append(closing)
        elif name in _KEEPS_ITS_ARGUMENT:
            self._skip_option()
            self._skip_space()
        elif name in _DROPS_FIRST:
            self._skip_option()
            for _ in range(_DROPS_FIRST[name]):
                self._argument()
            if name in ("hspace",):
                self.parts.append(" ")
        elif name in ("begin", "end") and self._environment(name):
            self.parts.append(" ")
        elif name == "item" and self.inner:
            self._skip_option()
            self.parts.append(" ")
        elif name in ("hskip", "kern", "mskip") and (glue := _GLUE.match(self.source, self.position)) is not None:
            self.position = glue.end()
            self.parts.append(" ")
        elif name == "verb" and self._verbatim():
            pass
        elif name in ("diagbox", "backslashbox", "slashbox"):
            self._skip_option()
            if self._argument_follows():
                self._skip_space()
                self.position += 1
                self.closings.append(" ")
        elif name == "ding":
            self.parts.append(_DINGS.get(self._argument().strip(), ""))
        elif name in _DROPPED:
            self._skip_space()
        elif name in _SPACES:
            self.parts.append(" ")
            self._skip_space()
        elif name in _SYMBOLS:
            self.parts.append(_SYMBOLS[name])
            if self.source.startswith("{}", self.position):
                self.position += 2
            else:
                self._skip_space()
        else:  # not known: as it is written, arguments and all
            begin = self.position
            self._skip_option()
            while self.source.startswith("{", self.position):
                self._argument()
            self.parts.append(piece + self.source[begin : self.position])

    def _environment(self, name: str) -> bool:
        """Pass over ``\\begin{...}`` with its arguments, or over ``\\end{...}``; False for one that is not known."""
        found = _ENVIRONMENT.match(self.source, self.position)
        if found is None or found[1] not in _INNER:
            return False
        self.position = found.end()
        self.inner = max(0, self.inner + (1 if name == "begin" else -1))
        if name == "begin":
            self._skip_option()
            for _ in range(_INNER[found[1]]):
                self._argument()
                self._skip_option()
        return True

    def _verbatim(self) -> bool:
        """``\\verb|...|``: whatever stands between two of the same character."""
        mark = self.source[self.position : self.position + 1]
        end = self.source.find(mark, self.position + 1) if mark and not mark.isalnum() and not mark.isspace() else -1
        if end < 0:
            return False
        self.parts.append(self.source[self.position + 1 : end])
        self.position = end + 1
        return True

    def _accent(self, mark: str) -> None:
        letter = self._argument() if self._argument_follows() else self._next_letter()
        letter = {"\\i": "i", "\\j": "j", "ı": "i"}.get(letter.strip(), letter)
        self.parts.append(unicodedata.normalize("NFC", letter[:1] + mark + letter[1:]) if letter else "")

    def _next_letter(self) -> str:
        self._skip_space()
        macro = re.compile(r"\\[ij](?![a-zA-Z])").match(self.source, self.position)
        letter = macro[0] if macro else self.source[self.position : self.position + 1]
        self.position += len(letter)
        return letter

    def _argument_follows(self) -> bool:
        match = _SPACE.match(self.source, self.position)
        return match is not None and self.source.startswith("{", match.end())

    def _argument(self) -> str:
        """The group that follows, passed over; a single character where there is none."""
        self._skip_space()
        if not self.source.startswith("{", self.position):
            return ""
        end = closing_brace(self.source, self.position)
        argument = self.source[self.position + 1 : end]
        self.position = min(end + 1, len(self.source))
        return argument

    def _skip_option(self) -> None:
        match = _OPTION.match(self.source, self.position)
        while match is not None:
            self.position = match.end()
            match = _OPTION.match(self.source, self.position)

    def _skip_space(self) -> None:
        match = _SPACE.match(self.source, self.position)
        assert match is not None
        self.position = match.end()


def _with_ligatures(piece: str) -> str:
    if "--" in piece or "``" in piece or "''" in piece:
        for written, sign in _LIGATURES:
            piece = piece.replace(written, sign)
    return piece


def latex_source(text: str, marked: str = "") -> str:
    """Write a text so that :func:`latex_text` gives it back; formulas between dollar signs stay formulas.

    >>> latex_source("50% of $x^2$ {"), latex_source("[1]")
    ('50\\\\% of $x^2$ \\\\{', '{[}1]')
    """
    wanted = marked or text
    if not _SPECIAL.search(wanted):
        return wanted
    source = _escaped(wanted, formulas=True)
    if latex_text(source) != wanted:
        source = _escaped(wanted, formulas=False)
    if source[0] in "[*":
        source = f"{{{source[0]}}}{source[1:]}"
    return source.translate(MACROS) if marked else source


_SPECIAL: Final = re.compile(r"[\\${}&%#~^_\ue000-\uf8ff\U000fe0f0-\U000fe0f3]|\A[\[*]|--|``|''")


def _escaped(text: str, formulas: bool) -> str:
    if not formulas or "$" not in text:
        return _apart(text.translate(_ESCAPES))
    parts: list[str] = []
    end = 0
    for match in _FORMULA.finditer(text):
        parts += (_apart(text[end : match.start()].translate(_ESCAPES)), match[0])
        end = match.end()
    return "".join([*parts, _apart(text[end:].translate(_ESCAPES))])


def _apart(source: str) -> str:
    """A source whose hyphens and quotation marks LaTeX does not join."""
    return _LIGATURE.sub(lambda match: match[0] + "{}", source) if _LIGATURE.search(source) else source
