"""White-box and unit-test rewards against the way the released code runs programs, in one run.

Peers, rebuilt from what they do, with their limits: the released white-box reward starts ``python`` for every answer
(0.5 s of wall time), PRIME's ``prime_code`` starts a manager and a forked process for every check, and runs the first
ten tests again one by one when not all pass. With ``--prime`` its own code runs.

    python benchmarks/bench_white_box.py [--prompts 128] [--programs 24]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from figures import table
from table_rewards import UnitTests, WhiteBox

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures/exec_verify"
CORES = 2


def cruxeval(count):
    rows = [json.loads(line) for line in (FIXTURES / "cruxeval.jsonl").read_text("utf-8").splitlines()]
    return [{**rows[n % len(rows)], "code": rows[n % len(rows)]["code"] + f"\n# {n}"} for n in range(count)]


def answers(rows):
    """Eight answers a prompt: right, wrong, reformatted, without an assertion, a loop, an exit."""
    pairs = []
    for row in rows:
        call = f"f({row['input']})"
        texts = [f"assert {call} == {row['output']}"] * 3 + [f"assert {call} == {n!r}" for n in ("no", None, 0)]
        texts += [f"assert {call} == {row['output']}  # so", "assert True"]
        pairs += [(row, f"<answer>\n{text}\n</answer>") for text in texts]
    return pairs


def cpu_of_tree():
    """CPU seconds of this process, of everything under it, and of what they have waited for."""
    ticks, parents = {}, {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
            ticks[int(folder.name)] = sum(map(int, fields[11:15]))
    mine = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in mine} - mine
        if not more:
            return sum(ticks[pid] for pid in mine) / os.sysconf("SC_CLK_TCK")
        mine |= more


def measured(work):
    """(wall seconds, CPU seconds of the whole tree of processes, result); CPU is the fairer on a busy machine."""
    before, started = cpu_of_tree(), time.perf_counter()
    result = work()
    wall, tick = time.perf_counter() - started, 1 / os.sysconf("SC_CLK_TCK")
    return wall, max(tick, cpu_of_tree() - before), result


def as_released(pairs, seconds=0.5):
    def one(pair):
        row, text = pair
        first = text.removeprefix("<answer>\n").partition("\n")[0]
        if not first.startswith("assert") or row["input"] not in first:
            return 0.0
        try:
            done = subprocess.run(
                [sys.executable, "-c", f"{row['code']}\n{first}"], capture_output=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return -1.0
        return float(done.returncode == 0)

    with ThreadPoolExecutor(CORES) as pool:
        return list(pool.map(one, pairs))


def white_box(prompts):
    pairs = answers(cruxeval(prompts))
    rows, texts = [row for row, _ in pairs], [text for _, text in pairs]
    bare = [{key: row[key] for key in ("code", "input")} for row in rows]
    inverse = [{"func_str": row["code"], "result": row["output"], "type": "oi"} for row in rows]
    reward = WhiteBox()
    reward(["<answer>\nf(1)\n</answer>"], [{"func_str": "def f(a): return a", "result": "1", "type": "oi"}])
    released, released_cpu, peer = measured(lambda: as_released(pairs))
    kinds = {"result given: nothing is run": rows, "result not given: calls run": bare, "oi: inputs run": inverse}
    lines = [["as released: a process for each answer", released, released_cpu, peer.count(-1.0), 1.0]]
    for name, references in kinds.items():
        wall, cpu, scores = measured(lambda references=references: reward(texts, references))
        late = sum("timeout" in note for note in scores.notes)
        lines.append([name, wall, cpu, late, released_cpu / cpu])
    table(
        f"WhiteBox: {len(pairs):,} answers to {prompts} prompts",
        ["way", "seconds", "CPU seconds", "timeouts", "CPU ratio"],
        lines,
        formats=["{}", "{:.2f}", "{:.2f}", "{:,}", "{:.1f}x"],
        note="CPU of the whole tree of processes; the released code starts `python` for every answer, with 0.5 s of "
        "the clock",
        plot={"kind": "bars", "x": "way", "y": ["CPU seconds"], "label": "CPU seconds", "log": True},
    )


def contended(threads=16):
    """A right program of 0.13 CPU seconds under as many callers as threads."""
    code = "def f(n):\n    s = 0\n    for i in range({}):\n        s += i % 7\n    return s >= 0"
    started, loops = time.process_time(), 200_000
    exec(code.format(loops) + "\nf(1)", {})
    loops = int(loops * 0.13 / (time.process_time() - started))
    rows = [{"code": code.format(loops) + f"\n# {n}", "input": "1", "output": "True"} for n in range(3 * threads)]

    def one(row):
        return as_released([(row, f"<answer>\nassert f({row['input']}) == True\n</answer>")])[0]

    with ThreadPoolExecutor(threads) as pool:
        peer = list(pool.map(one, rows))
        reward = WhiteBox()
        bare = [{"code": row["code"], "input": row["input"]} for row in rows]
        ours = list(pool.map(lambda row: reward(["<answer>\nassert f(1) == True\n</answer>"], [row]), bare))
    late = sum(scores.status[0] == "unscored" or scores.values[0] != 1.0 for scores in ours)
    table(
        f"Right programs of 0.13 CPU seconds from {threads} threads: called late",
        ["way", f"of {len(rows)}"],
        [["as released", peer.count(-1.0)], ["ours", late]],
    )


def _run_tests(code, tests, seconds, told):
    import io

    def late(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    for given, _ in tests:
        signal.alarm(seconds)
        out, sys.stdin, sys.stdout = sys.stdout, io.StringIO(given), io.StringIO()
        try:
            exec(code, {"__name__": "__main__"})
            text = sys.stdout.getvalue()
        except BaseException:
            text = None
        finally:
            sys.stdout = out
            signal.alarm(0)
        told.append(text)


def _checked(code, tests, seconds):
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        told = manager.list()
        process = context.Process(target=_run_tests, args=(code, tests, seconds, told))
        process.start()
        process.join(seconds * len(tests) + 1)
        if process.is_alive():
            process.kill()
        found = list(told)
    return [text is not None and text.split() == want.split() for text, (_, want) in zip(found, tests, strict=False)]


def as_prime(programs, tests):
    rates = []
    for code in programs:
        verdicts = _checked(code, tests, 5)
        if len(verdicts) < len(tests) or not all(verdicts):
            verdicts = [ok for test in tests[:10] for ok in (_checked(code, [test], 1) or [False])]
        rates.append(sum(verdicts) / len(tests))
    return rates


def real_prime(folder):
    """PRIME's own check, from an unpacked wheel of verl: ``verl/utils/reward_score``."""
    sys.path.insert(0, str(folder))
    from prime_code import compute_score  # type: ignore[import-not-found]

    def rates(programs, tests):
        row = {"inputs": [given for given, _ in tests], "outputs": [want for _, want in tests]}
        found = [compute_score(f"```python\n{code}\n```", row, continuous=True)[0] for code in programs]
        return [float(rate) for rate in found]

    return rates


