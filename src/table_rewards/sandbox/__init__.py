"""Untrusted Python in isolated, killable workers."""

from __future__ import annotations

from table_rewards.sandbox.backend import Sandbox, close_sandboxes, get_sandbox
from table_rewards.sandbox.errors import SandboxDegradedWarning, SandboxUnavailable
from table_rewards.sandbox.jobs import CHART_KINDS, Job, Limits
from table_rewards.sandbox.outcomes import Outcome, TestResult
from table_rewards.sandbox.values import Value

__all__ = [
    "CHART_KINDS",
    "Job",
    "Limits",
    "Outcome",
    "Sandbox",
    "SandboxDegradedWarning",
    "SandboxUnavailable",
    "TestResult",
    "Value",
    "close_sandboxes",
    "get_sandbox",
]
