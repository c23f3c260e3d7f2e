"""Fixtures of the NeMo Gym suite."""

from __future__ import annotations

import os

import pytest

if os.environ.get("TABLE_REWARDS_INTEGRATION") != "gym":
    raise pytest.UsageError("these tests need NeMo Gym: run `nox -s gym`")

os.environ["NEMO_GYM_CONFIG_DICT"] = "{}"  # otherwise Gym takes pytest's arguments for its own
