"""The numbers of an evaluation as a file, for `--out`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_numbers(out: Path | None, numbers: Mapping[str, Any]) -> None:
    """Write numbers as JSON where a file is asked for; a lone surrogate in a name becomes a question mark."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(numbers, indent=2, ensure_ascii=False) + "\n", "utf-8", "replace")
