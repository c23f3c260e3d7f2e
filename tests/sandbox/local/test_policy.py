"""Degradation is loud: what a lesser machine loses is said, warned of, and refused where it is too much."""

from __future__ import annotations

import struct
import warnings

import pytest

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.sandbox import Job, SandboxDegradedWarning, SandboxUnavailable
from table_rewards.sandbox.local.backend import LocalSandbox
from table_rewards.sandbox.local.policy import Capabilities, choose
from table_rewards.sandbox.worker.lockdown import seccomp
from table_rewards.sandbox.worker.lockdown.syscalls import CHECKED, DENIED, LOCKS, METADATA, numbers

FULL = Capabilities(linux=True, root=True, arch="x86_64", seccomp=True, landlock=7, cpu_clock=True, user=True)
USER = Capabilities(linux=True, root=False, arch="x86_64", seccomp=True, landlock=7, cpu_clock=True)


def test_programs_hash_strings_by_the_seed_that_is_given() -> None:
    job = Job.script("print(hash('a'))")
    said = {}
    for seed in (0, 1, 1):
        with LocalSandbox(slots=1, hash_seed=seed) as sandbox:
            said.setdefault(seed, set()).add(sandbox.run(job).stdout)
    assert len(said[1]) == 1, "the same in every run"
    assert said[0] != said[1]
    with pytest.raises(ConfigurationError, match="hash_seed must be a whole number"):
        LocalSandbox(hash_seed=-1)


def test_root_and_ordinary_user_with_landlock_lose_nothing() -> None:
    assert choose(FULL, "strict").lost == ()
    assert choose(USER, "strict").lost == ()
    assert choose(FULL).separate_users
    assert not choose(USER).separate_users


def test_python_that_only_root_can_read_keeps_one_capability_under_landlock() -> None:
    found = Capabilities(linux=True, root=True, seccomp=True, landlock=7, cpu_clock=True, user=False, user_keeping=4)
    assert choose(found, "strict").keep_capabilities == 4
    without = choose(found, without=("landlock",), allow_degraded=True)
    assert not without.separate_users, "without Landlock that capability would open every file"


@pytest.mark.parametrize(
    ("found", "without", "refused"),
    [(FULL, ("landlock",), False), (USER, ("landlock",), True), (FULL, ("seccomp",), True), (Capabilities(), (), True)],
)
def test_what_is_lost_is_said_and_too_much_is_refused(found: Capabilities, without: tuple[str], refused: bool) -> None:
    assert choose(found, without=without, allow_degraded=True).lost
    with pytest.raises(SandboxUnavailable, match="strict"):
        choose(found, "strict", without=without, allow_degraded=True)
    if refused:
        with pytest.raises(SandboxUnavailable, match="allow_degraded"):
            choose(found, without=without)
    else:
        choose(found, without=without)


def test_a_degraded_sandbox_warns_and_says_so() -> None:
    with pytest.warns(SandboxDegradedWarning, match="network"):
        sandbox = LocalSandbox(slots=1, without=("seccomp",), allow_degraded=True)
    assert "seccomp=no" in sandbox.describe()
    assert "network" in sandbox.describe()
    assert sandbox.run(Job.script("print(1)")).stdout == "1\n"
    sandbox.close()


def test_without_seccomp_grandchildren_are_still_reaped() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sandbox = LocalSandbox(slots=1, without=("seccomp",), allow_degraded=True)
    with sandbox:
        code = (
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n"
            "    if os.fork() == 0: time.sleep(60)\n    os._exit(0)"
        )
        assert sandbox.run(Job.script(code)).ok
        supervisor = next(iter(sandbox.pool().nurseries["bare"].slots.values())).pid  # type: ignore[union-attr]
        with open(f"/proc/{supervisor}/task/{supervisor}/children") as children:
            assert children.read() == ""


def test_one_process_a_snippet_gives_the_same_results() -> None:
    from table_rewards.testing.sandbox.controls import control_failures

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sandbox = LocalSandbox(slots=2, without=("zygote",), allow_degraded=True)
    with sandbox:
        assert control_failures(sandbox, fast=True) == []


def test_unknown_policies_and_layers_name_the_known() -> None:
    with pytest.raises(UnknownName, match="auto, strict"):
        LocalSandbox(policy="none")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="seccomp"):
        LocalSandbox(without=("landlok",))


def evaluate(code: bytes, arch: int, number: int, args: tuple[int, ...] = (0,) * 6) -> int:
    """A plain interpreter of the filter's instructions, as the kernel's."""
    data = struct.pack("<iIQ6Q", number, arch, 0, *[a & (2**64 - 1) for a in args])
    at, accumulator = 0, 0
    while True:
        op, yes, no, k = struct.unpack_from("<HBBI", code, at * 8)
        at += 1
        if op == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, k)
        elif op == 0x06:
            return int(k)
        elif op == 0x05:
            at += k
        elif op == 0x54:
            accumulator &= k
        else:
            met = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[op]
            at += yes if met else no


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_the_filter_tree_answers_every_call_as_its_rules_say(arch: str) -> None:
    audit = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[arch]
    code = seccomp.build(neuter_metadata=True, arch=arch)
    assert len(code) // 8 < 4096
    denied = set(numbers(DENIED, arch).values())
    neutral = {*numbers(METADATA, arch).values(), *numbers(LOCKS, arch).values()}
    checked = set(numbers(CHECKED, arch).values())
    for number in range(463):
        answer = evaluate(code, audit, number)
        if number in denied:
            assert answer == seccomp.ERRNO | 1, number
        elif number in neutral:
            assert answer == seccomp.ERRNO, number
        elif number not in checked:
            assert answer == seccomp.ALLOW, number
    assert evaluate(code, audit, 500) == seccomp.ERRNO | 38
    assert evaluate(code, 0x40000003, 1) == seccomp.KILL
    own, other = seccomp.OWN_PID, 1234
    kill = numbers(CHECKED, arch)["kill"]
    assert evaluate(code, audit, kill, (own, 9, 0, 0, 0, 0)) == evaluate(code, audit, kill) == seccomp.ALLOW
    assert evaluate(code, audit, kill, (other, 9, 0, 0, 0, 0)) == seccomp.ERRNO | 1
    assert evaluate(code, audit, kill, (-1, 9, 0, 0, 0, 0)) == seccomp.ERRNO | 1
    clone = numbers(CHECKED, arch)["clone"]
    assert evaluate(code, audit, clone, (0x3D0F00, 0, 0, 0, 0, 0)) == seccomp.ALLOW, "a thread"
    assert evaluate(code, audit, clone, (17, 0, 0, 0, 0, 0)) == seccomp.ERRNO | 1, "a process"
    assert evaluate(code, audit, clone, (0x3D0F00 | 0x10000000, 0, 0, 0, 0, 0)) == seccomp.ERRNO | 1, "a namespace"


def test_old_landlock_guards_truncation_by_seccomp() -> None:
    code = seccomp.build(neuter_metadata=True, guard_truncate=True, arch="x86_64")
    openat = 257
    assert evaluate(code, 0xC000003E, openat, (0, 0, 0o1000, 0, 0, 0)) == seccomp.ERRNO | 1
    assert evaluate(code, 0xC000003E, openat, (0, 0, 0o1001, 0, 0, 0)) == seccomp.ALLOW
    assert evaluate(code, 0xC000003E, openat, (0, 0, 0, 0, 0, 0)) == seccomp.ALLOW
    assert evaluate(code, 0xC000003E, 76) == seccomp.ERRNO | 1
