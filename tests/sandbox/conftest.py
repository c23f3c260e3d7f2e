"""One sandbox for the quick tests of a session; those that break theirs build their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from table_rewards.sandbox import Sandbox, SandboxUnavailable, get_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    try:
        made = get_sandbox("local", slots=2)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    yield made
    made.close()
