"""The Table-R1 recipe on the real verl: every flag exists, prepared rows score, TARPO takes their parts."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verl_harness import Row, score_in_process, trainer_config

from table_rewards.datasets.table_r1.items import Settings, prepare
from table_rewards.datasets.table_r1.prompts import direct_answer, region_line
from table_rewards.datasets.table_r1.report import Report
from table_rewards.datasets.table_r1.rows import verl_row

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[3]
RECIPE = (ROOT / "docs" / "recipes" / "table-r1.md").read_text("utf-8")
SOURCE = (ROOT / "fixtures" / "table_r1" / "rl_rows.jsonl").read_text("utf-8").splitlines()


def flags() -> list[str]:
    command = re.search(r"python3 -m verl\.trainer\.main_ppo \\\n(.*?)```", RECIPE, re.DOTALL)
    assert command is not None
    return shlex.split(command[1].replace("\\\n", " "))


def config_of(model_folder: Path) -> Any:
    return trainer_config([flag for flag in flags() if ".model.path=" not in flag], model=model_folder)


def prepared() -> list[tuple[Row, bool]]:
    """Prepared rows, each answered right and then wrong."""
    rows = []
    for index, item in enumerate(prepare(map(json.loads, SOURCE), Settings(), Report())):
        made = json.loads(json.dumps(verl_row(item, index, "train", "table_area")))
        for right in (True, False):
            answer = item.answer if right else "nothing of the kind"
            text = direct_answer(item.region, answer)
            if item.kind == "PoT":
                text = f"{region_line(item.region)}\n```python\nprint('Final Answer: ' + {answer!r})\n```"
            row = Row(text, made["reward_model"]["ground_truth"], made["extra_info"], made["data_source"], str(index))
            rows.append((row, right))
    return rows


def test_every_flag_of_the_recipe_is_one_of_verls(model_folder: Path) -> None:
    """Composed by Hydra as main_ppo does, and turned into verl's own dataclasses, which refuse removed settings."""
    from verl.utils.config import omega_conf_to_dataclass

    assert len(flags()) > 40
    config = config_of(model_folder)
    assert omega_conf_to_dataclass(config.actor_rollout_ref.actor).grad_clip == 0.9
    assert omega_conf_to_dataclass(config.actor_rollout_ref.rollout).n == 16
    assert config.algorithm.adv_estimator == "tarpo"
    assert config.trainer.use_v1, "the default"


def test_prepared_rows_score_behind_verls_manager_and_feed_tarpo(tokenizer: Any, model_folder: Path) -> None:
    import torch
    from tensordict import TensorDict
    from verl import DataProto
    from verl.trainer.ppo.ray_trainer import compute_advantage

    from table_rewards.frameworks.advantages_verl import register

    rows = prepared()
    config = config_of(model_folder)
    results = score_in_process(config, tokenizer, [row for row, _ in rows])
    scores = [result["reward_score"] for result in results]
    assert [score for score, (_, right) in zip(scores, rows, strict=True) if right] == pytest.approx([1.0] * 13)
    wrong = [score for score, (_, right) in zip(scores, rows, strict=True) if not right]
    assert {round(score, 6) for score in wrong} == {
        0.1,
        0.0,
    }  # 0: the region is the whole table, which anybody can cite
    assert wrong.count(0.0) == 1
    assert all(result["reward_extra_info"]["unscored"] == 0.0 for result in results)

    register()
    rewards = torch.tensor(scores, dtype=torch.float32).unsqueeze(-1)
    batch = DataProto(
        batch=TensorDict(
            {"token_level_rewards": rewards, "response_mask": torch.ones_like(rewards)}, batch_size=len(rows)
        )
    )
    batch.non_tensor_batch = {
        "uid": np.array([row.uid for row, _ in rows], dtype=object),
        **{name: np.array([result["reward_extra_info"][name] for result in results]) for name in ("region", "answer")},
    }
    advantages = compute_advantage(batch, adv_estimator="tarpo", config=config.algorithm).batch["advantages"]
    assert [float(value) > 0 for value in advantages[:, 0]] == [right for _, right in rows]
