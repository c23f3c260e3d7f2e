"""Blocks in a completion: fenced code, tagged elements, boxed answers. All linear in the length of the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from table_rewards.text.spread import MAX_BLOCK, parsed

_LANGUAGE: Final = r"[\w+\-.#]*"
_OPENING: Final = re.compile(
    r"^(?P<lead>[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)(?P<marker>`{3,}|~{3,})[ \t]*(?P<language>"
    + _LANGUAGE
    + r")(?P<rest>[^\n]*)$"
)
_BEHIND_TEXT: Final = re.compile(r"\S[ \t]*(?P<marker>`{3,})[ \t]*(?P<language>[A-Za-z][\w+\-.#]*)[ \t]*$")
_AT_THE_END: Final = re.compile(r"[^`\n](?P<marker>`{3,})[ \t]*$")
_TAGS_CLOSE: Final = re.compile(r"[ \t\r]*(?:</\w{1,20}>[ \t\r]*)*")  # what may stand behind a closing fence
_QUOTED: Final = re.compile(r"^ {0,3}>(?!>>) ?", re.MULTILINE)
_QUOTED_FENCE: Final = re.compile(r"^ {0,3}>(?!>>)[ \t]*(?:```|~~~)", re.MULTILINE)
_BOX: Final = re.compile(r"\\(?:boxed|fbox|box)[ \t]*\{")
_TAB: Final = 4
_TRIES: Final = 12  # how many ends a text's Python blocks that stop within a string are tried with
PYTHON: Final = (
    *("python", "py", "python3", "py3", "pypy", "pypy3", "ipython", "ipython3"),
    *(f"python3.{minor}" for minor in range(6, 16)),
)


class _Fence:
    """A fence that is open: its marker, its language, how far it is indented, and the lines behind it so far."""

    __slots__ = ("indent", "language", "lines", "loose", "marker", "quotes")

    def __init__(self, marker: str, language: str, indent: int) -> None:
        self.marker, self.language, self.indent = marker, language.lower(), indent
        self.lines: list[str] = []
        self.loose = -1  # how many lines stand before the first that closes it for a generous reader
        self.quotes = (0, 0)

    def add(self, line: str) -> None:
        self.lines.append(line)
        self.quotes = _with_quotes_of(line, self.quotes)

    def closes(self, marker: str) -> bool:
        return marker[0] == self.marker[0] and len(marker) >= len(self.marker)

    def text(self, end: int | None = None) -> str:
        return "".join(_without_indent(line, self.indent) for line in self.lines[:end])

    def may_be_within_string(self) -> bool:
        """Whether a Python program may stop within a string here, such as a docstring that shows a fenced example."""
        return self.quotes != (0, 0) and self.language in (*PYTHON, "")


def fenced_blocks(text: str, *languages: str) -> list[str]:
    """Return the contents of the closed code fences, those of the given languages if any are given (case-insensitive).

    Fences are read as CommonMark has them: backticks or tildes, indented in a list (the indent is taken off the code),
    in a quotation (its marks are taken off), with an info string behind the language; a line may end with CR LF. Read
    as well, because models write it: an opening at the end of a line of text, a closing mark that is indented too far
    or stands behind the last statement, and a fence that a closing ``</answer>`` ends or stands behind. A fence within
    a string of a Python program, such as a docstring's example, is text.

    >>> fenced_blocks("```python\\na = 1\\n```\\n```sh\\nls\\n```", "python", "py")
    ['a = 1\\n']
    >>> fenced_blocks("1. So:\\n\\n   ```python\\n   if a:\\n       b()\\n   ```")
    ['if a:\\n    b()\\n']
    >>> fenced_blocks("<answer>```python\\na = 1\\n```</answer>")
    ['a = 1\\n']
    """
    wanted = {language.lower() for language in languages}
    return [block for language, block in _fences(text) if not wanted or language in wanted]


def _with_quotes_of(line: str, quotes: tuple[int, int]) -> tuple[int, int]:
    """For each kind of triple quote 1 where a text has an odd number of them, else 0, behind one more line."""
    if '"""' not in line and "'''" not in line:
        return quotes
    return quotes[0] ^ line.count('"""') % 2, quotes[1] ^ line.count("'''") % 2


def _fences(text: str) -> list[tuple[str, str]]:
    """(language, content) of every closed fence."""
    return _scanned(text)[0]


