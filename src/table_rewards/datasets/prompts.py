"""Prompts from any row: chat messages, TableBench instructions, verl prompts, images among them."""

from __future__ import annotations

import base64
import json
import mimetypes
import pathlib
from collections.abc import Mapping
from typing import Any

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.rows import MISSING, parse_json, plain

PROMPT_FIELDS = ("messages", "prompt", "instruction", "question", "input")
"""Where a prompt is looked for, in this order: swift, verl, TableBench and Table-R1, plain files."""

IMAGE_TAG = "<image>"


def prompt_of(row: Mapping[str, Any], field: str | None, folder: pathlib.Path) -> list[dict[str, Any]]:
    """The messages that ask a row's question; a closing assistant turn (the gold answer) is left out.

    Images named in ``images`` or ``image`` are put where ``<image>`` stands, else in front. Paths are relative to
    ``folder``.

    >>> prompt_of({"instruction": "Add.", "answer": "7"}, None, pathlib.Path("."))
    [{'role': 'user', 'content': 'Add.'}]
    >>> prompt_of({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "gold"}]}, None,
    ...           pathlib.Path("."))
    [{'role': 'user', 'content': 'Hi'}]

    Raises:
        ConfigurationError: the row has no prompt; the message names the fields that it has.
    """
    name, value = _find(row, field)
    value = plain(value)
    if isinstance(value, str):
        parsed = parse_json(value) if value.lstrip()[:1] == "[" else MISSING
        value = parsed if isinstance(parsed, list) and parsed and isinstance(parsed[0], dict) else value
    if isinstance(value, str):
        messages = [{"role": "user", "content": value}]
    elif isinstance(value, list) and all(isinstance(turn, dict) and "role" in turn for turn in value) and value:
        messages = [{"role": str(turn["role"]), "content": turn.get("content") or ""} for turn in value]
    else:
        raise ConfigurationError(f"{name!r} holds no prompt: text or a list of messages is wanted, not {value!r:.80}")
    if messages[-1]["role"] == "assistant":
        messages = messages[:-1]
    images = plain(row.get("images") or row.get("image") or [])
    if not messages:
        raise ConfigurationError(f"{name!r} holds nothing but an assistant's turn")
    return _with_images(messages, [images] if isinstance(images, (str, dict)) else images, folder)


def _find(row: Mapping[str, Any], field: str | None) -> tuple[str, Any]:
    for name in (field,) if field else PROMPT_FIELDS:
        if row.get(name) is not None:
            return name, row[name]
    wanted = repr(field) if field else " or ".join(map(repr, PROMPT_FIELDS))
    raise ConfigurationError(f"no {wanted} in the row; it has {', '.join(map(str, row)) or 'nothing'}")


def _with_images(messages: list[dict[str, Any]], images: list[Any], folder: pathlib.Path) -> list[dict[str, Any]]:
    if not images:
        return messages
    left = [image_part(image, folder) for image in images]
    for message in messages:
        if not isinstance(message["content"], str) or message["role"] != "user":
            continue
        pieces = message["content"].split(IMAGE_TAG)
        parts: list[dict[str, Any]] = []
        for number, piece in enumerate(pieces):
            if number:
                if not left:
                    raise ConfigurationError(f"the prompt names more images than the {len(images)} of its row")
                parts.append(left.pop(0))
            if piece.strip():
                parts.append({"type": "text", "text": piece})
        if len(pieces) > 1:
            message["content"] = parts
    if left:
        first = next((m for m in messages if m["role"] == "user"), messages[0])
        rest = first["content"]
        first["content"] = left + ([{"type": "text", "text": rest}] if isinstance(rest, str) else rest)
    return messages


def image_part(image: Any, folder: pathlib.Path) -> dict[str, Any]:
    """The part of a chat message that shows an image: a path below ``folder``, or an address.

    Raises:
        ConfigurationError: it is neither, or the file can't be read.
    """
    return {"type": "image_url", "image_url": {"url": _image_url(image, folder)}}


def _image_url(image: Any, folder: pathlib.Path) -> str:
    if isinstance(image, dict):
        image = image.get("path") or image.get("url") or image.get("image")
    if not isinstance(image, str):
        raise ConfigurationError(f"an image must be a path or an address, not {json.dumps(image, default=str)[:60]}")
    if image.startswith(("http://", "https://", "data:")):
        return image
    path = folder / image
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"image {path}: {error.strerror or error}") from None
    kind = mimetypes.guess_type(path.name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
