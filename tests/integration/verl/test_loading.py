"""verl's own loader and trainer config accept our file, our package path and the overrides we print."""

from __future__ import annotations

import asyncio
import inspect
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from real_rows import region_samples
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl_harness import MODULE, reward_overrides, trainer_config

pytestmark = pytest.mark.slow

REWARDS = ["table_bench", "table_region"]


def load(name: str, path: Path | str, **options: Any) -> Any:
    function = get_custom_reward_fn(trainer_config(reward_overrides(name, path=path, **options)))
    assert callable(function)
    return function


@pytest.mark.parametrize("form", ["", "_float", "_batch"])
@pytest.mark.parametrize("reward", REWARDS)
def test_the_file_and_the_package_path_give_the_same_function(reward: str, form: str, adapter_file: Path) -> None:
    by_path, by_package = load(reward + form, adapter_file), load(reward + form, MODULE)
    by_path, by_package = by_path.args[0], by_package.args[0]  # verl wraps what it loaded in a partial
    assert by_path is by_package, "the file must hand on the package's functions, nothing of its own"
    assert inspect.isfunction(by_path), "a callable object or a decorated function misleads verl's async detection"


@pytest.mark.parametrize("reward", REWARDS)
def test_printed_overrides_compose_and_load(reward: str) -> None:
    """`table-rewards verl-args` in front of verl's real config: a moved or misspelt key raises in compose."""
    command = [str(Path(sys.executable).with_name("table-rewards")), "verl-args", reward]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    words = shlex.split(done.stdout.replace("\\\n", " "), comments=True)
    assert words, "nothing printed"
    config = trainer_config(words)
    assert config.reward.custom_reward_function.name == f"{reward}_async", "it may run programs"
    function = get_custom_reward_fn(config)
    sample = region_samples(1)[0]
    call = function(
        data_source="t", solution_str=sample.completion, ground_truth=sample.ground_truth, extra_info=sample.extra_info
    )
    values = asyncio.run(call)
    assert values["score"] == pytest.approx(1.0)
    assert values["acc"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("words", "source", "keys"),
    [
        (["--route", "openai/gsm8k=teds", "--route", "hf.co/x.v1=grits", "--route", "otherwise=teds"], "hf.co/x.v1", 5),
        (["teds", "grits", "--weight", "grits=0.5", "--option", "teds.structure_only=yes"], "t", 5),
    ],
)
def test_printed_routes_and_mixtures_go_through_hydra_to_the_reward(words: list[str], source: str, keys: int) -> None:
    command = [str(Path(sys.executable).with_name("table-rewards")), "verl-args", *words, "--advantage", "grpo"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    config = trainer_config(shlex.split(done.stdout))
    assert config.algorithm.adv_estimator == "grpo_scored"
    table = "<table><tr><td>1</td></tr></table>"
    assert config.reward.custom_reward_function.name.endswith("_async"), "TEDS gains from batches"
    call = get_custom_reward_fn(config)(data_source=source, solution_str=table, ground_truth=table, extra_info={})
    values = asyncio.run(call)
    assert values["acc"] == 1.0
    assert len(values) >= keys


def test_an_unknown_option_is_named_when_the_function_is_loaded() -> None:
    """`reward_kwargs` outside the options must not be swallowed: the user would train another reward than asked for."""
    with pytest.raises(Exception, match="metrik") as caught:
        load("table_bench", MODULE, metrik="em")
    assert "metric" in str(caught.value).replace("metrik", ""), "the message should name the known options"


def test_an_option_reaches_the_reward_as_the_config_object_it_is() -> None:
    function = load("table_bench", MODULE, metric="em_tolerance")
    near = function(data_source="t", solution_str="Final Answer: 105", ground_truth="100", extra_info={})
    exact = load("table_bench", MODULE, metric="em")(
        data_source="t", solution_str="Final Answer: 105", ground_truth="100", extra_info={}
    )
    assert (near["score"], exact["score"]) == (1.0, 0.0)
