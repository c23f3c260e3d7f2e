"""Traces of small programs: which statements ran, what followed each of them, what every variable held then.

A visit is one execution of a statement in one frame: a statement over several lines is one visit, and so is a loop on
one line; a loop's head counts each time it is asked, also when the loop ends. The next statement is the next one *of
the same frame*, -1 when the frame ends. A state is what a variable holds after the visit, as type and ``repr``; a
value too big to show is left out, never cut short. The program runs in the sandbox, within its limits.

>>> trace = trace_calls([Sample("def f(n):\\n    n += 1\\n    return n", "f(1)")])[0]
>>> [(visit.line, visit.next) for visit in trace.visits], trace.result
([(2, 3), (3, -1)], State(type='int', value='2'))
>>> trace.visits[0].changed
{'n': State(type='int', value='2')}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from table_rewards.rewards.white_box.reference import State
from table_rewards.sandbox import Job, Limits, Outcome, Sandbox, get_sandbox

MAX_VISITS: Final = 2_000
MAX_REPR: Final = 200
MAX_RESULT: Final = 2_000
BATCH: Final = 256
TRACED: Final = Limits(cpu_s=0.5, mem_mb=512)
IGNORED: Final = tuple(
    f"assert{name}"
    for name in ("Equal", "NotEqual", "True", "False", "In", "NotIn", "Is", "IsNone", "IsNotNone", "AlmostEqual")
) + ("assertListEqual", "assertDictEqual", "assertTupleEqual", "assertIsInstance", "assertGreater", "assertLess")


@dataclass(frozen=True, slots=True)
class Sample:
    """What to trace: ``call``, an expression in the namespace of ``code``; with ``script`` statements are run instead.

    ``watch`` maps a line to expressions whose values after each visit of that line are wanted; a run of over ``most``
    visits is given up.
    """

    code: str
    call: str = ""
    script: str = ""
    watch: Mapping[int, Sequence[str]] = field(default_factory=dict)
    most: int = MAX_VISITS


@dataclass(frozen=True, slots=True)
class Visit:
    """One execution of a statement: its frame and first line, the line that follows in the frame, what changed.

    A changed variable whose value is too big or not plain data is None.
    """

    frame: int
    line: int
    next: int
    changed: Mapping[str, State | None]


@dataclass(frozen=True, slots=True)
class Trace:
    """What came of tracing a sample. ``problem`` is empty, or says why it is of no use for questions."""

    visits: tuple[Visit, ...] = ()
    functions: tuple[str, ...] = ()
    recursive: frozenset[str] = frozenset()
    result: State | None = None
    problem: str = ""
    ours: bool = False
    watched: Mapping[str, Sequence[State | None]] = field(default_factory=dict)

    def covered(self, line: int) -> bool:
        """Whether the line was executed."""
        return any(visit.line == line for visit in self.visits)

    def following(self, line: int) -> tuple[int, ...]:
        """The lines that followed the line in its frame, each once, sorted; empty when it was not executed."""
        return tuple(sorted({visit.next for visit in self.visits if visit.line == line}))

    def values(self, line: int, expression: str) -> Sequence[State | None]:
        """The values of a watched expression after each visit of the line at which it had one."""
        return self.watched.get(f"{line}:{expression}", ())


def trace_job(sample: Sample, *, states: bool = True, limits: Limits = TRACED, seed: int | None = None) -> Job:
    """The sandbox job that traces a sample; with ``seed`` its ``random`` starts elsewhere than the sandbox's own."""
    payload: dict[str, Any] = {
        "code": sample.code,
        "repr": MAX_REPR,
        "result": MAX_RESULT,
        "visits": sample.most,
        "states": states,
        "seed": seed,
        "ignored": IGNORED if sample.script else (),
        "watch": {str(line): list(texts) for line, texts in sample.watch.items()},
    }
    payload["script" if sample.script else "call"] = sample.script or sample.call
    return Job.harness(_harness(), payload, limits=limits, flavour="bare")


def read_trace(outcome: Outcome) -> Trace:
    """The trace in an outcome of :func:`trace_job`."""
    if outcome.is_ours:
        return Trace(problem=f"the sandbox failed: {outcome.note}", ours=True)
    value = outcome.values[0] if outcome.values else None
    if not outcome.ok or value is None or value.kind != "str":
        return Trace(problem=outcome.status if not outcome.ok else "it ended itself")
    told = json.loads(value.python())
    problem = told["error"] if told["complete"] else f"over {len(told['visits'])} steps"
    if not problem and told["result"] is None:
        problem = f"the result is too big or not plain data ({told.get('type')})"
    visits = tuple(
        Visit(row[0], row[1], row[2], {name: _state(pair) for name, pair in (row[3] if len(row) > 3 else {}).items()})
        for row in told["visits"]
    )
    watched = {key: [_state(pair) for pair in pairs] for key, pairs in told["watched"].items()}
    return Trace(
        visits, tuple(told["frames"]), frozenset(told["recursive"]), _state(told["result"]), problem, False, watched
    )


def trace_calls(
    samples: Sequence[Sample],
    *,
    states: bool = True,
    limits: Limits = TRACED,
    sandbox: Sandbox | None = None,
    seed: int | None = None,
) -> list[Trace]:
    """Trace samples, many at a time, in order."""
    return list(iter_traces(samples, states=states, limits=limits, sandbox=sandbox, seed=seed))


def iter_traces(
    samples: Sequence[Sample],
    *,
    states: bool = True,
    limits: Limits = TRACED,
    sandbox: Sandbox | None = None,
    seed: int | None = None,
) -> Iterator[Trace]:
    """The same, a batch at a time, so that a large data set stays out of memory."""
    runner = sandbox or get_sandbox()
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH]
        jobs = [trace_job(sample, states=states, limits=limits, seed=seed) for sample in batch]
        yield from map(read_trace, runner.run_batch(jobs))


def _state(pair: Any) -> State | None:
    return State(pair[0], pair[1]) if pair is not None and pair[1] is not None else None


@lru_cache(maxsize=1)
def _harness() -> str:
    return Path(__file__).with_name("tracing_harness.py").read_text(encoding="utf-8")
