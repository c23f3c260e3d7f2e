"""Fixtures of the swift suite. Helpers: support/swift_harness.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

if os.environ.get("TABLE_REWARDS_INTEGRATION") != "swift":
    raise pytest.UsageError("these tests need the real ms-swift: run `nox -s swift`")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2 of 90,000 parameters with a byte-level tokenizer: pass it to `run_grpo(model=...)`."""
    from tiny_model import build_model

    return build_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def scripted_rollout() -> Path:
    """The plugin that lets the dataset's `scripted` column answer instead of the random model."""
    return Path(__file__).resolve().parents[1] / "support" / "scripted_rollout.py"


@pytest.fixture(scope="session")
def orms(adapter_file: Path) -> dict[str, Any]:
    """swift's reward registry after loading the installed adapter file."""
    from swift_harness import load_plugin

    return load_plugin(adapter_file)
