"""Untrusted Python in isolated, killable workers."""

from __future__ import annotations

from table_rewards.sandbox.errors import SandboxDegradedWarning, SandboxUnavailable
from table_rewards.sandbox.jobs import CHART_KINDS, Job, Limits
from table_rewards.sandbox.outcomes import Outcome, TestResult

__all__ = ["CHART_KINDS", "Job", "Limits", "Outcome", "SandboxDegradedWarning", "SandboxUnavailable", "TestResult"]