def unit_tests(count, prime):
    tests = [(f"{n} {n + 1}", str(2 * n + 1)) for n in range(10)]
    right = "a, b = map(int, input().split())\nprint(a + b)\n# {}"
    wrong = "a, b = map(int, input().split())\nprint(a + b if a < 8 else 0)\n# {}"
    row = {"inputs": [given for given, _ in tests], "outputs": [want for _, want in tests]}
    reward = UnitTests(format_bonus=0)
    reward(["```python\nprint(1)\n```"], [row])
    lines = []
    for name, code in (("all pass", right), ("some fail", wrong)):
        programs = [code.format(n) for n in range(count)]
        halves = [programs[::2], programs[1::2]]
        with ThreadPoolExecutor(CORES) as pool:
            peer, peer_cpu, rates = measured(lambda h=halves, x=pool: list(x.map(lambda part: prime(part, tests), h)))
        texts = [f"```python\n{program}\n```" for program in programs]
        wall, cpu, scores = measured(lambda t=texts: reward(t, [row] * count))
        each = 1e3 / count
        lines.append(
            [name, wall * each, peer * each, peer / wall, peer_cpu / cpu, float(scores.values[0]), float(rates[0][0])]
        )
    table(
        f"UnitTests: programs with 10 tests on standard input, {count} each",
        ["programs", "ours, ms each", "prime_code, ms each", "ratio", "CPU ratio", "our rate", "its rate"],
        lines,
        formats=["{}", "{:.1f}", "{:.1f}", "{:.1f}x", "{:.1f}x", "{:.1f}", "{:.1f}"],
        note=f"Against {prime.__qualname__.partition('.')[0]}: a manager and a forked process for every check, the "
        "first ten tests again one by one when not all pass",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=128)
    parser.add_argument("--programs", type=int, default=24)
    parser.add_argument("--only", choices=("white_box", "contended", "unit_tests"))
    parser.add_argument("--prime", type=pathlib.Path, help="verl/utils/reward_score of an unpacked verl: its own check")
    options = parser.parse_args()
    if options.only in (None, "white_box"):
        white_box(options.prompts)
    if options.only in (None, "contended"):
        contended()
    if options.only in (None, "unit_tests"):
        unit_tests(options.programs, real_prime(options.prime) if options.prime else as_prime)


if __name__ == "__main__":
    main()
