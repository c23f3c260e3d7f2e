"""A tiny model learns on a CPU with TRL's own trainer: `trl_learning.py REWARD OUT [STEPS]` prints its curve as JSON.

The task is to copy a cell: the prompt ``7?`` wants ``Final Answer: 7``. REWARD is ``table_bench``; ``constant``, the
same reward whatever was written (as the published code gives where its check always fails); or ``outages``,
``table_bench`` whose scorer is lost on a tenth of the samples.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import Any

os.environ.update(CUDA_VISIBLE_DEVICES="", HF_HUB_OFFLINE="1")

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer

from datasets import Dataset
from table_rewards import TableBench
from table_rewards.frameworks import trl as ours

WORDS = [
    "<pad>",
    "<eos>",
    "<unk>",
    " ",
    "<fcel>",
    "<nl>",
    "Final Answer: ",
    "A > B",
    "B > A",
    "A = B",
    "A",
    ":",
    ",",
    "?",
]
WORDS += [str(digit) for digit in range(10)]
PROMPTS, GENERATIONS = 8, 16


class Outages(TableBench):
    """Loses its scorer on a tenth of the samples, always the same ones for a seed."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = random.Random(0)

    deduplicates = False  # a lost call is one sample's

    def judge_all(self, completions: Any, references: Any, step: int | None) -> Any:
        judged = super().judge_all(completions, references, step)
        return [self.unscored("endpoint down") if self.chance.random() < 0.1 else one for one in judged]


def constant(completions: list[Any], **columns: Any) -> list[float]:
    return [0.0] * len(completions)


def right(completions: list[Any], **columns: Any) -> list[float]:
    """Shows how often the answer is right, with a weight of 0."""
    return [float(value or 0.0) for value in ours.table_bench(completions, answer=columns["answer"])]


def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    pattern = Regex(r"<fcel>|<nl>|Final Answer: |[AB] [>=] [AB]|.")
    words.pre_tokenizer = pre_tokenizers.Split(pattern, "isolated")
    words.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )


def tiny_model() -> Qwen2ForCausalLM:
    config = Qwen2Config(
        vocab_size=len(WORDS),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )
    return Qwen2ForCausalLM(config).float()


def main(which: str, out: str, steps: int = 200) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(2)
    chance = random.Random(0)
    digits = [str(chance.randrange(10)) for _ in range(steps * PROMPTS)]
    rows = [{"prompt": f"{digit}?", "answer": digit} for digit in digits]
    rewards = {
        "table_bench": lambda: ours.table_bench,
        "constant": lambda: constant,
        "outages": lambda: ours.reward(Outages(), label="outages"),
    }
    model = tiny_model()
    config = GRPOConfig(
        output_dir=out,
        per_device_train_batch_size=PROMPTS * GENERATIONS,
        num_generations=GENERATIONS,
        max_completion_length=2,
        max_steps=steps,
        learning_rate=3e-3,
        lr_scheduler_type="constant",
        temperature=1.0,
        beta=0.0,
        reward_weights=[1.0, 0.0],
        logging_steps=max(1, steps // 20),
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
        seed=0,
    )
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer(),
        reward_funcs=[rewards[which](), right],
        args=config,
        train_dataset=Dataset.from_list(rows),
    )
    begin = time.monotonic()
    trainer.train()
    curve = [(row["step"], round(row["reward"], 4)) for row in trainer.state.log_history if "reward" in row]
    parameters = sum(p.numel() for p in model.parameters())
    shown = [(row["step"], round(row["rewards/right/mean"], 4)) for row in trainer.state.log_history if "reward" in row]
    seconds = round(time.monotonic() - begin)
    told = {"reward": which, "parameters": parameters, "seconds": seconds, "curve": curve, "right": shown}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:4]))
