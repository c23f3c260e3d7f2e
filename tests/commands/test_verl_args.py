"""`table-rewards verl-args`: the keys each version of verl reads, and the functions that are there."""

from __future__ import annotations

import shlex

import pytest

from command_line import here
from table_rewards import names
from table_rewards.commands.verl_args import read_version, verl_overrides
from table_rewards.core.errors import ConfigurationError
from table_rewards.frameworks import verl

VERSIONS = [(0, 3, 0), (0, 4, 1), (0, 5, 0), (0, 6, 1), (0, 7, 0), (0, 7, 1), (0, 8, 0), (0, 9, 0), (0, 9, 1)]


def overrides(*words):
    done = here("verl-args", *words, check=0)
    return dict(word.split("=", 1) for word in shlex.split(done.stdout))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("evaluation", [False, True])
def test_every_function_that_is_named_exists(version, evaluation):
    for name in names():
        found, _ = verl_overrides(name, version, {}, evaluation=evaluation)
        (function,) = [value for key, value in found.items() if key.endswith(".name") and "manager" not in key]
        assert callable(getattr(verl, function)), function


def test_the_keys_moved_in_0_7_1():
    for version in ("0.4.1", "0.6.1", "0.7.0"):
        assert "custom_reward_function.name" in overrides("teds", "--verl-version", version)
    for version in ("0.7.1", "0.8.0", "0.9", "main"):
        found = overrides("teds", "--verl-version", version)
        assert found["reward.custom_reward_function.name"] == "teds"
        assert not any(key.startswith(("custom_reward_function", "+custom_reward_function")) for key in found)


def test_pkg_paths_are_for_0_7_and_later_and_files_for_before():
    assert overrides("teds", "--verl-version", "0.7.0")["custom_reward_function.path"].startswith("pkg://")
    path = overrides("teds", "--verl-version", "0.6.1")["custom_reward_function.path"]
    assert path == here("adapter", "verl", check=0).stdout.strip()


def test_options_are_added_since_they_are_not_in_the_struct():
    found = overrides("table_region", "--verl-version", "0.9.1", "--option", "weight=linear(0.3, 0.1, 1200)")
    assert found["+reward.custom_reward_function.reward_kwargs.weight"] == '"linear(0.3, 0.1, 1200)"'
    found = overrides("teds", "--verl-version", "0.5", "--option", "structure_only=yes", "--option", "clip=False")
    assert found["+custom_reward_function.reward_kwargs.structure_only"] == "true"
    assert found["+custom_reward_function.reward_kwargs.clip"] == "false"


def test_whole_batches_where_verl_can_and_async_functions_where_rewards_wait():
    assert overrides("teds", "--verl-version", "0.6.1")["reward_model.reward_manager"] == "batch"
    assert overrides("teds", "--verl-version", "0.6.1")["custom_reward_function.name"] == "teds_batch"
    assert overrides("qa_f1", "--verl-version", "0.9.1")["reward.custom_reward_function.name"] == "qa_f1_async"
    prime = overrides("teds", "--verl-version", "0.6.1", "--manager", "prime")
    assert prime["custom_reward_function.name"] == "teds_float"


def test_main_eval_takes_numbers_and_unlisted_keys():
    found = overrides("teds", "--for", "eval", "--verl-version", "0.9.1")
    assert found == {
        "+reward.custom_reward_function.path": "pkg://table_rewards.frameworks.verl",
        "+reward.custom_reward_function.name": "teds_float",
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["teds", "--verl-version", "0.2.0"], "no setting for a reward function"),
        (["teds", "--verl-version", "0.3", "--option", "clip=no"], "cannot pass options"),
        (["teds", "--verl-version", "0.9", "--manager", "batch"], "cannot select the batch manager"),
        (["teds", "--verl-version", "0.9", "--manager", "prime"], "cannot select the prime manager"),
        (["teds", "--verl-version", "0.6.1", "--manager", "remote"], "needs verl 0.7.0"),
        (["teds", "--option", "clip=maybe"], "clip must be True or False"),
        (["teds", "--option", "clipp=no"], "did you mean 'clip'"),
    ],
)
def test_what_cannot_work_is_said_before_the_run(words, told):
    done = here("verl-args", *words, check=2)
    assert told in done.stderr
    assert done.stdout == ""


def test_versions_are_read_as_people_write_them():
    assert read_version("v0.7.0.dev") == (0, 7, 0)
    assert read_version(" 0.6 ") == (0, 6, 1)
    with pytest.raises(ConfigurationError):
        read_version("newish")


@pytest.mark.parametrize("framework", ["verl", "swift", "swift-filter", "swift_metrics"])
def test_adapters_are_printed_as_files_that_are_there(framework):
    from pathlib import Path

    assert Path(here("adapter", framework, check=0).stdout.strip()).is_file()
