"""`table-rewards verl-args`: the keys each version of verl reads, and the functions that are there."""

from __future__ import annotations

import shlex

import pytest

from command_line import here
from table_rewards import names
from table_rewards.commands.verl_args import read_version, verl_overrides
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.registry import find
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
        assert found["reward.custom_reward_function.name"] == "teds_async"
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


KWARGS = "+reward.custom_reward_function.reward_kwargs"


def test_several_rewards_become_a_mixture_with_weights_and_options_of_each():
    found = overrides(
        *("table_bench", "teds", "--verl-version", "0.9.1", "--weight", "teds=0.3"),
        *("--option", "teds.structure_only=yes", "--option", "metric=em", "--option", "unscored=0", "--published"),
    )
    assert found["reward.custom_reward_function.name"] == "mixed_async"
    assert found[f"{KWARGS}.rewards"] == "{table_bench:{metric:em},teds:{structure_only:true}}"
    assert found[f"{KWARGS}.weights"] == "{teds:0.3}"
    assert found[f"{KWARGS}.unscored"] == "0"
    cheap = overrides("cell_f1", "grits", "--verl-version", "0.9.1")
    assert cheap["reward.custom_reward_function.name"] == "mixed"


def test_routes_take_real_data_sources():
    found = overrides(
        *("--verl-version", "0.9.1", "--route", "openai/gsm8k=mathematics", "--route", "hf.co/x.v1=teds"),
        *("--route", "otherwise=table_bench", "--option", "table_bench.metric=em", "--published"),
    )
    assert found["reward.custom_reward_function.name"] == "route_async"
    assert found[f"{KWARGS}.routes"] == (
        "{openai/gsm8k:mathematics,hf.co/x.v1:teds,otherwise:{reward:table_bench,metric:em}}"
    )


def test_published_names_are_known():
    assert overrides("compute_score", "--verl-version", "0.9.1")["reward.custom_reward_function.name"] == (
        "compute_score_async"
    )
    found = overrides("ranking_score_reward_fn", "--verl-version", "0.9.1", "--option", "unscored=raise")
    assert found["reward.custom_reward_function.name"] == "ranking_score_reward_fn"
    assert found[f"{KWARGS}.unscored"] == "raise"


def test_a_judge_of_groups_gets_the_group_and_one_worker():
    found = overrides("group_judge", "--verl-version", "0.9.1")
    assert found["reward.num_workers"] == "1"
    assert found[f"{KWARGS}.group_size"] == "${actor_rollout_ref.rollout.n}"


def test_the_estimator_that_leaves_unscored_rollouts_out_comes_with_its_module():
    found = overrides("teds", "--verl-version", "0.9.1", "--advantage", "rloo")
    assert found["algorithm.adv_estimator"] == "rloo_scored"
    (module,) = [value for key, value in found.items() if key.endswith("VERL_USE_EXTERNAL_MODULES")]
    assert module == "table_rewards.frameworks.advantages_verl"


def test_what_may_run_programs_or_gains_from_batches_is_asynchronous():
    for name in ("table_bench", "table_region", "mathematics", "unit_tests", "white_box", "teds"):
        assert overrides(name, "--verl-version", "0.9.1")["reward.custom_reward_function.name"] == f"{name}_async"
    assert overrides("ranking", "--verl-version", "0.9.1")["reward.custom_reward_function.name"] == "ranking"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name a reward"),
        (["tedds"], "did you mean 'teds'"),
        (["teds", "grits", "--weight", "grit=1"], "did you mean 'grits'"),
        (["teds", "grits", "--option", "structure=yes"], "did you mean 'structure_only'"),
        (["teds", "--weight", "teds=1"], "for several rewards"),
        (["--route", "x"], "SOURCE=REWARD"),
        (["--route", "x=tedds"], "did you mean 'teds'"),
        (["--route", "数学=teds"], "TABLE_REWARDS_CONFIG"),
        (["teds", "--option", "unscord=0"], "did you mean 'unscored'"),
        (["teds", "--option", "unscored=skip"], "unscored must be"),
        (["mine.py"], "from a second file, which docs/contract.md shows"),
    ],
)
def test_a_mistake_among_several_is_named(words, told):
    done = here("verl-args", "--verl-version", "0.9.1", *words, check=2)
    assert told in done.stderr


def test_training_prices_what_a_blind_policy_earns_and_nothing_else_does():
    new = ("--verl-version", "0.9.1")
    assert overrides("table_region", *new)[f"{KWARGS}.zero_point"] == "blind"
    assert overrides("table_region", *new, "--option", "zero_point=none")[f"{KWARGS}.zero_point"] == "null"
    for words in (("--published",), ("--for", "eval"), ("--profile", "released")):
        assert "zero_point" not in " ".join(overrides("table_region", *new, *words))
    assert "zero_point" not in " ".join(overrides("table_region", "--verl-version", "0.3"))
    both = overrides("teds", "mathematics", *new, "--option", "teds.exact_numbers=no")
    assert both[f"{KWARGS}.rewards"] == "{teds:{exact_numbers:false,zero_point:blind},mathematics:{}}"
    routed = overrides("--route", "a=ranking", "--route", "b=mathematics", *new)
    assert routed[f"{KWARGS}.routes"] == "{a:{reward:ranking,zero_point:blind},b:mathematics}"
    told = here("verl-args", "verifier", *new, check=0)
    assert "consistent=true: what a blind policy earns is worth nothing" in told.stderr


def test_options_for_training_are_options_of_their_reward():
    for name in names():
        kind = find(name)
        assert set(kind.for_training) <= set(kind.option_names()), name
        if not kind.waits:
            assert kind(**kind.for_training).signature != kind().signature or not kind.for_training
