"""Table-R1's data: source rows of every shape in, sound items out, each bad row counted with its reason."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixture_rows import fixture_rows
from table_rewards import ConfigurationError, TableRegion
from table_rewards.datasets.files import BrokenRow
from table_rewards.datasets.table_r1.items import Settings, prepare
from table_rewards.datasets.table_r1.prompts import direct_answer, kind_of, prompt, region_line
from table_rewards.datasets.table_r1.report import Report
from table_rewards.datasets.table_r1.rows import Split, reference, sft_rows, swift_row, verl_row
from table_rewards.datasets.table_r1.table import Table
from table_rewards.frameworks import swift, verl

PUBLISHED = fixture_rows("table_r1/rl_rows.jsonl")
TABLEBENCH = fixture_rows("table_r1/tablebench_rows.jsonl")
TABLE = {"columns": ["name", "goals"], "data": [["Woo", 116], ["Kim", 114]]}
ROW = {"id": "q1", "table": TABLE, "question": "How many goals has Woo?", "answer": "116", "qtype": "FactChecking"}
PROGRAM = "import pandas as pd\ndf = pd.read_csv('table.csv')\nanswer = df[df['name'] == 'Woo']['goals'].values[0]\n"
PROGRAM += "print(f'Final Answer: {answer}')"


def made(rows, **options):
    report = Report()
    return list(prepare(rows, Settings(**options), report)), report


def gold(item):
    """A right completion of the item's prompt."""
    if item.kind != "PoT":
        return direct_answer(item.region, item.answer)
    return f"{region_line(item.region)}\n```python\nprint('Final Answer: ' + {item.answer!r})\n```"


@pytest.mark.parametrize("rows", [PUBLISHED, TABLEBENCH], ids=["published", "tablebench"])
def test_round_trip_through_verl_and_swift_earns_everything(rows):
    """Rows as they are written, scored through verl and swift: the gold completion 1.0, another answer less."""
    items, _ = made(rows)
    assert items
    region = swift.make("table_region", "TableRegion", {})()
    for index, item in enumerate(items):
        row = json.loads(json.dumps(verl_row(item, index, "train", "table_area")))
        truth, extra = row["reward_model"]["ground_truth"], row["extra_info"]
        result = verl.table_region(row["data_source"], gold(item), truth, extra)
        assert (result["score"], result["region"], result["answer"]) == (1.0, 1.0, 1.0), (item, result)
        wrong = gold(item).replace("Final Answer: ", "Final Answer: not ")
        assert verl.table_region(row["data_source"], wrong, truth, extra)["answer"] == 0.0
    columns = [swift_row(item) for item in items]
    names = [name for name in columns[0] if name != "messages"]
    scores = region([gold(item) for item in items], **{name: [row[name] for row in columns] for name in names})
    assert scores == [1.0] * len(items)


def test_a_prompt_carries_its_table_for_the_reward():
    """A verl row without the table in extra_info is scored from its prompt, as Table-R1's own rows are."""
    items, _ = made([ROW], types=("PoT",))
    row = verl_row(items[0], 0, "train", "table_area")
    result = TableRegion(weight=0.5)(
        [f"{region_line(items[0].region)}\n```python\n{PROGRAM}\n```"],
        [{**row["reward_model"]["ground_truth"], "prompt": row["prompt"]}],
    )
    assert result.values.tolist() == [1.0]


def test_the_verl_row_has_table_r1s_schema():
    items, _ = made([ROW])
    row = verl_row(items[1], 7, "test", "table_area")
    published = PUBLISHED[0]
    assert set(row) == set(published)
    assert set(row["reward_model"]) == set(published["reward_model"])
    assert set(row["reward_model"]["ground_truth"]) == set(published["reward_model"]["ground_truth"])
    assert set(published["extra_info"]) <= set(row["extra_info"])
    assert all(isinstance(value, str) for value in row["reward_model"]["ground_truth"].values())
    assert (row["extra_info"]["index"], row["extra_info"]["split"]) == (7, "test")
    assert json.loads(row["extra_info"]["table"]) == TABLE


@pytest.mark.parametrize(
    "source",
    [
        ROW,
        {**ROW, "table": json.dumps(TABLE)},
        {
            **{k: v for k, v in ROW.items() if k != "table"},
            "table.columns": TABLE["columns"],
            "table.data": TABLE["data"],
        },
        {"question": ROW["question"], "answer": 116, "instruction": f"[TABLE] \n{json.dumps(TABLE)}\nQuestion: Woo?"},
    ],
)
def test_every_shape_of_a_source_row_makes_the_four_prompts(source):
    items, _ = made([source])
    assert [item.kind for item in items] == ["DP", "TCoT", "SCoT", "PoT"]
    assert len({item.prompt for item in items}) == 4
    for item in items:
        assert (item.answer, item.region.rows) == ("116", (0,))
        assert f"[TABLE] \n{json.dumps(TABLE)}" in item.prompt
        assert item.prompt.endswith(f"Question: {ROW['question']}")


