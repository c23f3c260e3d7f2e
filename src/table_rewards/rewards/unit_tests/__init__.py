"""Programs judged by unit tests that they never see."""

from table_rewards.rewards.unit_tests.reference import UnitTestsReference
from table_rewards.rewards.unit_tests.reward import UnitTests

__all__ = ["UnitTests", "UnitTestsReference"]

for _public in (UnitTests, UnitTestsReference):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
