"""What docs/verl.md says of verl's reward workers: how many samples one holds, and the line that each writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from verl_harness import Row, make_batch, reward_overrides, trainer_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WAITING = Path(__file__).parents[1] / "support/waiting_reward.py"
AT_ONCE = 200


@pytest.fixture
def workers(ray_cluster: None, model_folder: Path) -> Iterator[Any]:
    """Start real reward workers of a configuration."""
    import ray
    from verl.experimental.reward_loop import RewardLoopManager

    made: list[Any] = []

    def start(overrides: list[str], count: int) -> list[Any]:
        config = trainer_config([*overrides, f"reward.num_workers={count}"], model=model_folder)
        made.append(RewardLoopManager(config))
        return list(made[-1].reward_loop_workers)

    yield start
    for manager in made:
        for worker in manager.reward_loop_workers:
            ray.kill(worker)


def test_one_worker_holds_hundreds_of_samples_that_wait(workers: Any, tokenizer: Any) -> None:
    """Each call of this reward waits until all of them are there; fewer at once, and none would be scored."""
    import ray

    (worker,) = workers(reward_overrides("waiting_async", path=WAITING, together=AT_ONCE, unscored_ceiling=1.0), 1)
    batch = make_batch(tokenizer, [Row("Final Answer: 7", "7", uid=str(i)) for i in range(AT_ONCE)])
    told = ray.get([worker.compute_score.remote(batch[i : i + 1]) for i in range(AT_ONCE)], timeout=600)
    assert {one["reward_extra_info"]["unscored"] for one in told} == {0.0}
    assert {one["reward_score"] for one in told} == {1.0}


@pytest.mark.parametrize("form", ["", "_async"])
def test_single_calls_of_one_worker_become_batches(workers: Any, tokenizer: Any, form: str) -> None:
    import ray

    options = {"batch_window_s": 60, "batch_size": 3}
    (worker,) = workers(reward_overrides(f"gathering{form}", path=WAITING, **options), 1)
    batch = make_batch(tokenizer, [Row("Final Answer: 7", "7", uid=str(i)) for i in range(8)])
    told = ray.get([worker.compute_score.remote(batch[i : i + 1]) for i in range(8)], timeout=600)
    sizes = [one["reward_score"] for one in told]
    assert max(sizes) > 1.0
    assert max(sizes) <= 3.0, "batch_size"


def test_each_worker_writes_one_line_at_its_start_and_what_observe_asks_for(
    workers: Any, tokenizer: Any, tmp_path: Path
) -> None:
    import ray

    started = workers(reward_overrides("table_bench", metric="rouge_l", observe=tmp_path, observe_share=1.0), 2)
    batch = make_batch(tokenizer, [Row("Final Answer: 7", "7", uid=str(i)) for i in range(8)])
    ray.get([started[i % 2].compute_score.remote(batch[i : i + 1]) for i in range(8)], timeout=600)
    logs = Path(ray._private.worker._global_node.get_logs_dir_path())
    wanted = "table_rewards: table_bench: table_bench:metric=rouge_l,"
    for _ in range(100):  # the workers' streams reach the files when they like
        lines = [line for file in logs.glob("worker-*.err") for line in file.read_text("utf-8", "replace").splitlines()]
        found = [line for line in lines if line.startswith(wanted)]
        if len(found) >= 2:
            break
        time.sleep(0.2)
    assert len(found) == 2, "a line a process, however many calls"
    assert all("options: metric=rouge_l (argument), observe=" in line for line in found)
    traces = [file.read_text("utf-8").splitlines() for file in tmp_path.glob("*.jsonl")]
    assert [len(lines) for lines in traces] == [4, 4]
    assert len(list(tmp_path.glob("*.prom"))) == 2
