"""Reading the shipped fixtures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def fixture_rows(name: str) -> list[dict[str, Any]]:
    """The rows of a jsonl file under fixtures/."""
    with (FIXTURES / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
