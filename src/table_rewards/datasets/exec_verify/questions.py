"""Questions about a trace: which statement comes next, and what a variable holds then."""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from table_rewards.datasets.exec_verify.tracing import Trace
from table_rewards.rewards.white_box.reference import State

MOST: Final = 5
_Any = TypeVar("_Any", "PathQuestion", "StateQuestion")


class PathQuestion(NamedTuple):
    """After the ``visit``-th execution of ``line``, which statement is next? ``answer`` is its text, or ``-1``."""

    line: int
    visit: int
    answer: str


class StateQuestion(NamedTuple):
    """After the ``visit``-th execution of ``line``, what does ``variable`` hold?"""

    line: int
    visit: int
    variable: str
    answer: State


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions about one trace, in the order in which they are asked."""

    path: tuple[PathQuestion, ...] = ()
    state: tuple[StateQuestion, ...] = ()

    def __len__(self) -> int:
        return len(self.path) + len(self.state)


def ask(code: str, trace: Trace, seed: str, most: int = MOST) -> Questions:
    """Choose at most ``most`` questions of each kind, the same for the same seed.

    Asked is about simple lines alone: a statement that stands on one line, by itself, in a function that is not
    recursive here. A state question is about a variable that this very execution changed. Different lines come before
    other executions of the same line.

    >>> from table_rewards.datasets.exec_verify.tracing import Sample, trace_calls
    >>> code = "def f(n):\\n    while n < 5:\\n        n *= 3\\n    return n"
    >>> found = ask(code, trace_calls([Sample(code, "f(1)")])[0], "0", most=1)
    >>> len(found.path), found.state[0].variable, found.state[0].answer.type
    (1, 'n', 'int')
    """
    lines = code.splitlines()
    simple = simple_lines(code)
    draw = random.Random(f"{seed}\0{code}")
    counts: dict[int, int] = {}
    path: list[PathQuestion] = []
    state: list[StateQuestion] = []
    for visit in trace.visits:
        counts[visit.line] = number = counts.get(visit.line, 0) + 1
        if visit.line not in simple or trace.functions[visit.frame] in trace.recursive:
            continue
        if visit.next == -1 or visit.next in simple:
            following = "-1" if visit.next == -1 else lines[visit.next - 1].strip()
            if not lines[visit.line - 1].lstrip().startswith("return"):
                path.append(PathQuestion(visit.line, number, following))
        state += [
            StateQuestion(visit.line, number, name, held) for name, held in visit.changed.items() if held is not None
        ]
    return Questions(_chosen(path, most, draw), _chosen(state, most, draw))


def _chosen(candidates: Sequence[_Any], most: int, draw: random.Random) -> tuple[_Any, ...]:
    """A seeded choice: first a question for each (line, variable, answer), then others; in order of the trace."""
    order = list(range(len(candidates)))
    draw.shuffle(order)
    rounds: dict[object, int] = {}
    ranked = []
    for index in order:
        question = candidates[index]
        subject = question[0], question[2]
        rounds[subject] = rounds.get(subject, 0) + 1
        ranked.append((rounds[subject], index))
    ranked.sort(key=lambda pair: pair[0])
    return tuple(candidates[index] for index in sorted(index for _, index in ranked[:most]))


def simple_lines(code: str) -> frozenset[int]:
    """The lines that hold exactly one statement, or the head of one, and all of it."""
    held: dict[int, int] = {}
    several: set[int] = set()
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.stmt):
            continue
        body = getattr(node, "body", None)
        end = node.end_lineno or node.lineno
        if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
            first = body[0]
            end = max(node.lineno, min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))]) - 1)
            if _head_end(node) > node.lineno:
                several.update(range(node.lineno, end + 1))
        elif end > node.lineno:
            several.update(range(node.lineno, end + 1))
        held[node.lineno] = held.get(node.lineno, 0) + 1
    return frozenset(line for line, count in held.items() if count == 1 and line not in several)


def _head_end(node: ast.stmt) -> int:
    """The last line of a compound statement's head."""
    parts = [getattr(node, name, None) for name in ("test", "iter", "target", "args", "subject")]
    parts += list(getattr(node, "items", ()))
    return max([node.lineno, *(getattr(part, "end_lineno", None) or 0 for part in parts if part is not None)])


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``11th``.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 101, 111)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '101st', '111th']
    """
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return str(number) + {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def in_words(question: PathQuestion | StateQuestion, code: str) -> str:
    """The question as the prompt puts it."""
    text = code.splitlines()[question.line - 1].strip()
    place = f"Line {question.line} (`{text}`) has just been executed for the {ordinal(question.visit)} time."
    if isinstance(question, PathQuestion):
        return f"{place} Which statement is executed next in the same function?"
    return f"{place} What are the value and the type of `{question.variable}` now?"
