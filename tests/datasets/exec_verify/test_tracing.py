"""Traces: visits, next statements and states, against REval's published oracle and by themselves."""

from __future__ import annotations

import pytest

from fixture_rows import fixture_rows
from table_rewards.datasets.exec_verify.tracing import Sample, State, trace_calls
from table_rewards.sandbox import Limits

ORACLE_IS_WRONG = {
    # a question about a nested function: the oracle takes the caller's next line, and finds none of its variables
    ("DREval/4", 22): "nested",
    ("DREval/56", 25): "nested",
    ("DREval/49", 14): "nested",
    ("DREval/74", 15): "nested",
    # an expression of several variables: the oracle takes all pairs of all values that they ever had
    ("DREval/29", 15): "product",
    ("DREval/52", 26): "product",
    ("DREval/59", 20): "product",
    ("DREval/69", 26): "product",
}
"""Where the oracle and we differ; the reasons can be checked by hand in the programs."""


def traced(code, call="f()", **options):
    return trace_calls([Sample(code, call, **options)])[0]


@pytest.fixture(scope="module")
def oracle():
    questions = []
    samples, groups = [], []
    for row in fixture_rows("exec_verify/dreval_oracle.jsonl"):
        for given in dict.fromkeys(question["input"] for question in row["questions"]):
            asked = [question for question in row["questions"] if question["input"] == given]
            watch = {}
            for question in asked:
                watch.setdefault(question["lineno"], []).append(question["var"])
            samples.append(Sample(row["code"], f"{row['entry_point']}(*{given})", watch=watch, most=200_000))
            groups.append((row["task_id"], asked))
    traces = trace_calls(samples, states=False, limits=Limits(cpu_s=5))
    for trace, (name, asked) in zip(traces, groups, strict=True):
        assert not trace.problem, name
        questions += [(name, question, trace) for question in asked]
    return questions


def test_coverage_agrees_on_every_row(oracle):
    assert len(oracle) == 462
    assert [q["coverage"] for _, q, _ in oracle] == [trace.covered(q["lineno"]) for _, q, trace in oracle]


def test_next_lines_agree_but_where_the_oracle_leaves_the_function(oracle):
    differ = {
        (name, q["lineno"])
        for name, q, trace in oracle
        if (list(trace.following(q["lineno"])) or [-1]) != sorted(q["next"])
    }
    assert differ == {("DREval/4", 22), ("DREval/56", 25)}


def test_values_agree_but_where_the_oracle_is_wrong(oracle):
    differ = {
        (name, q["lineno"])
        for name, q, trace in oracle
        if [list(state) for state in trace.values(q["lineno"], q["var"])] != (q["state"] or [])
    }
    assert differ == set(ORACLE_IS_WRONG)


def test_a_return_is_visited_once():
    """E6: return events bumped the counter, so that a final return was asked about for the second time."""
    trace = traced("def f():\n    x = 1\n    return x")
    assert [(visit.line, visit.next) for visit in trace.visits] == [(2, 3), (3, -1)]


def test_a_loops_head_counts_each_time_it_is_asked():
    trace = traced("def f():\n    for i in range(2):\n        x = i\n    return x")
    assert [visit.line for visit in trace.visits] == [2, 3, 2, 3, 2, 4]
    assert trace.following(2) == (3, 4)


def test_the_next_statement_is_of_the_same_frame():
    trace = traced("def g(x):\n    return x\n\ndef f():\n    a = g(1)\n    return a")
    assert [(visit.line, visit.next) for visit in trace.visits if visit.frame == 0] == [(5, 6), (6, -1)]
    assert trace.following(2) == (-1,)


def test_a_statement_over_several_lines_and_a_loop_on_one_are_one_visit():
    """E13."""
    trace = traced("def f():\n    a = [\n        1,\n        len('ab'),\n    ]\n    for x in a: a = x\n    return a")
    assert [visit.line for visit in trace.visits] == [2, 6, 7]


def test_comprehensions_and_lambdas_are_no_frames_of_their_own():
    trace = traced("def f():\n    a = [x for x in range(3)]\n    b = sorted(a, key=lambda x: -x)\n    return b")
    assert [visit.line for visit in trace.visits] == [2, 3, 4]
    assert trace.functions == ("f",)


def test_states_keep_their_types_and_big_ones_are_left_out_not_cut():
    """E6: a long list became the text '[0, 1, ...<truncated>' of type str."""
    trace = traced("def f():\n    a = list(range(500))\n    b = True\n    c = object()\n    b = a[0]\n    return b")
    changed = [dict(visit.changed) for visit in trace.visits]
    assert changed[0] == {"a": None}
    assert changed[1]["b"] == State("bool", "True")
    assert changed[2]["c"] is None
    assert changed[3]["b"] == State("int", "0")


def test_a_change_in_place_is_a_change():
    trace = traced("def f():\n    a = []\n    a.append(1)\n    return a")
    assert trace.visits[1].changed == {"a": State("list", "[1]")}


def test_recursion_is_marked():
    assert traced("def f(n):\n    return 1 if n < 2 else n * f(n - 1)", "f(3)").recursive == {"f"}


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("def f():\n    while True:\n        pass", "over 2000 steps"),
        ("def f():\n    while True: pass", "timeout"),
        ("def f():\n    return 1 / 0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError"),
        ("def f():\n    import os\n    os._exit(0)", "ended itself"),
        ("def f():\n    return object()", "not plain data"),
        ("def f():\n    raise SystemExit", "SystemExit"),
    ],
)
def test_programs_that_cannot_be_asked_about_say_why(code, problem):
    trace = trace_calls([Sample(code, "f()")], limits=Limits(cpu_s=0.3))[0]
    assert problem in trace.problem
    assert not trace.ours


def nexts(code, call):
    trace = traced(code, call)
    assert not trace.problem
    return [(visit.line, visit.next) for visit in trace.visits]


def test_behind_a_yield_the_function_goes_on():
    """The next statement of the same function is the one behind the ``yield``, -1 only when nobody asks for more."""
    code = "def f(n):\n    def gen():\n        yield n\n        yield 2\n    g = gen()\n    return [{}]"
    assert (3, 4) in nexts(code.format("next(g), next(g)"), "f(1)")
    assert (3, -1) in nexts(code.format("next(g)"), "f(1)")
    assert (4, -1) in nexts(code.format("*g"), "f(1)")


def test_behind_an_await_the_function_goes_on():
    code = (
        "import asyncio\ndef f(n):\n    async def step(k):\n        await asyncio.sleep(0)\n        return k + 1\n"
        "    async def main():\n        a = await step(n)\n        return a * 2\n    return asyncio.run(main())"
    )
    found = nexts(code, "f(1)")
    assert {(4, 5), (7, 8)} <= set(found)
    assert traced(code, "f(1)").visits[-2].changed == {} or (5, -1) in found


def test_a_value_that_comes_back_into_a_generator_is_part_of_the_visit():
    gen = "    def gen():\n        x = yield 1\n        yield x\n"
    code = f"def f():\n{gen}    g = gen()\n    next(g)\n    return g.send(7)"
    visit = next(visit for visit in traced(code).visits if visit.line == 3)
    assert (visit.next, visit.changed["x"]) == (4, State("int", "7"))


def test_two_generators_of_one_function_that_take_turns_are_recursive():
    code = "def gen(n):\n    yield n\n    yield n\n\n\ndef f():\n    return list(zip(gen(1), gen(2)))"
    assert traced(code).recursive == {"gen"}
    assert traced(code.replace("zip(gen(1), gen(2))", "[*gen(1), *gen(2)]")).recursive == frozenset()
