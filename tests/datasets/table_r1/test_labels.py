"""T9: what is wrong with the published labels is mended where they say what was meant, else named."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.datasets.table_r1.labels import clean_answer, clean_region
from table_rewards.datasets.table_r1.table import Table, Unusable, region_of
from table_rewards.rewards.table_bench.region import read_region

TABLE = Table(("year", "peak\n(m)", "peak\n(m)"), ((1986, "12", None), (1991, "6", "x"), (1994, "7", "{y}")))


@pytest.mark.parametrize(
    "leftover",
    [
        "{total_points}')",
        "{answer}')",
        "{answer:.2f}')",
        "{answer}%')",
        "{total_production}, {int(average_rank)}')",
        "Weak negative correlation, {correlation:.2f}')",
        'Strong positive correlation, {correlation:.2f}")',
        '{highest_efficiency["administrative division"]}\')',
        "{', '.join(result)}')",
        "\\boxed{",
        "{answer}",
    ],
)
def test_a_templates_leftover_is_no_answer(leftover):
    with pytest.raises(Unusable, match="leftover"):
        clean_answer(leftover, TABLE)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("30-39  ", "30-39"),
        ("\\boxed{4.0}", "4.0"),
        ("\\boxed{70-79}, \\boxed{32}", "70-79, 32"),
        ("\\boxed{\\text{No clear impact}}", "No clear impact"),
        ("\\boxed{No\\ clear\\ impact}", "No clear impact"),
        ("\\boxed{kwun tong ( 觀塘 )}", "kwun tong ( 觀塘 )"),
        ("45.5**", "45.5"),
    ],
)
def test_an_answer_that_says_what_it_is_is_mended_and_counted(text, clean):
    found, mended = clean_answer(text, TABLE)
    assert found == clean
    assert mended


@pytest.mark.parametrize(
    "text", ["22.33", "{y}", "No, it does not (see 'peak')", "Weak, 0.2", "f(x)", "the set {1, 2, 3}"]
)
def test_a_sound_answer_stays_as_it_is(text):
    assert clean_answer(text, TABLE) == (text, [])


@pytest.mark.parametrize("text", ["", "  ", "...", "AnswerName1", "nan"])
def test_nothing_is_no_answer(text):
    with pytest.raises(Unusable):
        clean_answer(text, TABLE)


@pytest.mark.parametrize(
    "part", ["{(", "{", "()", "{a", "{a.", "\\boxed{", "{}", "{} ", "\\text{", "{a(", "*", "{int(a)", "\\boxed{1"]
)
def test_a_hostile_answer_costs_no_time(part):
    """A pattern that backtracked took minutes for `{()()()...`."""
    start = time.process_time()
    for text in (part * 10_000, (part * 10_000)[:20_000], "{" + (part * 10_000)[:19_000]):
        with contextlib.suppress(Unusable):
            clean_answer(text, TABLE)
    assert time.process_time() - start < 3.0  # not minutes


def test_a_region_that_counts_rows_from_1_is_told_by_its_cells():
    region, mended = clean_region({"columns": ["year"], "rows": [1, 2], "data": [[1986], [1991]]}, TABLE)
    assert region.rows == (0, 1)
    assert mended == ["the region counted rows from 1, as its cells show"]
    region, mended = clean_region({"columns": ["year"], "rows": [1, 2], "data": [[1991], [1994]]}, TABLE)
    assert (region.rows, mended) == ((1, 2), [])


def test_what_the_table_lacks_leaves_the_region():
    raw = {"columns": ["Year", "height"], "rows": [0, 0, 9, "1"], "data": []}
    region, mended = clean_region(raw, TABLE)
    assert (region.columns, region.rows, region.data) == (("year",), (0, 1), ((1986,), (1991,)))
    assert len(mended) == 5


def test_a_repeated_column_name_keeps_its_own_cells():
    region, _ = clean_region({"columns": ["peak\n(m)", "peak\n(m)"], "rows": [1], "data": []}, TABLE)
    assert region.data == (("6", "x"),)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("...", "not JSON"),
        ("[1]", "not JSON"),
        ({"columns": ["year"]}, "no columns and rows"),
        ({"columns": ["year"], "rows": [], "data": []}, "empty"),
        ({"columns": ["season"], "rows": [0]}, "no column"),
        ({"columns": ["year"], "rows": [53, 10**30]}, "no row"),
        ({"columns": ["year"], "rows": list(range(20_000))}, "too long"),
    ],
)
def test_a_region_that_says_nothing_is_none(raw, why):
    with pytest.raises(Unusable, match=why):
        clean_region(raw, TABLE)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 5)
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["year", 10**40]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["columns", "rows", "data"]), inner),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(json_values, st.booleans())
def test_any_json_is_a_sound_region_or_a_reason(value, as_text):
    try:
        region, _ = clean_region(json.dumps(value) if as_text else value, TABLE)
    except Unusable:
        return
    assert region.rows
    assert set(region.rows) <= {0, 1, 2}
    assert region.columns
    assert set(region.columns) <= set(TABLE.columns)
    again, mended = clean_region(region.as_json(), TABLE)
    assert read_region(again.as_json()) == read_region(region.as_json())
    assert mended == []


@given(st.text(max_size=60))
def test_cleaning_an_answer_twice_changes_nothing_more(text):
    try:
        clean, _ = clean_answer(text, TABLE)
        again, mended = clean_answer(clean, TABLE)
    except Unusable:
        return
    assert again == clean
    assert mended == []


@given(st.sets(st.integers(0, 2), min_size=1), st.sets(st.integers(0, 2), min_size=1))
def test_a_sound_region_needs_no_mending(columns, rows):
    region = region_of(TABLE, sorted(columns), sorted(rows))
    clean, mended = clean_region(region.as_json(), TABLE)
    assert (clean.columns, clean.rows, mended) == (region.columns, region.rows, [])
    assert [list(cells) for cells in clean.data] == [list(cells) for cells in region.data]
