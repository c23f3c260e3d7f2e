"""Chats and lists that csv files hold as text: pandas and trackers write them as JSON or as Python shows them."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import warnings
from typing import Any, Final

_CHAT: Final = re.compile(r"\[\s*\{\s*['\"](?:role|content|from|value)['\"]\s*:")
_LIST: Final = re.compile(r"\[\s*['\"]")
_LONGEST: Final = 1 << 24


def looks_like_chat(cell: str) -> bool:
    """Whether a cell begins as a list of turns does.

    >>> looks_like_chat("[{'role': 'user', 'content': '2+3?'}]"), looks_like_chat("[1, 2]")
    (True, False)
    """
    return cell[:1] == "[" and _CHAT.match(cell) is not None


def list_in(cell: str) -> list[Any] | None:
    """The list that a cell shows, as JSON or as Python's literal; None for any other text.

    A numpy array of texts is shown without commas, which Python would read as one text.

    >>> list_in('["a", "b"]'), list_in("['it\\\\'s', 'b']"), list_in("[a]"), list_in("no list")
    (['a', 'b'], ["it's", 'b'], None, None)
    >>> list_in("['a' 'b']") is None
    True
    """
    if cell[:1] != "[" or cell.rstrip()[-1:] != "]" or len(cell) > _LONGEST:
        return None
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = ast.literal_eval(cell)
            if _texts_side_by_side(cell):
                return None
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def _texts_side_by_side(cell: str) -> bool:
    """Whether two literals of text stand beside one another without a comma."""
    before = None
    try:
        for token in tokenize.generate_tokens(io.StringIO(cell).readline):
            if token.type == tokenize.STRING and before == tokenize.STRING:
                return True
            if token.type not in (tokenize.NL, tokenize.NEWLINE):
                before = token.type
    except (tokenize.TokenError, SyntaxError):
        return True
    return False


def looks_like_texts(cell: str) -> bool:
    """Whether a cell begins and ends as a list of texts does.

    >>> looks_like_texts("['a' 'b']"), looks_like_texts("[1, 2]")
    (True, False)
    """
    return cell.rstrip()[-1:] == "]" and _LIST.match(cell) is not None


def texts_in(cell: str) -> list[str] | None:
    """The texts of a cell that is a list of nothing else; None for any other cell.

    >>> texts_in("['a', 'b']"), texts_in("[1, 2]"), texts_in("[]")
    (['a', 'b'], None, None)
    """
    found = list_in(cell) if _LIST.match(cell) else None
    return found if found and all(isinstance(text, str) for text in found) else None
