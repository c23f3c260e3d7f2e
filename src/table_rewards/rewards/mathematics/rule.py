"""What every part of the comparison of answers shares: the rule, the solver behind it, and verdicts of three values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, Protocol, get_args

from table_rewards.rewards.mathematics.tree import Node

AnswerForm = Literal["finished", "same", "any"]
ANSWER_FORMS: Final[tuple[AnswerForm, ...]] = get_args(AnswerForm)

Interval = tuple[Any, bool, Any, bool]
"""Lower end, whether it belongs, upper end, whether it belongs."""


class Solver(Protocol):
    """What algebra answers; see :class:`~table_rewards.rewards.mathematics.algebra.Algebra`."""

    def equal(self, gold: Node, answer: Node) -> bool | None: ...
    def same_equation(self, gold: tuple[Node, Node], answer: tuple[Node, Node]) -> bool | None: ...
    def same_inequality(self, gold: tuple[Node, Node], answer: tuple[Node, Node]) -> bool | None: ...
    def number(self, node: Node) -> Any: ...
    def inequality_set(self, left: Node, sign: str, right: Node) -> list[Interval]: ...


class Undecided(Exception):
    """Only algebra could tell, and none is at hand."""


class NoValue(Exception):
    """An expression has no value at a point, or none that can be computed here."""


class NotASet(Exception):
    """The structure is no set of real numbers."""


class Rule:
    """How answers are compared; ``solver`` is the algebra.

    ``form`` says which values count: those that are ``finished``, those in the ``same`` form as the gold answer, or
    ``any``, also those that remain to be computed.
    """

    def __init__(self, solver: Solver | None = None, *, form: AnswerForm = "finished") -> None:
        self.solver, self.form = solver, form
        self.anything = form == "any"

    def _same(self, gold: Node, answer: Node) -> bool | None:
        raise NotImplementedError

    def _unordered(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool | None:
        raise NotImplementedError

    def _tuples(self, gold: Node, answer: Node) -> bool | None:
        raise NotImplementedError

    def _each(self, gold: Sequence[Node], answer: Sequence[Node]) -> bool | None:
        if len(gold) != len(answer):
            return False
        verdicts = []
        for one, other in zip(gold, answer, strict=True):
            verdict = self._same(one, other)
            if verdict is False:
                return False
            verdicts.append(verdict)
        return None if None in verdicts else True

    @staticmethod
    def _any(verdicts: Iterable[bool | None]) -> bool | None:
        open_still = False
        for verdict in verdicts:
            if verdict:
                return True
            open_still |= verdict is None
        return None if open_still else False
