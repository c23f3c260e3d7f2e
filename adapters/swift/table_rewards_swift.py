"""table_rewards for ms-swift: ``--external_plugins .../table_rewards_swift.py --reward_funcs table_bench``."""

try:  # ms-swift 4
    from swift.rewards import ORM, orms
except ImportError:  # ms-swift 3
    from swift.plugin.orm import ORM, orms

from table_rewards.frameworks.swift import register

register(orms, ORM)
