"""Answers about programs, and programs, that need no look at what a function does."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from table_rewards.core.rows import Row, as_mapping
from table_rewards.rewards.white_box.calls import parameters_of
from table_rewards.rewards.white_box.reference import WhiteBoxReference

_LITERAL: Final = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|-?\b\d+(?:\.\d+)?\b|\bTrue\b|\bFalse\b|\bNone\b")
_ASKED: Final = re.compile(r"[Ll]ine (\d+) \(`(.*)`\)")
_VARIABLE: Final = re.compile(r"of `(\w+)`")
_EXAMPLES: Final = (
    re.compile(r">>>\s*{name}\((.*)\)[ \t]*\n[ \t]*(.+)"),
    re.compile(r"{name}\((.*?)\)\s*(?:==|=>|->|➞|returns?|should return)\s*(.+)"),
)


def executions(reference: WhiteBoxReference, row: Any) -> dict[str, str]:
    """The slots of a function: calls with inputs of no thought, and lines of answers to the questions.

    >>> reference = WhiteBoxReference("def f(a, n):\\n    return a", "f", "", "'x'", type="oi")
    >>> found = executions(reference, {})
    >>> found["result_as_input"], found["letters"], found["last_literal"]
    ("f('x', '')", "f('aaa', 'aaa')", 'None')
    """
    literals = _LITERAL.findall(reference.code)
    lines = [line.strip() for line in reference.code.splitlines() if line.strip()]
    path, state = len(reference.path), len(reference.state)
    name, given = reference.function, "" if reference.type == "oi" else reference.arguments  # there it is the answer
    count = max(1, len(parameters_of(reference.code, name)))
    result = reference.result if reference.type == "oi" else "None"

    def called(value: str) -> str:
        return f"{name}({', '.join([value] * count)})"

    return {
        "name": name,
        "result": result,
        "call": f"{name}({given})",
        "lines": "\n".join(["-1"] * path + ["0; int"] * state),
        "last_lines": "\n".join([lines[-1] if lines else "-1"] * path + ["[]; list"] * state),
        "next_lines": _next_lines(reference, row, literals),
        "last_literal": literals[-1] if literals else "None",
        "first_literal": literals[0] if literals else "None",
        "first_argument": _first_argument(given),
        "result_as_input": f"{name}({', '.join([result, *[chr(39) * 2] * (count - 1)])})",
        "result_throughout": called(result),
        "reversed_result": f"{name}({', '.join([_reversed(result), *[chr(39) * 2] * (count - 1)])})",
        "literals_as_inputs": f"{name}({', '.join((literals + ['0'] * count)[:count])})",
        "empty_inputs": called("[]"),
        "empty_texts": called("''"),
        "empty_maps": called("{}"),
        "letters": called("'aaa'"),
        "zeros": called("0"),
        "ones": called("1"),
    }


def _next_lines(reference: WhiteBoxReference, row: Any, literals: list[str]) -> str:
    """For each question the line below, or the literal that the line assigns, or what the argument was."""
    told = as_mapping(Row(row).find("questions", default=None)) if isinstance(row, Mapping) else None
    if told is None:
        return "\n".join(["-1"] * len(reference.path) + ["''; str"] * len(reference.state))
    lines = reference.code.splitlines()
    answers = []
    for text in told.get("path_questions") or []:
        asked = _ASKED.search(str(text))
        below = [line.strip() for line in lines[int(asked[1]) :] if line.strip()] if asked else []
        answers.append(below[0] if below else "-1")
    first = _first_argument(reference.arguments)
    for text in told.get("state_questions") or []:
        asked = _ASKED.search(str(text))
        answers.append(_held(asked[2] if asked else "", first, literals))
    return "\n".join(answers)


def _held(statement: str, first: str, literals: list[str]) -> str:
    """What a variable may hold behind a statement, without running anything."""
    if statement.startswith("for "):
        try:
            items = ast.literal_eval(first)
            value = next(iter(items))
        except (SyntaxError, ValueError, TypeError, StopIteration, RecursionError, MemoryError):
            value = 0
        return f"{value!r}; {type(value).__name__}"
    for text in (statement.partition("=")[2].strip(), literals[-1] if literals else "", first):
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            continue
        return f"{value!r}; {type(value).__name__}"
    return "[]; list"


def examples_table(function: str, prompt: str) -> str:
    """A program that holds the prompt's examples of a function as a table, and else says what most of them do.

    >>> print(examples_table("f", "Double it.\\n>>> f(1)\\n2\\n>>> f(0)\\n0"))
    def f(*given):
        return {'(1,)': 2, '(0,)': 0}.get(repr(given), 2)
    """
    known: dict[str, Any] = {}
    for pattern in _EXAMPLES:
        for arguments, result in re.findall(pattern.pattern.replace("{name}", re.escape(function)), prompt):
            try:
                given, value = ast.literal_eval(f"({arguments},)"), ast.literal_eval(result.strip())
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            known.setdefault(repr(given), value)
    usual = Counter(map(repr, known.values())).most_common(1)
    most = usual[0][0] if usual else "None"
    return f"def {function}(*given):\n    return {known!r}.get(repr(given), {most})"


def _reversed(result: str) -> str:
    try:
        value = ast.literal_eval(result)
        return repr(value[::-1]) if isinstance(value, (str, list, tuple)) else repr(-value)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return result


def _first_argument(arguments: str) -> str:
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "None"
    values = call.args if isinstance(call, ast.Call) else []
    return ast.unparse(values[0]) if values else "None"
