"""Every command of docs/recipes/*.md that verl runs, and LLaMA-Factory's YAML files, read by the programs themselves.

verl's own configuration composes each training and its `validate_config` passes; its loader finds the reward and takes
its options; the advantage estimator is registered. LLaMA-Factory is beside verl in this environment, without its
dependencies: its argument classes need none that verl lacks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from verl_harness import trainer_config

import recipe_pages
from recipe_pages import Command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TRAININGS = recipe_pages.verl_trainings()
MERGES = recipe_pages.all_commands("python3", "-m", "verl.model_merger")
YAML = [(page, block) for page in recipe_pages.PAGES for block in recipe_pages.blocks(page, "yaml")]
LLAMA_FACTORY = Path(os.environ.get("LLAMA_FACTORY_FOLDER") or Path(sys.prefix) / "versions" / "llamafactory")


def config_of(command: Command, model: Path) -> Any:
    return trainer_config([s for s in command.settings if ".model.path=" not in s], model=model)


def test_the_recipes_have_their_trainings() -> None:
    found = [command.page for command in TRAININGS]
    least = {"table-r1.md": 1, "trivia.md": 1, "exec-verify.md": 2, "grrm.md": 2, "tango.md": 3, "tango.zh.md": 3}
    assert all(found.count(page) >= number for page, number in least.items()), found
    for command in TRAININGS:
        assert any(s.startswith("actor_rollout_ref.model.path=") for s in command.settings), command
    assert len(MERGES) >= 5


@pytest.mark.parametrize("command", TRAININGS, ids=str)
def test_verl_composes_the_training_and_finds_it_valid(command: Command, model_folder: Path) -> None:
    """What `main_ppo` does before the first rollout. An unknown key, a missing or a contradictory value raises."""
    from verl.trainer.ppo.utils import need_critic, need_reference_policy
    from verl.utils.config import omega_conf_to_dataclass, validate_config

    config = config_of(command, model_folder)
    validate_config(config, need_reference_policy(config), need_critic(config))
    rollout = omega_conf_to_dataclass(config.actor_rollout_ref.rollout)
    gpus = config.trainer.n_gpus_per_node * config.trainer.nnodes
    assert gpus % rollout.tensor_model_parallel_size == 0
    assert config.data.train_batch_size % config.actor_rollout_ref.actor.ppo_mini_batch_size == 0
    assert config.reward.custom_reward_function.path == "pkg://table_rewards.frameworks.verl"


@pytest.mark.parametrize("command", TRAININGS, ids=str)
def test_verls_loader_takes_the_reward_with_its_options(
    command: Command, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong name or option raises here; an estimator that nobody registered would raise at the first step."""
    from verl.trainer.ppo.core_algos import get_adv_estimator_fn
    from verl.trainer.ppo.reward import get_custom_reward_fn

    from table_rewards.frameworks import advantages_verl

    monkeypatch.setenv("llm_serve_urls", "http://127.0.0.1:9")
    config = config_of(command, model_folder)
    assert get_custom_reward_fn(config) is not None
    advantages_verl.register()
    assert get_adv_estimator_fn(config.algorithm.adv_estimator) is not None


def test_rl_tangos_chat_template_adds_nothing_to_the_prompt(tokenizer: Any, model_folder: Path) -> None:
    """Set as verl sets it. RL Tango's models read the prompt as it is, behind a begin token where there is one."""
    from verl.utils.tokenizer.chat_template import initialize_system_prompt

    for command in TRAININGS:
        if not command.page.startswith("tango"):
            continue
        template = config_of(command, model_folder).actor_rollout_ref.model.custom_chat_template
        prompt = "It's a question about {sets} and 100 %.\n\nUser: 1+1?\nAssistant:"
        said: dict[str, Any] = {"chat_template": template, "add_generation_prompt": True, "tokenize": False}
        begin = tokenizer.bos_token or ""
        assert tokenizer.apply_chat_template([{"role": "user", "content": prompt}], **said) == begin + prompt
        assert initialize_system_prompt(tokenizer, chat_template=template) == []


@pytest.mark.parametrize("command", MERGES, ids=str)
def test_verls_merger_takes_the_command(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from verl.model_merger.base_model_merger import parse_args

    monkeypatch.setattr(sys, "argv", ["model_merger", *command.words[3:]])
    arguments = parse_args()
    assert arguments.operation == "merge"
    assert re.search(r"global_step_\d+/actor$", arguments.local_dir)
    assert arguments.target_dir != "tmp"


@pytest.mark.parametrize(("page", "block"), YAML, ids=[f"{page}-{at}" for at, (page, _) in enumerate(YAML)])
def test_llama_factorys_own_classes_take_the_yaml(page: str, block: str, tmp_path: Path) -> None:
    """Its five argument classes, extra keys refused. In a process of its own, since it patches transformers.

    Left out for the reading alone: `deepspeed`, which opens the file and wants the package, and `bf16`, which wants a
    GPU; that both are fields is checked.
    """
    assert LLAMA_FACTORY.is_dir(), "nox -s verl installs it"
    (tmp_path / "sft.yaml").write_text(block, "utf-8")
    code = """
import dataclasses, pathlib, sys, yaml
from transformers import HfArgumentParser
from llamafactory.hparams.parser import _TRAIN_ARGS
values = yaml.safe_load(pathlib.Path("sft.yaml").read_text())
fields = {field.name for cls in _TRAIN_ARGS for field in dataclasses.fields(cls)}
for name in ("deepspeed", "bf16"):
    assert name in fields and values.pop(name), name
model, data, training, finetuning, _ = HfArgumentParser(_TRAIN_ARGS).parse_dict(values, allow_extra_keys=False)
assert finetuning.stage == "sft" and finetuning.finetuning_type == "full" and training.do_train
templates = pathlib.Path(sys.argv[1], "llamafactory/data/template.py").read_text()  # not imported: it wants torchaudio
assert f'name="{data.template}"' in templates, data.template
assert training.num_train_epochs > 0 and training.learning_rate < 1e-4
print("read", len(values))
"""
    environment = {**os.environ, "PYTHONPATH": str(LLAMA_FACTORY), "DISABLE_VERSION_CHECK": "1"}
    command = [sys.executable, "-c", code, str(LLAMA_FACTORY)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "read" in done.stdout
