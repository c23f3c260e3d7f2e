"""The audit of training data: each fault is found in the row that has it, and sound rows are left alone."""

from __future__ import annotations

import json

import pytest

from command_line import here, read, write
from fixture_rows import FIXTURES
from table_rewards import TEDS, Mathematics, Ranking, ScalarQuality, TableBench, TableRegion, Verifier, WhiteBox
from table_rewards.datasets.files import RowSource
from table_rewards.evaluation.audit.auditing import Auditor
from table_rewards.evaluation.audit.own_answers import own_answer

TABLE = {"columns": ["name", "goals"], "data": [["Ann", 7], ["Bo", 9]]}


def audit(tmp_path, rows, reward, **options):
    source = RowSource(write(tmp_path / "rows.jsonl", rows))
    found = Auditor(source, reward, **options).run()
    return {(finding.row, finding.kind) for finding in found.findings}


def region(answer="9", area=None, **more):
    area = {"columns": ["goals"], "rows": [1], "data": [[9]]} if area is None else area
    gold = area if isinstance(area, str) else json.dumps(area)
    return {"question": "How many goals has Bo?", "table": TABLE, "answer": answer, "gold_area": gold, **more}


def test_sound_rows_have_no_findings(tmp_path):
    rows = [region(), region("Ann", question="Who has 7 goals?"), region("9", question="Bo's goals?")]
    assert audit(tmp_path, rows, TableRegion(weight=0.1)) == set()


@pytest.mark.parametrize("answer", ["{total_points}')", "AnswerName1, AnswerName2...", "{df['x'].mean():.2f}", "..."])
def test_what_a_template_left_is_no_gold_answer(tmp_path, answer):
    assert (1, "leftover") in audit(tmp_path, [region(), region(answer, question="?")], TableRegion(weight=0.1))


def test_a_brace_that_the_table_has_is_no_leftover(tmp_path):
    row = {"question": "Which set?", "table": {"columns": ["set"], "data": [["{a}"]]}, "answer": "{a}"}
    assert audit(tmp_path, [row], TableBench()) == set()


@pytest.mark.parametrize(
    "area",
    [
        "...",
        {"columns": [], "rows": [], "data": []},
        {"columns": ["assists"], "rows": [0]},
        {"columns": ["goals"], "rows": [9]},
    ],
)
def test_a_region_that_is_none_or_not_in_the_table_is_found(tmp_path, area):
    kinds = {kind for _, kind in audit(tmp_path, [region(area=area)], TableRegion(weight=0.1))}
    assert kinds & {"region", "unreadable"}


def test_what_a_preparation_would_mend_is_a_remark_and_kept(tmp_path):
    found = audit(tmp_path, [region("\\boxed{9}")], TableRegion(weight=0.1))
    assert found == {(0, "mendable")}


def test_references_that_cannot_be_read_and_empty_tables_are_found(tmp_path):
    rows = [{"prompt": "1", "solution": "no table"}, {"prompt": "2", "solution": "| a |\n|---|\n| 1 |"}]
    assert audit(tmp_path, rows, TEDS()) == {(0, "empty-table")}
    empty = {"question": "Who?", "table": {"columns": ["a"], "data": [["", None], [" "]]}, "answer": "Ann"}
    assert audit(tmp_path, [empty], TableBench()) == {(0, "empty-table")}
    none = {"question": "Who?", "table": {"columns": [], "data": []}, "answer": "Ann"}
    assert audit(tmp_path, [none], TableBench()) == {(0, "empty-table")}
    assert audit(tmp_path, [{"prompt": "?", "answer": "7"}, {"prompt": "!"}], TableBench()) == {(1, "unreadable")}


def test_a_gold_answer_that_is_not_its_own_right_answer_is_found(tmp_path):
    rows = [{"problem": "1+1", "answer": "2"}, {"problem": "Who?", "answer": "8 # 7 \\\\frac{"}]
    assert {row for row, _ in audit(tmp_path, rows, Mathematics())} == {1}


