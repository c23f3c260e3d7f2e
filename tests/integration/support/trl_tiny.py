"""What every short run of TRL's own trainer shares: settings for two cores without a GPU, and its tokenizer."""

from __future__ import annotations

from typing import Any

from transformers import AutoTokenizer
from trl import GRPOConfig


def settings(out: str, **changes: Any) -> GRPOConfig:
    """Groups of four completions of eight tokens, two steps, each logged and none saved; ``changes`` win."""
    return GRPOConfig(
        **{
            "output_dir": out,
            "per_device_train_batch_size": 4,
            "num_generations": 4,
            "max_completion_length": 8,
            "max_steps": 2,
            "logging_steps": 1,
            "save_strategy": "no",
            "report_to": "none",
            "use_cpu": True,
            "bf16": False,
            "beta": 0.0,
            **changes,
        }
    )


def tokenizer_of(model: str) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    tokenizer.model_input_names = ["input_ids", "attention_mask"]  # the model of TRL 0.24's time refuses token types
    return tokenizer