def _scanned(text: str) -> tuple[list[tuple[str, str]], _Fence | None]:
    """(language, content) of every closed fence, and the one that is still open, in one pass over the lines."""
    if "```" not in text and "~~~" not in text:
        return [], None
    found: list[tuple[str, str]] = []
    fence: _Fence | None = None
    text = text.replace("\r\n", "\n")
    lines = _lines(_unquoted(text) if _QUOTED_FENCE.search(text) else text)
    tries, of_a_string = _TRIES, 0  # the lines before that one stand in a string of the program
    for at, line in enumerate(lines):
        if "```" not in line and "~~~" not in line and "</answer>" not in line:
            if fence is not None:
                fence.add(line)
            continue
        bare = line.rstrip("\n")
        match = _OPENING.match(bare)
        if match is not None and match["marker"][0] == "`" and "`" in match["rest"]:
            match = None  # code within a line of text
        if fence is None:
            fence = _opened(bare, match)
            continue
        if at >= of_a_string and tries > 0 and fence.may_be_within_string():
            of_a_string, tried = _end_of_string(fence, lines, at)
            tries -= 1 + tried
        if at < of_a_string:
            fence.add(line)
            continue
        if (
            match is not None
            and not match["language"]
            and _TAGS_CLOSE.fullmatch(match["rest"]) is not None
            and fence.closes(match["marker"])
        ):
            if not match["lead"].strip() and _columns(match["lead"]) - fence.indent < _TAB:
                found.append((fence.language, fence.text()))
                fence = None
                continue
            if fence.loose < 0 and not match["lead"].strip():
                fence.loose = len(fence.lines)
        elif (
            match is not None
            and match["language"]
            and fence.closes(match["marker"])
            and _columns(match["lead"]) - fence.indent < _TAB  # deeper it is text of the block, of a docstring say
        ):
            _give_up(fence, found)  # a new opening: the one before was never closed
            fence = _Fence(match["marker"], match["language"], _columns(match["lead"]))
            continue
        elif fence.loose < 0:
            if bare.lstrip().startswith("</answer>"):
                fence.loose = len(fence.lines)
            else:
                ends = _AT_THE_END.search(bare)
                if ends is not None and fence.closes(ends["marker"]):
                    fence.add(bare[: ends.start("marker")] + "\n")
                    fence.loose = len(fence.lines)
                    continue
        fence.add(line)
    if fence is not None and fence.loose >= 0:
        _give_up(fence, found)
        fence = None
    return found, fence


def _end_of_string(fence: _Fence, lines: Sequence[str], at: int) -> tuple[int, int]:
    """The line where a program that is within a string at line ``at`` ends, or 0, and how many ends were tried.

    What is a program already is within none. It ends at the first closing fence, ``</answer>`` or end of the text with
    which it is a program; where none makes it one, the string is a slip of the program and the fence at hand counts.
    """
    if parsed(fence.text()) is not None:
        return 0, 0
    whole = list(fence.lines)
    size = sum(map(len, whole))
    quotes, tried = fence.quotes, 0
    for number in range(at, len(lines) + 1):
        may_end = number > at and quotes == (0, 0) and (number == len(lines) or _may_end(fence, lines[number]))
        if may_end:
            if parsed("".join(_without_indent(line, fence.indent) for line in whole)) is not None:
                return number, tried
            tried += 1
        if number == len(lines) or tried == _TRIES or size > MAX_BLOCK:
            break
        line = lines[number]
        size += len(line)
        quotes = _with_quotes_of(line, quotes)
        whole.append(line)
    return 0, tried


def _may_end(fence: _Fence, line: str) -> bool:
    if line.lstrip().startswith("</answer>"):
        return True
    match = _OPENING.match(line.rstrip("\n")) if "```" in line or "~~~" in line else None
    return match is not None and not match["language"] and fence.closes(match["marker"])


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines


def _unquoted(text: str) -> str:
    """The text without the marks of quotations that hold a fence; the end of one ends its fences too."""
    found: list[str] = []
    quoted: list[str] = []
    for line in [*_lines(text), ""]:
        if _QUOTED.match(line):
            quoted.append(line)
            continue
        if quoted:
            bare = [_QUOTED.sub("", inner) for inner in quoted]
            fences = [inner for inner in bare if inner.lstrip().startswith(("```", "~~~"))]
            found += bare if fences else quoted
            if len(fences) % 2:
                found.append(("" if bare[-1].endswith("\n") else "\n") + fences[-1].lstrip()[:3] + "\n")
            quoted = []
        found.append(line)
    return "".join(found)


