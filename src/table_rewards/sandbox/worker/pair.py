"""The two processes of ``Job.tests``."""

from __future__ import annotations

from typing import Any


def run_candidate(spec: dict[str, Any], parts: list[bytes]) -> int:
    raise NotImplementedError


def run_tester(spec: dict[str, Any], parts: list[bytes]) -> int:
    raise NotImplementedError
