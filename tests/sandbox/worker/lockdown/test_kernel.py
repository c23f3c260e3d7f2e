"""Calls that are prepared before a fork: one that fails ends the child, unless it may fail."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import pytest

from table_rewards.sandbox.worker.lockdown import kernel, landlock

pytestmark = pytest.mark.skipif(not kernel.LINUX, reason="needs Linux")


def test_steps_are_taken_in_order_and_one_that_fails_ends_them() -> None:
    taken: list[int] = []

    def step(number: int, answer: int) -> int:
        taken.append(number)
        ctypes.set_errno(1)
        return answer

    steps: list[kernel.Step] = [
        (step, (1, 0), "one"),
        (step, (2, -1), ""),
        (step, (3, -1), "three"),
        (step, (4, 0), ""),
    ]
    with pytest.raises(OSError, match="three: Operation not permitted"):
        kernel.take(steps)
    assert taken == [1, 2, 3], "the second may fail, the third may not"


def test_what_python_raises_ends_them_too() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        kernel.take([(os.close, (9999,), "rules")])


def test_a_layer_that_the_kernel_refuses_is_an_error() -> None:
    no_such: Any = landlock.restrict(9999)
    with pytest.raises(OSError, match="landlock"):
        kernel.take([no_such])
