"""The white-box reward (ExecVerify): does the model know what a program does, step by step?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from table_rewards.core.completion import REASONING_TAGS
from table_rewards.core.errors import BadReference, ConfigurationError, one_of
from table_rewards.core.explanation.data import Section
from table_rewards.core.options import truth
from table_rewards.core.reward import Profile
from table_rewards.core.scores import SCORED, Judgement
from table_rewards.rewards.sandboxed import SandboxedReward
from table_rewards.rewards.white_box.explain import formula_section, output_section, questions_section
from table_rewards.rewards.white_box.judging import Case, Judging
from table_rewards.rewards.white_box.reference import WhiteBoxReference
from table_rewards.rewards.white_box.released import ReleasedCase, ReleasedJudging
from table_rewards.sandbox import Limits, Outcome
from table_rewards.sandbox.shared import BACKENDS

__all__ = ["WhiteBox", "WhiteBoxReference"]


class WhiteBox(SandboxedReward[WhiteBoxReference, Any]):
    """Share of the right answers about a program: its output, its next statements, the states of its variables.

    ``io_mixed``: the ``<answer>`` holds ``assert f(args) == value``, then one line for each next-statement question,
    then one ``value; type`` line for each state question. The assertion is read, never run: it must call the given
    function with the given arguments (equal by value) and compare with a literal, which must equal the call's result::

        value = io * ((1 - alpha) + alpha * right / questions)        without questions: io

    ``oi``: the ``<answer>`` holds a call with an input of the model's choice. The *given* function is run on it in the
    sandbox, and what it returns is compared with the given result; nothing else that the model wrote is run.

    Values are compared as values: floats, ``nan``, ``inf``, sets, nested containers, ``None``; strings in states with
    or without quotes. In states ``1`` is not ``True``, and types count by name.

    Source: ExecVerify, arXiv 2603.11226. ``profile="released"`` reproduces the released formula, in [0, 2], with its
    holes (E2 to E5 in docs/profiles.md); do not train with it.

    Args:
        alpha: weight of the questions, in [0, 1].
        gate_on_io: a wrong output makes the whole value 0; else it is ``(1 - alpha) * io + alpha * right / questions``.
        cpu_s: CPU seconds for a call of the given function.
        computed_inputs: an ``oi`` input may be worked out by a comprehension, a choice or a call, and so be searched
            for; False takes data that are written out, repeated or joined, and whole functions.
        sandbox: the backend that runs it, ``local`` or ``sandbox_fusion``.
        profile: ``corrected`` or ``released``.

    The value is in [0, 1]. Parts: ``io``, ``path`` and ``state`` (shares of the right answers, 1 where nothing was
    asked) and ``score``, the value. A completion without ``<answer>...</answer>`` scores 0 and is *unparsed*.

    Raises:
        ConfigurationError: an option cannot be, or the released profile is given ``gate_on_io=False``.

    >>> reward = WhiteBox()
    >>> row = {"func_str": "def f(a):\\n    b = a + 1\\n    return b", "func_args": "1", "result": "2",
    ...        "question_answers": {"path_answers": [["return b"]], "state_as": [[["int", "2"]]]}}
    >>> honest = "<answer>\\nassert f(1) == 2\\nreturn b\\n3; int\\n</answer>"
    >>> hack = "<answer>\\nassert True # 1\\nreturn b\\n2; int\\n</answer>"
    >>> scores = reward([honest, hack], [row, row])
    >>> scores.values.tolist(), scores.parts["state"].tolist(), scores.notes[1]
    ([0.75, 0.0], [0.0, 1.0], "the assertion is not one comparison by '=='")
    """

    name: ClassVar[str] = "white_box"
    reference_type: ClassVar[type[Any]] = WhiteBoxReference
    for_training: ClassVar[Mapping[str, Any]] = {"computed_inputs": False}
    thought_tags = REASONING_TAGS
    parts = ("io", "path", "state", "score")
    headline = ("io", "path")

    def __init__(
        self,
        *,
        alpha: float = 0.5,
        gate_on_io: bool = True,
        cpu_s: float = 0.5,
        computed_inputs: bool = True,
        sandbox: str = "local",
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 <= alpha <= 1:
            raise ConfigurationError(f"alpha is the weight of the questions in [0, 1], not {alpha!r}")
        if not isinstance(gate_on_io, bool):
            raise ConfigurationError(f"gate_on_io must be True or False, not {gate_on_io!r}")
        if profile == "released" and not gate_on_io:
            raise ConfigurationError("the released formula is always gated on the output; leave gate_on_io out")
        self.computed_inputs = truth("computed_inputs", computed_inputs)
        if profile == "released" and not computed_inputs:
            raise ConfigurationError("the released reward runs any input; leave computed_inputs out")
        self.alpha, self.gate_on_io = float(alpha), gate_on_io
        self.limits = Limits(cpu_s=cpu_s)
        self.sandbox = one_of("sandbox", sandbox, BACKENDS)
        self.judging: Judging | ReleasedJudging = (
            ReleasedJudging(self.alpha, self.limits)
            if profile == "released"
            else Judging(self.alpha, self.limits, gate_on_io, computed_inputs=computed_inputs)
        )

    def options(self) -> dict[str, object]:
        told = {"alpha": self.alpha, "gate": self.gate_on_io, "cpu": self.limits.cpu_s}
        return {**told, **({} if self.computed_inputs else {"computed_inputs": False}), **super().options()}

    def reference(self, row: Mapping[str, Any]) -> WhiteBoxReference:
        return self.judging.reference(row)

    def natural(self, value: Any) -> WhiteBoxReference:
        """The reference of a bare value: a row, or (function source, arguments[, result]) as texts.

        Raises:
            BadReference: the value is neither.
        """
        if isinstance(value, (list, tuple)) and len(value) in (2, 3) and all(isinstance(part, str) for part in value):
            return WhiteBoxReference.from_row(dict(zip(("func_str", "func_args", "result"), value, strict=False)))
        raise BadReference("a white-box reference is a row, or (function source, arguments[, result]) as three texts")

    def read(self, completion: str, reference: WhiteBoxReference) -> Case | ReleasedCase:
        return self.judging.read(completion, reference)

    def conclude(self, case: Any, outcome: Outcome | None) -> Judgement:
        if outcome is not None and outcome.is_ours:
            return self.unscored(f"the sandbox failed: {outcome.note}")
        return self.judging.conclude(case, outcome)

    def sections(self, case: Any, outcome: Outcome | None, judged: Judgement) -> list[Section]:
        if judged.status != SCORED:
            return []
        reference, ran = case.reference, ""
        if outcome is not None:
            value = outcome.values[0] if outcome.values else None
            ran = value.text(400) if value is not None and value.ok else outcome.note or outcome.status
        told = [output_section(reference, judged, ran)]
        if not isinstance(case, Case):
            return told
        if reference.questions:
            told.append(questions_section(reference, case.lines))
        return [*told, formula_section(reference, judged, self.alpha, self.gate_on_io)]
