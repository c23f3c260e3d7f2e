"""`TableRewardManager` as verl loads it by name: in real reward workers, behind the V1 trainer's agent loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import v1_trainer
from real_rows import region_samples
from verl_harness import MODULE, Row, reward_overrides, score_in_process, score_with_actors, trainer_config

from table_rewards.testing.chat_server import ChatServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FILE = Path(__file__).parents[1] / "support/failing_reward.py"
GROUP = 4
OURS = [
    "reward.reward_manager.source=importlib",
    "reward.reward_manager.name=TableRewardManager",
    "reward.reward_manager.module.path=pkg://table_rewards.frameworks.verl_manager",
]
RIGHT, WRONG, LOST = "Final Answer: 7", "Final Answer: 8", "Final Answer: 7 lost"


def ours(name: str, path: Path | str = MODULE, **options: Any) -> list[str]:
    """The overrides of docs/verl.md beside those of a reward."""
    return [word for word in reward_overrides(name, path=path, **options) if "manager.name" not in word] + OURS


@pytest.fixture(scope="module", autouse=True)
def ray_and_queue() -> Iterator[None]:
    with v1_trainer.ray_with_queue():
        yield


@pytest.fixture
def runs(tokenizer: Any, model_folder: Path) -> Iterator[Any]:
    made: list[v1_trainer.Run] = []

    def run(overrides: list[str], workers: int = 1) -> v1_trainer.Run:
        v1_trainer.clear()
        made.append(v1_trainer.Run(tokenizer, model_folder, overrides, group=GROUP, workers=workers))
        return made[-1]

    yield run
    for one in made:
        one.close()


def test_it_tells_the_step_the_prompt_and_its_uid(runs: Any) -> None:
    run = runs(ours("telling", FILE), workers=2)
    for step in (1, 7):
        script = {f"p{step}{i}": [RIGHT] * GROUP for i in range(3)}
        row = {**v1_trainer.PROMPT, "extra_info": {"own": 3}}
        assert run.roll_out(script, step=step, row=row) == {"finished": 3}
        told = run.told(run.rollouts(script))
        assert len(told) == 3 * GROUP
        assert {(one["step"], one["prompt"], one["own"]) for one in told} == {(float(step), 1.0, 3.0)}


def test_verls_own_manager_tells_none_of_it(runs: Any) -> None:
    """What docs/verl.md gives as the reason for ours."""
    run = runs(reward_overrides("telling", path=FILE))
    assert run.roll_out({"p": [RIGHT] * GROUP}, step=7) == {"finished": 1}
    assert {(one["step"], one["prompt"]) for one in run.told(run.rollouts(["p"]))} == {(-1.0, 0.0)}


def test_a_schedule_follows_the_training(runs: Any) -> None:
    right = region_samples(1)[0]
    said = right.completion.rpartition("Final Answer:")[0] + "Final Answer: no such answer"
    row = {"data_source": "t", "reward_model": {"ground_truth": right.ground_truth}, "agent_name": "single_turn_agent"}
    run = runs([*ours("table_region", weight='"linear(1.0, 0.0, 10)"'), "data.max_response_length=2048"])
    scores = []
    for step in (0, 10):
        script = {f"s{step}": [said] * GROUP}
        run.roll_out(script, step=step, row=row)
        (score,) = {one["score"] for one in run.told(run.rollouts(script))}
        scores.append(score)
    assert scores == [1.0, 0.0], "the region alone at first, the answer alone at the end"


def test_fillers_are_of_the_prompt_alone(runs: Any) -> None:
    """Two prompts with one reference, which without a uid are one: every lost rollout gets its own prompt's mean."""
    run = runs(ours("failing", FILE))
    assert run.roll_out({"good": [RIGHT] * GROUP, "bad": [WRONG] * GROUP}, index=False) == {"finished": 2}
    again = {"good": [LOST] * GROUP, "bad": [LOST] * GROUP}  # in the queue under their keys of before
    assert run.roll_out(again, index=False) == {"finished": 2}
    keys = run.rollouts(["good", "bad"])
    found = {(key.split("_")[0], one["score"], one["unscored"]) for key, one in zip(keys, run.told(keys), strict=True)}
    assert found == {("good", 1.0, 1.0), ("bad", 0.0, 1.0)}


