"""Score samples with one older verl: run as a program with that verl in front of PYTHONPATH.

Reads {"folder": ..., "rows": [...], "overrides": [...], "float_overrides": [...], "batch_overrides": [...],
"own_manager_overrides": [...], "loss": ...} as JSON from standard input and prints the scores of each manager this
version has, and what is left of unscored rollouts in its loss, as one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from tiny_model import build_config
from verl_harness import Row, make_batch


def compose_config(overrides: list[str]) -> Any:
    """The version's own `ppo_trainer` config: a key it does not have raises here, as it would for the user."""
    import verl.trainer.config as folder
    from hydra import compose, initialize_config_dir

    where = os.path.dirname(folder.__file__ or next(iter(folder.__path__)))
    if os.path.basename(where) != "config":
        where = os.path.join(where, "config")
    with initialize_config_dir(config_dir=where, version_base=None):
        return compose("ppo_trainer", overrides=overrides)


def load_function(config: Any) -> Any:
    from verl.trainer.ppo.reward import get_custom_reward_fn

    function = get_custom_reward_fn(config)
    assert function is not None, "this verl saw no custom reward function in its config: the key is not one it reads"
    return function


def main() -> None:
    from pathlib import Path

    import verl
    from transformers import PreTrainedTokenizerFast
    from verl.workers import reward_manager as managers

    task = json.load(sys.stdin)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(build_config(Path(task["folder"])))
    rows = [Row(**row) for row in task["rows"]]
    out: dict[str, Any] = {"version": verl.__version__, "scores": {}}
    for name, key in (("Naive", "overrides"), ("Batch", "batch_overrides"), ("Prime", "float_overrides")):
        manager = getattr(managers, f"{name}RewardManager", None)
        if manager is None or key not in task:
            continue
        sys.modules.pop("custom_module", None)  # 0.6 keeps the first file it loaded under this name
        words = [word.removesuffix("_async") for word in task[key]]  # a manager of the old kind knows no coroutine
        function = load_function(compose_config(words))
        scored = manager(tokenizer=tokenizer, num_examine=0, compute_score=function)(make_batch(tokenizer, rows))
        out["scores"][name.lower()] = scored.sum(-1).tolist()
    try:
        from verl.trainer.ppo.reward import load_reward_manager
    except ImportError:
        pass
    else:
        for name, key in (("loop", "overrides"), ("ours", "own_manager_overrides")):
            config = compose_config(task[key]) if key in task else {}
            if "reward" in config and "custom_reward_function" in config.reward:  # since 0.7.1: reward-loop managers
                loop = asyncio.new_event_loop()
                asyncio.set_event_loop(loop)
                manager = load_reward_manager(config, tokenizer)
                assert (type(manager).__name__ == "TableRewardManager") == (name == "ours"), manager
                batch = make_batch(tokenizer, rows)
                results = [loop.run_until_complete(manager.run_single(batch[i : i + 1])) for i in range(len(batch))]
                out["scores"][name] = [item["reward_score"] for item in results]
    if task["loss"]:
        import verl_loss_probe

        out["loss"] = verl_loss_probe.told()
    print("RESULT " + json.dumps(out))


if __name__ == "__main__":
    main()