def test_contradictions_are_told_from_other_ways_to_write_an_answer(tmp_path):
    rows = [
        {"prompt": "What is half of one?", "answer": "1/2"},
        {"prompt": "What is half of one?", "answer": "0.5"},
        {"prompt": "What is two?", "answer": "2"},
        {"prompt": "What is two?", "answer": "3"},
        {"prompt": "What is two?", "answer": "2"},
    ]
    found = audit(tmp_path, rows, Mathematics(symbolic=False))
    assert found == {(2, "contradiction"), (3, "contradiction"), (4, "repeated")}


def test_a_gold_answer_that_is_none_contradicts_no_sound_one(tmp_path):
    assert audit(tmp_path, [region(), region("...")], TableRegion(weight=0.1)) == {(1, "leftover")}


def test_an_equal_question_of_another_table_is_another_prompt(tmp_path):
    other = {"columns": ["name", "goals"], "data": [["Ann", 7], ["Bo", 5]]}
    rows = [
        {"question": "Bo's goals?", "table": TABLE, "answer": "9"},
        {"question": "Bo's goals?", "table": other, "answer": "5"},
    ]
    assert audit(tmp_path, rows, TableBench()) == set()


@pytest.mark.parametrize(
    ("question", "answer", "wrong"),
    [
        ("What percentage of the voters came?", "61.5", True),
        ("What percentage of the voters came?", "61.5%", False),
        ("What is the percentage change of sales?", "-3", True),
        ("In which year was the percentage highest?", "1969", False),
        ("How many voters came?", "61%", True),
        ("What was the growth rate?", "3%", False),
        ("What is the standard deviation of the percentage of votes?", "0.07", False),
        ("By how many percentage points did it rise?", "4", False),
    ],
)
def test_percent_signs_against_the_question(tmp_path, question, answer, wrong):
    found = audit(tmp_path, [{"question": question, "answer": answer}], TableBench())
    assert found == ({(0, "percent")} if wrong else set())


@pytest.mark.parametrize("prompt", ["What percentage came?", [{"role": "user", "content": "How many, in percent?"}]])
def test_a_question_is_its_prompt_where_no_column_holds_it(tmp_path, prompt):
    assert audit(tmp_path, [{"prompt": prompt, "answer": "61.5"}], TableBench()) == {(0, "percent")}


def test_a_reference_may_stand_below_a_column(tmp_path):
    rows = [{"input_prompt": "Who?", "env": {"gold": gold}} for gold in ("Ann", "{name}", "Bo")]
    found = audit(tmp_path, rows, TableBench(), reference="env.gold")
    assert found == {(1, "leftover"), (0, "contradiction"), (2, "contradiction")}


def test_prompts_of_test_files_are_found_by_the_columns_that_both_have(tmp_path):
    test = RowSource(write(tmp_path / "test.jsonl", [{"prompt": "1+1?", "answer": "2", "split": "test"}]))
    rows = [{"prompt": "1+1?", "answer": "2"}, {"prompt": "1+2?", "answer": "3"}]
    assert audit(tmp_path, rows, Mathematics(symbolic=False), tests=[test]) == {(0, "in-test")}


@pytest.mark.parametrize("copy", ["what  is 1+1?\n", [{"role": "user", "content": "What is 1+1? "}]])
def test_a_copy_of_a_test_prompt_may_differ_in_case_and_white_space(tmp_path, copy):
    original = "What is 1+1?" if isinstance(copy, str) else [{"role": "user", "content": "What is 1+1?"}]
    test = RowSource(write(tmp_path / "test.jsonl", [{"prompt": original, "answer": "2"}]))
    found = audit(tmp_path, [{"prompt": copy, "answer": "2"}], Mathematics(symbolic=False), tests=[test])
    assert found == {(0, "in-test")}


