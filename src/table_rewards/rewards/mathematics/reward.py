"""Answer equivalence for mathematics, short answers and Python literals, that cannot hang and cannot be fooled."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.explanation.assembling import passages_of, with_passage
from table_rewards.core.explanation.data import Working
from table_rewards.core.options import positive, truth
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.mathematics.answers import locate
from table_rewards.rewards.mathematics.bounds import out_of_bounds
from table_rewards.rewards.mathematics.compare import compare, why_unreadable
from table_rewards.rewards.mathematics.echo import may_repeat_a_question, repeats_question
from table_rewards.rewards.mathematics.explain import comparison_section
from table_rewards.rewards.mathematics.pool import Task, shared_comparer
from table_rewards.rewards.mathematics.quick import same_quickly
from table_rewards.rewards.mathematics.reference import KINDS, AnswerKind, MathReference, make_reference, read_reference
from table_rewards.rewards.mathematics.released import ReleasedScorers
from table_rewards.rewards.mathematics.rule import ANSWER_FORMS, AnswerForm

LONGEST_S: Final = 60.0
PLAIN_ANSWER: Final = "q+1"
"""What a gold answer is compared with to see whether it can be compared at all."""
RIGHT: Final = Judgement(1.0, (1.0, 1.0))
WRONG: Final = Judgement(0.0, (0.0, 1.0))
ECHO: Final = Judgement(0.0, (0.0, 1.0), SCORED, "it repeats a formula of the question")
REWRITTEN: Final = Judgement(
    0.0,
    (0.0, 1.0),
    SCORED,
    "the gold answer's value in a form that questions give and answers change; with the question in the row it "
    "counts unless it stands there, with answer_form='any' it counts",
)


class Mathematics(Reward[MathReference]):
    r"""1 when the completion's final answer is equivalent to the gold answer, else 0.

    The answer is the content of the last ``\boxed{}``, inside the last ``<answer>`` if there is one, behind the
    thinking; without either the last "the answer is ...", formula or number. Then, from cheap to dear:

    1. the same text, number, words or literal: exact rational arithmetic, percent signs and units understood,
       case and articles of words ignored. Most answers end here;
    2. anything that no answer needs (towers of exponents, huge factorials, 4,096 characters) is wrong, unread;
    3. what is left is compared by algebra, in a killable process of its own with ``timeout_s`` of computing. An answer
       that takes longer is wrong; siblings do not notice.

    An answer is read as a whole: what is not understood is wrong, nothing is left out of it. A gold answer that cannot
    be read leaves its samples *unscored* unless the texts decide. Nothing that a model wrote is ever evaluated in this
    process.

    Source: the outcome reward of RL Tango, arXiv 2505.15034 (``reward_score``); ``profile="released"`` is its scorers
    by data source, see G8 in docs/profiles.md.

    Args:
        answer_kind: ``math``, ``text`` (words, lists, figures) or ``python`` (literals, as in CRUXEval); ``auto`` goes
            by the row's ``answer_kind``, then its ``data_source``, then the look of the gold answer.
        answer_form: ``finished``: where the gold answer is a number, the answer must be written out as one (a numeral,
            a fraction, scientific notation, a surd, a multiple of a constant), and a formula of the row's question is
            no answer, unless the gold answer has that form itself. In a row without its question, the forms that
            questions ask to rewrite are no answers: a product for the gold answer's sum and the reverse, a fraction
            that can be reduced, a root with a square in it. With a bare gold answer instead of a row they count.
            ``same``: formulas must have the gold answer's form apart from order and spelling. ``any``: only the value
            counts, ``3!`` is 6.
        timeout_s: CPU seconds for one comparison, at most 60.
        symbolic: False leaves step 3 out (and needs no sympy): what only algebra could tell counts as wrong.

    Parts: ``correct``, and ``parsed``: 1 when the completion held an answer. A completion without one scores 0 and is
    *unparsed*; so is an empty box.

    Raises:
        ConfigurationError: an option cannot work, or sympy (for ``profile="released"`` math-verify) is not installed.

    >>> scores = Mathematics(symbolic=False)([r"so \boxed{0.50}", r"\boxed{}", "The answer is 2/3."], ["1/2"] * 3)
    >>> scores.values.tolist(), scores.status.tolist(), scores.notes[1]
    ([1.0, 0.0, 0.0], ['scored', 'unparsed', 'scored'], 'an empty box')
    """

    name: ClassVar[str] = "mathematics"
    reference_type: ClassVar[type[Any]] = MathReference
    runs_programs = True
    parts = ("correct", "parsed")
    headline = ("correct", "parsed")

    def __init__(
        self,
        *,
        answer_kind: AnswerKind = "auto",
        answer_form: AnswerForm = "finished",
        timeout_s: float = 0.8,
        symbolic: bool = True,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.answer_kind = one_of("answer_kind", answer_kind, KINDS)
        self.timeout_s = positive("timeout_s", timeout_s)
        if self.timeout_s > LONGEST_S:
            raise ConfigurationError(f"timeout_s is at most {LONGEST_S:g} s for one comparison, not {timeout_s!r}")
        self.symbolic = truth("symbolic", symbolic)
        if not symbolic and profile == "released" and answer_kind in ("auto", "math"):
            raise ConfigurationError(
                "profile='released' compares with math-verify; leave symbolic=True, or answer_kind to text or python"
            )
        one_of("answer_form", answer_form, ANSWER_FORMS)
        self.answer_form: AnswerForm = answer_form
        needed = "math_verify" if profile == "released" else "sympy"
        if symbolic and importlib.util.find_spec(needed) is None:
            raise ConfigurationError(
                f"Mathematics needs {needed.replace('_', '-')}: pip install 'table-rewards[math]'; or compare without "
                "algebra: symbolic=False"
            )

        self.released = ReleasedScorers(answer_kind, self.timeout_s) if profile == "released" else None

    def reference(self, row: Mapping[str, Any]) -> MathReference:
        return self.released.reference(row) if self.released else read_reference(row, self.answer_kind)

    def natural(self, value: Any) -> MathReference:
        return self.released.natural(value) if self.released else make_reference(value, self.answer_kind)

    def options(self) -> dict[str, object]:
        return {
            "kind": self.answer_kind,
            "form": self.answer_form,
            "timeout": self.timeout_s,
            "symbolic": self.symbolic,
            **super().options(),
        }

    def may_wait(self, reference: MathReference) -> bool:
        return self.symbolic and reference.kind != "text"

    def judge(self, completion: str, reference: MathReference, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[MathReference], step: int | None
    ) -> Sequence[Judgement]:
        if self.released is not None:
            return self.released.judge_all(completions, references)
        judged: list[Judgement] = [WRONG] * len(completions)
        doubtful: dict[Task, list[int]] = {}
        form = self.answer_form
        for index, (completion, reference) in enumerate(zip(completions, references, strict=True)):
            kind = reference.kind
            text, where = locate(completion, kind != "text")
            if text == reference.answer:
                judged[index] = RIGHT
                continue
            if not text:
                judged[index] = Judgement(0.0, (0.0, 0.0), UNPARSED, where)
                continue
            verdict = same_quickly(reference.answer, text) if kind == "math" and form != "same" else None
            if verdict is None:
                verdict = compare(reference.answer, text, kind, form=form)
            if verdict:
                judged[index] = self._equal(text, reference)
            elif verdict is None:
                refused = out_of_bounds(text)
                if refused:
                    judged[index] = Judgement(0.0, (0.0, 1.0), SCORED, f"not compared: {refused}")
                else:
                    task = Task(reference.answer, text, self.answer_form)
                    doubtful.setdefault(task, []).append(index)
        if doubtful:
            self._ask(doubtful, judged, references)
        return judged

    def working(self, completion: str, reference: MathReference, judgement: Judgement, step: int | None) -> Working:
        passages = passages_of(completion, self.thought_tags)
        if self.released is not None:
            return Working((self.released.telling(completion, reference, judgement),), passages)
        text, where = locate(completion, reference.kind != "text")
        section = comparison_section(text, where, reference, judgement, form=self.answer_form)
        return Working((section,), with_passage(passages, "final answer", text, completion))

    def _ask(
        self, doubtful: dict[Task, list[int]], judged: list[Judgement], references: Sequence[MathReference]
    ) -> None:
        """Let algebra decide; where it cannot, find out whose fault that is: the answer's, or the reference's."""
        judgements = self._without_algebra(doubtful) if not self.symbolic else self._by_algebra(doubtful)
        for task, places in doubtful.items():
            for index in places:
                judgement = judgements[task]
                judged[index] = self._equal(task.answer, references[index]) if judgement is RIGHT else judgement

    def _equal(self, text: str, reference: MathReference) -> Judgement:
        """What an answer of the gold answer's value is: right, unless it is what the question gives, or may be."""
        if reference.kind != "math" or self.answer_form == "any":
            return RIGHT
        if reference.question:
            return ECHO if repeats_question(reference.answer, text, reference.question) else RIGHT
        unknown = reference.question is not None and self.answer_form == "finished"
        return REWRITTEN if unknown and may_repeat_a_question(reference.answer, text) else RIGHT

    def _without_algebra(self, doubtful: Iterable[Task]) -> dict[Task, Judgement]:
        left_open = Judgement(0.0, (0.0, 1.0), SCORED, "not compared: only algebra could tell; symbolic=False")
        judgements = {}
        for task in doubtful:
            unreadable = why_unreadable(task.gold)
            judgements[task] = self.unscored(f"the reference cannot be read: {unreadable}") if unreadable else left_open
        return judgements

    def _by_algebra(self, doubtful: Iterable[Task]) -> dict[Task, Judgement]:
        comparer = shared_comparer()
        judgements = {
            task: self.unscored(f"the reference is out of bounds: {why}")
            for task in doubtful
            if (why := out_of_bounds(task.gold))
        }
        tasks = [task for task in doubtful if task not in judgements]
        verdicts = dict(zip(tasks, comparer.compare(tasks, self.timeout_s), strict=True))
        stuck = [task for task, verdict in verdicts.items() if verdict.same is None and not verdict.ours]
        alone = {task: Task(task.gold, PLAIN_ANSWER, "any") for task in stuck if not verdicts[task].gold}
        sound = dict(zip(alone, comparer.compare(list(alone.values()), self.timeout_s), strict=True)) if alone else {}
        for task, verdict in verdicts.items():
            if verdict.same is not None:
                judgements[task] = RIGHT if verdict.same else _wrong(verdict.note)
            elif verdict.ours or verdict.gold:
                judgements[task] = self.unscored(verdict.note)
            elif sound[task].same is None:
                judgements[task] = self.unscored(
                    f"the reference cannot be compared: {sound[task].note or verdict.note}"
                )
            else:
                judgements[task] = Judgement(0.0, (0.0, 1.0), SCORED, verdict.note)
        return judgements


def _wrong(note: str) -> Judgement:
    return Judgement(0.0, (0.0, 1.0), SCORED, note) if note else WRONG
