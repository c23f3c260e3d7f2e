"""How many CPUs there are, and what a fork renews."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from table_rewards.core import cpus
from table_rewards.core.cpus import usable_cpus
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.forking import renew_after_fork


@pytest.mark.parametrize(
    ("quota", "count"), [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", 64), ("x", 64)]
)
def test_a_containers_quota_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, count: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(cpus, "_CGROUP_2", tmp_path / "cpu.max")
    monkeypatch.setattr(cpus, "_CGROUP_1", (tmp_path / "none", tmp_path / "none"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert cpus.usable_cpus() == count


def test_the_older_form_of_the_quota(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("quota", "300000"), ("period", "100000")):
        (tmp_path / name).write_text(value)
    monkeypatch.setattr(cpus, "_CGROUP_2", tmp_path / "none")
    monkeypatch.setattr(cpus, "_CGROUP_1", (tmp_path / "quota", tmp_path / "period"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert cpus.usable_cpus() == 3


def test_a_fork_renews_and_the_parent_stays_as_it_was() -> None:
    state = {"pid": os.getpid()}
    renew_after_fork(lambda: state.update(pid=os.getpid()))
    child = os.fork()
    if child == 0:
        os._exit(0 if state["pid"] == os.getpid() else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert state["pid"] == os.getpid()


def test_a_process_that_shares_its_machine_is_told_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas and actors would else each start one child for every CPU of the node."""
    whole = usable_cpus()
    monkeypatch.setenv("TABLE_REWARDS_CPUS", "1")
    assert usable_cpus() == 1
    monkeypatch.setenv("TABLE_REWARDS_CPUS", str(whole + 50))
    assert usable_cpus() == whole
    for wrong in ("0", "-1", "two", "1.5", "²"):
        monkeypatch.setenv("TABLE_REWARDS_CPUS", wrong)
        with pytest.raises(ConfigurationError, match="TABLE_REWARDS_CPUS"):
            usable_cpus()
