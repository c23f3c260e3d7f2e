r"""Mathematics against math-verify called directly, with its own time limits, in one run.

    python benchmarks/bench_mathematics.py [--answers 100000] [--peer 2000] [--seed 0]

Mixed answers, one in a hundred pathological: integers, decimals, fractions, percentages, units, words, formulas, sets,
intervals, matrices, right and wrong, in completions of a few hundred characters, eight to a prompt. math-verify's
``parse`` and ``verify`` run in this process's main thread, as their signals demand, on the first --peer of them (its
limits are 5 s each, so that all of them would take hours); ours on the same ones, cold, and on all. Printed:
    seconds and answers a second for each, and the ratio on the same answers and by throughput;
    answers on which the two disagree, by kind;
    the fast path alone, answers a second of CPU time of one core: as groups repeat their spellings, with every cache
    emptied before, and on a stream of its own in which no answer was ever written before;
    the longest time that each pathological answer held a caller up.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections import Counter
from typing import Any

from figures import table
from table_rewards import Mathematics
from table_rewards.rewards.mathematics import compare as mathematics_compare
from table_rewards.rewards.mathematics import numbers as mathematics_numbers
from table_rewards.rewards.mathematics import quick as mathematics_quick
from table_rewards.rewards.mathematics.pool import shared_comparer

PATHOLOGICAL = [
    "9^{9^{9}}", "(9^9)^{9^9}", "2^{999999999}", "10^9!", "99999999!", "\\binom{999999999}{499999999}",
    "\\sum_{n=1}^{10000000} n!", "\\prod_{n=1}^{100000} n^n", "\\int_0^1 x^{x^{x}} dx", "\\sqrt{" * 60 + "2" + "}" * 60,
    "(a+b+c+d+e+f)^{40}", "(" * 60 + "x+1" + ")" * 60, "7" * 100_000, "1+" * 2000 + "1", "x+" * 1500 + "x",
    "\\sin(" * 40 + "x" + ")" * 40, "\\frac{1}{1+" * 60 + "1" + "}" * 60, "\\tan(\\tan(\\tan(\\tan(1000000000))))",
    "\\{" + ",".join(str(i) for i in range(1000)) + "\\}", "e^{e^{e^{e^{e^{10}}}}}",
]  # fmt: skip
QUICK = {"integer": 50, "decimal": 10, "fraction": 12, "percent": 4, "unit": 4, "words": 6}
FILLER = "We first rewrite the expression, then simplify both sides and compare the coefficients. "


def answers(count: int, seed: int) -> list[tuple[str, str, str]]:
    """(kind, completion, gold): eight completions a prompt, one answer in a hundred pathological."""
    draw = random.Random(seed)
    rows = []
    while len(rows) < count:
        kind, gold, right, wrong = prompt(draw)
        for _ in range(8):
            number = len(rows)
            if number % 100 == 50:
                said, what = PATHOLOGICAL[number // 100 % len(PATHOLOGICAL)], "pathological"
            else:
                said, what = draw.choice(right if draw.random() < 0.6 else wrong), kind
            rows.append((what, f"{FILLER * draw.randint(2, 8)}({number}) The answer is $\\boxed{{{said}}}$.", gold))
    return rows[:count]


def fresh_answers(count: int, seed: int) -> list[tuple[str, str, str]]:
    """The kinds of the fast path, a prompt for each answer: nothing is written twice, not even a gold answer."""
    draw = random.Random(seed)
    rows = []
    for number in range(10**6, 10**6 + 10 * count, 10):
        name = "".join(draw.choices("abcdefghij", k=9))
        kind, gold, right, wrong = written(draw.choices(list(QUICK), list(QUICK.values()))[0], number, number + 7, name)
        said = draw.choice(right if draw.random() < 0.6 else wrong)
        rows.append((kind, f"{FILLER * draw.randint(2, 8)}({number}) The answer is $\\boxed{{{said}}}$.", gold))
    return rows


def prompt(draw: random.Random) -> tuple[str, str, list[str], list[str]]:
    n, m = draw.randint(2, 999), draw.randint(2, 99)
    kinds = {**QUICK, "formula": 8, "set": 2, "interval": 2, "matrix": 2}
    return written(draw.choices(list(kinds), list(kinds.values()))[0], n, m, "Evelyn")


def written(kind: str, n: int, m: int, name: str) -> tuple[str, str, list[str], list[str]]:
    """The kind, a gold answer, ways to write it, and wrong answers."""
    a, b = n % 7 + 1, m % 5 + 1
    made: dict[str, tuple[str, list[str], list[str]]] = {
        "integer": (str(n), [str(n), f"{n}.0", f"x={n}", f"\\text{{{n}}}"], [str(n + 1), str(-n), f"{n}{m}"]),
        "decimal": (f"{n}.25", [f"{n}.25", f"{n}.250", f"\\frac{{{4 * n + 1}}}{{4}}"], [f"{n}.24", str(n)]),
        "fraction": (f"\\frac{{{n}}}{{{m}}}", [f"\\frac{{{n}}}{{{m}}}", f"{n}/{m}"], [f"{m}/{n}"]),
        "percent": (f"{m}\\%", [f"{m}\\%", str(m), f"{m} percent"], [f"{m + 1}\\%", f"{m}0"]),
        "unit": (f"{n}\\text{{ cm}}", [f"{n} cm", str(n), f"{n}\\text{{cm}}"], [f"{n + 1} cm", f"{m}"]),
        "words": (f"\\text{{{name}}}", [name, name.title(), f"\\text{{{name}}}"], [name[1:], f"\\text{{{name[2:]}}}"]),
        "formula": (f"x^2+{a + b}x+{a * b}", [f"(x+{a})(x+{b})", f"{a * b}+{a + b}x+x^2"], [f"(x-{a})^2"]),
        "set": (f"\\{{{n}, {n + 1}\\}}", [f"\\{{{n + 1},{n}\\}}", f"\\{{{n},{n + 1}\\}}"], [f"\\{{{n}\\}}"]),
        "interval": (f"[{m},{n + m})", [f"[{m}, {n + m})", f"\\left[{m},{n + m}\\right)"], [f"[{m},{n + m}]"]),
        "matrix": (
            f"\\begin{{pmatrix}} {a} \\\\ {b} \\end{{pmatrix}}",
            [f"\\begin{{bmatrix}} {a} \\\\ {b} \\end{{bmatrix}}"],
            [f"\\begin{{pmatrix}} {b} \\\\ {a + 9} \\end{{pmatrix}}"],
        ),
    }  # fmt: skip
    gold, right, wrong = made[kind]
    return kind, gold, right, wrong


def math_verify_directly(rows: list[tuple[str, str, str]]) -> tuple[list[float], float, float]:
    """math-verify as its README says, with its own limits: values, seconds, seconds of the pathological ones."""
    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    values, hostile, begin = [], 0.0, time.perf_counter()
    for kind, completion, gold in rows:
        at = time.perf_counter()
        try:
            values.append(float(verify(parse(f"\\boxed{{{gold}}}"), parse(completion))))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            values.append(0.0)
        if kind == "pathological":
            hostile += time.perf_counter() - at
    return values, time.perf_counter() - begin, hostile


def score(reward: Mathematics, rows: list[tuple[str, str, str]]) -> tuple[Any, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    scores = reward([row[1] for row in rows], [row[2] for row in rows])
    return scores, time.perf_counter() - wall, time.process_time() - cpu


def paced(reward: Mathematics, rows: list[tuple[str, str, str]], *, forget: bool = True) -> float:
    """Answers a second of CPU time, from completion to verdict; the caches emptied before unless told otherwise."""
    completions, references = [row[1] for row in rows], [reward.natural(row[2]) for row in rows]
    if forget:
        for module in (mathematics_compare, mathematics_numbers, mathematics_quick):
            for cached in vars(module).values():
                getattr(cached, "cache_clear", int)()
    begin = time.process_time()
    reward.judge_all(completions, references, None)
    return len(completions) / (time.process_time() - begin)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--peer", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = answers(options.answers, options.seed)
    reward = Mathematics()
    shared_comparer().running()
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in Counter(row[0] for row in rows).most_common())
    part = rows[: options.peer]
    scores, seconds, _ = score(reward, part)
    whole, all_seconds, cpu = score(reward, rows)
    values, peer_seconds, hostile = math_verify_directly(part)
    honest = sum(row[0] != "pathological" for row in part)
    apart = Counter(row[0] for row, a, b in zip(part, scores.values, values, strict=True) if a != b)
    table(
        "Answers a second, one in a hundred pathological",
        ["grader", "answers", "seconds", "answers a second", "ratio to math-verify"],
        [
            ["ours, the first, cold", len(part), seconds, len(part) / seconds, peer_seconds / seconds],
            ["ours, all", len(rows), all_seconds, len(rows) / all_seconds,
             (len(rows) / all_seconds) / (len(part) / peer_seconds)],
            ["math-verify, the first", len(part), peer_seconds, len(part) / peer_seconds, 1.0],
            ["math-verify, its pathological ones left out", honest, peer_seconds - hostile,
             honest / (peer_seconds - hostile), (honest / (peer_seconds - hostile)) / (len(part) / peer_seconds)],
        ],
        formats=["{}", "{:,}", "{:.2f}", "{:,.0f}", "{:,.1f}x"],
        note=f"{kinds}; {shared_comparer().workers} comparing processes of ours, {cpu:.2f} s of CPU in the caller; "
        f"math-verify with its own limits; verdicts differ on {dict(apart) or 'none'}; "
        f"unscored of ours: {whole.counts['unscored']}",
        plot={"kind": "bars", "x": "grader", "y": ["answers a second"], "label": "answers a second", "log": True},
    )  # fmt: skip

    quick = [row for row in rows if row[0] in QUICK]
    cold, again = paced(reward, quick), paced(reward, quick, forget=False)
    never = paced(reward, fresh_answers(len(quick), options.seed))
    _, _, through = score(reward, quick)
    table(
        "Numbers, units and words, which need no algebra: answers a second of one core",
        ["how", "answers a second"],
        [
            ["as groups repeat their spellings", again],
            ["the same, caches emptied before", cold],
            ["no spelling ever twice", never],
            ["as a whole reward, pairing and columns included", len(quick) / through],
        ],
        formats=["{}", "{:,.0f}"],
    )

    worst = []
    for index, answer in enumerate(PATHOLOGICAL):
        begin = time.perf_counter()
        reward([f"\\boxed{{{answer}}}"], [f"x^{{{index + 2}}}"])
        worst.append((time.perf_counter() - begin, f"`{answer[:30]}`"))
    table(
        "How long a pathological answer holds its caller up, the three longest",
        ["answer", "seconds"],
        [[answer, took] for took, answer in sorted(worst, reverse=True)[:3]],
        formats=["{}", "{:.2f}"],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
