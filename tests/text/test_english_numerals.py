"""English numerals as answers."""

from __future__ import annotations

from fractions import Fraction

import pytest

from table_rewards.text.english_numerals import english_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("zero", 0),
        ("Twelve", 12),
        ("twenty-one", 21),
        ("one hundred and five", 105),
        ("five hundred thousand", 500_000),
        ("two million three hundred thousand and six", 2_300_006),
        ("minus six", -6),
        ("negative one half", Fraction(-1, 2)),
        ("half", Fraction(1, 2)),
        ("two thirds", Fraction(2, 3)),
        ("three quarters", Fraction(3, 4)),
        ("three-tenths", Fraction(3, 10)),
    ],
)
def test_a_numeral_has_its_value(text, value):
    assert english_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "one two",
        "twenty ten",
        "twenty zero",
        "one thousand two million",
        "and five",
        "five and",
        "five or six",
        "hundred",
        "two third",
        "one thirds",
        "sixth",
        "no one",
        "two people",
        "minus",
        "",
    ],
)
def test_anything_else_is_no_numeral(text):
    assert english_number(text) is None
