"""A label that another machine would not get is no label: set order, hash, random, addresses."""

from __future__ import annotations

import json

import pytest

from fixture_rows import fixture_rows
from table_rewards.commands.main import main
from table_rewards.datasets.exec_verify.rows import UNSTABLE, Report, Settings, prepare

UNSTABLE_CALLS = {
    "a list of a set": "return list(set(s))",
    "a set of two as text": "return str({s[0], s[1]})",
    "the first of a comprehension": "return [*{c for c in s}][0]",
    "an element popped": "t = set(s)\n    return t.pop()",
    "a difference of keys": "return ''.join(dict.fromkeys(s).keys() - {'x'})",
    "steps alone": "n = 0\n    for c in set(s):\n        if c == 'a':\n            n += 1\n    return n",
    "ties": "return max(set(s), key=len)",
    "a hash": "return hash(s) % 1000",
    "chance": "import random\n    return random.random()",
    "an address": "return id(s) // 16 % 100000",
    "an instance as text": "return str(object())",
    "a failure now and then": "return 1 // (hash(s) % 2)",
}
STABLE_CALLS = {
    "a set": "return set(s)",
    "a sorted set": "return sorted(set(s))",
    "a dict of a set": "return {c: 1 for c in sorted(set(s))}",
    "a set of small numbers": "return list({3, 1, 2})",
    "chance with a seed": "import random\n    random.seed(1)\n    return random.random()",
    "nan": "return [float('nan')]",
    "how many": "return len(set(s) & set('ab'))",
}


def left_out(body):
    report = Report()
    rows = list(prepare([{"code": f"def f(s):\n    {body}", "input": "'abcdefg'"}], Settings(), report))
    assert bool(rows) == bool(report.kept)
    return dict(report.left_out)


@pytest.mark.parametrize("what", UNSTABLE_CALLS)
def test_what_goes_another_way_under_another_seed_is_left_out_and_counted(what):
    """E14."""
    assert sum(left_out(UNSTABLE_CALLS[what]).values()) == 1
    if what != "a failure now and then":  # which may fail at once
        assert left_out(UNSTABLE_CALLS[what]) == {UNSTABLE: 1}


@pytest.mark.parametrize("what", STABLE_CALLS)
def test_what_is_the_same_value_everywhere_is_kept(what):
    assert left_out(STABLE_CALLS[what]) == {}


def test_the_shipped_functions_are_stable():
    report = Report()
    rows = list(prepare(fixture_rows("exec_verify/cruxeval.jsonl"), Settings(), report))
    assert (len(rows), report.kept, dict(report.left_out)) == (100, 50, {})


def test_the_command_tells_the_reason(tmp_path, capsys):
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps({"code": "def f(s):\n    return list(set(s))", "input": "'abc'"}) + "\n", "utf-8")
    assert main(["prepare", "exec-verify", str(path), "--out", str(tmp_path / "out")]) == 1
    assert f"1 {UNSTABLE}" in capsys.readouterr().out
