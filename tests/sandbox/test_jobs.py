"""What each kind of job gives back, and what its limits do."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.sandbox import Job, Limits, Sandbox
from table_rewards.sandbox.job_encoding import flavour_of
from table_rewards.sandbox.values import from_literal, same

SHORT = Limits(cpu_s=0.2, wall_s=1.0)


def test_a_script_has_stdin_files_streams_and_a_return_code(sandbox: Sandbox) -> None:
    code = "import sys\nprint(input(), open('t.csv').read())\nprint('e', file=sys.stderr)\nsys.exit('bye')"
    outcome = sandbox.run(Job.script(code, stdin="in", files={"t.csv": b"a,b"}))
    assert (outcome.status, outcome.returncode, outcome.stdout, outcome.stderr) == ("error", 1, "in a,b\n", "e\nbye\n")
    assert outcome.note == "bye"
    assert outcome.cpu_s < 1
    assert outcome.max_rss > 1 << 20


def test_the_memory_of_a_job_is_that_of_its_own_process(sandbox: Sandbox) -> None:
    """Not that of the trainer, however large, nor that of a job before it."""
    held = bytearray(300 << 20)
    held[:: 1 << 12] = b"x" * len(held[:: 1 << 12])
    fill = "x = bytearray(200 << 20)\nx[::4096] = b'x' * len(x[::4096])"
    jobs = [Job.script("1"), Job.script(fill), Job.script("2"), Job.tests(f"def f(): return 1\n{fill}", ["f()"], ["f"])]
    small, large, again, tested = [sandbox.run(job).max_rss >> 20 for job in jobs]
    assert max(small, again) < 100 < 200 <= min(large, tested)
    assert len(held) == 300 << 20


def test_a_fork_for_a_script_holds_nothing_of_charts_and_tests(sandbox: Sandbox) -> None:
    """Each fork and each exit pays for all that lies in memory."""
    loaded = "import sys\nprint(*sorted(name for name in sys.modules if name.startswith('sandbox_worker.')))"
    names = sandbox.run(Job.script(loaded)).stdout.split()
    assert "sandbox_worker.programs" in names
    assert not {"sandbox_worker.trusted_tests", "sandbox_worker.charts"} & set(names)


@pytest.mark.parametrize(
    ("job", "flavour"),
    [
        (Job.script("1"), "bare"),
        (Job.tests("def f(): return 1", ["assert f() == 1"], ["f"]), "pairs"),
        (Job.tests("def f(): return 1", ["assert f() == 1"], ["f"], flavour="bare"), "pairs"),
        (Job.tests("import pandas", ["assert f() == 1"], ["f"]), "data"),
        (Job.tests("def f(): return 1", "def test_f(): assert 1", ["f"], framework="pytest"), "tests"),
        (Job.tests("def f(): return 1", "def test_f(): assert 1", ["f"], framework="unittest"), "tests"),
        (Job.script("import pandas", flavour="bare"), "bare"),
    ],
)
def test_a_job_is_forked_from_an_interpreter_that_has_what_it_needs(job: Job, flavour: str) -> None:
    assert flavour_of(job) == flavour


def test_large_runners_come_with_any_flavour(sandbox: Sandbox) -> None:
    tests = Job.tests("def f(x): return x + 1", ["assert f(1) == 2"], ["f"], flavour="charts")
    assert sandbox.run(tests).passed
    program = "import matplotlib.pyplot as plt\nplt.plot([1, 2])"
    patient = Limits(
        cpu_s=60.0, wall_s=100.0
    )  # there matplotlib is imported, and looks for fonts, in the job's own time
    drawn = sandbox.run(Job.chart(program, kind="line", flavour="bare", limits=patient))
    assert drawn.status == "ok", drawn.stderr


def test_a_program_finds_the_streams_of_a_new_interpreter(sandbox: Sandbox) -> None:
    code = "import sys\nfor s in sys.stdin, sys.stdout, sys.stderr:\n" + (
        "    print(s is getattr(sys, '__' + s.name[1:-1] + '__'), s.name, s.mode, s.seekable(), s.isatty(), s.closed)"
    )
    expected = "True <stdin> r True False False\nTrue <stdout> w False False False\nTrue <stderr> w False False False\n"
    assert sandbox.run(Job.script(code, stdin="x")).stdout == expected
    assert sandbox.run(Job.script(code)).stdout == expected


def test_a_traceback_shows_the_program_not_the_sandbox(sandbox: Sandbox) -> None:
    outcome = sandbox.run(Job.script("def g():\n    return 1 / 0\ng()"))
    assert outcome.stderr.splitlines()[1].strip() == 'File "main.py", line 3, in <module>'
    assert outcome.note == "ZeroDivisionError: division by zero"


def test_main_guards_run_in_scripts_and_tests_not_in_calls(sandbox: Sandbox) -> None:
    code = "def f():\n    return __name__\nif __name__ == '__main__':\n    print('main')"
    assert sandbox.run(Job.script(code)).stdout == "main\n"
    assert sandbox.run(Job.stdins(code, [""])).results[0].stdout == "main\n"
    called = sandbox.run(Job.calls(code, "f", [()]))
    assert (called.stdout, called.values[0].python()) == ("", "solution")


@pytest.mark.parametrize(
    ("code", "limits", "status"),
    [
        ("while True: pass", SHORT, "timeout_cpu"),
        ("import time; time.sleep(60)", SHORT, "timeout_wall"),
        ("while True: print('x' * 1000)", SHORT, "output_limit"),
        ("x = bytearray(200 << 20)", Limits(mem_mb=64), "error"),
        ("open('f', 'wb').write(bytes(3 << 20))", Limits(file_mb=2), "error"),
        (
            "for i in range(9): open(str(i), 'wb').write(bytes(1 << 20))\nwhile True: pass",
            Limits(disk_mb=3),
            "disk_limit",
        ),
        ("import os; os.abort()", SHORT, "signal"),
    ],
)
def test_limits(sandbox: Sandbox, code: str, limits: Limits, status: str) -> None:
    assert sandbox.run(Job.script(code, limits=limits)).status == status


def test_a_program_that_computes_for_its_whole_limit_is_not_late_on_a_busy_machine(sandbox: Sandbox) -> None:
    """Wall-clock limits mark right programs wrong when sixteen threads share two cores; CPU limits do not."""
    code = "import time\nwhile time.process_time() < 0.15: pass\nprint('done')"
    with ThreadPoolExecutor(16) as threads:
        jobs = [Job.script(code + f"\n# {i}", limits=Limits(cpu_s=0.5)) for i in range(8)]
        outcomes = list(threads.map(sandbox.run, jobs))
    assert [outcome.stdout for outcome in outcomes] == ["done\n"] * 8


def _peak_memory() -> int:
    """The most memory that this process has held since its peak was last set back, in KiB."""
    return int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1])


def test_the_trainer_stays_small_while_a_snippet_prints_without_end(sandbox: Sandbox) -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak of earlier tests would hide any growth
    except OSError:
        pytest.skip("the kernel does not set a peak back")
    before = _peak_memory()
    outcome = sandbox.run(Job.script("import os\nc = b'x' * (1 << 20)\nwhile True: os.write(1, c)"))
    assert outcome.status == "output_limit"
    assert len(outcome.stdout) == Limits().out_bytes
    assert _peak_memory() - before < 20 * 1024


def test_the_results_before_a_loop_are_kept_however_fast_they_came(sandbox: Sandbox) -> None:
    """Results are gathered before they are counted: none that was written when the time is up may be lost."""
    code = "n = int(input())\nprint(n)\nwhile n == 40: pass"
    results = sandbox.run(Job.stdins(code, [str(n) for n in range(50)], limits=SHORT)).results
    assert [result.stdout for result in results[:40]] == [f"{n}\n" for n in range(40)]
    assert [result.status for result in results[40:]] == ["timeout_cpu"] + ["not_run"] * 9


def test_a_program_may_ask_how_long_its_stdin_is_and_leave_it_half_read(sandbox: Sandbox) -> None:
    """Fast readers take os.fstat(0).st_size bytes at once: no tail of a longer input may follow a shorter one."""
    code = "import os\nprint(os.read(0, os.fstat(0).st_size).decode())\nos.write(0, b'rubbish')"
    texts = ["a long line of text", "ab", "", "abc" * 40_000, "z"]
    results = sandbox.run(Job.stdins(code, texts)).results
    assert [result.stdout for result in results] == [text + "\n" for text in texts]


def test_stdins_start_fresh_and_do_not_spoil_each_other(sandbox: Sandbox) -> None:
    code = """
