"""Older verls with their own config, loader and managers: what `table-rewards verl-args` prints for them works in them.

nox puts their code (without dependencies) beside the environment's; one process a version scores the same rows.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from real_rows import samples_of
from verl_harness import Row

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SUPPORT = Path(__file__).resolve().parents[1] / "support"
COPIES = Path(sys.prefix) / "versions"
VERSIONS = ["0.4.1", "0.5.0", "0.6.1", "0.7.0", "0.7.1", "0.8.0"]
BEFORE_THE_MOVE = VERSIONS[
    :4
]  # custom_reward_function.* and the batch and prime managers; 0.7.1 moved and dropped them


def reward_of(version: str) -> str:
    return "table_region" if version in ("0.5.0", "0.8.0") else "table_bench"


def printed_overrides(name: str, version: str, manager: str) -> list[str]:
    command = [str(Path(sys.executable).with_name("table-rewards")), "verl-args", name]
    command += ["--verl-version", version, "--manager", manager]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return shlex.split(done.stdout.replace("\\\n", " "), comments=True)


@cache
def told_by(version: str) -> dict[str, Any]:
    """What a process with this verl says: the scores by manager, and the loss by the way to aggregate it."""
    reward, folder = reward_of(version), Path(tempfile.mkdtemp())
    rows = [Row(s.completion, s.ground_truth, s.extra_info, uid=f"q{i}") for i, s in enumerate(samples_of(reward))]
    task: dict[str, Any] = {
        "loss": version != "0.4.1",  # it has no registry of estimators
        "folder": str(folder / "model"),
        "rows": [asdict(row) for row in rows],
        "overrides": printed_overrides(reward, version, "naive"),
    }
    if version in BEFORE_THE_MOVE:
        task["batch_overrides"] = printed_overrides(reward, version, "batch")
        task["float_overrides"] = printed_overrides(reward, version, "prime")
    else:
        task["own_manager_overrides"] = printed_overrides(reward, version, "TableRewardManager")
    copy = COPIES / version
    assert (copy / "verl").is_dir(), f"{copy} is missing: run nox -s verl"
    paths = [copy, SUPPORT, *([COPIES / "setuptools"] if version == "0.4.1" else [])]  # 0.4.1 imports pkg_resources
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "verl_version_probe.py")],
        input=json.dumps(task),
        text=True,
        capture_output=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        cwd=folder,
    )
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert results, done.stdout[-1500:] + done.stderr[-3000:]
    result: dict[str, Any] = json.loads(results[-1].removeprefix("RESULT "))
    assert result["version"].startswith(version), result["version"]
    return result


@pytest.mark.parametrize("version", VERSIONS)
def test_printed_overrides_score_in_their_version(version: str) -> None:
    from table_rewards import find
    from table_rewards.frameworks import verl as functions

    reward = reward_of(version)
    function = getattr(functions, reward)
    options = dict(find(reward).for_training)  # what `verl-args` prints for training
    here = [
        function("t", s.completion, s.ground_truth, dict(s.extra_info), **options)["score"] for s in samples_of(reward)
    ]
    scores = dict(told_by(version)["scores"])
    expected = {"naive", "batch", "prime"} if version in BEFORE_THE_MOVE else {"naive", "loop", "ours"}
    assert expected <= set(scores)
    if version == "0.4.1":  # its prime pickles the wrapper that the loader makes, which no function survives
        assert set(scores.pop("prime")) == {0.0}
    for manager, values in scores.items():
        assert values == pytest.approx(here, abs=1e-6), manager


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_unscored_rollouts_are_out_of_its_loss(version: str) -> None:
    told = told_by(version)["loss"]
    for mode, found in told.items():
        if version == "0.5.0" and mode != "token-mean":
            continue
        assert found["left"] == 0, (mode, found)
        assert found["loss"] == pytest.approx(found["alone"], rel=1e-5), (mode, found)
    if version == "0.5.0":  # its aggregation divides by each row's number of tokens, so the mask stays
        assert told["seq-mean-token-mean"]["left"] > 0
        assert math.isfinite(told["seq-mean-token-mean"]["loss"])