def test_published_rows_keep_their_prompt_and_type_or_take_ours():
    items, _ = made(PUBLISHED)
    for item in items:
        source = PUBLISHED[item.number]
        assert item.given_prompt == source["prompt"][0]["content"]
        assert item.kind == source["reward_model"]["ground_truth"]["instruction_type"]
        assert kind_of(item.given_prompt) == item.kind
    ours, _ = made(PUBLISHED, prompts="ours")
    assert [item.kind for item in ours] == [item.kind for item in items]
    assert all(not item.given_prompt and kind_of(item.prompt) == item.kind for item in ours)


def test_published_defects_are_counted_one_by_one():
    _, report = made(PUBLISHED)
    assert report.read == 18
    assert report.kept == 13
    assert report.left_out == {
        "the answer is a template's leftover": 3,
        "the region is empty and none could be derived": 1,
        "the region is not JSON and none could be derived": 1,
    }
    assert report.mended["spaces at the edges of the answer"] == 1
    assert report.mended["the region counted rows from 1, as its cells show"] == 1
    assert report.origins == {"given": 8, "mended": 3, "answer": 2}
    assert "18 source rows" in str(report)
    assert "(first: row 9)" in str(report)


def test_a_region_comes_from_the_program_where_there_is_one_and_says_so():
    items, report = made(TABLEBENCH)
    assert report.origins == {"answer": 6, "program": 2}
    by_program = {item.id: item for item in items if item.origin == "program" and item.kind == "PoT"}
    assert [item.region.rows for item in by_program.values()] == [(3, 4, 5), (1,)]
    assert all("read_csv" in item.response for item in by_program.values())
    assert report.left_out["a chart is asked for, which this reward does not judge (table_bench does)"] == 1


def test_without_a_region_a_row_is_left_out_or_cites_the_whole_table():
    row = {**ROW, "question": "What is the sum of the goals?", "answer": "230"}
    items, report = made([row])
    assert (items, report.kept) == ([], 0)
    items, _ = made([row], without_region="whole-table")
    assert (items[0].origin, items[0].region.rows, items[0].region.columns) == (
        "whole table",
        (0, 1),
        ("name", "goals"),
    )


def test_a_leftover_is_replaced_by_what_the_program_prints():
    items, report = made([{**ROW, "answer": "{answer}')", "program": PROGRAM}], types=("DP",))
    assert (items[0].answer, items[0].origin) == ("116", "program")
    assert report.mended == {"a template's leftover, replaced by what the row's program prints": 1}


def test_pairs_of_prompt_and_response_are_read():
    """TableInstruct-RE: the labels stand in the response; a program's answer is what it prints, not its source (T9)."""
    table = Table(tuple(TABLE["columns"]), tuple(map(tuple, TABLE["data"])))
    area = '<gold_area>{"columns": ["goals"], "rows": [0], "data": [[116]]}</gold_area>'
    items, _ = made(
        [
            {"prompt": prompt("TCoT", table, "How many?"), "response": f"Woo has 116. {area}\nFinal Answer: 116"},
            {"prompt": prompt("PoT", table, "How many?"), "response": f"I filter. {area}\n```python\n{PROGRAM}\n```"},
            {"prompt": prompt("DP", table, "How many?"), "response": "I do not know."},
        ]
    )
    assert [(i.kind, i.answer, i.origin, i.region.rows) for i in items] == [
        ("TCoT", "116", "response", (0,)),
        ("PoT", "116", "response", (0,)),
    ]
    pairs = list(sft_rows(items, Counter()))
    assert [pair["response"].count("<gold_area>") for pair in pairs] == [1, 1]


def test_fine_tuning_takes_only_what_earns_full_reward():
    rows = [
        {**ROW, "instruction_type": "TCoT", "response": "Woo's row.\nFinal Answer: 116"},
        {**ROW, "instruction_type": "TCoT", "response": "Kim's row.\nFinal Answer: 114"},
        {**ROW, "instruction_type": "PoT", "response": f"Filter.\n```python\n{PROGRAM}\n```"},
        {**ROW, "instruction_type": "SCoT", "response": "I cannot say."},
    ]
    items, _ = made(rows)
    assert [item.repeats for item in items] == [False, True, False, False]
    left_out = Counter()
    pairs = list(sft_rows(items, left_out))
    assert [pair["response"].splitlines()[0] for pair in pairs] == ["Woo's row.", "Filter."]
    assert pairs[0]["response"].splitlines()[1].startswith("<gold_area>")
    assert pairs[0]["response"].endswith("\nFinal Answer: 116")
    assert left_out == {"TCoT: the response answers otherwise": 1, "SCoT: no response to learn from": 1}


