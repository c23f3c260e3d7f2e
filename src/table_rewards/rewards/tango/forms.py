"""How the rewards of RL Tango read solutions and verifications: the verbs that ``profile`` chooses between."""

from __future__ import annotations

from collections.abc import Sequence

from table_rewards.rewards.tango.format import (
    Step,
    Verification,
    generator_format,
    read_verification,
    says_something,
    solution_steps,
    token_of_step,
    verifier_format,
)
from table_rewards.rewards.tango.steps import never_closes, split_steps


class Forms:
    """The corrected readings; :class:`~table_rewards.rewards.tango.released.ReleasedForms` has the others."""

    def __init__(self, *, thoughts_opened: bool = False) -> None:
        self.thoughts_opened = thoughts_opened

    def has_no_answer(self, solution: str) -> bool:
        """Whether all of a solution is thought, because it never closes what its prompt opened."""
        return self.thoughts_opened and never_closes(solution)

    def steps(self, solution: str) -> tuple[Step, ...]:
        """The steps as tagged, empty ones too; without tags the paragraphs."""
        return solution_steps(solution) or split_steps(solution, thoughts_opened=self.thoughts_opened)

    def to_be_judged(self, solution: str) -> tuple[int, float]:
        """How many steps a verifier has to judge, and the mark of the form that decides whether they are counted.

        Free text has no form that could be wrong, so that its paragraphs count (as released they never do, G13).
        """
        tagged = solution_steps(solution)
        paragraphs = () if tagged else split_steps(solution)
        return len(tagged or paragraphs), 1.0 if paragraphs else generator_format(solution)

    def counts(self, step: Step) -> bool:
        return says_something(step)

    def solution_mark(self, solution: str) -> float:
        return generator_format(solution)

    def verification(self, text: str) -> Verification:
        return read_verification(text)

    def verification_mark(self, text: str, steps: int | None, generator_mark: float) -> float:
        return verifier_format(text, steps, generator_mark)

    def token_of_step(self, end: int, offsets: Sequence[tuple[int, int]]) -> int | None:
        return token_of_step(end, offsets)
