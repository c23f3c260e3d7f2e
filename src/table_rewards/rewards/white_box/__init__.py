"""ExecVerify's white-box rewards: what a program does when it runs."""

from table_rewards.rewards.white_box.reference import WhiteBoxReference
from table_rewards.rewards.white_box.reward import WhiteBox

__all__ = ["WhiteBox", "WhiteBoxReference"]

for _public in (WhiteBox, WhiteBoxReference):
    _public.__module__ = __name__  # a pickle names this package, so modules inside it may move
