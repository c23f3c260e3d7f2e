"""Shared by the whole suite."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_OF_THE_SHELL = ("llm_serve_urls", "LLM_SERVE_URLS", "FORCE_COLOR", "NO_COLOR", "WORLD_SIZE", "NPROC_PER_NODE")

for name in [name for name in os.environ if name in _OF_THE_SHELL or name.startswith("TABLE_REWARDS_")]:
    if name != "TABLE_REWARDS_INTEGRATION":  # which says what to test
        del os.environ[name]  # the others are for runs
os.environ["COLUMNS"] = "100"  # nor does a verdict hang on how wide the terminal is

sys.path.insert(0, str(Path(__file__).parent))  # `from fixture_rows import fixture_rows`, from any test

try:
    from hypothesis import settings
except ImportError:  # the frameworks' environments do without it
    pass
else:
    settings.register_profile("suite", deadline=None)  # a busy machine is no failure
    settings.load_profile("suite")