def test_a_region_in_the_response_gives_way_to_the_gold_one():
    response = 'So <gold_area>{"columns": ["name"], "rows": [1]}</gold_area> it is.\nFinal Answer: 116'
    items, _ = made(
        [{**ROW, "instruction_type": "TCoT", "response": response, "gold_area": {"columns": ["goals"], "rows": [0]}}]
    )
    (pair,) = sft_rows(items, Counter())
    assert pair["response"].splitlines()[0] == "So"
    assert '"columns": ["goals"], "rows": [0], "data": [[116]]' in pair["response"]
    assert pair["response"].count("gold_area") == 2


def test_repeats_are_left_out():
    items, report = made([ROW, ROW, {**ROW, "answer": "Kim", "question": "Who has fewer?"}])
    assert len(items) == 8
    assert report.left_out == {"a repeat of an earlier row": 1}


def test_a_question_with_two_answers_keeps_the_first():
    row = {"table": {"columns": ["a"], "data": [["x"], ["y"]]}, "question": "first?", "answer": "x"}
    report = Report()
    items = list(prepare([row, {**row, "answer": "y"}, {**row, "answer": "X."}], Settings(types=("DP",)), report))
    assert {item.answer for item in items} <= {"x", "X."}
    assert report.left_out["another answer than an earlier row has to the same question"] == 1


def test_no_table_is_on_both_sides_and_the_seed_decides():
    rows = [
        {
            **ROW,
            "table": {"columns": ["name", "goals"], "data": [["Woo", n // 2 + 1000], ["Kim", 1]]},
            "answer": str(n // 2 + 1000),
        }
        for n in range(40)
    ]
    rows = [{**row, "question": f"{row['question']} {n % 2}"} for n, row in enumerate(rows)]
    items, _ = made(rows, types=("DP",))
    tables = list(dict.fromkeys(item.table.digest() for item in items))
    assert (len(items), len(tables)) == (40, 20)
    first = [Split(tables, 0.8, 1)(item) for item in items]
    assert Counter(first) == {"train": 32, "test": 8}
    assert first == [Split(tables, 0.8, 1)(item) for item in items]
    assert first != [Split(tables, 0.8, 2)(item) for item in items]
    assert first[0::2] == first[1::2]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "no table"),
        (BrokenRow("line 3 is not JSON"), "the line is not a JSON object"),
        ({**ROW, "table": "gone"}, "no table"),
        ({**ROW, "table": {"columns": [], "data": []}}, "the table has no columns or no rows"),
        ({**ROW, "table": {"columns": ["a"], "data": [1]}}, "the table's data are not rows"),
        ({**ROW, "question": " "}, "no question"),
        ({**ROW, "answer": None}, "no answer"),
        ({**ROW, "answer": float("nan")}, "the gold answer is NaN"),
        ({**ROW, "answer": {"a": 1}}, "the gold answer must be a text or a number, not dict"),
        ({**ROW, "instruction_type": "CoT"}, "instruction_type is none of DP, TCoT, SCoT, PoT"),
        (
            {"prompt": [{"role": "user", "content": "[TABLE] {'columns': [1]}"}], "answer": "1"},
            "the prompt's table is not JSON",
        ),
    ],
)
def test_a_bad_row_is_counted_with_its_reason(row, reason):
    items, report = made([row, ROW])
    assert report.left_out == {reason: 1}
    assert len(items) == 4


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
names = ("id", "table", "question", "answer", "gold_area", "instruction_type", "qtype", "prompt", "reward_model")
names += ("response", "extra_info", "table.columns", "table.data", "ground_truth")


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(names), junk))
def test_no_row_whatever_it_holds_is_an_exception(damage):
    for row in (damage, {**ROW, **damage}):
        items, report = made([row])
        assert report.read == 1
        assert report.kept + sum(report.left_out.values()) == 1
        assert bool(items) == bool(report.kept)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"types": ("CoT",)}, "instruction type"),
        ({"prompts": "mine"}, "prompts"),
        ({"without_region": "guess"}, "without_region"),
        ({"data_source": ""}, "data_source"),
    ],
)
def test_a_setting_that_cannot_work_raises_at_once(options, message):
    with pytest.raises(ConfigurationError, match=message):
        Settings(**options)


def test_the_prompt_examples_are_no_answers_of_their_own():
    """The example in the prompt is not read as the table, and no prompt answers itself."""
    items, _ = made([ROW])
    for item in items:
        result = TableRegion(weight=0.5)([item.prompt], [reference(item)])
        assert result.parts["answer"][0] == 0.0
        assert result.parts["region"][0] <= 0.25  # row 0 is in the example, too


def test_every_prompt_has_an_id_of_its_own():
    """`score` groups rows by id: an empty one made one prompt of all."""
    items = list(prepare([{**ROW, "id": ""}, {**ROW, "id": "", "question": "Who leads?"}], Settings(), Report()))
    found = [verl_row(item, 0, "train", "x")["extra_info"]["id"] for item in items]
    assert "" not in found
    assert len(set(found)) == len({item.prompt for item in items}) == len(found)
    assert [swift_row(item)["id"] for item in items] == found
    assert {swift_row(item)["id"] for item in prepare([ROW], Settings(), Report())} == {"q1"}
