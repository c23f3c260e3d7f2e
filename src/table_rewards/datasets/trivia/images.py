"""Folders of images, and lists of their paths, as rows that ask for the table in each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.trivia.rows import PROMPT

ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp")


def find_images(where: Path) -> list[Path]:
    """The images in a folder and all below it, sorted by path; or those that a text file lists, one path a line.

    Endings count in any case: jpg, jpeg, png, webp. Paths in a list are relative to the list's folder.

    Raises:
        ConfigurationError: there is no such folder or list, or no image in it, or a listed one is not there.
    """
    if where.is_dir():
        found = sorted(path for path in where.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
        if not found:
            raise ConfigurationError(f"{where} holds no image ({', '.join(ENDINGS)})")
        return found
    try:
        lines = where.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{where} is no folder and no list of images: {error}") from None
    found = [where.parent / line.strip() for line in lines if line.strip()]
    missing = next((path for path in found if not path.is_file()), None)
    if missing is not None or not found:
        raise ConfigurationError(f"{where} lists {missing}, which is not there" if found else f"{where} lists no image")
    return found


def image_rows(images: list[Path], relative_to: Path, prompt: str = PROMPT) -> Iterator[dict[str, Any]]:
    """A row for each image: ``id``, ``messages`` and ``images``, whose paths are relative where they can be.

    >>> next(image_rows([Path("/data/in/a.png")], Path("/data/out")))["images"]
    ['../in/a.png']
    """
    for path in images:
        try:
            shown = os.path.relpath(path.resolve(), relative_to.resolve())
        except ValueError:  # another drive
            shown = os.fspath(path.resolve())
        shown = shown.replace(os.sep, "/")
        yield {"id": shown, "messages": [{"role": "user", "content": prompt}], "images": [shown]}
