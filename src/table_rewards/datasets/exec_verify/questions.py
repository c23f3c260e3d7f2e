"""Questions about a trace: which statement comes next, and what a variable holds then."""

from __future__ import annotations

import ast
import contextlib
import random
import types
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from table_rewards.datasets.exec_verify.tracing import Trace
from table_rewards.rewards.white_box.reference import State

MOST: Final = 5
TRIVIAL_SHARE: Final = 0.2
NIL: Final = State("Nil", "Nil")
"""What a variable holds behind a line that is never executed."""
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


def ask(
    code: str,
    trace: Trace,
    seed: str,
    most: int = MOST,
    *,
    unreached: int = 0,
    trivial_share: float = TRIVIAL_SHARE,
) -> Questions:
    """Choose at most ``most`` questions of each kind, the same for the same seed.

    Asked is about simple lines alone: a statement that stands on one line, by itself, in a function that is not
    recursive here. A state question is about a variable that this very execution changed. Different lines come before
    other executions of the same line.

    Args:
        code: the program.
        trace: of a call of it.
        seed: of the choice.
        most: questions of each kind.
        unreached: lines that could have been executed and were not, to ask about besides: the next statement is
            ``-1``, and what the line assigns is ``Nil``.
        trivial_share: at most this share of the questions of a kind are of no effort: the statement below, or the
            literal that the line itself assigns. Where there are no others, one stays.

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
    easy: set[PathQuestion | StateQuestion] = set()
    below = _below(lines)
    literals = _assigned_literals(code)
    for visit in trace.visits:
        counts[visit.line] = number = counts.get(visit.line, 0) + 1
        if visit.line not in simple or trace.functions[visit.frame] in trace.recursive:
            continue
        if visit.next == -1 or visit.next in simple:
            following = "-1" if visit.next == -1 else lines[visit.next - 1].strip()
            if not lines[visit.line - 1].lstrip().startswith("return"):
                path.append(PathQuestion(visit.line, number, following))
                if visit.next == below.get(visit.line):
                    easy.add(path[-1])
        for name, held in visit.changed.items():
            if held is not None:
                state.append(StateQuestion(visit.line, number, name, held))
                if visit.line in literals:
                    easy.add(state[-1])
    chosen = Questions(
        _thinned(path, easy, most, draw, trivial_share), _thinned(state, easy, most, draw, trivial_share)
    )
    if not unreached:
        return chosen
    never = [line for line in executable_lines(code, trace.functions) if line in simple and line not in counts]
    draw.shuffle(never)
    names = _assigned_names(code)
    never = never[:unreached]
    more = [PathQuestion(line, 1, "-1") for line in never]
    nil = [StateQuestion(line, 1, names[line], NIL) for line in never if line in names]
    return Questions(tuple(sorted([*chosen.path, *more])), tuple(sorted([*chosen.state, *nil])))


def _thinned(
    candidates: Sequence[_Any],
    easy: Collection[PathQuestion | StateQuestion],
    most: int,
    draw: random.Random,
    share: float,
) -> tuple[_Any, ...]:
    if share >= 1:
        return _chosen(candidates, most, draw)
    plain = [question for question in candidates if question in easy]
    others = [question for question in candidates if question not in easy]
    few = _allowed(len(plain), len(others), most, share)
    kept: set[object] = set(_chosen(others, most - few, draw))
    kept.update(_chosen(plain, few, draw))
    return tuple(question for question in candidates if question in kept)


def _allowed(plain: int, others: int, most: int, share: float) -> int:
    """How many questions of no effort there may be among at most ``most``."""
    if not others:
        return min(1, most, plain)
    few = min(plain, int(share * most + 1e-9))
    return min(few, int(share * min(others, most - few) / (1 - share) + 1e-9))


def _below(lines: Sequence[str]) -> dict[int, int]:
    """For each line the next one that is not blank."""
    found: dict[int, int] = {}
    following = 0
    for number in range(len(lines), 0, -1):
        if following:
            found[number] = following
        if lines[number - 1].strip():
            following = number
    return found


def _assigned_literals(code: str) -> frozenset[int]:
    """Lines that assign a literal: what the variable holds then stands in the line itself."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            with contextlib.suppress(ValueError, TypeError):
                ast.literal_eval(node.value)
                found.add(node.lineno)
    return frozenset(found)


def _assigned_names(code: str) -> dict[int, str]:
    """The variable that a line assigns, where it is one."""
    found = {}
    for node in ast.walk(ast.parse(code)):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if len(names) == 1:
                found[node.lineno] = names[0]
    return found


def executable_lines(code: str, functions: Collection[str]) -> list[int]:
    """The lines that the compiler makes code of in the named functions: no docstrings, no other functions' heads.

    >>> code = "def f(a):\\n    'So.'\\n    if a:\\n        return 1\\n    return 2\\ndef g(): return 3"
    >>> executable_lines(code, {"f"})
    [3, 4, 5]
    """
    found: set[int] = set()
    left = [compile(code, "program.py", "exec", dont_inherit=True)]
    while left:
        part = left.pop()
        left += [constant for constant in part.co_consts if isinstance(constant, types.CodeType)]
        if part.co_name in functions:
            head = part.co_firstlineno
            lines = {line for _, _, line in part.co_lines() if line is not None}
            found |= {line for line in lines if line > head}
    return sorted(found)


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


def in_words(question: PathQuestion | StateQuestion, code: str, *, may_be_unreached: bool = False) -> str:
    """The question as the prompt puts it; one about a line that may never run does not say which."""
    text = code.splitlines()[question.line - 1].strip()
    place = f"Line {question.line} (`{text}`)"
    if may_be_unreached:
        never = "if that never happens"
        place = f"Suppose that {place[0].lower()}{place[1:]} is executed for the {ordinal(question.visit)} time."
        if isinstance(question, PathQuestion):
            return f"{place} Which statement is executed next in the same function (-1 also {never})?"
        return f"{place} What are the value and the type of `{question.variable}` then (`Nil; Nil` {never})?"
    place = f"{place} has just been executed for the {ordinal(question.visit)} time."
    if isinstance(question, PathQuestion):
        return f"{place} Which statement is executed next in the same function?"
    return f"{place} What are the value and the type of `{question.variable}` now?"
