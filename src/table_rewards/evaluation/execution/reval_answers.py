"""Whether an answer to one of REval's questions is right, in the forms that models give it.

A model says YES or NO, copies a line, writes ``value; type``, or fills in an assertion with or without the lines before
it. Values are compared as values, lines and whatever is no literal in one spacing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from table_rewards.evaluation.execution.cruxeval import answer_of
from table_rewards.evaluation.execution.reval_gold import DREval, Key
from table_rewards.rewards.white_box.answers import right_state, type_name
from table_rewards.rewards.white_box.reference import State
from table_rewards.rewards.white_box.tokens import NotThatForm, first_statement, literal, one_spacing
from table_rewards.sandbox import values

_ASSERTED: Final = {"assertTrue": "True", "assertFalse": "False", "assertIsNone": "None"}


def said_yes(text: str) -> bool:
    """Whether a coverage answer starts with YES; no answer, and both words, are NO."""
    return answer_of(text).upper().lstrip(" *`'\"").startswith("YES")


def is_right(task: str, benchmark: DREval, key: Key, text: str) -> bool:
    """Whether ``text`` answers the task's question at ``key``."""
    if task == "output":
        return right_output(*benchmark.outputs[key], answer_of(text))
    gold, answer = benchmark.lines[key], answer_of(text)
    if task == "coverage":
        return said_yes(text) == gold.covered
    first = answer.split("\n")[0].strip().strip("`").strip()
    if task == "path":
        return any(first == line or one_spacing(first) == one_spacing(line) for line in gold.following)
    if answer.partition(";")[0].strip().strip("[]'\"").capitalize() == "Nil":
        return not gold.states
    return right_state(answer, gold.states or ()) or _close(answer, gold.states or ())


def _close(answer: str, states: Sequence[State]) -> bool:
    """Floats within 1e-6, as REval has it."""
    text, _, kind = answer.rpartition(";")
    if type_name(kind) != "float":
        return False
    try:
        claimed = literal(text.strip())
        return any(
            values.same(literal(state.value), claimed, abs_tol=1e-6) for state in states if state.type == "float"
        )
    except NotThatForm:
        return False


def right_output(template: str, right: str, answer: str) -> bool:
    """Whether the template's ``??`` are filled with the right values; earlier lines may be left out.

    >>> right_output("assert f(1) == ??", "2", "assert f(1) == 2"), right_output("assert f(1) == ??", "2", "2")
    (True, True)
    >>> right_output("a = A()\\nassertEqual(a.g(), ??)", "a = A()\\nassertEqual(a.g(), [1])", "assertEqual(a.g(), [1])")
    True
    """
    asked = [line for line in template.strip().splitlines() if "??" in line]
    said, wanted = _statements(answer), _statements(right)
    known = dict(line.split(" = ", 1) for line in wanted if re.match(r"[^\W\d]\w* = ", line))
    if len(asked) == 1 and len(said) == 1 and "==" not in said[0] and "assert" not in said[0]:
        said = [one_spacing(asked[0].strip().replace("??", said[0]))]
    if len(asked) == 1 and "assert" not in right:
        wanted = [one_spacing(asked[0].strip().replace("??", right.strip()))]
    for line in asked:
        before, _, behind = line.strip().partition("??")
        head, tail = one_spacing(before), one_spacing(behind)
        mine, gold = _filled(said, head, tail), _filled(wanted, head, tail)
        if mine is None or gold is None:
            return False
        gold = known.get(gold, _ASSERTED.get(before.partition("(")[0], gold) if gold.isidentifier() else gold)
        if not _same_value(gold, mine):
            return False
    return bool(asked)


def _statements(text: str) -> list[str]:
    """The statements of a text, each in one spacing, over as many lines as its brackets and strings take."""
    found: list[str] = []
    while text.strip():
        try:
            _, rest = first_statement(text)
        except NotThatForm:
            rest = text.partition("\n")[2]
        found.append(one_spacing(text[: len(text) - len(rest)].strip()))
        text = rest
    return [statement for statement in found if statement]


def _filled(lines: list[str], head: str, tail: str) -> str | None:
    for number, line in enumerate(lines):
        if line.startswith(head) and line.endswith(tail) and len(line) > len(head) + len(tail):
            del lines[: number + 1]
            return line[len(head) : len(line) - len(tail)].strip()
    return None


def _same_value(right: str, said: str) -> bool:
    try:
        return values.same(literal(right), literal(said), nan_is_nan=True)
    except NotThatForm:
        return one_spacing(right) == one_spacing(said)
