"""ExecVerify's training data: samples with traced questions, programs with unit tests, prompts."""

from table_rewards.datasets.exec_verify.rows import Report, Settings, prepare, self_check

__all__ = ["Report", "Settings", "prepare", "self_check"]