def test_a_group_is_judged_together_by_its_uid_and_prompt(runs: Any) -> None:
    """A row without texts of its own: the judge reads the prompt that the manager hands on."""
    with ChatServer(reply="Hm.\nB > A\nB: 8, A: 3") as server:
        run = runs(ours("group_judge_async", endpoints=server.url, group_size=GROUP, gather_s=30))
        row = {"data_source": "mt", "reward_model": {"ground_truth": ""}, "agent_name": "single_turn_agent"}
        texts = ["one", "two", "...", "!!!"]
        assert run.roll_out({"g1": texts, "g2": texts}, row=row) == {"finished": 2}
        told = run.told(run.rollouts(["g1", "g2"]))
    assert len(server.received) == 2, "a request a group"
    assert {one["unscored"] for one in told} == {0.0}


def test_through_the_trainers_own_reward_pass(tokenizer: Any, model_folder: Path) -> None:
    """`RewardLoopManager.compute_rm_score` and `extract_reward`: rows of a data set without extra_info included."""
    rows = [Row(RIGHT, "7", uid="a"), Row(WRONG, "7", uid="a"), Row(RIGHT, "7", {"index": 1}, uid="b")]
    config = trainer_config(ours("table_bench_async"), model=model_folder)
    scores, extra = score_with_actors(config, tokenizer, rows)
    assert scores == [1.0, 0.0, 1.0]
    assert np.array(extra["unscored"]).tolist() == [0.0, 0.0, 0.0]
    assert [one["reward_score"] for one in score_in_process(config, tokenizer, rows)] == scores


def test_tarpo_reads_the_rewards_columns_in_the_v1_trainer(runs: Any) -> None:
    """docs/recipes/table-r1.md leaves verl's default trainer as it is."""
    from omegaconf import open_dict
    from transfer_queue import KVBatchMeta
    from verl.trainer.ppo.v1.trainer_base import PPOTrainer

    from table_rewards.frameworks.advantages import tarpo_advantage
    from table_rewards.frameworks.advantages_verl import register

    register()
    right = region_samples(1)[0]
    area, _, answer = right.completion.rpartition("Final Answer:")
    texts = [right.completion, f"{area}Final Answer: no", f"<gold_area>{{}}</gold_area>\nFinal Answer:{answer}", "?"]
    row = {"data_source": "t", "reward_model": {"ground_truth": right.ground_truth}, "agent_name": "single_turn_agent"}
    run = runs([*ours("table_region_async", weight=0.3), "data.max_response_length=2048"])
    assert run.roll_out({"a": texts, "b": texts[::-1]}, row=row) == {"finished": 2}
    keys = run.rollouts(["a", "b"])
    told = run.told(keys)
    v1_trainer.put("old_log_probs", keys, v1_trainer.field("rollout_log_probs", keys))
    with open_dict(run.config):
        run.config.algorithm.adv_estimator = "tarpo"
    batch = KVBatchMeta(partition_id="train", keys=keys, tags=[{} for _ in keys])
    PPOTrainer._compute_advantage(SimpleNamespace(config=run.config), batch, metrics={})
    found = [float(one[0]) for one in v1_trainer.field("advantages", keys)]
    region, final = (np.array([one[name] for one in told]) for name in ("region", "answer"))
    assert {1.0, 0.0} <= set(region) and {1.0, 0.0} <= set(final)  # noqa: PT018
    expected = tarpo_advantage(0.3 * region, 0.7 * final, [key.split("_")[0] for key in keys])
    np.testing.assert_allclose(found, expected, atol=1e-4)
