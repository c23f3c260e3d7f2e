"""Shared by the whole suite."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # `from fixture_rows import fixture_rows`, from any test
