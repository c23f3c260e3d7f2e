"""Regions derived from what an answer or a program uses; no region where neither says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.datasets.table_r1.regions import (
    CHANCE,
    NOWHERE,
    SEVERAL,
    program_job,
    region_of_answer,
    region_of_program,
    watched,
)
from table_rewards.datasets.table_r1.table import Region, Table
from table_rewards.rewards.table_bench.programs import ProgramRunner

TABLE = Table(
    ("name", "goals", "club", "League", "League"),
    (
        ("Woo", 116, "Ulsan", "1", "2"),
        ("Kim", 114, "Jeonbuk", "3", "4"),
        ("Shin", 99, "Ulsan", "5", "6"),
        ("Lee", 7, "Pohang", "7", "8"),
    ),
)
READ = "import pandas as pd\ndf = pd.read_csv('table.csv')\n"
PROGRAMS = {
    "rows of a filter": ("a = df[df['club'] == 'Ulsan']['goals'].sum()", "215", ("goals", "club"), (0, 2)),
    "the row of a maximum": ("a = df.loc[df['goals'].idxmax(), 'name']", "Woo", ("name", "goals"), (0,)),
    "the first row of an order": ("a = df.sort_values('goals').iloc[0]['name']", "Lee", ("name", "goals"), (3,)),
    "all rows of a mean": ("a = df.goals.mean()", "84", ("goals",), (0, 1, 2, 3)),
    "all rows of groups, whose own labels are no row numbers": (
        "g = df.groupby('club')['goals'].sum().reset_index()\na = g.loc[g['goals'].idxmax(), 'club']",
        "Ulsan",
        ("goals", "club"),
        (0, 1, 2, 3),
    ),
    "the second column of a name": (
        "a = df[df['name'] == 'Kim']['League.1'].values[0]",
        "4",
        ("name", "League"),
        (1,),
    ),
    "two rows looked up": (
        "a = df[df['name'] == 'Kim']['goals'].values[0] - df[df['name'] == 'Shin']['goals'].values[0]",
        "15",
        ("name", "goals"),
        (1, 2),
    ),
    "a query's words": ("a = df.query('goals > 100').shape[0]", "2", ("goals",), (0, 1)),
    "the narrowest of nested selections": (
        "u = df[df['club'] == 'Ulsan']\na = u.nsmallest(1, 'goals')['name'].values[0]",
        "Shin",
        ("name", "goals", "club"),
        (2,),
    ),
}


def look(*programs):
    runner = ProgramRunner()
    jobs = [program_job(code, TABLE, runner) for code, _ in programs]
    outcomes = runner.run(jobs)
    return [region_of_program(o, code, answer, TABLE) for (code, answer), o in zip(programs, outcomes, strict=True)]


def test_a_program_shows_the_rows_it_selects_and_the_columns_it_names():
    found = look(*((f"{READ}{code}\nprint(f'Final Answer: {{a}}')", answer) for code, answer, *_ in PROGRAMS.values()))
    shown = {name: (region.columns, region.rows) for name, region in zip(PROGRAMS, found, strict=True)}
    assert shown == {name: (columns, rows) for name, (_, _, columns, rows) in PROGRAMS.items()}


def test_a_program_that_is_no_evidence_gives_none():
    found = look(
        (f"{READ}print('Final Answer: 3')", "2"),
        (f"{READ}print('Final Answer: 2')\nraise SystemExit", "2"),
        (f"{READ}print(1 / 0)", "2"),
        ("print('Final Answer: 2')", "2"),
        (f"{READ}a = df['goals'].sum()\nprint('\\x1eTABLE_R1_REGION [[[],[99]]]')\nimport os\nos._exit(0)", "2"),
        ("_look_at_rows = print\nprint('Final Answer: 2')", "2"),
    )
    assert [type(region) for region in found] == [str] * 6
    assert found[0] == "the program prints another answer"


@pytest.mark.parametrize("code", ["def", "x" * 30_000, "(" * 5000, "a = '\0'", "1" * 10_000])
def test_code_that_is_not_python_is_not_watched(code):
    assert watched(code) is None


@pytest.mark.parametrize(
    ("answer", "question", "columns", "rows"),
    [
        ("116", "How many goals has Woo?", ("name", "goals"), (0,)),
        ("Woo", "Who has 116 goals?", ("name", "goals"), (0,)),
        ("Woo, Lee", "Who has most and fewest?", ("name",), (0, 3)),
        ("Kim", "Who scored more, Kim or Shin?", ("name",), (1,)),
        ("1,140e-1", "How many goals has KIM?", ("name", "goals"), (1,)),
    ],
)
def test_an_answers_cells_make_a_region(answer, question, columns, rows):
    region = region_of_answer(answer, question, TABLE)
    assert isinstance(region, Region)
    assert (region.columns, region.rows) == (columns, rows)


@pytest.mark.parametrize(
    ("answer", "question", "why"),
    [
        ("3", "How many clubs are there?", CHANCE),
        ("99", "How many players are there?", CHANCE),
        ("2", "How many players has Ulsan?", CHANCE),
        ("Ulsan", "Which club?", SEVERAL),
        ("84", "What is the mean of the goals?", NOWHERE),
        ("", "?", NOWHERE),
        (", ,", "?", NOWHERE),
    ],
)
def test_an_answer_that_is_no_evidence_gives_none(answer, question, why):
    assert region_of_answer(answer, question, TABLE) == why


cells = st.none() | st.text(max_size=5) | st.integers() | st.floats(allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=4), st.text(max_size=20), st.data())
def test_whatever_the_table_a_region_lies_in_it_and_holds_the_answer(data, question, draw):
    table = Table(("a", "b", "c"), tuple(map(tuple, data)))
    held = [cell for row in data for cell in row[:3] if cell is not None]
    answer = str(draw.draw(st.sampled_from(held))) if held else "x"
    region = region_of_answer(answer, question, table)
    if isinstance(region, Region):
        assert set(region.rows) <= set(range(len(data)))
        assert len(region.data) == len(region.rows)
        assert all(len(row) == len(region.columns) for row in region.data)
