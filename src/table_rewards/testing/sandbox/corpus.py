"""All hostile snippets together; :mod:`table_rewards.testing.sandbox.cases` says what a case is."""

from __future__ import annotations

from table_rewards.testing.sandbox import corpus_escape, corpus_forging, corpus_resources
from table_rewards.testing.sandbox.cases import Case


def hostile() -> list[Case]:
    """All hostile cases."""
    return [*corpus_resources.CASES, *corpus_escape.CASES, *corpus_forging.CASES]
