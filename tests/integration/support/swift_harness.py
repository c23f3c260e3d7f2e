"""What the swift suite shares: `run_grpo` (real GRPO steps on a CPU, a tiny model) and the trainer's reward call."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any


def major() -> int:
    return int(version("ms-swift").split(".")[0])


@dataclass(frozen=True)
class Training:
    """What a finished run left behind."""

    steps: list[dict[str, Any]]  # logging.jsonl, one row a step: reward, reward_std, rewards/<ClassName>/mean, ...
    completions: list[dict[str, Any]]  # completions.jsonl, one row a step: prompt, completion, one column a reward
    output: str  # stdout and stderr
    folder: Path


class TrainingFailed(AssertionError):
    """swift exited with an error; the message ends with what it printed last."""


def grpo_command(
    folder: Path, model: Path, plugins: Sequence[Path | str], rewards: Sequence[str], steps: int
) -> list[str]:
    """The `swift rlhf` command line of a CPU run, for ms-swift 3.x and 4.x."""
    options: dict[str, Any] = {
        "rlhf_type": "grpo",
        "model": model,
        "model_type": "qwen2",
        "template": "chatml",
        "check_model": "false",  # otherwise it asks a hub for the newest revision
        "tuner_type" if major() >= 4 else "train_type": "full",
        "torch_dtype": "float32",
        "use_cpu": "true",
        "dataset": folder / "train.jsonl",
        "split_dataset_ratio": 0,
        "load_from_cache_file": "false",
        "use_vllm": "false",
        "beta": 0,
        "num_generations": 4,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "max_completion_length": 16,
        "max_length": 512,
        "max_steps": steps,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "log_completions": "true",
        "save_strategy": "no",
        "report_to": "none",
        "dataloader_num_workers": 0,
        "output_dir": folder / "out",
        "add_version": "false",
    }
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    words += ["--external_plugins", *map(str, plugins), "--reward_funcs", *rewards]
    return [sys.executable, "-m", "swift.cli.rlhf", *words]


def run_grpo(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    plugins: Sequence[Path | str],
    rewards: Sequence[str],
    *,
    model: Path,
    steps: int = 2,
    extra: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout: float = 240,
) -> Training:
    """Train `steps` real GRPO steps on `rows` (swift dataset rows: `messages` and columns) and read the logs back.

    `extra` is appended to the command line, so that it overrides the defaults (`["--scale_rewards", "gdpo"]`).
    The random model cannot answer anything: to make a reward see chosen completions, put a plugin that scripts the
    rollout (`scripted_rollout.py`) in front of yours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "train.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    command = [*grpo_command(folder, model, plugins, rewards, steps), *extra]
    settings = {
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "MODELSCOPE_CACHE": str(folder / "cache"),
        "HF_HOME": str(folder / "cache"),
    }
    done = subprocess.run(
        command,
        env={**os.environ, **settings, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
    )
    if done.returncode != 0:
        raise TrainingFailed(f"swift exited with {done.returncode}:\n{done.stdout[-6000:]}")
    logs = read_lines(folder, "logging.jsonl")
    return Training(
        steps=[row for row in logs if "reward" in row],
        # swift writes the last step twice: once at the step, once at the end
        completions=list({row["step"][0]: row for row in read_lines(folder, "completions.jsonl")}.values()),
        output=done.stdout,
        folder=folder,
    )


def read_lines(folder: Path, name: str) -> list[dict[str, Any]]:
    (file,) = (folder / "out").rglob(name)
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def reward_columns(
    completions: Sequence[str], rewards: Sequence[Callable[..., Any]], rows: Sequence[Mapping[str, Any]]
) -> Any:
    """A (samples, rewards) tensor through `compute_rewards_per_func`, the trainer's own call; None becomes NaN."""
    if major() < 4:
        return reward_columns_3x(completions, rewards, rows)
    import torch
    from swift.rl_core.data import GRPOSample
    from swift.rl_core.grpo_algorithm import compute_rewards_per_func

    samples = []
    for completion, row in zip(completions, rows, strict=True):
        messages = [*row["messages"], {"role": "assistant", "content": completion}]
        samples.append(
            GRPOSample.from_row({**row, "messages": messages, "finish_reason": "stop", "is_truncated": False})
        )
    return compute_rewards_per_func(samples, list(rewards), None, torch.device("cpu"))


def reward_columns_3x(
    completions: Sequence[str], rewards: Sequence[Callable[..., Any]], rows: Sequence[Mapping[str, Any]]
) -> Any:
    """The same through the 3.x trainer's method, which reads no more of its trainer than given here."""
    from contextlib import nullcontext
    from types import SimpleNamespace

    from swift.trainers.rlhf_trainer import grpo_trainer

    grpo_trainer.patch_profiling_context = lambda *args, **kwargs: nullcontext()
    samples = []
    for completion, row in zip(completions, rows, strict=True):
        messages = [*row["messages"], {"role": "assistant", "content": completion}]
        samples.append({**row, "messages": messages, "finish_reason": "stop", "is_truncated": False, "add_eos": False})
    trainer = SimpleNamespace(
        accelerator=SimpleNamespace(device="cpu"),
        reward_funcs=list(rewards),
        reward_model_plugins=[None] * len(rewards),
        reward_func_names=[type(reward).__name__ for reward in rewards],
        state=None,
        enable_server_multi_turn=False,
        _async_reward_func_indices=[],
        async_reward_loop=None,
        _disable_sp_context=lambda *args: nullcontext(),
    )
    method = grpo_trainer.GRPOTrainer._compute_rewards_per_func
    return getattr(method, "__wrapped__", method)(trainer, samples)


def load_plugin(file: Path | str) -> dict[str, Any]:
    """Import a plugin file as `--external_plugins` does and return swift's reward registry."""
    if major() < 4:
        from swift.plugin.orm import orms as registry

        sys.path.insert(0, str(Path(file).parent))
        importlib.import_module(Path(file).stem)
        return dict(registry)
    from swift.rewards import orms
    from swift.utils.utils import import_external_file

    import_external_file(str(file))
    return dict(orms)
