"""How long a completion is: in characters, or in the tokens of a tokenizer."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from table_rewards.core.errors import ConfigurationError

Length = Callable[[str], int]


def length_in(tokenizer: str | None) -> Length:
    """Return what measures a text: ``len`` without a tokenizer, else the number of its tokens, special ones left out.

    Args:
        tokenizer: a ``tokenizer.json``, or a folder that holds one, as checkpoints do.

    Raises:
        ConfigurationError: there is no such file, or the package ``tokenizers`` is missing.
    """
    if tokenizer is None:
        return len
    path = Path(tokenizer)
    path = path / "tokenizer.json" if path.is_dir() else path
    if not path.is_file():
        raise ConfigurationError(f"tokenizer: no file {path}; name a tokenizer.json or the folder of a checkpoint")
    _loaded(os.fspath(path.resolve()))
    return lambda text: len(_loaded(os.fspath(path.resolve())).encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=4)
def _loaded(path: str) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise ConfigurationError(
            "counting tokens needs the package tokenizers: pip install 'table-rewards[tokens]'"
        ) from None
    try:
        return Tokenizer.from_file(path)
    except Exception as error:
        raise ConfigurationError(f"tokenizer: {path} cannot be read: {error}") from None
