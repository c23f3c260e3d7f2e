"""What docs/verl.md says of verl, and is shown by no other test of this suite."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from verl_harness import MODULE, Row, reward_overrides, score_in_process, trainer_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PAGE = (Path(__file__).resolve().parents[3] / "docs/verl.md").read_text("utf-8")
FAILING = Path(__file__).parents[1] / "support/failing_reward.py"
SETTING = re.compile(r"\+?(reward|algorithm|ray_kwargs)\.[\w.]+=")
TABLE = "<table><tr><td>1</td></tr></table>"


def settings_of_the_page() -> list[list[str]]:
    """The overrides of each bash block, without what they are alternatives of."""
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    words = [shlex.split(block.replace("\\\n", " "), comments=True) for block in blocks]
    return [found for block in words if (found := [word for word in block if SETTING.match(word)])]


@pytest.mark.parametrize("settings", settings_of_the_page(), ids=lambda settings: settings[0].split("=")[0])
def test_verl_composes_every_setting_of_the_page(settings: list[str]) -> None:
    from verl.trainer.ppo.reward import get_custom_reward_fn, resolve_reward_manager_cls

    named = any(".custom_reward_function.name=" in word for word in settings)
    more = [f"reward.custom_reward_function.path={MODULE}"]
    more += [] if named else ["reward.custom_reward_function.name=table_bench"]
    config = trainer_config([*more, *settings])
    assert callable(get_custom_reward_fn(config))
    if any("reward_manager" in word for word in settings):
        assert resolve_reward_manager_cls(config).__name__ == "TableRewardManager"


def test_the_page_has_its_settings() -> None:
    found = " ".join(word for block in settings_of_the_page() for word in block)
    for word in ("routes=", "weights=", "adv_estimator=grpo_scored", "module.path=", "reward_kwargs.metric=em"):
        assert word in found


def test_the_old_keys_are_accepted_and_ignored(tokenizer: Any, model_folder: Path) -> None:
    from verl.trainer.ppo.reward import get_custom_reward_fn, load_reward_manager
    from verl.utils.reward_score import default_compute_score

    old = [f"custom_reward_function.path={MODULE}", "custom_reward_function.name=teds"]
    config = trainer_config(old, model=model_folder)
    assert get_custom_reward_fn(config) is None
    assert load_reward_manager(config, tokenizer).compute_score is default_compute_score, "verl's default reward"


def test_an_option_needs_the_plus() -> None:
    from hydra.errors import ConfigCompositionException

    with pytest.raises(ConfigCompositionException, match="metric"):
        trainer_config([*reward_overrides("table_bench"), "reward.custom_reward_function.reward_kwargs.metric=em"])


def test_arguments_win_over_the_environment_and_that_over_the_file(
    tokenizer: Any, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = [Row("Final Answer: 105", "100", uid="a")]  # right within 10 %, wrong by exact match
    (tmp_path / "rewards.toml").write_text('[table_bench]\nmetric = "em_tolerance"\n', "utf-8")

    def score(**options: Any) -> float:
        config = trainer_config(reward_overrides("table_bench", **options), model=model_folder)
        return float(score_in_process(config, tokenizer, near)[0]["reward_score"])

    assert score() == 0.0
    monkeypatch.setenv("TABLE_REWARDS_CONFIG", str(tmp_path / "rewards.toml"))
    assert score() == 1.0
    monkeypatch.setenv("TABLE_REWARDS_TABLE_BENCH_METRIC", "em")
    assert score() == 0.0
    assert score(metric="em_tolerance") == 1.0


def test_a_variable_that_belongs_to_nobody_stops_the_loading(
    tokenizer: Any, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_REWARDS_TABLE_BENCH_METRIK", "em")
    from verl.trainer.ppo.reward import load_reward_manager

    with pytest.raises(ValueError, match="did you mean TABLE_REWARDS_TABLE_BENCH_METRIC"):
        load_reward_manager(trainer_config(reward_overrides("table_bench"), model=model_folder), tokenizer)


def test_a_table_of_the_file_that_belongs_to_nobody_stops_the_loading(
    tokenizer: Any, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rewards.toml").write_text('[tablebench]\nmetric = "em"\n', "utf-8")
    monkeypatch.setenv("TABLE_REWARDS_CONFIG", str(tmp_path / "rewards.toml"))
    from verl.trainer.ppo.reward import load_reward_manager

    with pytest.raises(ValueError, match="did you mean 'table_bench'"):
        load_reward_manager(trainer_config(reward_overrides("table_bench"), model=model_folder), tokenizer)


def test_the_rate_limited_manager_makes_0_of_every_exception(tokenizer: Any, model_folder: Path) -> None:
    lost = [Row("Final Answer: 7 lost", "7", uid="a")]

    def score(manager: str) -> list[dict[str, Any]]:
        overrides = reward_overrides("failing_async", path=FAILING, manager=manager, unscored="raise")
        return score_in_process(trainer_config(overrides, model=model_folder), tokenizer, lost)

    with pytest.raises(Exception, match="unscored sample: endpoint down"):
        score("naive")
    assert score("rate_limited")[0]["reward_score"] == 0.0


def test_unscored_validation_samples_have_a_metric_of_their_own(tokenizer: Any, model_folder: Path) -> None:
    from verl.trainer.ppo.v1.trainer_base import PPOTrainer

    rows = [Row(text, "7", {"split": "val", "index": 0}, uid="a") for text in ("Final Answer: 7", "lost")]
    config = trainer_config(reward_overrides("failing", path=FAILING), model=model_folder)
    told = score_in_process(config, tokenizer, rows)
    extra = {key: [one["reward_extra_info"][key] for one in told] for key in told[0]["reward_extra_info"]}
    extra["reward"] = [one["reward_score"] for one in told]
    metrics = PPOTrainer._val_metrics_update(SimpleNamespace(), ["tablebench"] * 2, ["a"] * 2, extra, [])
    assert metrics["val-aux/tablebench/unscored/mean@2"] == 0.5
    assert 0.0 <= metrics["val-core/tablebench/acc/mean@2"] <= 1.0


def test_columns_that_no_reward_reads_stop_after_the_first_32_rows(tokenizer: Any, model_folder: Path) -> None:
    config = trainer_config(reward_overrides("grits", max_characters=9_999), model=model_folder)
    rows = [Row(TABLE, {"tabel": TABLE}, uid=str(i)) for i in range(32)]
    with pytest.raises(Exception, match=r"none of the first 32 rows.*tabel"):
        score_in_process(config, tokenizer, rows)


def test_routes_from_the_file_and_by_dots(
    tokenizer: Any, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any name at all in the file; single overrides whose dots make nested mappings, which are read as one name."""
    rows = [
        Row("Final Answer: 7", "7", data_source="openai/gsm8k: 1 (of 2)", uid="a"),
        Row(TABLE, TABLE, data_source="hf.x.v1", uid="b"),
    ]
    routes = '[routes]\n"openai/gsm8k: 1 (of 2)" = "table_bench"\notherwise = { reward = "teds" }\n'
    (tmp_path / "rewards.toml").write_text(routes, "utf-8")
    with monkeypatch.context() as patch:
        patch.setenv("TABLE_REWARDS_CONFIG", str(tmp_path / "rewards.toml"))
        from_file = score_in_process(trainer_config(reward_overrides("route"), model=model_folder), tokenizer, rows)
    assert [one["reward_score"] for one in from_file] == [1.0, 1.0]
    (first,), (second,) = ({tuple(one["reward_extra_info"])} for one in from_file)
    assert first == second, "the same keys on every row"
    prefix = "+reward.custom_reward_function.reward_kwargs.routes."
    dotted = [*reward_overrides("route"), f"{prefix}hf.x.v1=teds", f"{prefix}otherwise=table_bench"]
    by_dots = score_in_process(trainer_config(dotted, model=model_folder), tokenizer, rows)
    assert [one["reward_score"] for one in by_dots] == [1.0, 1.0]


