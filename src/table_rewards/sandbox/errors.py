"""What can go wrong with the sandbox itself; never raised for anything that a snippet does."""

from __future__ import annotations

from table_rewards.core.errors import ScorerFailed


class SandboxUnavailable(ScorerFailed):
    """The sandbox cannot start, or not under the asked policy. The message says what is missing and what would help."""


class SandboxDegradedWarning(UserWarning):
    """The sandbox runs with fewer guarantees than it has elsewhere. The message lists each lost one."""
