"""table_rewards for OpenRLHF: ``--reward.remote_url .../table_rewards_openrlhf.py``, with TABLE_REWARDS_REWARD=teds."""

from table_rewards.frameworks.openrlhf import reward_func  # noqa: F401
