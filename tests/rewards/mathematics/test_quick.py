"""The quick comparison of common spellings against the reference that reads everything: one verdict, or none."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards import Mathematics
from table_rewards.rewards.mathematics import answers as mathematics_answers
from table_rewards.rewards.mathematics.compare import compare, same_mathematics
from table_rewards.rewards.mathematics.quick import same_quickly, spelling

COMMON = [
    "7", "-7", "+7", "0", "-0", "007", "7.0", "7.25", "-0.5", "0.500000", "0.5000001", "29/4", "-1/2", "7/1", "1/0",
    "\\frac{1}{2}", "-\\dfrac{2}{4}", "\\tfrac{7}{1}", "\\frac{1}{0}", "0.333333", "1/3", "x=7", "x = 7", "y=7",
    "e=7.25", "x=\\frac{1}{2}", "7\\%", "7 \\%", "7%", "0.07", "7 percent", "7 pct", "x=7%", "7 cm", "7cm", "7 CM",
    "7\\text{ cm}", "7\\text{cm}", "7 \\text{ cm}", "7 m", "7\\text{ apples}", "7 apples", "7 million", "7e", "7x",
    "7 e", "7 i", "\\text{7}", "\\mathrm{7}", "\\text{ 7 }", "\\text{-7}", "\\text{8}", "\\text{7} cm",
    "x=\\text{7}", "Evelyn", "evelyn", "\\text{Evelyn}", "\\text{ Evelyn }", "Briana", "True", "yes", "correct",
    "False", "incorrect", "Uncertain", "maybe", "percent", "cm", "sqrt", "The", "A", "Then", "\\text{A}",
    "Infinity", "x", "", "7.", "7,", "1,000", "1000", "٧", "７", "bcdfg", "Bcdfg", "\\text{bcdfg}", "abfhk", "gcd",
]  # fmt: skip


@pytest.mark.parametrize("gold", COMMON)
def test_a_quick_verdict_is_the_references(gold):
    """Every common spelling against every other: exact where decimals, percents, units, names and words meet."""
    for answer in COMMON:
        verdict = same_quickly(gold, answer)
        if verdict is not None:
            assert verdict is same_mathematics(gold, answer), (gold, answer)


NUMBER = st.integers(-(10**6), 10**6) | st.sampled_from([0, 1, 7, 10**17, -(10**17)])
DIGITS = st.text("0123456789", min_size=1, max_size=19)
BODY = st.one_of(
    NUMBER.map(str),
    DIGITS,
    st.tuples(NUMBER, DIGITS).map(lambda pair: f"{pair[0]}.{pair[1]}"),
    st.tuples(NUMBER, st.integers(0, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.tuples(st.sampled_from(["", "-", "+", "2"]), st.sampled_from("dtc "), DIGITS, st.integers(0, 12)).map(
        lambda made: f"{made[0]}\\{made[1].strip()}frac{{{made[2]}}}{{{made[3]}}}"
    ),
    st.tuples(st.sampled_from(["text", "mathrm", "textbf"]), st.sampled_from(["7", " -7", "7.0", "x"])).map(
        lambda made: f"\\{made[0]}{{{made[1]}}}"
    ),
    st.text("aeimnsxABET", min_size=1, max_size=6),
)
BEFORE = st.sampled_from(["", "", "", "x=", "x = ", "y=", "e=", "A =", "=", "\\text{", "$"])
BEHIND = st.sampled_from(
    [
        "",
        "",
        "",
        "%",
        "\\%",
        " %",
        " percent",
        "percents",
        " pct",
        " cm",
        "cm",
        "\\text{ cm}",
        "\\text{m}",
        " km",
        " x",
        "e",
    ]
    + [
        "e3",
        "!",
        ".",
        "^2",
        " \\text{ feet}",
        " inches",
        "\\text{ percent}",
        " points",
        " per",
        "_2",
        "}",
        "$",
        " million",
    ]
)
WRITTEN = st.tuples(BEFORE, BODY, BEHIND).map("".join)


@st.composite
def spellings(draw):
    """Two spellings: unrelated, or one value twice."""
    if draw(st.booleans()):
        return draw(WRITTEN), draw(WRITTEN)
    n, tens = draw(NUMBER), draw(st.integers(0, 7))
    sign, size = ("-" if n < 0 else ""), str(abs(n)).rjust(tens + 1, "0")
    point = f"{sign}{size[:-tens]}.{size[-tens:]}" if tens else str(n)
    nudged = f"{point}{draw(st.sampled_from(['0', '0000001', '000000001']))}" if tens else f"{n}.0000000"
    ways = [point, nudged, f"{n}/{10**tens}", f"{sign}\\frac{{{abs(n)}}}{{{10**tens}}}", f"\\text{{{n}}}", f"{n}"]
    return tuple(draw(BEFORE) + draw(st.sampled_from(ways)) + draw(BEHIND) for _ in range(2))


@given(spellings())
@settings(max_examples=500, deadline=None)
def test_on_generated_spellings_too(pair):
    gold, answer = pair
    verdict = same_quickly(gold, answer)
    if verdict is not None:
        assert verdict is same_mathematics(gold, answer)
    if gold != answer:
        assert compare(gold, answer, "math") is same_mathematics(gold, answer)


def test_what_is_common_is_indeed_read_quickly():
    """Otherwise the property above would hold of a comparison that never decides anything."""
    quick = ["7", "-7", "7.25", "29/4", "\\frac{29}{4}", "x=7", "x = 7.0", "7\\%", "7 percent", "7 cm", "7\\text{ cm}"]
    for gold, answer in itertools.product(quick, quick):
        assert same_quickly(gold, answer) is not None
    assert same_quickly("\\text{7}", "8") is False
    assert same_quickly("\\text{Evelyn}", "Briana") is False
    assert same_quickly("Evelyn", "7 cm") is False


@pytest.mark.parametrize(
    "text", ["1,234", "2x", "7!", "(1,2)", "x^2", "1/0", "\\frac{-1}{2}", "7/1", "\\text{7} cm", "A"]
)
def test_what_is_not_common_is_left_to_the_reference(text):
    assert spelling(text) is None


@pytest.mark.parametrize(("answer", "same"), [("7", True), ("\\text{7}", True), ("8", False), ("\\mathrm{-7}", False)])
def test_a_whole_number_in_text_needs_no_algebra(answer, same):
    r"""``\text{7}`` went to a process of its own, milliseconds for a verdict that its digits give."""
    assert same_mathematics("\\text{7}", answer) is same
    assert Mathematics(symbolic=False)([f"\\boxed{{{answer}}}"], ["\\text{7}"]).values.tolist() == [float(same)]


@given(st.text("{}\\a1", max_size=40), st.integers(2, 40))
@settings(max_examples=1_000, deadline=None)
def test_the_end_of_a_box_is_where_its_brace_closes(text, longest):
    """Braces in braces are matched by a pattern; the count of braces is its reference, the limit of length included."""
    box = "{" + text
    shallow = mathematics_answers._SHALLOW.match(box, 0, longest)
    limit, mathematics_answers.MAX_BOX = mathematics_answers.MAX_BOX, longest
    try:
        assert shallow is None or shallow.end() - 1 == mathematics_answers._closing(box, 0)
    finally:
        mathematics_answers.MAX_BOX = limit