import sys, random
n = int(input())
assert 'left' not in globals() and sys.getrecursionlimit() < 5000
left = 1
sys.setrecursionlimit(9999)
if n == 3: raise SystemExit(4)
if n == 5: sys.modules.clear()
print(n, random.random())
"""
    results = sandbox.run(Job.stdins(code, [str(n) for n in range(8)])).results
    assert [result.status for result in results] == ["ok", "ok", "ok", "error", "ok", "ok", "ok", "ok"]
    assert len({result.stdout.split()[1] for result in results if result.ok}) == 1, "random is seeded for each"
    assert results[3].error == "exit code 4"


def test_a_crash_in_one_stdin_costs_only_that_one(sandbox: Sandbox) -> None:
    code = "n = int(input())\nif n == 1:\n    import ctypes; ctypes.string_at(0)\nprint(n)"
    results = sandbox.run(Job.stdins(code, ["0", "1", "2"])).results
    assert [(result.status, result.stdout) for result in results] == [("ok", "0\n"), ("signal", ""), ("ok", "2\n")]


def test_the_first_timeout_stops_the_rest(sandbox: Sandbox) -> None:
    code = "n = int(input())\nwhile n == 1: pass\nprint(n)"
    outcome = sandbox.run(Job.stdins(code, ["0", "1", "2"], limits=SHORT))
    assert outcome.status == "timeout_cpu"
    assert [result.status for result in outcome.results] == ["ok", "timeout_cpu", "not_run"]


def test_the_cpu_limit_is_for_each_test_not_for_all(sandbox: Sandbox) -> None:
    code = "import time\nt = time.process_time()\nwhile time.process_time() - t < 0.12: pass\nprint(input())"
    outcome = sandbox.run(Job.stdins(code, list("abcd"), limits=Limits(cpu_s=0.3)))
    assert [result.stdout for result in outcome.results] == ["a\n", "b\n", "c\n", "d\n"]


def test_calls_find_functions_methods_and_solutions(sandbox: Sandbox) -> None:
    code = (
        "class Solution:\n    def f(self, a): return a + 1\nclass S:\n"
        "    def g(self, a): return [a]\ndef h(a): raise KeyError(a)"
    )
    assert sandbox.run(Job.calls(code, "f", [(1,)])).values[0].python() == 2
    assert sandbox.run(Job.calls(code, "S.g", [(1,)])).values[0].python() == [1]
    raised = sandbox.run(Job.calls(code, "h", [("k",)])).values[0]
    assert (raised.raised, raised.error) == ("KeyError", "KeyError: 'k'")
    absent = sandbox.run(Job.calls(code, "nowhere", [(1,)]))
    assert absent.status == "error"
    assert absent.values[0].kind == "missing"
    assert "nowhere" in absent.values[0].error


def test_expressions_each_see_the_code_as_if_alone(sandbox: Sandbox) -> None:
    code = "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)"
    values = sandbox.run(Job.exprs(code, ["f(1)", "f(2)", "nope", "(1, {2: {3}})", "import os"])).values
    assert [value.kind for value in values] == ["int", "int", "raised", "tuple", "raised"]
    assert values[0].python() == values[1].python() == 1
    assert same(from_literal("(1, {2: {3}})"), values[3])


def test_numpy_values_come_back_plain(sandbox: Sandbox) -> None:
    code = "import numpy as np"
    values = sandbox.run(
        Job.exprs(code, ["np.int64(3)", "np.arange(3) / 2", "np.bool_(True)", "{np.str_('a'): 1}"])
    ).values
    assert [value.python() for value in values] == [3, [0.0, 0.5, 1.0], True, {"a": 1}]


def test_a_harness_is_our_code_around_the_models(sandbox: Sandbox) -> None:
    """Traces which lines a function runs, the way an execution trace is taken."""
    source = """
