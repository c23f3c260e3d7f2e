"""Fixtures of the TRL suite: TRL alone, in its newest version; ms-swift brings older ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

if os.environ.get("TABLE_REWARDS_INTEGRATION") != "trl":
    raise pytest.UsageError("these tests need the real TRL: run `nox -s trl`")

SUPPORT = Path(__file__).resolve().parents[1] / "support"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2 of 90,000 parameters with a byte-level tokenizer."""
    from tiny_model import build_model

    return build_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def program() -> Callable[..., Any]:
    """Run a program of the support folder in a process of its own; returns the JSON of its last line."""

    def run(name: str, *arguments: object, fails: bool = False) -> Any:
        done = subprocess.run(
            [sys.executable, SUPPORT / name, *map(str, arguments)],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        if fails:
            assert done.returncode != 0, done.stdout[-1000:]
            return done.stderr
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
