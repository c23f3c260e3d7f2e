"""QA-F1 through verl's own reward managers: hundreds of questions in flight, and no zeros from an outage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from faulty_reader import faulty_reader
from verl_harness import Row, reward_overrides, score_in_process, trainer_config

pytestmark = pytest.mark.slow

FIXTURE = Path(__file__).resolve().parents[3] / "fixtures" / "trivia" / "tables_qa.jsonl"
TABLES = [json.loads(line) for line in FIXTURE.read_text("utf-8").splitlines()]


def rows() -> list[Row]:
    """Each table as it is, then cut off; the ground truth is the JSON text of the pairs."""
    return [
        Row(completion, json.dumps(row["qa_pairs"]), {"index": number}, data_source="trivia")
        for number, row in enumerate(TABLES)
        for completion in (row["otsl"], row["otsl"][:-8])
    ]


@pytest.mark.parametrize("name", ["qa_f1", "qa_f1_async"])
@pytest.mark.parametrize("manager", ["naive", "dapo"])
def test_a_reader_behind_verls_managers(name: str, manager: str, tokenizer: Any, model_folder: Path) -> None:
    faults = ["500", "reset", "429", "garbage", "empty"]
    with faulty_reader(faults) as server:
        config = trainer_config(
            reward_overrides(name, manager=manager, endpoints=server.url, deadline_s=30), model=model_folder
        )
        results = score_in_process(config, tokenizer, rows())
    scores = [result["reward_score"] for result in results]
    assert min(scores[0::2]) >= 0.8
    assert scores[1::2] == [0.0] * len(TABLES)
    keys = {tuple(result["reward_extra_info"]) for result in results}
    assert len(keys) == 1
    assert all(result["reward_extra_info"]["unscored"] == 0.0 for result in results)
