"""Answer equivalence for mathematics, short answers and Python literals, that cannot hang and cannot be fooled."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.mathematics.answers import locate
from table_rewards.rewards.mathematics.bounds import out_of_bounds
from table_rewards.rewards.mathematics.compare import compare
from table_rewards.rewards.mathematics.pool import Task, shared_comparer
from table_rewards.rewards.mathematics.reference import KINDS, AnswerKind, MathReference, make_reference, read_reference
from table_rewards.rewards.mathematics.released import ReleasedScorers

RIGHT: Final = Judgement(1.0, (1.0, 1.0))
WRONG: Final = Judgement(0.0, (0.0, 1.0))


class Mathematics(Reward[MathReference]):
    r"""1 when the completion's final answer is equivalent to the gold answer, else 0.

    The answer is the content of the last ``\boxed{}``, inside the last ``<answer>`` if there is one, behind the
    thinking; without either the last "the answer is ...", formula or number. Then, from cheap to dear:

    1. the same text, number, words or literal: exact rational arithmetic, percent signs and units understood,
       case and articles of words ignored. Most answers end here;
    2. anything that no answer needs (towers of exponents, huge factorials, 4,096 characters) is wrong, unread;
    3. math-verify, in a killable process of its own with ``timeout_s`` of computing: sets, intervals, matrices,
       equations, expressions. An answer that takes longer is wrong; siblings do not notice.

    A reference that algebra cannot work with leaves its samples *unscored* unless the texts decide. Nothing that a
    model wrote is ever evaluated in this process.

    Source: the outcome reward of RL Tango, arXiv 2505.15034 (``reward_score``); ``profile="released"`` is its scorers
    by data source, see G8 in docs/profiles.md.

    Args:
        answer_kind: ``math``, ``text`` (words, lists, figures) or ``python`` (literals, as in CRUXEval); ``auto`` goes
            by the row's ``answer_kind``, then its ``data_source``, then the look of the gold answer.
        timeout_s: CPU seconds for one comparison.
        symbolic: False leaves step 3 out (and needs no math-verify): what only algebra could tell counts as wrong.

    Parts: ``correct``, and ``parsed``: 1 when the completion held an answer. A completion without one scores 0 and is
    *unparsed*; so is an empty box.

    Raises:
        ConfigurationError: an option cannot work, or math-verify is not installed.

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
        timeout_s: float = 0.8,
        symbolic: bool = True,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.answer_kind = one_of("answer_kind", answer_kind, KINDS)
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, (int, float)) or not 0 < timeout_s <= 60:
            raise ConfigurationError(f"timeout_s is the seconds for one comparison, in (0, 60], not {timeout_s!r}")
        self.timeout_s = float(timeout_s)
        if not isinstance(symbolic, bool):
            raise ConfigurationError(f"symbolic is True or False, not {symbolic!r}")
        self.symbolic = symbolic
        if not symbolic and profile == "released" and answer_kind in ("auto", "math"):
            raise ConfigurationError(
                "profile='released' compares with math-verify; leave symbolic=True, or answer_kind to text or python"
            )
        if symbolic and importlib.util.find_spec("math_verify") is None:
            raise ConfigurationError(
                "Mathematics needs math-verify: pip install 'table-rewards[math]'; or compare without algebra: "
                "symbolic=False"
            )

        self.released = ReleasedScorers(answer_kind, self.timeout_s) if profile == "released" else None

    def reference(self, row: Mapping[str, Any]) -> MathReference:
        return self.released.reference(row) if self.released else read_reference(row, self.answer_kind)

    def natural(self, value: Any) -> MathReference:
        return self.released.natural(value) if self.released else make_reference(value, self.answer_kind)

    def options(self) -> dict[str, object]:
        return {
            "kind": self.answer_kind,
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
        for index, (completion, reference) in enumerate(zip(completions, references, strict=True)):
            kind = reference.kind
            text, where = locate(completion, kind != "text")
            if text == reference.answer:
                judged[index] = RIGHT
                continue
            if not text:
                judged[index] = Judgement(0.0, (0.0, 0.0), UNPARSED, where)
                continue
            verdict = compare(reference.answer, text, kind)
            if verdict:
                judged[index] = RIGHT
            elif verdict is None:
                refused = out_of_bounds(text) if self.symbolic else "only algebra could tell; symbolic=False"
                if refused:
                    judged[index] = Judgement(0.0, (0.0, 1.0), SCORED, f"not compared: {refused}")
                else:
                    doubtful.setdefault(Task(reference.answer, text), []).append(index)
        if doubtful:
            self._ask(doubtful, judged)
        return judged

    def _ask(self, doubtful: dict[Task, list[int]], judged: list[Judgement]) -> None:
        """Let algebra decide; where it cannot, find out whose fault that is: the answer's, or the reference's."""
        comparer = shared_comparer()
        heavy = {task: why for task in doubtful if (why := out_of_bounds(task.gold))}
        tasks = [task for task in doubtful if task not in heavy]
        verdicts = dict(zip(tasks, comparer.compare(tasks, self.timeout_s), strict=True))
        stuck = [task for task, verdict in verdicts.items() if verdict.same is None and not verdict.ours]
        alone = [Task(task.gold, task.gold, task.mode) for task in stuck]
        sound = dict(zip(stuck, comparer.compare(alone, self.timeout_s), strict=True)) if stuck else {}
        for task, places in doubtful.items():
            if task in heavy:
                judgement = self.unscored(f"the reference is out of bounds: {heavy[task]}")
            else:
                verdict = verdicts[task]
                if verdict.same is not None:
                    judgement = RIGHT if verdict.same else WRONG
                elif verdict.ours:
                    judgement = self.unscored(verdict.note)
                elif sound[task].same or "not a formula" in verdict.note:
                    judgement = Judgement(0.0, (0.0, 1.0), SCORED, verdict.note)
                else:
                    judgement = self.unscored(f"the reference cannot be compared: {sound[task].note or verdict.note}")
            for index in places:
                judged[index] = judgement
