"""docs/contract.md: a reward of one's own in verl, as `new-reward` writes it and with the page's second file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from verl_harness import Row, reward_overrides, score_with_actors, trainer_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PAGE = Path(__file__).resolve().parents[3] / "docs/contract.md"


@pytest.fixture
def second_file(tmp_path: Path) -> Path:
    (block,) = re.findall(r"^```python\n(# verl_rewards.py.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    command = [str(Path(sys.executable).with_name("table-rewards")), "new-reward", "brevity", "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    file = tmp_path / "verl_rewards.py"
    file.write_text(block, "utf-8")
    return file


def test_reward_workers_load_the_second_file(
    ray_cluster: None, second_file: Path, tokenizer: Any, model_folder: Path
) -> None:
    """With an option of its own, under the name of its coroutine, in processes that have never seen the class."""
    rows = [Row("Answer: 7", "7", uid="a"), Row("7", "7", uid="a"), Row("Answer: 8", "7", uid="a")]
    overrides = reward_overrides("brevity_async", path=second_file, label_weight=0.25)
    scores, extra = score_with_actors(trainer_config(overrides, model=model_folder), tokenizer, rows)
    assert scores == [1.0, 0.75, 0.0]
    assert extra["right"] == [1.0, 1.0, 0.0]


def test_a_wrong_option_of_it_is_told_when_verl_loads_the_file(second_file: Path) -> None:
    from verl.trainer.ppo.reward import get_custom_reward_fn

    with pytest.raises(Exception, match="did you mean 'label_weight'"):
        get_custom_reward_fn(trainer_config(reward_overrides("brevity", path=second_file, labl_weight=0.25)))
