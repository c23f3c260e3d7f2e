"""For `swift rlhf --external_plugins`: log parts, unscored shares, reader numbers. 4.x: `--callbacks table_rewards`."""

from table_rewards.frameworks.swift_metrics import install

install()
