"""Entries of LLaMA-Factory's ``dataset_info.json``, and the file itself, whose other entries stay."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError

FILE_NAME: Final = "dataset_info.json"

Entry = dict[str, Any]


def prompt_response(file_name: str) -> Entry:
    """The entry of a file with the columns ``prompt`` and ``response``."""
    return {"file_name": file_name, "columns": {"prompt": "prompt", "response": "response"}}


def sharegpt(file_name: str) -> Entry:
    """The entry of a file whose column ``conversations`` holds turns with ``from`` and ``value``."""
    return {"file_name": file_name, "formatting": "sharegpt", "columns": {"messages": "conversations"}}


def chat(file_name: str) -> Entry:
    """The entry of a file whose column ``messages`` holds turns with ``role`` and ``content``."""
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    return {"file_name": file_name, "formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": tags}


def read_entries(folder: Path) -> dict[str, Any]:
    """Return what the folder's ``dataset_info.json`` holds; nothing where there is none.

    Raises:
        ConfigurationError: the file is there and holds no JSON object. It is never overwritten.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError):
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} is there and holds no JSON object; move it away")
    return found


def register(folder: Path, entries: Mapping[str, Entry]) -> Path:
    """Add entries to the folder's ``dataset_info.json`` in one step, and return its path.

    Args:
        folder: where the data files lie.
        entries: name of a data set -> its entry; one that is there under the same name is replaced.

    Raises:
        ConfigurationError: the file is there and holds no JSON object.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> print(register(folder, {"mine": prompt_response("train_sft.json")}).read_text())
    {
      "mine": {
        "file_name": "train_sft.json",
        "columns": {
          "prompt": "prompt",
          "response": "response"
        }
      }
    }
    <BLANKLINE>
    """
    path = folder / FILE_NAME
    text = json.dumps({**read_entries(folder), **entries}, indent=2, ensure_ascii=False) + "\n"
    part = path.with_name(f"{FILE_NAME}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path
