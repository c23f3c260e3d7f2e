"""RL Tango's data: source rows of every shape, nine evaluation sets, the split, rejection of wrong solutions."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from table_rewards import ConfigurationError, Mathematics
from table_rewards.commands.main import main
from table_rewards.datasets.files import RowWriter, read_rows
from table_rewards.datasets.files.split import held_out, split_file
from table_rewards.datasets.tango.evals import READERS, eval_rows
from table_rewards.datasets.tango.problems import problems, rl_row
from table_rewards.datasets.tango.prompts import EURUS_SUFFIX
from table_rewards.rewards.mathematics.reference import read_reference
from table_rewards.testing.chat_server import ChatServer

EURUS_RL = {
    "data_source": "numina_olympiads",
    "prompt": [{"role": "system", "content": "..."}, {"role": "user", "content": "What is 2+3?" + EURUS_SUFFIX}],
    "ability": "math",
    "reward_model": {"ground_truth": "5", "style": "rule"},
    "extra_info": {"index": 7, "split": "dummy"},
}
EURUS_SFT = {
    "task": "Math",
    "conversations": [
        {"from": "human", "value": "What is 2+4?" + EURUS_SUFFIX},
        {"from": "gpt", "value": "So it is \\boxed{6}."},
    ],
}
DEEPMATH = {"question": "What is 2+5?", "final_answer": "7", "difficulty": 6.5, "r1_solution_1": "..."}
OTHERS = [{"task": "Code", "conversations": []}, {"ability": "code"}, {"question": "2+6?"}, {"ability": "math"}]

EVALS = {
    "MATH500": ({"problem": "1+1?", "solution": "...", "answer": "2", "subject": "Algebra", "level": 1}, "2"),
    "AIME2024": ({"ID": "2024-I-1", "Problem": "1+1?", "Solution": "...", "Answer": 204}, "204"),
    "AIME2025": ({"problem_idx": 1, "problem": "1+1?", "answer": "70"}, "70"),
    "AMC2023": ({"id": 0, "question": "1+1?", "answer": 27.0}, "27.0"),
    "OlympiadBench": ({"question": "1+1?", "final_answer": ["$2$"]}, "2"),
    "BGQA": ({"example": "The dog barks. Does it?", "label": "disproved"}, "False"),
    "CRUXEval": ({"code": "def f(x):\n    return x", "input": "'a'", "output": "'a'", "id": "sample_0"}, "'a'"),
    "StrategyQA": (
        {"question": "Is ice cold?", "answer": True, "facts": ["Ice is frozen.", "Frozen is cold."]},
        "True",
    ),
    "TableBench": (
        {
            "qtype": "FactChecking",
            "question": "Who won?",
            "answer": "Spain",
            "table": {"columns": ["a"], "data": [["Spain"]]},
        },
        "Spain",
    ),
}


def test_every_shape_of_source_row_is_read_and_the_rest_is_counted():
    left_out = Counter()
    found = list(problems([EURUS_RL, EURUS_SFT, DEEPMATH, *OTHERS], left_out))
    assert [(p.question, p.answer) for p in found] == [
        ("What is 2+3?", "5"),
        ("What is 2+4?", "6"),
        ("What is 2+5?", "7"),
    ]
    assert left_out == {"not mathematics": 2, "no answer": 1, "no question": 1}


def test_a_verl_row_has_what_verl_and_our_rewards_read():
    (problem,) = problems([EURUS_RL], Counter())
    row = rl_row(problem, 3, "train")
    assert (row["data_source"], row["ability"]) == ("numina_olympiads", "math")
    assert row["extra_info"] == {"index": 3, "split": "train", "question": "What is 2+3?"}
    assert row["prompt"][0]["content"].endswith("User: What is 2+3?\nAssistant:")
    assert read_reference(row, "auto").answer == "5"
    assert Mathematics(symbolic=False)(["<answer>\\boxed{5.0}</answer>"], [row]).values.tolist() == [1.0]


def test_the_nine_sets_are_all_here():
    assert set(EVALS) == set(READERS)
    assert len(READERS) == 9


@pytest.mark.parametrize("name", READERS)
def test_an_evaluation_row_is_scored_right_by_its_own_answer(name):
    source, answer = EVALS[name]
    (row,) = eval_rows(name, [source], Counter())
    assert (row["data_source"], row["reward_model"]["ground_truth"]) == (name, answer)
    kind = read_reference(row, "auto").kind
    assert kind == {"CRUXEval": "python", "BGQA": "text", "StrategyQA": "text", "TableBench": "text"}.get(name, "math")
    for said, value in ((answer, 1.0), ("no such answer", 0.0)):
        assert Mathematics(symbolic=False)([f"\\boxed{{{said}}}"], [row]).values.tolist() == [value]
    assert ("mathematical problem" in row["prompt"][0]["content"]) is (kind == "math")


def test_the_suffixes_of_the_evaluations():
    (game,) = eval_rows("BGQA", [EVALS["BGQA"][0]], Counter())
    assert game["extra_info"]["question"].endswith(" Answer with True, False, or Uncertain.")
    (strategy,) = eval_rows("StrategyQA", [EVALS["StrategyQA"][0]], Counter())
    assert "1. Ice is frozen.\n2. Frozen is cold." in strategy["extra_info"]["question"]
    assert strategy["extra_info"]["question"].endswith("Your final answer should be either True or False.")


def test_what_is_no_part_of_an_evaluation_is_counted():
    """G9."""
    left_out = Counter()
    rows = [{**EVALS["TableBench"][0], "qtype": "Visualization"}, {"question": "?"}, EVALS["TableBench"][0]]
    assert len(list(eval_rows("TableBench", rows, left_out))) == 1
    assert left_out == {"not part of the evaluation": 1, "no qtype": 1}


def test_a_split_is_seeded_exact_and_keeps_the_order(tmp_path):
    rows = [{"id": i} for i in range(100)]
    source = tmp_path / "all.jsonl"
    with RowWriter(source) as writer:
        writer.write(rows)
    done = split_file(source, tmp_path / "a")
    again = split_file(source, tmp_path / "b")
    train, test = ([row["id"] for row in read_rows(path)] for path in (done.train, done.test))
    assert (len(train), len(test)) == (90, 10)
    assert sorted(train + test) == list(range(100))
    assert train == sorted(train)
    assert test == sorted(test) == [row["id"] for row in read_rows(again.test)]
    assert held_out(100, seed=1) != held_out(100, seed=2)


@pytest.mark.parametrize(("rows", "ratio", "test"), [(2, 0.9, 1), (2, 0.1, 1), (1, 0.9, 0), (0, 0.9, 0), (3, 0.5, 1)])
def test_neither_side_of_a_split_is_empty_when_there_are_two_rows(rows, ratio, test):
    assert len(held_out(rows, ratio)) == test


@pytest.mark.parametrize("ratio", [0, 1, -1, 2])
def test_a_ratio_is_a_share(ratio):
    with pytest.raises(ConfigurationError, match="train_ratio"):
        held_out(10, ratio)


def written(path, rows):
    with RowWriter(path) as writer:
        writer.write(rows)
    return str(path)


def test_the_split_command(tmp_path, capsys):
    source = written(tmp_path / "sft.parquet", [{"id": i} for i in range(10)])
    assert main(["prepare", "split", "--input", source]) == 0
    assert "sft_train.parquet: 9 rows" in capsys.readouterr().out
    assert (tmp_path / "sft_test.parquet").exists()


def test_the_rl_command_holds_out_and_sorts_by_difficulty(tmp_path, capsys):
    rows = [{**DEEPMATH, "question": f"{i}+0?", "final_answer": str(i), "difficulty": float(i % 10)} for i in range(50)]
    source = written(tmp_path / "deepmath.parquet", rows)
    folder = tmp_path / "out"
    options = ["--validation", "10", "--max-difficulty", "6", "--data-source", "DeepMath-103K"]
    assert main(["prepare", "tango-rl", "--input", source, "--output-dir", str(folder), *options]) == 0
    parts = {name: list(read_rows(folder / f"{name}.parquet")) for name in ("train", "validation", "train_hard")}
    assert len(parts["validation"]) == 10
    assert sum(len(part) for part in parts.values()) == 50
    assert all(int(row["reward_model"]["ground_truth"]) % 10 > 6 for row in parts["train_hard"])
    assert {row["data_source"] for row in parts["train"]} == {"DeepMath-103K"}
    assert "validation.parquet: 10 rows" in capsys.readouterr().out


def test_the_eval_command(tmp_path, capsys):
    source = written(tmp_path / "math.jsonl", [EVALS["MATH500"][0], {"nothing": 1}])
    assert main(["prepare", "tango-eval", "MATH500", "--input", source, "--output", str(tmp_path / "m.parquet")]) == 0
    said = capsys.readouterr()
    assert "m.parquet: 1 rows, data_source MATH500" in said.out
    assert "left out: 1 no problem or Problem or question" in said.err or "left out: 1 no answer" in said.err


def test_a_file_without_a_usable_row_is_an_error_and_writes_nothing(tmp_path, capsys):
    source = written(tmp_path / "code.jsonl", OTHERS)
    assert main(["prepare", "tango-rl", "--input", source, "--output-dir", str(tmp_path / "out")]) == 1
    assert "no row could be used" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.parquet"))


def solve(request):
    """A model that knows sums under 6, is wrong about 6 and forgets the form for 7."""
    a, b = map(int, re.findall(r"User: What is (\d)\+(\d)\?", request["messages"][-1]["content"])[0])
    total = a + b
    steps = "".join(f"<step>{word}</step>" for word in ("add", "them", "up"))
    if total == 7:
        return f"\\boxed{{{total}}}"
    return f"<think>{steps}</think><answer>\\boxed{{{total if total < 6 else 0}}}</answer>"


def test_the_sft_command_keeps_right_and_well_formed_solutions(tmp_path, capsys):
    source = written(tmp_path / "mixed.jsonl", [EURUS_RL, EURUS_SFT, DEEPMATH, OTHERS[0]])
    out = tmp_path / "sft.parquet"
    with ChatServer(reply=solve) as server:
        status = main(["prepare", "tango-sft", "--input", source, "--output", str(out), "--endpoint", server.url])
    assert status == 0
    (row,) = read_rows(out)
    assert (row["question"], row["ground_truth"], "\\boxed{5}" in row["response"]) == ("What is 2+3?", "5", True)
    said = capsys.readouterr()
    assert "1 solutions of 3 problems (33.3%)" in said.out
    assert "rejected: 1 wrong, 1 malformed" in said.err
    assert "left out: 1 not mathematics" in said.err


def test_a_gold_answer_that_mathematics_cannot_read_is_left_out_and_named():
    """Its samples would be unscored in every step; a gold answer of two boxes is two answers."""
    rows = [
        {"question": "?", "answer": "8 # 7"},
        {"question": "?", "answer": "So $\\boxed{1}$ or $\\boxed{2}$."},
        {"question": "?", "answer": "Paris"},
    ]
    left_out = Counter()
    assert [problem.answer for problem in problems(rows, left_out)] == ["1, 2", "Paris"]
    assert left_out == {"an answer that Mathematics cannot read": 1}
