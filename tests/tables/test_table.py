from __future__ import annotations

import pytest

from table_rewards.tables.table import GridTooLarge, Table


def test_grid_places_cells_as_a_browser_does():
    table = Table.of([[("a", 1, 2), ("b", 2, 1)], ["c", "d"], ["e", "f", "g"]])
    assert table.grid().slots == [[0, 1, 1], [0, 2, 3], [4, 5, 6]]


def test_a_span_below_the_last_row_is_cut():
    assert [placed.rowspan for placed in Table.of([[("a", 1, 9)]]).grid().cells] == [1]


def test_short_rows_leave_holes():
    assert Table.of([["a", "b"], ["c"]]).grid().slots == [[0, 1], [2, -1]]


def test_the_first_cell_keeps_a_slot_that_two_claim():
    table = Table.of([["a", ("b", 1, 2)], [("c", 2, 1)]])
    assert table.grid().slots == [[0, 1], [2, 1]]


@pytest.mark.parametrize("rows", [[[("a", 1_000, 65_534)]] * 2_000, [[("a", 1_000, 1)] * 2_000]])
def test_giant_spans_are_refused_not_built(rows):
    with pytest.raises(GridTooLarge, match="1,000,000 slots"):
        Table.of(rows).grid()
