"""CRUXEval's generations.json beside its samples: counts, pass@k, ids that are missing, forms that are wrong."""

from __future__ import annotations

import gzip
import json

import pytest

from fixture_rows import FIXTURES, fixture_rows
from table_rewards import ConfigurationError
from table_rewards.commands.main import main
from table_rewards.datasets.files import UnusableFile
from table_rewards.evaluation.execution.cruxeval_generations import (
    are_generations,
    evaluate_generations,
    read_generations,
)

SAMPLES = "exec_verify/cruxeval.jsonl"


@pytest.fixture(scope="module")
def samples():
    return fixture_rows(SAMPLES)


def gold(samples, task, right=10, of=10):
    """As CRUXEval writes them: what follows ``assert f(x) ==``, or the call."""
    said = {row["id"]: row["output"] if task == "output" else f"f({row['input']})" for row in samples}
    return {name: [text] * right + ["f(None, 1, 2, 3)"] * (of - right) for name, text in said.items()}


def write(path, value, **how):
    path.write_text(json.dumps(value, **how), "utf-8")
    return str(path)


def run(capsys, *words):
    status = main(["evaluate", "cruxeval", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("task", ["output", "input"])
@pytest.mark.parametrize("how", [{}, {"indent": 4}], ids=["one line", "indented"])
def test_the_official_file_is_scored_as_it_is(task, how, samples, tmp_path, capsys):
    path = write(tmp_path / "generations.json", gold(samples, task, right=4), **how)
    status, out, err = run(capsys, path, "--samples", FIXTURES / SAMPLES, "--task", task)
    assert (status, err) == (0, "")
    assert out.splitlines()[1].split() == [task, "50", "40.00", "97.62"]  # 1 - C(6, 5) / C(10, 5)


def test_the_order_of_the_object_does_not_matter_and_ids_decide(samples):
    made = gold(samples, "output")
    swapped = dict(reversed(made.items()))
    assert evaluate_generations(swapped, samples, "output").pass_at(5, "output") == 1.0


def test_samples_without_ids_are_known_by_their_place():
    bare = [{"code": "def f(a):\n    return a", "input": str(n), "output": str(n)} for n in range(3)]
    report = evaluate_generations({f"sample_{n}": [str(n)] for n in range(3)}, bare, "output")
    assert (report.pass_at(1, "output"), report.missing, report.unknown) == (1.0, [], [])


def test_fewer_than_five_generations_make_no_pass_at_five():
    """The published scorer calls pass@5 of one wrong generation 100 %."""
    sample = {"id": "sample_0", "code": "def f(a):\n    return a", "input": "1", "output": "1"}
    report = evaluate_generations({"sample_0": ["2"]}, [sample], "output")
    assert (report.pass_at(1, "output"), report.pass_at(5, "output")) == (0.0, None)


def test_generations_that_are_no_answer_stay_in_the_count():
    """The published scorer drops a call where a value is asked, and raises the mean of the rest."""
    sample = {"id": "sample_0", "code": "def f(a):\n    return a", "input": "1", "output": "1"}
    report = evaluate_generations({"sample_0": ["1", "f(1)", "f(1)", "f(1)"]}, [sample], "output")
    assert report.counts["output"] == [(1, 4)]


@pytest.mark.parametrize("hack", ["1 or True", "__import__('sys').exit(0)", "1\nassert True", "f( 1)", "Any()"])
def test_no_generation_is_run_as_code(hack):
    sample = {"id": "sample_0", "code": "def f(a):\n    return a", "input": "1", "output": "2"}
    assert evaluate_generations({"sample_0": [hack]}, [sample], "output").pass_at(1, "output") == 0.0


def test_problems_without_generations_are_wrong_counted_and_named(samples, tmp_path, capsys):
    made = gold(samples, "output")
    names = [row["id"] for row in samples]
    for name in names[:4]:
        del made[name]
    made[names[4]] = []
    path = write(tmp_path / "generations.json", made)
    status, out, err = run(capsys, path, "--samples", FIXTURES / SAMPLES, "--task", "output")
    assert status == 1
    assert out.splitlines()[1].split() == ["output", "50", "90.00", "90.00"]
    assert err == f"without generations: 5 of 50 problems ({', '.join(names[:3])}, ...); wrong here\n"


def test_generations_without_a_problem_are_left_out_and_named(samples, tmp_path, capsys):
    path = write(tmp_path / "generations.json", {**gold(samples, "output"), "sample_9000": ["1"]})
    status, out, err = run(capsys, path, "--samples", FIXTURES / SAMPLES, "--task", "output")
    assert (status, out.splitlines()[1].split()[1:]) == (0, ["50", "100.00", "100.00"])
    assert err == "generations without a sample, left out: 1 (sample_9000)\n"


def test_ids_that_have_nothing_in_common_are_refused(samples):
    with pytest.raises(ConfigurationError, match=r"they are for 0, 1, the samples are sample_0, .*\.\.\."):
        evaluate_generations({"0": ["1"], "1": ["1"]}, samples, "output")


def test_the_same_sample_twice_is_refused(samples):
    with pytest.raises(ConfigurationError, match=f"{samples[0]['id']}' twice"):
        evaluate_generations(gold(samples, "output"), [*samples, samples[0]], "output")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"sample_0": ["1"], "sample_0": ["2"]}', "'sample_0' stands in it twice"),
        ('{"sample_0": "1"}', "'sample_0' does not hold a list of texts"),
        ('{"sample_0": [1]}', "'sample_0' does not hold a list of texts"),
        ('{"sample_0": [["1"]]}', "'sample_0' does not hold a list of texts"),
        ('{"sample_0": ["1"]', "not one JSON object"),
        ('{"id": "sample_0"}\n{"id": "sample_1"}', "not one JSON object"),
        ("[]", "a JSON list"),
        ("{}", "an empty object"),
        ("", "not one JSON object"),
        ("[" * 100_000, "not one JSON object|of this depth"),
    ],
)
def test_another_form_is_told_in_one_line_with_the_right_one(text, why, tmp_path):
    path = tmp_path / "generations.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UnusableFile, match=why) as caught:
        read_generations(path)
    assert '{"sample_0": ["a generation"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_scored_generations_and_a_zipped_one_are_read(tmp_path):
    scored = {"raw_generations": {"sample_0": ["1"]}, "raw_scored_generations": {"sample_0": [True]}, "pass_at_1": 1}
    path = tmp_path / "scored.json.gz"
    path.write_bytes(gzip.compress(json.dumps(scored, indent=2).encode()))
    assert are_generations(path)
    assert read_generations(path) == {"sample_0": ["1"]}


@pytest.mark.parametrize("how", [{}, {"indent": 4}])
def test_the_command_asks_for_what_is_missing(how, samples, tmp_path, capsys):
    path = write(tmp_path / "generations.json", gold(samples, "output"), **how)
    status, _, err = run(capsys, path)
    assert (status, err.count("\n")) == (2, 1)
    assert "add --samples cruxeval.jsonl and --task" in err
    status, _, err = run(capsys, path, "--samples", FIXTURES / SAMPLES)
    assert (status, err.count("\n")) == (2, 1)
    assert "--task output or --task input" in err


def test_rows_are_not_taken_for_generations():
    assert not are_generations(FIXTURES / "exec_verify/cruxeval_x_phi1.jsonl")
