"""For `swift rlhf --external_plugins`: generate completions again that don't end as a table must. Opt-in."""

from table_rewards.frameworks.swift_filter import install

install()
