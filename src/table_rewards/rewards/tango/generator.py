"""RL Tango's reward of the generator: the outcome, the verifier's opinion of it, the form, and a reward a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, NamedTuple

from table_rewards.core.errors import BadReference, ConfigurationError, one_of
from table_rewards.core.explanation.data import Working
from table_rewards.core.options import truth
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.rows import Row
from table_rewards.core.schedules import Schedule, as_schedule
from table_rewards.core.scores import SCORED, UNPARSED, UNSCORED, Judgement
from table_rewards.rewards.mathematics import Mathematics
from table_rewards.rewards.mathematics.reference import AnswerKind, MathReference
from table_rewards.rewards.tango.explain import generator_section, steps_section
from table_rewards.rewards.tango.format import Verification
from table_rewards.rewards.tango.format import token_of_step as token_of_step
from table_rewards.rewards.tango.forms import Forms
from table_rewards.rewards.tango.released import ReleasedForms
from table_rewards.rewards.tango.step_credit import STEP_CREDITS, StepCredit, counted_weights

UNCLOSED: Final = "thoughts that never close: there is no answer"
VERIFICATION: tuple[str, ...] = ("verification", "verifier_output", "verifier_response")


@dataclass(frozen=True, slots=True)
class GeneratorReference:
    """A gold answer, and what the verifier wrote about this very completion ("" when it was not asked)."""

    gold: MathReference
    verification: str = ""


class StepReward(NamedTuple):
    """A reward for one step, and where the step stands in the completion (characters, tags included)."""

    start: int
    end: int
    reward: float


class Generator(Reward[GeneratorReference]):
    r"""Outcome, verifier's outcome and form of a solution.

    ::

        value = w * outcome + (1 - w) * verified + f * format
        value = outcome + f * format                               (without a final verdict of the verifier)

    ``outcome`` is :class:`Mathematics`, ``verified`` 1 when the verifier's final verdict is CORRECT, ``format`` the
    mark of :func:`~table_rewards.rewards.tango.format.generator_format`. The rewards of the steps are not part
    of the value: a trainer places them itself, see :meth:`step_rewards` and docs/recipes/tango.md.

    Source: RL Tango, arXiv 2505.15034, ``rl_tango_trainer``; its scripts set w = 1.0 and f = 0.0, the defaults here.
    ``profile="released"`` takes the answer and marks the form as its code does (G3 to G5, G8 in docs/profiles.md).

    Args:
        ground_truth_weight: w, a number or schedule in [0, 1].
        format_weight: f, a number or schedule.
        step_credit: how the steps' rewards weigh: ``share``, published; ``text``, ``first_wrong`` or ``weakest``, so
            that padding does not pay, see :mod:`table_rewards.rewards.tango.step_credit`.
        answer_kind, timeout_s, symbolic: as in :class:`Mathematics`.
        thoughts_opened: the prompt ends with ``<think>``, as RL Tango's second recipe's does: a completion that never
            closes it (it was cut off) is all thought. It has no answer, whatever box a draft holds, and no steps.

    Parts: ``correct``, ``format``, ``verified`` (the outcome again where there is no final verdict) and
    ``step_reward``, the sum of the steps' rewards in [-1, 1], 0 without any. A solution without an answer has outcome 0
    and is *unparsed*. References: the gold answer, or a row; a column ``verification`` holds the verifier's text.

    Raises:
        ConfigurationError: an option cannot be, or not with the released profile.

    >>> solution = "<think><step>3*2=6</step><step>15-6=9</step></think><answer>\\boxed{9}</answer>"
    >>> said = "<step_verification><step>Yes. \\boxed{CORRECT}</step><step>Hm. \\boxed{INCORRECT}</step>"
    >>> said += "</step_verification><final_verification>\\boxed{CORRECT}</final_verification>"
    >>> row = {"ground_truth": "9", "verification": said}
    >>> reward = Generator(ground_truth_weight=0.5, symbolic=False)
    >>> reward([solution], [row]).parts["format"].round(1).tolist()
    [0.6]
    >>> [step.reward for step in reward.step_rewards(solution, row)]
    [0.5, -0.5]
    """

    name: ClassVar[str] = "generator"
    for_training: ClassVar[Mapping[str, Any]] = {"step_credit": "weakest"}
    reference_type: ClassVar[type[Any]] = GeneratorReference
    parts = ("correct", "format", "verified", "step_reward")
    headline = ("correct", "format")
    accuracy = "correct"

    def __init__(
        self,
        *,
        ground_truth_weight: float | Schedule | str = 1.0,
        format_weight: float | Schedule | str = 0.0,
        step_credit: StepCredit = "share",
        answer_kind: AnswerKind = "auto",
        timeout_s: float = 0.8,
        symbolic: bool = True,
        thoughts_opened: bool = False,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.thoughts_opened = truth("thoughts_opened", thoughts_opened)
        if profile == "released" and thoughts_opened:
            raise ConfigurationError("the published code reads answers in thoughts too: thoughts_opened=False")
        self.forms: Forms | ReleasedForms = (
            ReleasedForms() if profile == "released" else Forms(thoughts_opened=thoughts_opened)
        )
        self.step_credit = one_of("step_credit", step_credit, STEP_CREDITS)
        if profile == "released" and self.step_credit != "share":
            raise ConfigurationError("the released steps all weigh the same: step_credit='share'")
        self.ground_truth_weight = as_schedule("ground_truth_weight", ground_truth_weight)
        self.format_weight = as_schedule("format_weight", format_weight)
        self.outcome = Mathematics(answer_kind=answer_kind, timeout_s=timeout_s, symbolic=symbolic, profile=profile)

    def reference(self, row: Mapping[str, Any]) -> GeneratorReference:
        found = Row(row).find(*VERIFICATION, default="")
        return GeneratorReference(self.outcome.reference(row), found if isinstance(found, str) else "")

    def natural(self, value: Any) -> GeneratorReference:
        if isinstance(value, MathReference):
            return GeneratorReference(value)
        return GeneratorReference(self.outcome.natural(value))

    def options(self) -> dict[str, object]:
        return {
            "ground_truth": self.ground_truth_weight,
            "format": self.format_weight,
            **({} if self.step_credit == "share" else {"step_credit": self.step_credit}),
            **({"thoughts_opened": True} if self.thoughts_opened else {}),
            **self.outcome.options(),
        }

    def judge(self, completion: str, reference: GeneratorReference, step: int | None) -> Judgement:
        return self.judge_all([completion], [reference], step)[0]

    def judge_all(
        self, completions: Sequence[str], references: Sequence[GeneratorReference], step: int | None
    ) -> Sequence[Judgement]:
        outcomes = self.outcome.judge_all(completions, [reference.gold for reference in references], step)
        w = self.ground_truth_weight(step or 0)
        f = self.format_weight(step or 0)
        judged = []
        for completion, reference, outcome in zip(completions, references, outcomes, strict=True):
            if outcome.status == UNSCORED:
                judged.append(self.unscored(outcome.note))
                continue
            said = self.forms.verification(reference.verification)
            form = self.forms.solution_mark(completion)
            if self.forms.has_no_answer(completion):
                judged.append(Judgement(f * form, (0.0, form, 0.0, 0.0), UNPARSED, UNCLOSED))
                continue
            verified = outcome.value if said.final is None else float(said.final)
            steps = self._placed(completion, said)
            value = w * outcome.value + (1 - w) * verified + f * form
            parts = (outcome.value, form, verified, sum(reward.reward for reward in steps))
            status = UNPARSED if outcome.status == UNPARSED else SCORED
            judged.append(Judgement(value, parts, status, outcome.note))
        return judged

    def judge_telling(
        self, completions: Sequence[str], reference: GeneratorReference, step: int | None, row: Mapping[str, Any] | None
    ) -> tuple[Judgement, Working]:
        completion = completions[0]
        judged = self.judge_pairs([completion], [reference], step)[0]
        _, outcome = self.outcome.judge_telling([completion], reference.gold, step, row)
        if judged.status == UNSCORED:
            return judged, Working((), outcome.passages)
        if self.forms.has_no_answer(completion):
            return judged, Working(())
        said = self.forms.verification(reference.verification)
        correct, form, verified, _ = judged.parts
        w, f = self.ground_truth_weight(step or 0), self.format_weight(step or 0)
        texts = [one.text for one in self.forms.steps(completion)]
        value = generator_section(correct, verified, form, w, f, said.final)
        answer = [
            replace(one, title="Outcome", gives={name: x for name, x in one.gives.items() if name == "correct"})
            for one in outcome.sections
        ]
        return judged, Working((value, *answer, steps_section(texts, said.steps)), outcome.passages)

    def step_rewards(self, completion: str, reference: Any) -> tuple[StepReward, ...]:
        """The rewards of the steps: +1/K for CORRECT and -1/K for INCORRECT, K the number of steps that say something;
        by ``step_credit`` other weights than 1/K.

        A solution without tags has its paragraphs as steps (:func:`~table_rewards.rewards.tango.steps.split_steps`).
        Empty unless the verifier spoke of exactly as many steps as the solution has. A step that it gave no verdict
        has no reward, and takes none from the others (G4; as released all are lost). A row whose gold answer cannot be
        read is unscored, and its steps have none.

        Args:
            completion: the solution.
            reference: anything that the reward takes as one, or the verifier's text.

        Turn characters into tokens with :meth:`token_of_step`, with the *generator's* tokenizer (G7).
        """
        try:
            text = reference if isinstance(reference, str) else self.coerce(reference).verification
        except BadReference:
            return ()
        return self._placed(completion, self.forms.verification(text))

    def token_of_step(self, end: int, offsets: Sequence[tuple[int, int]]) -> int | None:
        """The token that a step's reward belongs to: :func:`token_of_step`; as released the one behind it (G26)."""
        return self.forms.token_of_step(end, offsets)

    def _placed(self, completion: str, said: Verification) -> tuple[StepReward, ...]:
        steps = self.forms.steps(completion) if said.steps else ()
        counted = tuple(step for step in steps if self.forms.counts(step))
        if len(said.steps) != len(steps):  # a verifier may well pass over an empty step
            steps = counted
        if len(said.steps) != len(steps):
            return ()
        pairs = [(step, verdict) for step, verdict in zip(steps, said.steps, strict=True) if self.forms.counts(step)]
        sure = [None if verdict is None else float(verdict) for _, verdict in pairs]
        weights = counted_weights(sure, [step.text for step, _ in pairs], self.step_credit)
        return tuple(
            StepReward(step.start, step.end, weight if verdict else -weight)
            for (step, verdict), weight in zip(pairs, weights, strict=True)
            if verdict is not None
        )
