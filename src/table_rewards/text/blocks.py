"""Blocks in a completion: fenced code, tagged elements, boxed answers. All linear in the length of the text."""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[ \t]*([\w+\-.#]*)[^\n]*$", re.MULTILINE)
_BOX: Final = re.compile(r"\\(?:boxed|fbox|box)[ \t]*\{")


def fenced_blocks(text: str, *languages: str) -> list[str]:
    """Return the contents of the closed code fences, those of the given languages if any are given (case-insensitive).

    >>> fenced_blocks("```python\\na = 1\\n```\\n```sh\\nls\\n```", "python", "py")
    ['a = 1\\n']
    """
    wanted = {language.lower() for language in languages}
    blocks = []
    opened: tuple[str, str, int] | None = None
    for match in _FENCE.finditer(text):
        marker, language = match[1], match[2].lower()
        if opened is None:
            opened = (marker, language, match.end() + 1)
        elif marker[0] == opened[0][0] and len(marker) >= len(opened[0]) and not language:
            if not wanted or opened[1] in wanted:
                blocks.append(text[opened[2] : match.start()])
            opened = None
        elif language:  # a new opening: the one before was never closed
            opened = (marker, language, match.end() + 1)
    return blocks


def python_block(text: str) -> str | None:
    """Return the last Python code block, else the last block without a language, else None.

    >>> python_block("```python\\nprint(1)\\n```\\ntext")
    'print(1)\\n'
    """
    blocks = fenced_blocks(text, "python", "py", "python3") or fenced_blocks(text, "")
    return blocks[-1] if blocks else None


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


def last_boxed(text: str) -> str | None:
    """Return the content of the last balanced box, or None.

    >>> last_boxed(r"\\boxed{1} then \\boxed{2}")
    '2'
    """
    found = boxed(text)
    return found[-1] if found else None


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
