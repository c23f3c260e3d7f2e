"""Tables of benchmarks as rows to generate for: PubTabNet's lines, OmniDocBench's pages cut into their tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.core.rows import plain
from table_rewards.datasets.files import read_rows
from table_rewards.datasets.trivia.images import image_rows
from table_rewards.datasets.trivia.rows import PROMPT

LAYOUTS: Final = ("pubtabnet", "omnidocbench")
Cut = Callable[[Path, tuple[int, int, int, int], Path], None]


def pubtabnet_rows(
    file: Path, images: Path, out: Path, left_out: Counter[str], *, split: str = "val", prompt: str = PROMPT
) -> Iterator[dict[str, Any]]:
    """The tables of PubTabNet's JSON lines (``filename``, ``split``, ``html.structure.tokens``, ``html.cells``).

    Its evaluation's one object of names, ``{filename: {"html": ...}}``, is read, too.
    """
    for row in _named(read_rows(file)):
        if str(row.get("split", split)) != split:
            left_out[f"not of the split {split}"] += 1
            continue
        path = images / str(row.get("filename"))
        html = pubtabnet_html(plain(row.get("html")))
        if not html or not _is_file(path):
            left_out["no table" if not html else "no image of its name"] += 1
            continue
        (made,) = image_rows([path], out.parent, prompt)
        yield {**made, "id": str(row["filename"]), "dataset": "PubTabNet", "solution": html}


def _named(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        if "filename" in row or not all(isinstance(table, dict) and "html" in table for table in row.values()):
            yield row
        else:
            yield from ({"filename": name, "html": table["html"]} for name, table in row.items())


def pubtabnet_html(html: Any) -> str:
    """The table of PubTabNet's tokens, or a text that is one; '' where they are none.

    A token of one character is a character, not markup.

    >>> tokens = ["<tr>", "<td", ' colspan="2"', ">", "</td>", "<td>", "</td>", "</tr>"]
    >>> pubtabnet_html({"structure": {"tokens": tokens}, "cells": [{"tokens": ["<b>", "a", "</b>"]}, {"tokens": []}]})
    '<table><tr><td colspan="2"><b>a</b></td><td></td></tr></table>'
    >>> pubtabnet_html({"structure": {"tokens": ["<td>", "</td>"]}, "cells": [{"tokens": ["n", "<", "m"]}]})
    '<table><td>n&lt;m</td></table>'
    """
    if isinstance(html, str):
        return html if "<t" in html else ""
    try:
        tokens, cells = list(html["structure"]["tokens"]), iter(html["cells"])
        parts: list[str] = []
        for token in map(_text, tokens):
            if token == "</td>":
                said = next(cells)["tokens"]
                parts.append("".join(escape(one, quote=False) if len(one) == 1 else one for one in map(_text, said)))
            parts.append(token)
    except (KeyError, TypeError, StopIteration):
        return ""
    return f"<table>{''.join(parts)}</table>" if parts else ""


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no name of a file
        return False


def _text(token: Any) -> str:
    if not isinstance(token, str):
        raise TypeError
    return token


def omnidocbench_rows(
    file: Path, images: Path, out: Path, left_out: Counter[str], cut: Cut, *, prompt: str = PROMPT
) -> Iterator[dict[str, Any]]:
    """The tables of OmniDocBench's pages (``layout_dets`` with ``category_type`` table), each cut out of its page.

    Cut-out images lie in the folder ``OUT.images`` beside the file. A table that is marked ``ignore`` is left out.

    Raises:
        ConfigurationError: the file is no JSON list of pages.
    """
    try:
        pages = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: no JSON list of pages ({error})") from None
    if not isinstance(pages, list) or not all(isinstance(page, dict) for page in pages):
        raise ConfigurationError(f"{file}: no JSON list of pages with layout_dets and page_info")
    folder = out.with_suffix(".images")
    for page in pages:
        name = str((page.get("page_info") or {}).get("image_path") or "")
        for found in page.get("layout_dets") or []:
            if found.get("category_type") != "table":
                continue
            html, box = found.get("html"), _box(found.get("poly"))
            path = images / Path(name).name if name else images
            reason = (
                "marked to be ignored"
                if found.get("ignore")
                else "no HTML"
                if not isinstance(html, str) or not html.strip()
                else "no place on its page"
                if box is None
                else ""
                if _is_file(path)
                else "no image of its name"
            )
            if reason or box is None:
                left_out[reason] += 1
                continue
            piece = folder / f"{path.stem}_{found.get('anno_id', len(left_out))}_{box[0]}_{box[1]}.png"
            cut(path, box, piece)
            (made,) = image_rows([piece], out.parent, prompt)
            attributes: Mapping[str, Any] = found.get("attribute") or {}
            yield {
                **made,
                "id": piece.stem,
                "dataset": "OmniDocBench",
                "solution": html,
                **{key: value for key, value in attributes.items() if isinstance(value, (str, bool))},
            }


def cut_out(page: Path, box: tuple[int, int, int, int], to: Path) -> None:
    """Write a part of an image as PNG.

    Raises:
        ConfigurationError: Pillow is not there, or the image cannot be read.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ConfigurationError(
            "cutting tables out of pages needs Pillow: pip install 'table-rewards[images]'"
        ) from None
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        with Image.open(page) as image:
            x0, y0, x1, y1 = box
            part = image.crop((max(0, x0), max(0, y0), min(image.width, x1), min(image.height, y1)))
            part.convert("RGB").save(to)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"image {page}: {error}") from None


def _box(poly: Any) -> tuple[int, int, int, int] | None:
    """The upright box round a polygon of x, y, x, y, ..."""
    if not isinstance(poly, list) or len(poly) < 4 or not all(isinstance(one, (int, float)) for one in poly):
        return None
    xs, ys = poly[0::2], poly[1::2]
    box = (int(min(xs)), int(min(ys)), int(-(-max(xs) // 1)), int(-(-max(ys) // 1)))
    return box if box[2] > box[0] and box[3] > box[1] else None
