"""The work behind a verdict of Mathematics: what was taken for the answer, how both were read, which step decided."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from table_rewards.core.explanation.data import DECIDED, RIGHT, TOLD, VALUE, WRONG, Section, Step
from table_rewards.core.scores import UNPARSED, UNSCORED, Judgement
from table_rewards.rewards.mathematics.bounds import out_of_bounds
from table_rewards.rewards.mathematics.compare import compare, pieces
from table_rewards.rewards.mathematics.equality import Comparison
from table_rewards.rewards.mathematics.quick import same_quickly
from table_rewards.rewards.mathematics.reading import read_answer
from table_rewards.rewards.mathematics.reference import MathReference
from table_rewards.rewards.mathematics.rule import AnswerForm
from table_rewards.rewards.mathematics.tree import Node, Unreadable

SHOWN: Final = 400


def comparison_section(
    text: str, where: str, reference: MathReference, judged: Judgement, *, form: AnswerForm
) -> Section:
    """How an answer was compared with the gold one; ``where`` is where it was found, or why there is none."""
    steps = [Step(TOLD, "gold answer", f"{reference.answer} ({reference.kind})")]
    if judged.status == UNPARSED or not text:
        steps.append(Step(WRONG, "answer", f"none: {where or judged.note}"))
        return Section("Answer", tuple(steps), gives={VALUE: 0.0, "parsed": 0.0} if not text else {})
    steps.append(Step(TOLD, "answer", text + (f" (found by: {where})" if where not in ("", "scored") else "")))
    if judged.status == UNSCORED:
        steps.append(Step(DECIDED, "not decided", judged.note))
        return Section("Answer", tuple(steps))
    if reference.kind == "math" and text != reference.answer:
        steps += [
            Step(TOLD, "gold answer read as", _read(reference.answer)),
            Step(TOLD, "answer read as", _read(text)),
        ]
    how, verdict = _decided(text, reference, judged, form=form)
    steps.append(Step(DECIDED, "decided by", how))
    if not judged.value:
        steps += _items(text, reference)
    steps.append(
        Step(RIGHT if judged.value else WRONG, "equivalent" if judged.value else "not equivalent", judged.note)
    )
    return Section("Answer", tuple(steps), gives={VALUE: verdict, "correct": verdict})


def _decided(text: str, reference: MathReference, judged: Judgement, *, form: AnswerForm) -> tuple[str, float]:
    """Which step decided, and what it decided: worked out again but for algebra."""
    gold, kind = reference.answer, reference.kind
    if text == gold:
        return "equal to the letter", 1.0
    quick = same_quickly(gold, text) if kind == "math" and form != "same" else None
    verdict = compare(gold, text, kind, form=form) if quick is None else quick
    if verdict is None:
        refused = out_of_bounds(text)
        return (f"its bounds: {refused}", 0.0) if refused else ("algebra, in a process of its own", judged.value)
    if verdict and not judged.value:
        return ("the question, whose formula it repeats" if reference.question else "its form"), 0.0
    if quick is not None:
        return "exact arithmetic on numbers", float(verdict)
    return {
        "math": "structure and exact arithmetic",
        "text": "words and figures, without case and articles",
        "python": "Python literals, by value",
    }.get(kind, kind), float(verdict)


def _items(text: str, reference: MathReference) -> list[Step]:
    """Item by item, where both sides are lists of one length."""
    if reference.kind == "math":
        wanted, given = _list(reference.answer), _list(text)
        same = Comparison().same
        shown: Any = _told
    else:
        wanted, given = pieces(reference.answer), pieces(text)
        shown = str

        def same(gold: Any, answer: Any) -> bool | None:
            return compare(gold, answer, reference.kind)

    if len(wanted) != len(given) and len(wanted) > 1:
        return [Step(TOLD, "items", f"{len(given)} for {len(wanted)}")]
    if len(wanted) < 2:
        return []
    steps = []
    for number, (gold, answer) in enumerate(zip(wanted, given, strict=True), 1):
        verdict = same(gold, answer)
        detail = "only algebra could tell" if verdict is None else "in this order"
        kind = RIGHT if verdict else TOLD if verdict is None else WRONG
        steps.append(Step(kind, f"item {number}", detail, None, shown(answer), shown(gold)))
    return steps


def _list(text: str) -> Sequence[Any]:
    try:
        node = read_answer(text)
    except Unreadable:
        return ()
    return node.args[1:] if node.op == "list" else ()


def _read(text: str) -> str:
    try:
        return _told(read_answer(text))
    except Unreadable as error:
        return f"not readable as a whole: {error}"


def _told(node: Any) -> str:
    """A tree in one line.

    >>> _told(read_answer(r"\\frac{1}{2}, x")), _told(read_answer("0.50"))
    ('list(,; div(1; 2); x)', '1/2')
    """
    if not isinstance(node, Node):
        return str(node)
    if node.op == "num" and isinstance(node.args[0], Fraction):
        return str(node.args[0])
    if node.op in ("sym", "const", "text") and node.args:
        return str(node.args[0])
    flat = [part for arg in node.args for part in (arg if type(arg) is tuple else (arg,))]
    inner = "; ".join(map(_told, flat))
    told = f"{node.op}({inner})"
    return told if len(told) <= SHOWN else told[:SHOWN] + " …"