import sys
def run(payload):
    space, lines = {}, []
    exec(compile(payload["code"], "model", "exec"), space)
    def trace(frame, event, arg):
        if frame.f_code.co_filename == "model" and event == "line":
            lines.append(frame.f_lineno)
        return trace
    sys.settrace(trace)
    try:
        result = eval(payload["call"], space)
    finally:
        sys.settrace(None)
    return {"result": result, "lines": lines}
"""
    payload = {"code": "def f(x):\n    if x:\n        return 1\n    return 2\n", "call": "f(0)"}
    assert sandbox.run(Job.harness(source, payload)).values[0].python() == {"result": 2, "lines": [2, 4]}


def test_equal_jobs_of_a_batch_run_once(sandbox: Sandbox) -> None:
    job = Job.script("import time; print(time.monotonic_ns())")
    outcomes = sandbox.run_batch([job, Job.script("print(1)"), job])
    assert outcomes[0].stdout == outcomes[2].stdout
    assert outcomes[1].stdout == "1\n"


def test_the_same_program_gives_the_same_output_twice(sandbox: Sandbox) -> None:
    code = "import random\nimport numpy as np\nprint(random.random(), np.random.rand(), hash('a'), {'x', 'y', 'z'})"
    assert sandbox.run(Job.script(code)).stdout == sandbox.run(Job.script(code)).stdout


def test_nothing_of_one_job_is_there_in_the_next(sandbox: Sandbox) -> None:
    sandbox.run(
        Job.script("open('left', 'w').write('x')\nimport builtins, os\nbuiltins.left = 1\nos.environ['LEFT'] = '1'")
    )
    for _ in range(4):
        code = "import os\nprint(os.listdir('.'), 'LEFT' in os.environ)\nleft"
        outcome = sandbox.run(Job.script(code))
        assert outcome.stdout == "[] False\n"
        assert "NameError" in outcome.stderr


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Limits(cpu_s=0), "cpu_s"),
        (lambda: Limits(wall_s=-1), "wall_s"),
        (lambda: Limits(mem_mb=True), "mem_mb"),
        (lambda: Job.script("", files={"../x": ""}), "plain name"),
        (lambda: Job.script("", files={"a/b": ""}), "plain name"),
        (lambda: Job.script(b"x"), "must be a str"),  # type: ignore[arg-type]
        (lambda: Job.calls("", "f", [(object(),)]), "cannot be sent"),
        (lambda: Job.stdins("", ["x"] * 10_001), "at most"),
        (lambda: Job.script("", flavour="pandas"), "did you mean|known"),  # type: ignore[arg-type]
        (lambda: Job.chart("", kind="bars"), "did you mean 'bar'"),
    ],
)
def test_misconfiguration_raises_at_construction(build: Callable[[], object], says: str) -> None:
    with pytest.raises((ConfigurationError, UnknownName), match=says):
        build()


@pytest.mark.parametrize(
    "code", ["", "\x00", "\ud800", "x" * 1_000_000, "(" * 5000, "é = '‮'", "\r\n\r\n", "# coding: utf-7\n+AG"]
)
def test_no_code_is_too_odd(sandbox: Sandbox, code: str) -> None:
    for job in (Job.script(code), Job.calls(code, "f", [()]), Job.exprs(code, ["1"]), Job.stdins(code, ["", ""])):
        outcome = sandbox.run(job)
        assert outcome.status in ("ok", "error")
        assert not outcome.is_ours


def test_a_job_ends_soon_after_its_limit(sandbox: Sandbox) -> None:
    began = time.monotonic()
    sandbox.run(Job.script("import time; time.sleep(60)", limits=Limits(wall_s=0.3)))
    assert time.monotonic() - began < 30  # not the 60 s of the job


def test_a_program_that_ends_its_process_is_judged_by_what_it_printed(sandbox: Sandbox) -> None:
    """Fast programs flush and leave by os._exit(0); the first of many stdins counted as not run."""
    code = "import os\nprint(int(input()) * 2, flush=True)\nos._exit(0)"
    outcome = sandbox.run(Job.stdins(code, ["1", "2", "3"]))
    assert [(result.status, result.stdout) for result in outcome.results] == [
        ("ok", "2\n"),
        ("ok", "4\n"),
        ("ok", "6\n"),
    ]
