"""RL Tango's rewards: for the generator, for the verifier, and for the steps of a solution."""

from table_rewards.rewards.tango.class_balance import ClassBalance
from table_rewards.rewards.tango.format import Step
from table_rewards.rewards.tango.generator import Generator, GeneratorReference, StepReward
from table_rewards.rewards.tango.released_steps import ReleasedSteps, released_steps
from table_rewards.rewards.tango.step_verifier import Question, StepVerifier
from table_rewards.rewards.tango.steps import split_steps
from table_rewards.rewards.tango.verifier import Verifier, VerifierReference

__all__ = [
    "ClassBalance",
    "Generator",
    "GeneratorReference",
    "Question",
    "ReleasedSteps",
    "Step",
    "StepReward",
    "StepVerifier",
    "Verifier",
    "VerifierReference",
    "released_steps",
    "split_steps",
]

for _public in (
    ClassBalance,
    Generator,
    GeneratorReference,
    Question,
    ReleasedSteps,
    Step,
    StepReward,
    StepVerifier,
    Verifier,
    VerifierReference,
):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
