"""Numbers in the forms of other countries and of prose: read where they can mean one number only, else not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.text.answers import exact_match, read_answer, same_answer
from table_rewards.text.numbers import loose_number, written_number

RIGHT = [
    ("12.5", "12,5"),
    ("0.25", "0,25"),
    ("1234.56", "1.234,56"),
    ("1234567", "1.234.567"),
    ("1234567", "12,34,567"),
    ("69.75%", "69,75 %"),
    ("7000000", "$7M"),
    ("7000000", "£7m"),
    ("7500000000", "7.5bn"),
    ("7000", "7K"),
    ("150000", "1.5 lakh"),
    ("15000000", "Rs. 1.5 crore"),
    ("123456", "Rs 1,23,456"),
    ("7", "7元"),
    ("7", "7美元"),
    ("35000000", "3500万元"),
    ("7", "#7"),
    ("7", "seven"),
    ("7", "七"),
    ("seven", "7"),
    ("Seven", "seven."),
    ("21", "twenty-one"),
    ("99", "Ninety nine"),
    ("sixty", "60"),
    ("9266, 0.50", "9,266, 0.497"),  # the comma behind a grouped number is a list's
    ("17854340, 19.08%", "17,854,340 and 19.08%"),
    ("aoraki / mount cook", "Aoraki/Mount Cook"),
    ("AT&T", "AT&amp;T"),
    ("-7", "minus 7"),
    ("-7", "negative seven"),
    ("22.33", "67 / 3 = 22.33"),
    ("22.33", "67/3 ≈ 22.3333"),
    ("11", "(10 + 12) / 2 = 11"),
    ("7", "x = 7"),
    ("7", r"$\frac{14}{2} = 7$"),
    ("7", r"$\$7$"),
    ("10.6", "«10.6»"),
    ("10.6", "10.6?"),
    ("10.6", "<10.6>"),
    ("1995", "in 1995"),
    ("1995", "the year 1995"),
    ("7", "7\u200b"),
    ("7", "Answer: 7"),
]


@pytest.mark.parametrize(("gold", "given_"), RIGHT)
def test_a_right_number_in_any_form(gold: str, given_: str) -> None:
    assert exact_match(read_answer(gold), read_answer(given_)) == 1.0
    assert same_answer(gold, given_)


@pytest.mark.parametrize(
    ("gold", "given_"),
    [
        ("1.234", "1,234"),  # three digits behind a comma are thousands
        ("125", "12,5"),
        ("12.5", "12,6"),
        ("12.5", "125"),
        ("7000000", "7m"),  # metres
        ("7", "7M"),
        ("7", "7 teams"),
        ("7", "7 = 8"),
        ("7", "8 = 7"),  # two answers
        ("7", "teams won = 7 or 8"),
        ("7", "eight"),
        ("21", "twenty-two"),
        ("20", "twenty-one"),
        ("9266, 4576", "9,266, 4,577"),
        ("9266", "9,266, 4"),
        ("1234, 5", "1,234,5"),
        ("aoraki / mount cook", "Aoraki"),
        ("7", "minus 7"),
        ("-7", "7"),
        ("7", "seven or eight"),
        ("7", "<7"),
        ("<7", ">7"),
        ("±7", "7"),
        ("1998", "1,998.4"),
    ],
)
def test_a_wrong_number_in_no_form(gold: str, given_: str) -> None:
    assert exact_match(read_answer(gold), read_answer(given_)) < 1.0


@given(st.decimals(min_value=-(10**7), max_value=10**7, places=2))
def test_the_european_form_of_a_number_is_the_number(value: Decimal) -> None:
    european = f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
    number = written_number(european) or loose_number(european)
    assert number is not None
    assert number.value == value


@given(st.text(alphabet="0123456789.,=+-/ kKMm#%$€seven minus", max_size=40))
def test_what_is_read_loosely_was_no_number_before(text: str) -> None:
    answer = read_answer(text)
    if answer.whole.number is not None:
        assert all(len(other) > 1 for other in answer.others)


@pytest.mark.parametrize(
    ("gold", "given_", "right"),
    [
        ("May 3, 2010", "3 May 2010", True),
        ("May 3, 2010", "2010-05-03", True),
        ("May 3, 2010", "May 03, 2010", True),
        ("May 3, 2010", "May 4, 2010", False),
        ("May 3, 2010", "May 2010", False),
        ("2010-05-03", "2010-03-05", False),
        ("2010年5月3日", "2010-05-03", True),
        ("5/3/2010", "3/5/2010", False),
        ("Zürich", "Zurich", True),
        ("Zürich", "Zürïch", False),
        ("がく", "かく", False),
        ("北京", "「北京」", True),
        ("红楼梦", "《红楼梦》", True),
        ("Paris", "«Paris»", True),
        ("Paris", "👉 Paris ✅", True),
        ("✅", "✅", True),
        ("✅", "❌", False),
        ("Paris, Rome", "1. Paris 2. Rome", True),
        ("Paris, Rome", "1) Rome, 2) Paris", False),
        ("Paris, Rome", "<Paris, Rome>", True),
        ("12.5 kg", "12.50 kg", True),
        ("12.5 kg", "125 kg", False),
        ("10 kg", "100 kg", False),
        ("1½", "1 1/2", True),
        ("1½", "11/2", False),
        ("1,234 km²", "1234 km^2", True),
    ],
)
def test_dates_accents_and_marks(gold: str, given_: str, right: bool) -> None:
    assert (exact_match(read_answer(gold), read_answer(given_)) == 1.0) is right
