"""Shared by the whole suite."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # `from fixture_rows import fixture_rows`, from any test

try:
    from hypothesis import settings
except ImportError:  # the frameworks' environments do without it
    pass
else:
    settings.register_profile("suite", deadline=None)  # a busy machine is no failure
    settings.load_profile("suite")
