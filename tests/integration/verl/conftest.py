"""Fixtures of the verl suite. Helpers: support/verl_harness.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if os.environ.get("TABLE_REWARDS_INTEGRATION") != "verl":
    raise pytest.UsageError("these tests need the real verl: run `nox -s verl`")

os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # otherwise Ray writes a token into the home directory
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that verl takes for a model: tokenizer and config, no weights."""
    from tiny_model import build_config

    return build_config(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def tokenizer(model_folder: Path) -> Any:
    """The folder's tokenizer by its plain class, lossless on any text."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(model_folder)


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    """One local Ray for the module's tests: starting it costs seconds."""
    from verl_harness import local_ray

    with local_ray():
        yield
