"""F1 of short answers: the defects of the release (R3, R4) and the promises of the corrected profile."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.rewards.qa_f1.f1 import fold, is_refusal, released_f1, token_f1, tokens


@pytest.mark.parametrize(
    ("answer", "gold", "corrected", "released"),
    [
        ("2019", "9102", 0.0, 1.0),
        ("listen", "silent", 0.0, 1.0),
        ("12", "1", 0.0, 2 / 3),
        ("24.6%", "24.5%", 0.0, 0.8),
        ("ma", "mA", 1.0, 0.5),
        ("", "", 1.0, 0.0),
    ],
)
def test_r3_f1_over_characters(answer, gold, corrected, released):
    assert token_f1(answer, gold) == pytest.approx(corrected)
    assert released_f1(answer, gold) == pytest.approx(released)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("1,250", "1250"),
        ("1,234,567.50", "1234567.5"),
        ("7.0", "7"),
        (".5", "0.50"),
        ("−66.91", "-66.91"),  # the minus sign that tables are set with
        ("２０１９年", "2019年"),  # full width
        ("٢٠١٩", "2019"),
        ("24.6 %", "24.6%"),
        ("5 mA", "5mA"),
        ("$1,000", "1000 $"),
        ("20 ℃", "20°C"),
        ("New  York", "new york"),
        ("The Netherlands", "Netherlands"),
        ("Paris and Rome", "Paris, Rome"),
        ("Rome, Paris", "Paris, Rome"),
        ("1e-3", "0.001"),
        ("北京 市", "北京市"),
        ("H₂O", "H2O"),
        ("p<0.05", "p < 0.050"),
    ],
)
def test_equal_answers_in_other_words(answer, gold):
    assert token_f1(answer, gold) == token_f1(gold, answer) == 1.0


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("-5", "5"),
        ("5元", "6元"),  # a shared unit is no half answer
        ("5 kg", "6 kg"),
        ("$5", "$6"),
        ("1.06", "10.6"),
        ("2019年", "2018年"),
        ("Yes", "No"),
        ("", "7"),
        ("-", "+"),
        ("Not a number", "7"),
    ],
)
def test_wrong_answers_earn_nothing(answer, gold):
    assert token_f1(answer, gold) == 0.0


@pytest.mark.parametrize(
    ("answer", "gold"),
    [("24.6", "24.6%"), ("5 kg", "5 mg"), ("New York City", "New York"), ("北京市", "北京"), ("Vitamin", "Vitamin A")],
)
def test_partly_right_answers_earn_a_part(answer, gold):
    assert 0.4 < token_f1(answer, gold) < 1.0


def test_a_range_is_no_negative_number():
    assert tokens("17-187") == ["17", "187"]
    assert tokens("(-5)") == ["-5"]
    assert tokens("from -5 to -3") == ["from", "-5", "to", "-3"]


def test_identifiers_stay_whole():
    assert tokens("B12 x2 GPT-4") == ["b12", "x2", "gpt", "4"]


@pytest.mark.parametrize(
    "text",
    ["Not answerable", "not answerable.", "The question is not answerable from this table.", "无法回答", "無法回答。"],
)
def test_r4_a_refusal_is_known_in_both_languages(text):
    assert is_refusal(text)


@pytest.mark.parametrize("text", ["", "No", "N/A", "24.6%", "not answerable " * 20])
def test_an_answer_is_no_refusal(text):
    assert not is_refusal(text)


words = st.text(max_size=40) | st.from_regex(r"[-$]?[0-9]{1,7}([.,][0-9]{1,4})?( ?(%|kg|元))?", fullmatch=True)


@settings(max_examples=150, deadline=None)
@given(words, words)
def test_f1_is_symmetric_and_bounded(left, right):
    assert 0.0 <= token_f1(left, right) == token_f1(right, left) <= 1.0


@settings(max_examples=150, deadline=None)
@given(words)
def test_every_text_equals_itself_in_any_case_and_spacing(text):
    assert token_f1(text, text) == 1.0
    assert token_f1(f"  {text}\n", text) == 1.0
    assert fold(fold(text)) == fold(text)


def test_an_endless_answer_is_bounded():
    assert token_f1("7 " * 1_000_000, "7") < 0.01
    assert token_f1("9" * 1_000_000, "9" * 1_000_000) == 1.0


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("(1,234)", "-1,234"),
        ("($1,234)", "-$1,234"),
        ("$(1,234)", "-$1,234"),
        ("€-2,300", "(€2,300)"),
        ("net loss (1,234)", "net loss -1,234"),
        ("10³", "10^3"),
        ("5 × 10<sup>3</sup>", "5000"),
        ("10 m²", "10 m<sup>2</sup>"),
        ("CO<sub>2</sub>", "CO₂"),
        ("1 250", "1250"),
        ("1'250", "1,250"),
        ("12.5 percent", "12.5%"),
        ("百分之12.5", "12.5%"),
        ("12 USD", "$12"),
        ("2.5 million", "2,500,000"),
        ("1.5万", "15000"),
        ("—", "-"),
        ("--", "–"),
        ("✓", "Yes"),
        ("✗", "No"),
        ("✔", "✓"),
        ("A and B", "A, B"),
        ("$\\beta$-carotene", "β-carotene"),
        ("(1978)", "1978"),
        ("5.2 (0.3)", "5.2, 0.3"),
    ],
)
def test_what_means_the_same_earns_all(answer, gold):
    assert token_f1(answer, gold) == token_f1(gold, answer) == 1.0


@pytest.mark.parametrize(
    ("answer", "gold", "most"),
    [
        ("1,234", "(1,234)", 0.0),
        ("-$1,234", "$1,234", 0.0),
        ("10³", "103", 0.0),
        ("10³", "10⁴", 0.5),
        ("5 × 103", "5 × 10³", 0.0),
        ("12<sup>1</sup>", "121", 0.0),
        ("1 250", "1 250 000", 0.0),
        ("12.5 percent", "12.6%", 0.0),
        ("2.5 million", "2.5", 0.7),
        ("✓", "No", 0.0),
        ("✓", "✗", 0.0),
        ("7", "-", 0.0),
        ("€5", "$5", 0.5),
    ],
)
def test_what_looks_alike_does_not(answer, gold, most):
    assert token_f1(answer, gold) <= most
    assert token_f1(gold, answer) <= most


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("12,5", "12.5"),
        ("1.234.567", "1234567"),
        ("2.5M", "2,500,000"),
        ("$2.5M", "$2.5 million"),
        ("2.5 crore", "25000000"),
        ("12.3万元", "123000元"),
        ("Rs. 5", "₹5"),
        ("INR 5", "₹5"),
        ("10 to 15", "10-15"),
        ("10:30 a.m.", "10:30am"),
        ("2010-05-03", "May 3, 2010"),
        ("2010年5月3日", "2010-05-03"),
        ("May 3rd, 2010", "May 3, 2010"),
        ("São Paulo", "Sao Paulo"),
        ("Łódź", "Lodz"),
        ("U.S.A.", "USA"),
        ("O'Brien", "OBrien"),
        ("B-52", "B52"),
        ("NA", "N/A"),
        ("e-mail", "email"),
        ("Jean-Luc", "JeanLuc"),
        ("St. Louis", "St Louis"),
        ("<=5", "≤5"),
        ("($5 million)", "-$5 million"),
        ("(€2.5m)", "-€2.5m"),
        ("(5 m)", "5 m"),
        ("1½", "1 1/2"),
        ("+/-5", "±5"),
        ("5 hours", "5 h"),
        ("5千克", "5 kg"),
        ("5 um", "5 μm"),
        ("&lt;5", "<5"),
        ("A&amp;B", "A&B"),
        ("<b>5</b>", "5"),
        ("5<br>6", "5 6"),
        ("12 (34 %)", "12 (34%)"),
    ],
)
def test_one_value_in_two_spellings_is_right(answer: str, gold: str) -> None:
    assert token_f1(answer, gold) == token_f1(gold, answer) == 1.0


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("1-3", "3-1"),  # the score of a match
        ("15-10", "10-15"),
        ("10:30", "30:10"),
        ("2010-03-05", "2010-05-03"),
        ("03/05/2010", "05/03/2010"),
        ("34 (12)", "12 (34)"),
        ("1,234", "1.234"),
        ("HK$5", "$5"),
        ("A$5", "$5"),
        ("10₂", "102"),
        ("5±1", "5 1"),
        ("($5 million)", "$5 million"),
        ("5 m/s", "5 ms"),
        ("5 m s", "5 ms"),
        ("A-B", "AB"),
        ("1.5 m", "15 m"),
        ("W 1-0", "W 10"),
        ("1½", "11/2"),
        ("±5", "5"),
        ("má", "mã"),
        ("5 hours", "6 hours"),
    ],
)
def test_one_more_way_to_be_wrong(answer: str, gold: str) -> None:
    assert token_f1(answer, gold) < 1.0
    assert token_f1(answer, gold) == token_f1(gold, answer)


def test_values_that_join_numbers_may_stand_in_any_order_among_each_other() -> None:
    assert token_f1("2-0, 3-1", "3-1, 2-0") == 1.0
    assert token_f1("0-2, 3-1", "3-1, 2-0") == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Cannot be determined from the table.",
        "The table does not contain this.",
        "无法确定",
        "无法从表格中得出",
        "Can't answer",
    ],
)
def test_a_refusal_in_other_words_is_one(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize("text", ["Does not contain nuts", "Undetermined", "N/A", "Not available", "无", "不含税"])
def test_what_a_cell_may_say_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)