def test_lines_that_are_no_rows_are_found_and_cleaned_away(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "a", "answer": "1"}\n{broken\n{"prompt": "b", "answer": "2"}\n')
    here("audit", file, "--reward", "table_bench", "--out", tmp_path / "clean.jsonl", check=0)
    assert [row["prompt"] for row in read(tmp_path / "clean.jsonl")] == ["a", "b"]
    assert [(one["row"], one["left_out"]) for one in read(tmp_path / "clean.jsonl.reasons.jsonl")] == [(1, True)]


def test_rows_of_table_r1_that_its_preparation_leaves_out_are_found(tmp_path):
    """The four reasons for which `prepare table-r1` leaves out 107 of the 927 published rows."""
    rows = [
        region(question="a"),
        region("{total_points}')", question="b"),
        region(area={"columns": ["assists"], "rows": [0], "data": [[1]]}, question="c", answer="12"),
        region(area={"columns": [], "rows": [], "data": []}, question="d", answer="12"),
        region(area="the second row", question="e", answer="12"),
    ]
    file = write(tmp_path / "rows.jsonl", rows)
    here("prepare", "table-r1", file, "--out", tmp_path, "--split", "all", "--types", "DP", check=0)
    from table_rewards.datasets.files import read_rows

    kept = {row["extra_info"]["source_row"] for row in read_rows(tmp_path / "all.parquet")}
    found = Auditor(RowSource(file), TableRegion(weight=0.1)).run()
    assert set(range(5)) - kept == {1, 2, 3, 4}
    assert found.dropped() == {1, 2, 3, 4}


@pytest.mark.parametrize("also", [[], ["--also", "percent"]])
def test_the_command_writes_what_is_sound_and_why_the_rest_is_not(tmp_path, also):
    rows = [region(), region("...", question="?"), region("9%", question="How many goals has Bo now?")]
    file = write(tmp_path / "rows.jsonl", rows)
    words = ("audit", file, "--reward", "table_region", "--option", "weight=0.1", "--out", tmp_path / "clean.jsonl")
    told = json.loads(here(*words, *also, "--json", check=0).stdout)
    assert told["findings"]["percent"] == 1
    assert len(read(tmp_path / "clean.jsonl")) == (1 if also else 2)
    assert read(tmp_path / "clean.jsonl")[0] == rows[0]


def test_the_file_itself_is_never_written_over(tmp_path):
    file = write(tmp_path / "rows.jsonl", [{"prompt": "?", "answer": "7"}])
    here("audit", file, "--reward", "table_bench", "--out", file, check=2)
    assert read(file) == [{"prompt": "?", "answer": "7"}]


@pytest.mark.parametrize(
    ("reward", "references"),
    [
        (TableBench(), ["7", "Paris, Rome", "10.6%"]),
        (TEDS(), ["| a |\n|---|\n| 1 |"]),
        (Mathematics(symbolic=False), ["1/2", "True", "['a', 1]", "{1: 2}"]),
        (Ranking(), [{"A": 8, "B": 3, "C": 3}]),
        (Ranking(mode="ranking", reasoning="absent"), ["B > A = C"]),
        (Ranking(mode="ranking", reasoning=50), ["B > A = C"]),
        (ScalarQuality(), [7, 7.5]),
        (Verifier(), [True, False]),
        (WhiteBox(), [("def f(a):\n    return a + 1", "1", "2")]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_sound_reference_earns_full_marks_as_its_own_answer(reward, references):
    for value in references:
        own = own_answer(reward, reward.coerce(value))
        assert own.earned(reward([own.completion], [own.reference])[0]), own


def test_the_fixtures_of_tablebench_are_sound():
    found = Auditor(
        RowSource(FIXTURES / "tablebench/tablebench_o3mini_dp_items.jsonl"), TableBench(), reference="reference"
    ).run()
    assert found.judged == found.rows - 3  # charts, of which no text is an answer
    assert not found.dropped()