def _opened(line: str, match: re.Match[str] | None) -> _Fence | None:
    if match is not None:
        return _Fence(match["marker"], match["language"], _columns(match["lead"]))
    if line.endswith("`") or "```" not in line:
        return None
    behind = _BEHIND_TEXT.search(line)
    return None if behind is None else _Fence(behind["marker"], behind["language"], 0)


def _give_up(fence: _Fence, found: list[tuple[str, str]]) -> None:
    """A fence without a closing line of its own: it ends where a generous reader ends it, or is none."""
    if fence.loose >= 0:
        found.append((fence.language, fence.text(fence.loose)))


def _columns(lead: str) -> int:
    return len(lead.expandtabs(_TAB))


def _without_indent(line: str, columns: int) -> str:
    """The line without up to so many columns of white space."""
    taken = at = 0
    while taken < columns and at < len(line) and line[at] in " \t":
        taken += 1 if line[at] == " " else _TAB - taken % _TAB
        at += 1
    return " " * (taken - columns) + line[at:] if taken > columns else line[at:]


def python_blocks(text: str) -> list[str]:
    """Return the Python code blocks, else the blocks without a language, in order.

    >>> python_blocks("```python\\nprint(1)\\n```\\ntext\\n```py\\nprint(2)\\n```")
    ['print(1)\\n', 'print(2)\\n']
    """
    return fenced_blocks(text, *PYTHON) or fenced_blocks(text, "")


def python_block(text: str) -> str | None:
    """Return the last Python code block, else the last block without a language, else None.

    >>> python_block("```python\\nprint(1)\\n```\\ntext")
    'print(1)\\n'
    """
    blocks = python_blocks(text)
    return blocks[-1] if blocks else None


def unclosed_python_block(text: str) -> str | None:
    """Return what stands behind an opened Python fence that nothing closes: a program that was cut off, or None.

    >>> unclosed_python_block("```python\\nprint(1)")
    'print(1)'
    """
    fence = _scanned(text)[1]
    return fence.text() if fence is not None and fence.language in PYTHON else None


def tagged(text: str, tag: str) -> list[str]:
    """Return the contents of the closed ``<tag>...</tag>`` elements, in order; of nested ones, the innermost.

    >>> tagged("<step>a</step> <step>b", "step"), tagged("<a>x<a>y</a>", "a")
    (['a'], ['y'])
    """
    return [text[start:end] for start, end in tagged_spans(text, tag)]


def tagged_spans(text: str, tag: str) -> list[tuple[int, int]]:
    """Return where the contents of :func:`tagged` stand: (start, end) pairs."""
    opening, closing = f"<{tag}>", f"</{tag}>"
    spans: list[tuple[int, int]] = []
    position = 0
    while True:
        end = text.find(closing, position)
        if end < 0:
            return spans
        start = text.rfind(opening, position, end)
        if start >= 0:
            spans.append((start + len(opening), end))
        position = end + len(closing)


def last_tagged(text: str, tag: str) -> str | None:
    """Return the content of the last closed element, reading from the end; None without one.

    >>> last_tagged("<answer>1</answer> no: <answer>2</answer>", "answer")
    '2'
    """
    end = text.rfind(f"</{tag}>")
    if end < 0:
        return None
    start = text.rfind(f"<{tag}>", 0, end)
    return text[start + len(tag) + 2 : end] if start >= 0 else None


def boxed(text: str) -> list[str]:
    """Return the contents of the ``\\\\boxed{...}`` whose braces balance, outermost, in order.

    >>> boxed(r"so \\boxed{\\frac{1}{2}} or \\boxed{3")
    ['\\\\frac{1}{2}']
    """
    found: list[str] = []
    position = 0
    while True:
        match = _BOX.search(text, position)
        if match is None:
            return found
        end = _closing_brace(text, match.end())
        if end < 0:  # never closed: what is inside may still hold one that is
            if _BOX.search(text, match.end()) is None:
                return found
            position = match.end()
            if len(text) - position > 20_000:  # an unclosed box at every turn would make this quadratic
                position = len(text) - 20_000
            continue
        found.append(text[match.end() : end])
        position = end + 1


def _closing_brace(text: str, start: int) -> int:
    depth, position = 1, start
    for match in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, position):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1
