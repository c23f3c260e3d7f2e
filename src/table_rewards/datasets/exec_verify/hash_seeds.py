"""Which calls give the same result everywhere: run again under other string hash seeds, other luck, other addresses.

The sandbox runs everything under one hash seed, where ``list({"a", "b"})`` is always in the same order; on another
machine it is not, and a label made of it is a coin toss. So each call runs again in an interpreter with another seed
for the hashes and for ``random``, and what deals in sets, hashes or chance runs under :data:`SEEDS`, all of them. A
result, a step or a state that differs as a value makes the sample unstable; a set or dict in another order is the same
value. Not seen: an order that agrees under all seeds by chance (of two strings, one time in 256), and what depends on
the day, the version of Python or the machine.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Final

from table_rewards.core.errors import ScorerFailed
from table_rewards.datasets.exec_verify.tracing import Sample, Trace, trace_calls
from table_rewards.rewards.white_box.reference import State
from table_rewards.sandbox import Limits, Sandbox, get_sandbox, values
from table_rewards.sandbox.errors import SandboxDegradedWarning

SEEDS: Final = (1, 2, 3, 4, 5, 6, 7, 8)
_SLOW: Final = ("timeout_cpu", "timeout_wall")  # a call near its limit is no coin toss
_SUSPECT: Final = re.compile(
    r"\b(?:set|frozenset|hash|random|import)\b|\{(?!\s*\}|[^{}]*:)"
    r"|\b(?:keys|items)\(\)\s*[&|^-]|[&|^-]\s*[\w.]+\.(?:keys|items)\(\)"
)


def unstable(samples: Sequence[Sample], traces: Sequence[Trace], limits: Limits) -> list[bool]:
    """For each sample whether another run went another way than its trace. Unusable traces count as stable.

    Raises:
        ScorerFailed: the sandbox failed on a sample.
    """
    found = [False] * len(samples)
    left = [index for index, trace in enumerate(traces) if not trace.problem]
    for number, seed in enumerate(SEEDS):
        if number == 1:
            left = [index for index in left if _SUSPECT.search(samples[index].code + samples[index].call)]
        left = [index for index in left if not found[index]]
        if not left:
            break
        again = trace_calls([samples[index] for index in left], limits=limits, sandbox=_seeded(seed), seed=seed)
        for index, trace in zip(left, again, strict=True):
            if trace.ours:
                raise ScorerFailed(trace.problem)
            found[index] = trace.problem not in _SLOW and _differ(traces[index], trace)
    return found


def _differ(one: Trace, other: Trace) -> bool:
    if one.problem != other.problem or len(one.visits) != len(other.visits) or not _same(one.result, other.result):
        return True
    return any(
        (a.frame, a.line, a.next) != (b.frame, b.line, b.next)
        or a.changed.keys() != b.changed.keys()
        or not all(_same(a.changed[name], b.changed[name]) for name in a.changed)
        for a, b in zip(one.visits, other.visits, strict=True)
    )


def _same(one: State | None, other: State | None) -> bool:
    if one is None or other is None or one == other:
        return one == other
    if one.type != other.type:
        return False
    try:
        return values.same(values.from_literal(one.value), values.from_literal(other.value), nan_is_nan=True)
    except ValueError:
        return False


def _seeded(seed: int) -> Sandbox:
    """A sandbox of this process whose programs hash strings by another seed; started once, shared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SandboxDegradedWarning)  # the sandbox of the first run has said it
        return get_sandbox("local", hash_seed=seed)
