"""table_rewards for slime: ``--custom-rm-path table_rewards_slime.teds`` where this file is importable.

Where the package is installed, ``--custom-rm-path table_rewards.frameworks.slime.teds`` needs no file.
"""

from table_rewards.frameworks.slime import __getattr__  # noqa: F401
