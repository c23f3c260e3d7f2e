"""The hostile corpus: clean here, and able to see an escape where there is one."""

from __future__ import annotations

import collections
import warnings

import pytest

from table_rewards.sandbox import SandboxUnavailable, get_sandbox
from table_rewards.sandbox.local.backend import LocalSandbox
from table_rewards.testing.sandbox import applicable, check_sandbox
from table_rewards.testing.sandbox.corpus import hostile


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    cases = hostile()
    assert len(cases) >= 160
    assert max(collections.Counter((case.group, case.name) for case in cases).values()) == 1
    assert 30 <= len(applicable(fast=True)) <= 45


def test_the_fast_corpus_is_contained() -> None:
    try:
        sandbox = get_sandbox("local", slots=1, policy="strict")
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with sandbox:
        report = check_sandbox(sandbox, fast=True, modes=["calls", "tests"])
    assert report.clean, report.text()
    assert "contained" in report.text()


@pytest.mark.slow
def test_the_whole_corpus_is_contained() -> None:
    with get_sandbox("local", slots=1) as sandbox:
        report = check_sandbox(sandbox)
    assert report.clean, report.text()


def test_the_check_sees_an_escape() -> None:
    """Without seccomp a snippet reaches the network and forks: a check that cannot fail proves nothing."""
    wanted = {"a TCP connection", "a shell", "an abstract socket"}
    cases = [case for case in hostile() if case.name in wanted]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sandbox = LocalSandbox(slots=1, without=("seccomp", "landlock"), allow_degraded=True)
    with sandbox:
        report = check_sandbox(sandbox, cases=cases, modes=["calls"], fast=False)
    assert {result.case.name for result in report.harmed} == wanted
    assert not report.clean
    assert "NOT CONTAINED" in report.text()
    assert "connection to" in report.text()
