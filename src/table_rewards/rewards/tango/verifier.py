"""RL Tango's reward of the verifier: is its final verdict right, and is its form?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.explanation.data import Working
from table_rewards.core.options import truth
from table_rewards.core.reward import Profile, Reward
from table_rewards.core.rows import Row, plain
from table_rewards.core.schedules import Schedule, as_schedule
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.rewards.tango.explain import verifier_section
from table_rewards.rewards.tango.format import Verification
from table_rewards.rewards.tango.forms import Forms
from table_rewards.rewards.tango.released import ReleasedForms


@dataclass(frozen=True, slots=True)
class VerifierReference:
    """Whether the solution is right, how many steps it has (None: not known), and the mark of its form."""

    label: bool
    steps: int | None = None
    generator_format: float = 1.0


class Verifier(Reward[VerifierReference]):
    r"""Agreement of the final verdict with the truth, and the verification's form.

    ::

        value = correct + w * format        both 0 without a final verdict

    ``correct`` is 1 when the final verdict says what the outcome says; ``format`` the mark of
    :func:`~table_rewards.rewards.tango.format.verifier_format`. White space and line breaks around a verdict do
    not matter, both verdicts in one place are none. ``profile="released"`` reads as the released code: a line break in
    the final tag loses everything (G3), a step without a verdict swallows the next (G4).

    Weights against class imbalance belong to the loss, not to the reward: :class:`ClassBalance`.

    Source: RL Tango, arXiv 2505.15034, ``verifier_worker``.

    Args:
        format_weight: w, a number or schedule; 0.8 in its scripts.
        consistent: a final verdict that contradicts the verdicts on the steps (CORRECT with a wrong step, INCORRECT
            with right ones alone) costs the format. Without it a verifier earns the form for steps that it
            did not read.

    Parts: ``correct``, ``format`` and ``parsed`` (1 with a final verdict). References: the label (True, 1.0,
    "CORRECT"), or a row with ``label`` (or ``outcome``), and optionally the generator's ``solution``, or
    ``generator_step_count`` and ``generator_format_score``.

    Raises:
        ConfigurationError: an option cannot be, or not with the released profile.

    >>> said = r"<step_verification><step>3 * 5 = 15. \boxed{CORRECT}</step></step_verification>"
    >>> said += "<final_verification>\n\\boxed{CORRECT}\n</final_verification>"
    >>> Verifier()([said, said, r"\boxed{CORRECT}"], [True, False, True]).values.tolist()
    [1.8, 0.8, 0.0]
    """

    name: ClassVar[str] = "verifier"
    for_training: ClassVar[Mapping[str, Any]] = {"consistent": True}
    reference_type: ClassVar[type[Any]] = VerifierReference
    parts = ("correct", "format", "parsed")
    headline = ("correct", "format")
    accuracy = "correct"

    def __init__(
        self,
        *,
        format_weight: float | Schedule | str = 0.8,
        consistent: bool = False,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.consistent = truth("consistent", consistent)
        if profile == "released" and self.consistent:
            raise ConfigurationError("the released form does not compare verdicts: leave consistent out")
        self.forms: Forms | ReleasedForms = ReleasedForms() if profile == "released" else Forms()
        self.format_weight = as_schedule("format_weight", format_weight)

    def reference(self, row: Mapping[str, Any]) -> VerifierReference:
        """The reference of a row: whether the solution is right, how many steps it has, how well it keeps the form.

        Raises:
            BadReference: the step count or the form's mark is no number.
        """
        wrapped = Row(row)
        label = wrapped.find("label", "outcome", "outcome_reward", "is_correct", default=None)
        label = _label(wrapped.answer("label", "outcome") if label is None else label)
        solution = wrapped.find("solution", "generator_output", default=None)
        steps = wrapped.find("generator_step_count", default=None)
        mark = wrapped.find("generator_format_score", default=None)
        if isinstance(solution, str):
            counted, marked = self.forms.to_be_judged(solution)
            steps = counted if steps is None else steps
            mark = marked if mark is None else mark
        try:
            return VerifierReference(label, None if steps is None else int(steps), 1.0 if mark is None else float(mark))
        except (TypeError, ValueError, OverflowError):
            raise BadReference(
                f"generator_step_count and generator_format_score are numbers, not {steps!r} and {mark!r}"
            ) from None

    def natural(self, value: Any) -> VerifierReference:
        return VerifierReference(_label(plain(value)))

    def options(self) -> dict[str, object]:
        own = {"consistent": True} if self.consistent else {}
        return {"format": self.format_weight, **own, **super().options()}

    def judge(self, completion: str, reference: VerifierReference, step: int | None) -> Judgement:
        said = self.forms.verification(completion)
        if said.final is None:
            return Judgement(0.0, (0.0, 0.0, 0.0), UNPARSED, said.problem)
        correct = float(said.final == reference.label)
        form = self._form(completion, reference, said)
        return Judgement(correct + self.format_weight(step or 0) * form, (correct, form, 1.0), SCORED)

    def _form(self, completion: str, reference: VerifierReference, said: Verification) -> float:
        if self.consistent and contradicts_itself(said):
            return 0.0
        return self.forms.verification_mark(completion, reference.steps, reference.generator_format)

    def working(self, completion: str, reference: VerifierReference, judgement: Judgement, step: int | None) -> Working:
        said = self.forms.verification(completion)
        form = self._form(completion, reference, said)
        weight = self.format_weight(step or 0)
        section = verifier_section(said.final, said.problem, reference.label, said.steps, form, weight, reference.steps)
        return Working((section,))


def contradicts_itself(said: Verification) -> bool:
    """Whether a final verdict is another than the verdicts on the steps make.

    >>> [contradicts_itself(Verification(steps, final)) for steps, final in (((True, False), True), ((True,), False))]
    [True, True]
    >>> [contradicts_itself(Verification(steps, final)) for steps, final in (((True, None), False), ((True,), True))]
    [False, False]
    """
    if said.final is None or not said.steps:
        return False
    return False in said.steps if said.final else None not in said.steps and False not in said.steps


def _label(value: Any) -> bool:
    """Whether the solution is right, from any way to say so.

    Raises:
        BadReference: says nothing of the kind.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and abs(value) < math.inf:
        return value > 0.5
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("correct", "true", "1", "1.0", "yes"):
            return True
        if word in ("incorrect", "false", "0", "0.0", "no"):
            return False
    raise BadReference(f"a label is True, False, a number or CORRECT or INCORRECT, not {str(value)[:60]!r}")
