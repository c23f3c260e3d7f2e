"""The GRRM recipe on the real verl: every flag of its command exists, and the published function scores real rows."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from verl_harness import Row, make_batch, reward_overrides, score_in_process, trainer_config

from table_rewards.testing.chat_server import ChatServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
RECIPE = (ROOT / "docs" / "recipes" / "grrm.md").read_text("utf-8")
RANKINGS = [
    json.loads(line) for line in (ROOT / "fixtures" / "grrm" / "rankings.jsonl").read_text("utf-8").splitlines()
]


def test_every_flag_of_the_recipe_is_one_of_verls(model_folder: Path) -> None:
    """Composed by Hydra as main_ppo does, and turned into verl's own dataclasses, which refuse removed settings."""
    from verl.utils.config import omega_conf_to_dataclass

    command = re.search(r"python3 -m verl\.trainer\.main_ppo \\\n(.*?)```", RECIPE, re.DOTALL)
    assert command is not None
    flags = shlex.split(command[1].replace("\\\n", " "))
    assert len(flags) > 50
    config = trainer_config([flag for flag in flags if ".model.path=" not in flag], model=model_folder)
    assert omega_conf_to_dataclass(config.actor_rollout_ref.actor).policy_loss.loss_mode == "gspo"
    assert omega_conf_to_dataclass(config.actor_rollout_ref.rollout).n == 8
    assert config.reward.custom_reward_function.name == "ranking_score_reward_fn"


@pytest.mark.parametrize("manager", ["naive", "dapo"])
def test_the_seeds_function_behind_verls_managers(manager: str, tokenizer: Any, model_folder: Path) -> None:
    rows = [
        Row(row["completion"], json.dumps(dict(zip("AB", row["scores"], strict=True))), {"index": number})
        for number, row in enumerate(RANKINGS)
    ]
    config = trainer_config(reward_overrides("ranking_score_reward_fn", manager=manager), model=model_folder)
    results = score_in_process(config, tokenizer, rows)
    assert [r["reward_score"] for r in results] == pytest.approx([row["expected"] for row in RANKINGS])


def test_a_group_meets_behind_verls_manager(tokenizer: Any, model_folder: Path) -> None:
    """verl scores one completion a call; the calls of a group wait for each other and cost one request."""
    from verl.trainer.ppo.reward import load_reward_manager

    info = {"index": 0, "src_text": "I have a frog in my throat.", "src_lang": "en", "trg_lang": "zh"}
    batch = make_batch(
        tokenizer, [Row(text, "", info) for text in ("我嗓子有点哑。", "我嗓子眼里好像有只青蛙。", "...")]
    )
    with ChatServer(reply="Hm.\nB > A\nB: 8, A: 3") as server:
        overrides = reward_overrides("group_judge_async", endpoints=server.url, group_size=3, gather_s=20)
        config = trainer_config(overrides, model=model_folder)

        async def step() -> list[Any]:
            manager = load_reward_manager(config, tokenizer)
            return await asyncio.gather(*(manager.run_single(batch[i : i + 1]) for i in range(3)))

        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)  # the manager takes the thread's loop
        try:
            results = loop.run_until_complete(step())
        finally:
            loop.close()
            asyncio.set_event_loop(None)
        assert len(server.received) == 1
    assert sorted(r["reward_score"] for r in results) == pytest.approx([-0.04, 0.03, 0.08])
    assert [r["reward_extra_info"]["candidates"] for r in results] == [2.0, 2.0, 0.0]
