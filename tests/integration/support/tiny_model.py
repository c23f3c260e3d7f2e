"""A tokenizer and a random Qwen2 model of 90,000 parameters, made on the spot without a hub or a download.

The tokenizer is byte-level BPE without merges (256 symbols and three special tokens), so `decode(encode(text)) == text`
when loaded by `PreTrainedTokenizerFast` (AutoTokenizer takes Qwen2's own class, which composes unicode first).
"""

from __future__ import annotations

import json
from pathlib import Path

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_tokenizer(folder: Path, max_length: int = 4096) -> Path:
    """Write `tokenizer.json` and `tokenizer_config.json` into `folder` and return it."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={symbol: i for i, symbol in enumerate(symbols)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in (PAD, START, END)])
    tokenizer.save(str(folder / "tokenizer.json"))
    # By hand: what transformers 5 saves names a class that transformers 4 (ms-swift 3.x) cannot load.
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "model_max_length": max_length,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def build_config(folder: Path, max_length: int = 4096) -> Path:
    """The tokenizer and a Qwen2 `config.json`, without weights: all that a fake rollout needs."""
    from transformers import Qwen2Config

    build_tokenizer(folder, max_length)
    Qwen2Config(
        vocab_size=259,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=max_length,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=258,
        pad_token_id=256,
        architectures=["Qwen2ForCausalLM"],
    ).save_pretrained(folder)
    return folder


def build_model(folder: Path, seed: int = 0, max_length: int = 4096) -> Path:
    """Tokenizer, config and random float32 weights: a model that a trainer can load and train."""
    import torch
    from transformers import AutoConfig, Qwen2ForCausalLM

    build_config(folder, max_length)
    torch.manual_seed(seed)
    Qwen2ForCausalLM(AutoConfig.from_pretrained(folder)).to(torch.float32).save_pretrained(folder)
    return folder
