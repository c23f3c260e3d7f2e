"""`service=` in verl: Ray reward workers ask a service instead of computing, with the same numbers and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plain_service import serving
from real_rows import samples_of
from verl_harness import MODULE, Row, reward_overrides, score_in_process, score_with_actors, trainer_config

from table_rewards.testing.chat_server import ChatServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_reward_workers_ask_the_service(ray_cluster: None, tokenizer: Any, model_folder: Path) -> None:
    from table_rewards import TableBench
    from table_rewards.frameworks import verl as functions

    samples = samples_of("table_bench")
    rows = [Row(s.completion, s.ground_truth, s.extra_info, uid=f"q{i // 2}") for i, s in enumerate(samples)]
    here = [functions.table_bench("tablebench", s.completion, s.ground_truth, dict(s.extra_info)) for s in samples]
    with serving(TableBench()) as service:
        overrides = reward_overrides("table_bench_async", path=MODULE, service=service.address)
        scores, extra = score_with_actors(trainer_config(overrides, model=model_folder), tokenizer, rows)
        assert service.scored >= len({(s.completion, str(s.ground_truth)) for s in samples})
    assert scores == pytest.approx([values["score"] for values in here], abs=1e-6)
    assert set(extra) == set(here[0])


def test_groups_gather_in_the_service_whatever_the_number_of_workers(
    ray_cluster: None, tokenizer: Any, model_folder: Path
) -> None:
    """verl's reward workers share nothing and score one completion a call: their groups meet in the service."""
    from table_rewards import create

    info = {"index": 0, "src_text": "I have a frog in my throat.", "src_lang": "en", "trg_lang": "zh"}
    texts = ("我嗓子有点哑。", "我嗓子眼里好像有只青蛙。", "...")
    rows = [Row(text, "", {**info, "index": group}, uid=f"q{group}") for group in range(2) for text in texts]
    options = {"group_size": 3, "gather_s": 60.0}
    with ChatServer(reply="Hm.\nB > A\nB: 8, A: 3") as server:
        judge = create("group_judge", endpoints=server.url, **options)
        with serving(judge) as service:
            overrides = reward_overrides("group_judge_async", path=MODULE, service=service.address, **options)
            overrides.append("reward.num_workers=3")
            scores, _ = score_with_actors(trainer_config(overrides, model=model_folder), tokenizer, rows)
        assert len(server.received) == 2
    for group in range(2):
        assert sorted(scores[3 * group : 3 * group + 3]) == pytest.approx([-0.04, 0.03, 0.08])


def test_another_signature_stops_before_the_first_score(tokenizer: Any, model_folder: Path) -> None:
    from table_rewards import TableBench

    rows = [Row("Final Answer: 7", "7", {}, uid="q0")]
    with serving(TableBench(metric="em")) as service:
        overrides = reward_overrides("table_bench", path=MODULE, service=service.address)
        with pytest.raises(Exception, match="this run asks for"):
            score_in_process(trainer_config(overrides, model=model_folder), tokenizer, rows)
        assert service.scored == 0
