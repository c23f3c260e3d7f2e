"""The mixture of easy and hard problems: sizes by the floors, nothing twice or lost, the same for the same seed."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line import here
from table_rewards import ConfigurationError
from table_rewards.commands.exit_codes import MISUSE
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.datasets.tango.difficulty import mix
from table_rewards.datasets.tango.problems import Problem


def made_of(difficulties):
    return [Problem(f"question {n}", str(n), difficulty=difficulty) for n, difficulty in enumerate(difficulties)]


@given(
    st.lists(st.floats(-1, 10), min_size=1, max_size=80),
    st.floats(0, 1),
    st.floats(0, 1),
    st.data(),
)
def test_the_sets_have_their_sizes_are_disjoint_and_hold_everything(difficulties, easy_share, hard_share, data):
    problems = made_of(difficulties)
    validation = data.draw(st.integers(0, len(problems) - 1))
    made = mix(problems, easy_share=easy_share, hard_share=hard_share, validation=validation, seed=3)
    parts = (made.easy, made.hard, made.validation)
    assert sorted(p.question for part in parts for p in part) == sorted(p.question for p in problems)
    rest = [p.difficulty for p in (*made.easy, *made.hard)]
    low, high = sum(d <= 6 for d in rest), sum(d > 6 for d in rest)
    assert (made.low, made.high, len(made.validation)) == (low, high, validation)
    assert sum(p.difficulty <= 6 for p in made.easy) == math.floor(low * easy_share)
    assert sum(p.difficulty > 6 for p in made.easy) == math.floor(high * hard_share)


def test_the_seed_alone_decides():
    """G20."""
    problems = made_of([random.Random(0).uniform(1, 10) for _ in range(60)])
    assert mix(problems, validation=20, seed=1) == mix(problems, validation=20, seed=1)
    assert mix(problems, validation=20, seed=1).validation != mix(problems, validation=20, seed=2).validation


def test_the_border_itself_is_low():
    assert mix(made_of([6.0, 6.0, 6.5]), easy_share=1, hard_share=0, validation=0).low == 2


def test_a_question_that_the_source_repeats_is_told():
    twice = [Problem("same", "1", difficulty=1.0)] * 10
    assert mix(twice, validation=4).repeated == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [({"validation": 3}, "from 0 to 2"), ({"easy_share": 70}, "easy_share"), ({"hard_share": -1}, "hard_share")],
)
def test_a_mixture_that_cannot_be_made_is_refused(options, says):
    with pytest.raises(ConfigurationError, match=says):
        mix(made_of([1, 2, 3]), **options)


def deepmath(count):
    return [
        {
            "question": f"What is {n} + 1?",
            "final_answer": str(n + 1),
            "difficulty": 0.5 * (n % 20),
            "topic": "Mathematics -> Algebra",
            "r1_solution_1": "long",
        }
        for n in range(count)
    ]


def written(path, rows):
    with RowWriter(path) as writer:
        writer.write(rows)
    return path


def test_the_command_makes_the_second_recipes_files(tmp_path):
    source = written(tmp_path / "deepmath.parquet", deepmath(200))
    options = ("--prompt", "lrm", "--difficulty", "6", "--easy-share", "0.7", "--hard-share", "0.3")
    options += ("--validation", "40", "--seed", "5")
    done = here("prepare", "tango-rl", "--input", source, "--output-dir", tmp_path / "a", *options, check=0)
    here("prepare", "tango-rl", "--input", source, "--output-dir", tmp_path / "b", *options, check=0)
    parts = {name: list(read_rows(tmp_path / "a" / f"{name}.parquet")) for name in
             ("train_easy", "train_hard", "validation")}  # fmt: skip
    for name, rows in parts.items():
        assert rows == list(read_rows(tmp_path / "b" / f"{name}.parquet"))
        assert f"{name}.parquet: {len(rows)} rows" in done.stdout
        assert [row["extra_info"]["index"] for row in rows] == list(range(len(rows)))
    everything = [row for rows in parts.values() for row in rows]
    assert sorted(row["extra_info"]["question"] for row in everything) == sorted(r["question"] for r in deepmath(200))
    low = sum(row["level"] <= 6 for name in ("train_easy", "train_hard") for row in parts[name])
    assert len(parts["validation"]) == 40
    assert len(parts["train_easy"]) == int(0.7 * low) + int(0.3 * (160 - low))
    row = parts["train_easy"][0]
    assert (row["data_source"], row["ability"]) == ("DeepMath-103K", "math")
    assert row["prompt"][0]["content"].endswith("put your final answer within \\boxed{}.<think>")
    assert {row["extra_info"]["split"] for row in parts["validation"]} == {"validation"}
    assert "#1b47bf88a5bb27e9/91" in done.stdout
    assert not list((tmp_path / "a").glob("train.parquet"))


def test_rows_without_a_difficulty_are_counted_and_a_wrong_fingerprint_writes_nothing(tmp_path):
    rows = [*deepmath(20), {"question": "?", "final_answer": "1", "difficulty": None}, {"question": "??"}]
    source = written(tmp_path / "deepmath.jsonl", rows)
    base = ("prepare", "tango-rl", "--input", source, "--output-dir", tmp_path / "out", "--difficulty", "6")
    done = here(*base, "--validation", "5", check=0)
    assert "1 no difficulty" in done.stderr
    assert "1 no answer" in done.stderr
    wrong = here(*base, "--validation", "5", "--prompt-fingerprint", "#0000000000000000/91", check=MISUSE)
    assert "gives another prompt" in wrong.stderr
    assert "are left to train on" in here(*base, check=MISUSE).stderr  # 2,000 of 20 cannot be held out
    alone = here("prepare", "tango-rl", "--input", source, "--output-dir", tmp_path, "--easy-share", "1", check=MISUSE)
    assert "needs --difficulty" in alone.stderr


@pytest.mark.parametrize("mixture", [(), ("--difficulty", "6")])
def test_a_question_with_two_answers_keeps_the_first(tmp_path, mixture):
    rows = [*deepmath(20), {**deepmath(4)[3], "final_answer": "5"}, {**deepmath(4)[3], "final_answer": "4.0"}]
    source = written(tmp_path / "deepmath.jsonl", rows)
    base = ("prepare", "tango-rl", "--input", source, "--output-dir", tmp_path / "out", "--validation", "5")
    done = here(*base, *mixture, check=0)
    assert "1 another answer than an earlier row has to the same question" in done.stderr
    made = [row for path in sorted((tmp_path / "out").iterdir()) for row in read_rows(path)]
    answers = [r["reward_model"]["ground_truth"] for r in made if r["extra_info"]["question"] == "What is 3 + 1?"]
    assert sorted(answers) == ["4", "4.0"]


def test_deepmath_rows_are_labelled_as_such_without_a_mixture_too(tmp_path):
    source = written(tmp_path / "deepmath.jsonl", deepmath(3))
    here("prepare", "tango-rl", "--input", source, "--output-dir", tmp_path / "out", check=0)
    rows = list(read_rows(tmp_path / "out" / "train.parquet"))
    assert {row["data_source"] for row in rows} == {"DeepMath-103K"}
    assert [row["level"] for row in rows] == [0.0, 0.5, 1.0]
