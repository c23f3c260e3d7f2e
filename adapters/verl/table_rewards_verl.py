"""table_rewards for verl, as a file: ``custom_reward_function.path=.../table_rewards_verl.py name=table_bench``.

Nothing but absolute imports: what verl loads by path is not importable by its workers, what it imports is.
verl 0.7 and later need no file: ``path=pkg://table_rewards.frameworks.verl``.
"""

from table_rewards.frameworks.verl import __getattr__  # noqa: F401  (gives every function by its name)
