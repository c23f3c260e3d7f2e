"""`table-rewards sandbox`: what this machine's sandbox guarantees, and whether it holds."""

from __future__ import annotations

import argparse
import sys
import warnings
from typing import TYPE_CHECKING, Any

from table_rewards.commands.exit_codes import DONE, INCOMPLETE, MISUSE
from table_rewards.commands.pages.progress import Progress
from table_rewards.sandbox import SandboxDegradedWarning, SandboxUnavailable, get_sandbox
from table_rewards.sandbox.shared import BACKENDS

if TYPE_CHECKING:
    from table_rewards.testing.sandbox import CaseResult

DESCRIPTION = """\
Programs that a model wrote run in the sandbox: in locked-down, killable processes of this machine, or on a
SandboxFusion server. What it can guarantee depends on the kernel and the container, so ask it where you train.

  describe   one line: the layers in force, the slots, the guarantees that are lost
  check      run 168 hostile snippets and the honest controls: 0 rewards hacked, 0 harm, 0 hangs, or exit status 1
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("action", choices=("check", "describe"), help="what to do")
    parser.add_argument("--fast", action="store_true", help="check: the quick fifth of the corpus, in seconds")
    parser.add_argument("--backend", choices=BACKENDS, default="local", help="which sandbox (%(default)s)")
    parser.add_argument("--endpoint", metavar="URL", help="SandboxFusion server (default: $SANDBOX_FUSION_ENDPOINT)")
    parser.add_argument(
        "--policy", choices=("auto", "strict"), default="auto", help="strict: refuse any lost guarantee"
    )
    parser.add_argument("--allow-degraded", action="store_true", help="run even where untrusted code is unprotected")
    parser.add_argument("--slots", type=int, metavar="N", help="jobs at a time (one a usable CPU)")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=("seccomp", "landlock", "user"),
        help="leave a layer out, to rehearse a machine that lacks it; may be repeated",
    )


def run(options: argparse.Namespace) -> int:
    given: dict[str, Any] = {"endpoint": options.endpoint} if options.endpoint else {}
    if options.backend == "local":
        given = {
            "policy": options.policy,
            "allow_degraded": options.allow_degraded,
            "slots": options.slots,
            "without": tuple(options.without),
        }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SandboxDegradedWarning)  # the line below says it
            sandbox = get_sandbox(options.backend, **given)
    except SandboxUnavailable as error:
        print(f"sandbox: unavailable: {error}", file=sys.stderr)
        return MISUSE
    with sandbox:
        if options.action == "describe":
            print(sandbox.describe())
            return DONE
        return _check(sandbox, options.fast)


def _check(sandbox: Any, fast: bool) -> int:
    from table_rewards.testing.sandbox import applicable, check_sandbox, modes_of

    total = len(applicable(fast=fast)) * len(modes_of(sandbox))
    with Progress(total, "runs") as bar:

        def progress(result: CaseResult) -> None:
            bar.update(group=result.case.group)
            if not result.clean:
                bar.write(result.line())

        report = check_sandbox(sandbox, fast=fast, progress=progress)
    print(report.text())
    return DONE if report.clean else INCOMPLETE
