"""Jobs: what to run, on which inputs, within which limits.

A job is plain frozen data, built anywhere, sent to a sandbox, never holding an expected value: the caller compares.

>>> from table_rewards.sandbox import Job, Limits
>>> job = Job.script("print(int(input()) * 2)", stdin="21", limits=Limits(cpu_s=0.5))
>>> job.kind, job.limits.wall
('script', 2.5)
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.sandbox.worker.encoding import encode

Kind = Literal["script", "stdins", "calls", "exprs", "tests", "chart", "harness"]
Flavour = Literal["auto", "bare", "data", "charts", "tests"]
Framework = Literal["statements", "unittest", "pytest"]
Files = Mapping[str, str | bytes]
FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)
MODULES = ("solution", "main", "submission", "answer", "your_module", "your_code", "candidate")
FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)
CHART_KINDS = ("area", "bar", "hbar", "line", "pie", "radar", "scatter", "waterfall")
MAX_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one snippet may use. The defaults suit a reward: short programs, many of them.

    ``cpu_s``
        CPU seconds for one *item*: the script, or the one stdin test, call or expression under way (the code's
        top level counts towards the first). CPU time does not depend on how busy the machine is; the wall clock does.
    ``wall_s``
        The back-stop for snippets that wait instead of work; ``3 * cpu_s + 1`` when left out. Time in the queue for a
        processor does not count (up to ten times the limit).
    ``mem_mb``
        Address space on top of the warm interpreter's own.
    ``out_bytes``
        Bytes of stdout (of one item); stderr is kept to 64 KiB and both are stopped at their cap.
    ``result_bytes``
        Bytes of returned values in all.
    ``file_mb``, ``disk_mb``
        One file, and the working directory in all (polled, so a little more can be written before the stop).
    ``threads``
        Threads at a time.
    ``recursion``
        Python's recursion limit of the program; the interpreter's own (1000) when left out.
    """

    cpu_s: float = 1.0
    wall_s: float | None = None
    mem_mb: int = 1024
    out_bytes: int = 1 << 20
    result_bytes: int = 4 << 20
    file_mb: int = 32
    disk_mb: int = 64
    threads: int = 32
    recursion: int | None = None

    def __post_init__(self) -> None:
        for name in ("cpu_s", "mem_mb", "out_bytes", "result_bytes", "file_mb", "disk_mb", "threads"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise ConfigurationError(f"Limits.{name} must be a positive number, got {value!r}")
        limit = self.recursion
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or not 50 <= limit <= 1 << 30):
            raise ConfigurationError(f"Limits.recursion must be a number of frames from 50 on or None, got {limit!r}")
        if self.wall_s is not None and not 0 < self.wall_s < math.inf:
            raise ConfigurationError(f"Limits.wall_s must be a positive number or None, got {self.wall_s!r}")

    @property
    def wall(self) -> float:
        """The wall-clock back-stop of one item in seconds."""
        return 3 * self.cpu_s + 1 if self.wall_s is None else self.wall_s


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Job:
    """One snippet with its inputs. Build it with one of the class methods; equal jobs of a batch run once.

    Options that all of them take: ``files``, placed in the snippet's private working directory (``{name: bytes or
    str}``, plain names); ``limits``; ``flavour``, the warm interpreter to fork from: ``"bare"``, ``"data"`` (numpy,
    pandas), ``"charts"`` (pyplot too) or ``"tests"`` (pytest); ``"auto"`` picks by the modules that the code mentions.
    Any flavour can run any code; a wrong guess costs an import.
    """

    kind: Kind
    code: str
    inputs: tuple[bytes, ...] = ()
    items: tuple[str, ...] = ()
    entry: str = ""
    files: tuple[tuple[str, bytes], ...] = ()
    limits: Limits = DEFAULT_LIMITS
    flavour: Flavour = "auto"

    @classmethod
    def script(
        cls,
        code: str,
        stdin: str | bytes = "",
        files: Files | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        flavour: Flavour = "auto",
    ) -> Job:
        """Run ``code`` as ``__main__`` once; read ``stdout``, ``stderr`` and ``returncode`` of the outcome."""
        return cls("script", code, inputs=(_bytes(stdin),), files=_files(files), limits=limits, flavour=flavour)

    @classmethod
    def stdins(
        cls,
        code: str,
        stdins: Sequence[str | bytes],
        files: Files | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        flavour: Flavour = "auto",
    ) -> Job:
        """Run the program once for each stdin, all in one child, each with a fresh ``__main__``, stdin and stdout.

        ``outcome.results`` has one :class:`~table_rewards.sandbox.TestResult` for each stdin, in order. The first
        timeout stops the rest (``not_run``). A test that ends otherwise badly, or that a dying child left behind, is
        run again alone in a fresh child, so that one test cannot spoil the next. Compare the stdout in the caller.
        """
        return cls(
            "stdins", code, inputs=tuple(map(_bytes, stdins)), files=_files(files), limits=limits, flavour=flavour
        )

    @classmethod
    def calls(
        cls,
        code: str,
        fn: str,
        args_list: Sequence[Sequence[Any]],
        files: Files | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        flavour: Flavour = "auto",
    ) -> Job:
        """Call ``fn`` with each tuple of positional arguments, in one child; ``outcome.values`` has one value for each.

        ``fn`` is looked up at the code's top level, then as a method of a class ``Solution``; a dotted name
        (``"Stack.push"``) is looked up part by part. Arguments are plain Python data (numbers, strings, containers).
        A call that raises yields a value of kind ``raised``.
        """
        items = tuple(_encoded(list(args)) for args in args_list)
        return cls("calls", code, items=items, entry=fn, files=_files(files), limits=limits, flavour=flavour)

    @classmethod
    def exprs(
        cls,
        code: str,
        exprs: Sequence[str],
        files: Files | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        flavour: Flavour = "auto",
    ) -> Job:
        """Run ``code``, then evaluate each expression in its namespace; ``outcome.values`` has one value for each."""
        return cls("exprs", code, items=tuple(exprs), files=_files(files), limits=limits, flavour=flavour)

    @classmethod
    def tests(
        cls,
        code: str,
        tests: str | Sequence[str],
        entry_points: Sequence[str],
        files: Files | None = None,
        *,
        setup: str = "",
        helpers: str = "",
        framework: Framework = "statements",
        modules: Sequence[str] = (),
        limits: Limits = DEFAULT_LIMITS,
        flavour: Flavour = "auto",
    ) -> Job:
        """Run trusted test code against untrusted ``code``, in two processes that share one socket and plain data.

        With ``framework="statements"`` each string of ``tests`` is a test: statements with asserts, run in the trusted
        process in order, in one namespace, behind ``setup``. With ``"unittest"`` and ``"pytest"`` ``setup`` is the test
        file and ``tests`` are the names of its tests (``"TestStack.test_push"``), run as that framework runs them.

        Every name in ``entry_points`` stands for the function or class of that name in ``code``; the tests may import
        them from ``solution`` as well. ``helpers`` is source of the problem itself, whose names the tests use: they
        never come from the code. ``modules`` are more names under which they import the code, beside ``solution``.

        A test passes when it runs to its end without an exception: ``outcome.results`` has one result for each,
        ``outcome.passed`` says whether all of them passed, ``outcome.fault`` why the tests could not be run though the
        code had no part in it.

        Values reach the tests as plain data of their own types. An object of the code stays in its process and the
        tests get what stands for it, so an ``__eq__`` of its own, a patched ``unittest`` or an early exit of the code
        prove nothing and win nothing; see :mod:`table_rewards.sandbox.worker.mirrors`.

        Raises:
            UnknownName: the framework is none of the three.
        """
        if framework not in FRAMEWORKS:
            raise UnknownName("framework", framework, FRAMEWORKS)
        parts = (tests,) if isinstance(tests, str) else tuple(tests)
        told = {
            "names": list(entry_points), "setup": setup, "helpers": helpers, "framework": framework,
            "modules": [*MODULES, *modules],
        }  # fmt: skip
        return cls(
            "tests", code, items=parts, entry=json.dumps(told), files=_files(files), limits=limits, flavour=flavour
        )

    @classmethod
    def chart(
        cls,
        code: str,
        files: Files | None = None,
        kind: str = "bar",
        *,
        limits: Limits = DEFAULT_LIMITS,
        flavour: Flavour = "charts",
    ) -> Job:
        """Run ``code``, then read the y-values of the figure it drew, in the child.

        ``kind`` is one of :data:`CHART_KINDS`. ``outcome.values`` holds one value, see
        :mod:`table_rewards.sandbox.worker.charts` for its shape; compare it with the references in the caller.

        Raises:
            UnknownName: ``kind`` is no kind of chart.
        """
        if kind not in CHART_KINDS:
            raise UnknownName("chart kind", kind, CHART_KINDS)
        return cls("chart", code, entry=kind, files=_files(files), limits=limits, flavour=flavour)

    @classmethod
    def harness(
        cls,
        source: str,
        payload: Any = None,
        files: Files | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        flavour: Flavour = "auto",
    ) -> Job:
        """Run a harness of ours in the locked-down child: it defines ``run(payload)`` and returns plain data.

        ``payload`` is JSON data and carries the model's code as text; the harness decides how to run it (under
        ``sys.settrace``, say). ``outcome.values`` holds what ``run`` returned, as one value. The harness shares its
        process with the code it runs: what it returns is only as trustworthy as that code, so compare it with an
        expectation that was never sent.
        """
        entry = json.dumps(payload)
        return cls("harness", source, entry=entry, files=_files(files), limits=limits, flavour=flavour)

    def __post_init__(self) -> None:
        if not isinstance(self.code, str):
            raise ConfigurationError(f"Job code must be a str, got {type(self.code).__name__}")
        if self.flavour not in FLAVOURS:
            raise UnknownName("flavour", self.flavour, FLAVOURS)
        if len(self.inputs) + len(self.items) > MAX_ITEMS:
            raise ConfigurationError(f"a job takes at most {MAX_ITEMS} items, got {len(self.inputs) + len(self.items)}")

    @property
    def count(self) -> int:
        """How many items (tests, calls, expressions) the job has; 1 for the kinds that run once."""
        return max(1, len(self.items), len(self.inputs))


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def _files(files: Files | None) -> tuple[tuple[str, bytes], ...]:
    for name in files or ():
        if name in ("", ".", "..") or "/" in name or "\0" in name or len(os.fsencode(name)) > 200:
            raise ConfigurationError(f"a job's file needs a plain name such as 'table.csv', got {name!r}")
    return tuple((name, _bytes(data)) for name, data in sorted((files or {}).items()))


def _encoded(value: Any) -> str:
    try:
        return json.dumps(encode(value, strict=True))
    except ValueError as error:
        raise ConfigurationError(f"an argument of a call cannot be sent: {error}") from None
