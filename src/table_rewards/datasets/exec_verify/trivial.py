"""Inputs that need no look at the function: rows that they solve teach a policy to guess and not to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from table_rewards.datasets.exec_verify import prompts
from table_rewards.rewards.white_box import WhiteBox
from table_rewards.rewards.white_box.calls import parameters_of

TRIVIAL: Final = "solved by an input that needs no look at the function (the result itself, empty values, 'aaa')"
LENGTHS: Final = (1, 3)


def trivial_inputs(code: str, function: str, result: str) -> tuple[str, ...]:
    """The arguments that a policy can write without reading: the result itself, empty values, and some letters.

    >>> trivial_inputs("def f(text, n):\\n    return text", "f", "'x'")
    ("'x', ''", "'', ''", '[], []', '0, 0', "'a', 'a'", "'aaa', 'aaa'")
    """
    count = max(1, len(parameters_of(code, function)))
    letters = [repr("a" * length) for length in LENGTHS]
    same = [", ".join([value] * count) for value in ("''", "[]", "0", *letters)]
    return tuple(dict.fromkeys([", ".join([result, *["''"] * (count - 1)]), *same]))


def solved_trivially(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """For each prepared row whether it asks for an input (``oi``) and a trivial one is right."""
    completions: list[str] = []
    asked: list[int] = []
    for at, row in enumerate(rows):
        truth = json.loads(row["reward_model"]["ground_truth"])
        if truth["type"] == "oi":
            for arguments in trivial_inputs(truth["func_str"], truth["func_name"], truth["result"]):
                completions.append(prompts.input_answer(truth["func_name"], arguments, truth["result"]))
                asked.append(at)
    solved = [False] * len(rows)
    for at, value in zip(asked, WhiteBox()(completions, [rows[at] for at in asked]).values.tolist(), strict=True):
        solved[at] |= value == 1.0
    return solved
