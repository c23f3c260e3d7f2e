"""Untrusted Python in isolated, killable workers, with verdicts that cannot be forged.

::

    trainer -> dispatcher thread -> nursery: a warm interpreter, started as a program
                                        └── supervisor of a slot: forks, watches, reports, cleans up
                                              └── child: one snippet, locked down, then gone

What is covered: CPU and wall time, memory, output, disk, threads; files, network, signals and other processes; the
trainer's environment and memory; the verdict, since no process that runs model code is sent an expected value.

What is not covered: bugs of the kernel, side channels, world-readable files where there is no Landlock, whatever lies
in the interpreter's own directories; macOS and SandboxFusion's default configuration, where only the verdict is
protected. Lost guarantees are warned of, and refused where they are too many. docs/sandbox.md has the details;
``table-rewards sandbox check`` tries them on your machine.
"""

from __future__ import annotations

from table_rewards.sandbox.backend import Sandbox
from table_rewards.sandbox.errors import SandboxDegradedWarning, SandboxUnavailable
from table_rewards.sandbox.jobs import CHART_KINDS, Job, Limits
from table_rewards.sandbox.outcomes import Outcome, TestResult
from table_rewards.sandbox.shared import close_sandboxes, get_sandbox
from table_rewards.sandbox.values import Value

__all__ = [
    "CHART_KINDS",
    "Job",
    "Limits",
    "Outcome",
    "Sandbox",
    "SandboxDegradedWarning",
    "SandboxUnavailable",
    "TestResult",
    "Value",
    "close_sandboxes",
    "get_sandbox",
]
