"""Numbers as numbers, lists item by item, names as names (B1)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.text.answers import exact_match, read_answer, same_answer, tolerant_match
from table_rewards.text.numbers import parse_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", "7"),
        ("-7", "-7"),
        ("−7", "-7"),  # unicode minus
        ("－７．５", "-7.5"),  # full width
        ("٤٢", "42"),  # Arabic-Indic digits
        ("1,234,567.8", "1234567.8"),
        ("1 234 567", "1234567"),
        ("12,34,567", "1234567"),  # Indian grouping
        ("$1,000", "1000"),
        ("-$5", "-5"),
        ("5 €", "5"),
        ("(5)", "-5"),
        ("10%", "0.10"),
        ("10 percent", "0.10"),
        ("1e3", "1000"),
        ("2.5E-2", "0.025"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+3", "3"),
        ("007", "7"),
    ],
)
def test_numbers_of_every_form(text: str, value: str) -> None:
    number = parse_number(text)
    assert number is not None
    assert number.value == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", "%", ".", "nan", "inf", "1e999", "1,2", "1,23,4", "1.2.3", "--5", "+-5", "12 km", "x7", "9" * 500],
)
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_thousands_separators_do_not_change_a_number(value: Decimal) -> None:
    number = parse_number(f"{value:,}")
    assert number is not None
    assert number.value == value


@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    parse_number(text)
    answer = read_answer(text)
    assert exact_match(answer, answer) in (0.0, 1.0)


@pytest.mark.parametrize(
    ("gold", "given_", "score"),
    [
        ("10.6", "1.06", 0.0),  # B1: all three were equal
        ("10.6", "106", 0.0),
        ("10.6", "10.60", 1.0),
        ("7", "7.0", 1.0),
        ("-5", "5", 0.0),
        ("10%", "10", 1.0),  # the sign is missing on one side: n and n/100 are both right
        ("10%", "0.1", 1.0),
        ("10%", "1", 0.0),
        ("3.5%", "35", 0.0),
        ("0.85", "0.851", 1.0),
        ("Paris, Rome", "Paris", 0.5),
        ("Paris", "Paris, Rome", 0.5),  # listing candidates does not pay
        ("Paris, Rome", "rome, paris", 0.0),
        ("1,234", "1234", 1.0),
        ("2009,2010", "2009, 2010", 1.0),
        ("Australia", "the australia.", 1.0),
        ("No correlation, -0.15", "No correlation, -0.15.", 1.0),
        ("No correlation, -0.15", "No correlation, 0.15", 0.5),
        ("1994–95", "1994-95", 1.0),
        ("U.S.", "US", 1.0),
        ("nan", "7", 0.0),
        ("7", "nan", 0.0),
    ],
)
def test_exact_match_compares_things_as_what_they_are(gold: str, given_: str, score: float) -> None:
    assert exact_match(read_answer(gold), read_answer(given_)) == score


@pytest.mark.parametrize(
    ("gold", "given_", "score"),
    [
        ("9.34, 1.18", "9.33, 1.11", 1.0),  # B1: the README's ±10 % was a string comparison
        ("51", "52.08", 1.0),
        ("100", "111", 0.0),
        ("0", "0.001", 0.0),
        ("No correlation, 0.20", "no correlation, 0.21", 1.0),
    ],
)
def test_tolerance_is_relative_to_the_reference(gold: str, given_: str, score: float) -> None:
    assert tolerant_match(read_answer(gold), read_answer(given_)) == score


@pytest.mark.parametrize(
    ("gold", "given_", "same"),
    [
        ("23.0", "22.999", True),  # T5: the floors differ
        ("-5", "-5.01", True),
        ("-5", "-4.99", True),
        ("1000", "1,000", True),
        ("1000", "1000.9", False),
        ("2000", "1998", False),  # a year is not a measurement
        ("22.33", "22.40", True),
        ("spain, france", "Spain, France", True),
    ],
)
def test_the_region_rewards_answer_is_right_or_wrong(gold: str, given_: str, same: bool) -> None:
    assert same_answer(gold, given_) is same


@pytest.mark.parametrize(
    "piece", ["the answer is ", "Final Answer is ", "答案是", " and ", "[", "(", "$", "\\text{", "1,234 ", "a ", "^{"]
)
def test_repeated_pieces_of_an_answer_are_read(piece: str) -> None:
    """None of them recurses: a model that loops on one gets an answer of no worth, and no exception."""
    assert exact_match(read_answer("7"), read_answer(piece * 2_000)) < 1.0
    assert exact_match(read_answer("7"), read_answer(piece * 2_000 + "8")) < 1.0


@pytest.mark.parametrize(
    ("gold", "given", "same"),
    [
        ("Simon & Garfunkel", "Simon and Garfunkel", True),
        ("Simon and Garfunkel", "Simon & Garfunkel", True),
        ("A & B", "A, B", True),
        ("AT&T", "at&t", True),
        ("Simon & Garfunkel", "Simon", False),
        ("Simon & Garfunkel", "Simon or Garfunkel", False),
        ("Simon & Garfunkel", "Garfunkel and Simon", False),
    ],
)
def test_an_ampersand_is_an_and(gold: str, given: str, same: bool) -> None:
    assert same_answer(gold, given) is same


def test_the_items_of_a_list_may_stand_behind_names() -> None:
    def share(gold: str, given: str) -> float:
        return exact_match(read_answer(gold), read_answer(given))

    assert share("$255,235, $255,269", "**2018:** $255,235, **2019:** $255,269") == 1.0
    assert share("3, 4", "Paris: 3, Rome: 4") == share("Paris: 3, Rome: 4", "Paris: 3, Rome: 4") == 1.0
    assert share("9:30, 10:15", "9:30, 10:15") == 1.0
    assert (
        share("5, 6", "2018: 5, 2019: 7") == share("Paris, Rome", "Paris: 3, Rome: 4") == share("7", "Total: 7") == 0.0
    )
