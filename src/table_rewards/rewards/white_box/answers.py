"""The lines below the assertion: next statements and variable states, and how they are compared with the gold ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

from table_rewards.rewards.white_box.constructed import same_constructed
from table_rewards.rewards.white_box.reference import State
from table_rewards.rewards.white_box.tokens import NotThatForm, joined, literal, one_spacing, scan
from table_rewards.sandbox import values
from table_rewards.sandbox.values import Value

_LISTED = re.compile(r"\s*(?:1[.)]\s+|[-*]\s+|\*\*)`?assert\b")
_ITEM = re.compile(r"(?:(?P<number>\d{1,3})[.)]\s+|(?P<mark>[-*]\s|\*\*)\s*)(?P<content>\S.*)")
_OF_NONE = frozenset(("nonetype", "none", "object"))


def answer_lines(text: str) -> list[str]:
    """The lines of an answer: stripped, without blank ones, code fences, and the marks around a line.

    >>> answer_lines("```python\\n`x = 1`;\\n\\n3; int\\n```")
    ['x = 1', '3; int']
    """
    lines = (line.strip() for line in text.splitlines())
    kept = (line for line in lines if line.strip("`~; ") and not line.startswith(("```", "~~~")))
    return [line.strip("`").rstrip("`; ").strip() for line in kept]


def unlisted(text: str) -> str:
    """The answer without the marks of a list that its assertion and every other line are items of, or of bold lines.

    >>> unlisted("1. assert f(1) == 2\\n2. return b\\n3. 2; int"), unlisted("- assert f(1) == 2\\n-1")
    ('assert f(1) == 2\\nreturn b\\n2; int', '- assert f(1) == 2\\n-1')
    """
    if not _LISTED.match(text):
        return text
    found = [_ITEM.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    items = [item for item in found if item is not None]
    numbers = [int(item["number"]) for item in items if item["number"]]
    kinds = {item["mark"] or "1." for item in items}
    if len(items) < len(found) or len(kinds) > 1 or (numbers and numbers != list(range(1, len(items) + 1))):
        return text
    if kinds == {"**"} and not all(item["content"].endswith("**") for item in items):
        return text
    return "\n".join(item["content"].removesuffix("**") if item["mark"] == "**" else item["content"] for item in items)


def right_path(line: str, accepted: Sequence[str]) -> bool:
    """Whether a line is one of the accepted next statements (``-1``: none follows); spacing, comments and a final
    semicolon are free.

    >>> right_path("return  x # done", ["return x"]), right_path("-1", ["-1"]), right_path("return y", ["return x"])
    (True, True, False)
    """
    line = line.rstrip("; ")
    return any(line == gold or one_spacing(line) == one_spacing(gold) for gold in (g.strip("; ") for g in accepted))


def right_state(line: str, accepted: Sequence[State]) -> bool:
    """Whether ``value; type`` is one of the accepted states: values compared as values, types by name.

    >>> from table_rewards.rewards.white_box.reference import State
    >>> right_state("{'b': 2, 'a': 1}; dict", [State("dict", "{'a': 1, 'b': 2}")])
    True
    >>> right_state("a;b; str", [State("str", "'a;b'")]), right_state("1; bool", [State("bool", "True")])
    (True, False)
    """
    text, semicolon, kind = line.rpartition(";")
    text = text.strip().strip("`").strip()
    return bool(semicolon) and any(_same_state(text, kind, gold) for gold in accepted)


def _same_state(text: str, kind: str, gold: State) -> bool:
    expected = _value(gold.value)
    wanted, told = type_name(gold.type), type_name(kind)
    if told != wanted and not (expected is not None and expected.kind == "none" and told in _OF_NONE):
        return False
    claimed = _value(text)
    if wanted == "str":
        contents = [values.from_python(gold.value)]  # ExecVerify's files hold the text itself, others its repr
        if expected is not None and expected.kind == "str":
            contents.append(expected)
        said = [values.from_python(text)] if _encodable(text) else []
        if claimed is not None and claimed.kind == "str":
            said.append(claimed)
        return any(values.same(a, b) for a in contents for b in said)
    if expected is None:
        return one_spacing(text) == one_spacing(gold.value) or same_constructed(text, gold.value)
    return claimed is not None and values.same(expected, claimed, bool_is_int=False, nan_is_nan=True)


def _value(text: str) -> Value | None:
    try:
        return literal(joined(list(scan(text))) if "inf" in text or "nan" in text else text)
    except NotThatForm:
        return None


def _encodable(text: str) -> bool:
    return len(text) <= 65_536


def type_name(text: str) -> str:
    """A type's name in lower case, without its module, ``<class ...>`` and item types.

    >>> type_name("<class 'collections.Counter'>"), type_name("List[int]"), type_name(" Int. ")
    ('counter', 'list', 'int')
    """
    name = text.strip().strip("`").removeprefix("<class").removesuffix(">").strip(" '\".")
    return name.partition("[")[0].rpartition(".")[2].strip().casefold()
