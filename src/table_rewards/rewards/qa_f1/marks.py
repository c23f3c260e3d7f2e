"""How an answer of the reader is marked, and which table a completion holds: the corrected profile of QA-F1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from table_rewards.rewards.qa_f1.f1 import is_refusal, token_f1
from table_rewards.rewards.qa_f1.table import WrittenTable, written_table

SAMPLING: Final[Mapping[str, Any]] = {}
"""Greedy, and nothing else."""


def mark(answer: str, gold: str) -> tuple[float, bool]:
    """F1 over tokens, and whether the reader answered at all; a refusal is right where the gold answer is one.

    >>> mark("Not answerable", "not answerable."), mark("24.6 %", "24.6%")
    ((1.0, False), (1.0, True))
    """
    if is_refusal(answer):
        return float(is_refusal(gold)), False
    return (0.0 if is_refusal(gold) else token_f1(answer, gold)), True


def table_of(completion: str, max_chars: int) -> WrittenTable:
    """The table of a completion, or why there is none."""
    return written_table(completion, max_chars)