def test_slashes_in_single_overrides_are_an_error() -> None:
    from hydra.errors import HydraException

    override = "+reward.custom_reward_function.reward_kwargs.routes.openai/gsm8k=teds"
    with pytest.raises(HydraException):
        trainer_config([*reward_overrides("route"), override])


def test_a_mixture_sums_by_weight_what_a_row_has_references_for(tokenizer: Any, model_folder: Path) -> None:
    rows = [
        Row(f"Final Answer: 7\n{TABLE}", {"answer": "7", "table": TABLE}, uid="a"),
        Row(f"Final Answer: 8\n{TABLE}", {"answer": "7", "table": TABLE}, uid="a"),
        Row("Final Answer: 7", {"answer": "7"}, uid="b"),
    ]
    parts = {"rewards": "{table_bench:{metric:em},grits:{}}", "weights": "{table_bench:0.75,grits:0.25}"}
    config = trainer_config(reward_overrides("mixed", **parts), model=model_folder)
    told = score_in_process(config, tokenizer, rows)
    assert [one["reward_score"] for one in told] == pytest.approx([1.0, 0.25, 0.75])
    assert [one["reward_extra_info"]["acc"] for one in told] == pytest.approx([1.0, 0.25, 1.0])
    assert {one["reward_extra_info"]["unscored"] for one in told} == {0.0}


PUBLISHED = re.findall(r"`(compute_score\w*|ranking_\w+)`", PAGE)


@pytest.mark.parametrize("name", PUBLISHED)
def test_verl_loads_the_published_names(name: str) -> None:
    from verl.trainer.ppo.reward import get_custom_reward_fn

    assert len(PUBLISHED) == 6
    assert callable(get_custom_reward_fn(trainer_config(reward_overrides(name))))


def test_a_reward_of_ones_own_has_its_four_functions_in_the_package(tokenizer: Any, model_folder: Path) -> None:
    """docs/contract.md: once it is registered, verl finds it under the package's path."""
    from verl.trainer.ppo.reward import get_custom_reward_fn

    runpy.run_path(str(FAILING))
    for suffix in ("_float", "_batch"):
        assert callable(get_custom_reward_fn(trainer_config(reward_overrides(f"failing{suffix}"))))
    rows = [Row("Final Answer: 7", "7", uid="a"), Row("Final Answer: 7 lost", "7", uid="a")]
    for suffix in ("", "_async"):
        config = trainer_config(reward_overrides(f"failing{suffix}"), model=model_folder)
        told = score_in_process(config, tokenizer, rows)
        assert [one["reward_extra_info"]["unscored"] for one in told] == [0.0, 1.0]
