"""`service=` in verl: Ray reward workers ask a service instead of computing, with the same numbers and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plain_service import serving
from real_rows import samples_of
from verl_harness import MODULE, Row, reward_overrides, score_in_process, score_with_actors, trainer_config

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


def test_another_signature_stops_before_the_first_score(tokenizer: Any, model_folder: Path) -> None:
    from table_rewards import TableBench

    rows = [Row("Final Answer: 7", "7", {}, uid="q0")]
    with serving(TableBench(metric="em")) as service:
        overrides = reward_overrides("table_bench", path=MODULE, service=service.address)
        with pytest.raises(Exception, match="this run asks for"):
            score_in_process(trainer_config(overrides, model=model_folder), tokenizer, rows)
        assert service.scored == 0
