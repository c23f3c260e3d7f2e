"""The Mathematics reward: which answers are equivalent, where the answer is found, and what cannot fool it."""

from __future__ import annotations

import asyncio
import json
import pathlib
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards import ConfigurationError, Mathematics, UnknownName
from table_rewards.rewards.mathematics.answers import find_answer
from table_rewards.rewards.mathematics.compare import compare
from table_rewards.rewards.mathematics.numbers import read_number, same_number

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures" / "tango"
GOLDEN = [json.loads(line) for line in (FIXTURES / "math_verify_outputs.jsonl").read_text("utf-8").splitlines()]
EXAMPLES = [json.loads(line) for line in (FIXTURES / "prompt_examples.jsonl").read_text("utf-8").splitlines()]


def one(gold, answer, **options):
    return Mathematics(**options)([f"\\boxed{{{answer}}}"], [gold])[0]


EQUAL = [
    # numbers as they are written
    ("-5", "- 5"),
    ("7425000", "7,425,000"),
    ("1000", "1000.0"),
    ("0.4", ".4"),
    ("14{,}916", "14916"),
    ("1/2", "0.5"),
    ("\\frac12", "\\dfrac{1}{2}"),
    ("-\\frac{1}{2}", "\\frac{-1}{2}"),
    ("1\\frac12", "1.5"),
    ("1 1/2", "3/2"),
    ("1/3", "0.333333"),
    ("2.5\\times 10^{3}", "2500"),
    ("1e3", "1000"),
    ("0007", "7"),
    ("−3", "-3"),
    # percent, money, units
    ("28\\%", "28"),
    ("28\\%", "0.28"),
    ("0.28", "28 percent"),
    ("5", "\\$5"),
    ("5 dollars", "\\$5"),
    ("10", "10 km"),
    ("90^\\circ", "90"),
    ("90", "90^{\\circ}"),
    ("12\\text{ cm}^2", "12"),
    ("3 \\text{ feet}", "3 ft"),
    ("45", "45\\text{ apples}"),
    # dress
    ("x^2", "$x^2$"),
    ("(3, \\pi)", "\\left( 3,\\, \\pi \\right)"),
    ("5", "x = 5"),
    ("x=5", "5"),
    ("k=\\frac13", "1/3"),
    ("\\sqrt{3}", "\\sqrt3"),
    ("12_8", "12"),
    # algebra
    ("(a+b)^2", "a^2+2ab+b^2"),
    ("2-2p", "2(1-p)"),
    ("\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt2}{2}"),
    ("3!", "6"),
    ("\\sqrt{8}", "2\\sqrt{2}"),
    ("x^2-1", "(x-1)(x+1)"),
    ("\\sin^2 x", "1-\\cos^2 x"),
    ("2^{10}", "1024"),
    ("10!", "3628800"),
    # sets, lists, points, intervals, matrices, equations
    ("\\{1,2\\}", "\\{2,1\\}"),
    ("1,2", "2,1"),
    ("1, 2", "1 \\text{ and } 2"),
    ("(1,2)", "(1.0, 2)"),
    ("[0,1)", "[0, 1)"),
    ("(-\\infty, 3]", "x \\le 3"),
    ("(1,2)", "1<x<2"),
    ("\\emptyset", "\\{\\}"),
    ("y=2x+1", "2x+1"),
    ("x=1,y=2", "y=2, x=1"),
    ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}"),
    ("x+y=3", "y+x=3"),
    # words
    ("\\text{Evelyn}", "evelyn"),
    ("the Beatles", "\\text{Beatles}"),
    ("True", "true"),
    ("False", "\\text{False}"),
    ("Uncertain", "uncertain."),
    ("True", "yes"),
    ("A", "(A)"),
    ("A", "\\text{A) Paris}"),
    ("\\text{Monday}", "Monday"),
]

DIFFERENT = [
    ("5", "-5"),
    ("10.6", "106"),
    ("0.28", "28"),
    ("28/100", "28"),
    ("1/3", "0.33"),
    ("1000000", "1000001"),
    ("0.0000001", "0.0000002"),
    ("1000", "1000.1"),
    ("11/2", "1 1/2"),
    ("11", "1 1"),
    ("5", "5 million"),
    ("10", "10 dozen"),
    ("10\\text{ km}", "10\\text{ m}"),
    ("1.5 hours", "90 seconds"),
    ("12_8", "12_9"),
    ("12_8", "10"),
    ("2", "2x"),
    ("2", "2\\pi"),
    ("\\pi", "3.14"),
    ("(1,2)", "(2,1)"),
    ("(1,2)", "[1,2]"),
    ("[0,9)", "[0,1)"),
    ("1", "-[0,1)"),
    ("x", "y"),
    ("x=3", "y=3"),
    ("\\{1,2\\}", "\\{1,2,3\\}"),
    ("1,2", "1,2,3"),
    ("1,2", "1"),
    ("3", "\\{3,4\\}"),
    ("a^2", "2a"),
    ("\\sqrt{2}", "1.41"),
    ("\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}2&1\\end{pmatrix}"),
    ("x \\le 3", "x<3"),
    ("True", "False"),
    ("Uncertain", "True"),
    ("\\text{Evelyn}", "Evelina"),
    ("A", "B"),
    ("7", "\\text{seven apples}"),
    ("Paris", "Paris or Rome"),
]


@pytest.mark.parametrize(("gold", "answer"), EQUAL, ids=[f"{g} = {a}" for g, a in EQUAL])
def test_equivalent_answers_score_one(gold, answer):
    score = one(gold, answer)
    assert (score.value, score.status) == (1.0, "scored"), score.note


@pytest.mark.parametrize(("gold", "answer"), DIFFERENT, ids=[f"{g} != {a}" for g, a in DIFFERENT])
def test_different_answers_score_zero(gold, answer):
    score = one(gold, answer)
    assert (score.value, score.status) == (0.0, "scored"), score.note


@pytest.mark.parametrize("profile", ["corrected", "released"])
@pytest.mark.parametrize("row", GOLDEN, ids=[row["id"] for row in GOLDEN])
def test_the_published_outputs_of_math_verify(row, profile):
    scores = Mathematics(profile=profile)([row["prediction"]], [row["reference"]])
    assert scores.values.tolist() == [row["expected_metric"]]


@pytest.mark.parametrize("profile", ["corrected", "released"])
def test_the_examples_of_tangos_prompts(profile):
    rows = [row for row in EXAMPLES if "expected_outcome_reward" in row]
    scores = Mathematics(profile=profile)([row["prediction"] for row in rows], [row["reference"] for row in rows])
    assert scores.values.tolist() == [row["expected_outcome_reward"] for row in rows] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ("\\boxed{1} or rather \\boxed{2}", "2"),
        ("<answer>\\boxed{3}</answer> trailing", "3"),
        ("<answer>4</answer>", "4"),
        ("<think>\\boxed{9}</think> so \\boxed{5}", "5"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{\\boxed{7}}", "7"),
        ("\\fbox{8}", "8"),
        ("\\boxed 6.", "6"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("The final answer is **12**.", "12"),
        ("Thus the answer is $x=3$ because", "x=3"),
        ("first 3, then 4 apples\n#### 17", "17"),
        ("we add and get 3 + 4 = 7", "7"),
        ("答案是：42", "42"),
        ("It follows that \\(x^2\\).", "x^2"),
    ],
)
def test_the_answer_is_the_last_thing_committed_to(completion, expected):
    assert find_answer(completion).text == expected


@pytest.mark.parametrize(
    ("completion", "why"),
    [
        ("", "no answer found"),
        ("\\boxed{}", "an empty box"),
        ("\\boxed{ }", "an empty box"),
        ("the answer is 5, \\boxed{}", "an empty box"),
        ("\\boxed{5} \\boxed{}", "an empty box"),
        ("\\boxed{5", "a box that is not closed"),
        ("<answer></answer>", "an empty <answer>"),
        ("<think>\\boxed{5}", "no answer found"),
        ("no idea", "no answer found"),
    ],
)
def test_no_answer_is_unparsed_and_scores_the_floor(completion, why):
    score = Mathematics()([completion], ["5"])[0]
    assert (score.value, score.status, score.parts, score.note) == (
        0.0,
        "unparsed",
        {"correct": 0.0, "parsed": 0.0},
        why,
    )


ATTACKS = [
    "\\boxed{}",
    "\\boxed{1} \\boxed{2} \\boxed{3} \\boxed{}",
    "\\boxed{1, 2, 3, 4, 5, 6, 7, 8}",
    "\\boxed{7 \\text{ or } 8}",
    "\\boxed{\\text{CORRECT}}",
    "\\boxed{CORRECT} " * 50,
    "\\boxed{7 = 8}",
    "\\boxed{\\text{any}}",
    "\\boxed{x}",
    "\\boxed{*}",
    "\\boxed{(-\\infty, \\infty)}",
    "\\boxed{\\{1,2,...,100\\}}",
    "\\boxed{7}\\boxed{8}",
    "<answer>7</answer><answer>8</answer>",
    "\\boxed{\\frac{0}{0}}",
    "\\boxed{7\\%\\%8}",
    "\\boxed{nan}",
    "\\boxed{7 8}",
    "\\boxed{the answer}",
    "\\boxed{6 \\text{ to } 8}",
    "<answer><answer>7</answer>\\boxed{}</answer>",
    "\\boxed{7;8}",
    "\\boxed{[7,8]}",
    "\\boxed{\\pm 7}",
    "\\boxed{6.5 < x < 7.5}",
    "\\boxed{" * 40 + "7",
    "\\boxed{x = 7, x = 8}",
    "\\boxed{\\mathbb{R}}",
    "\\boxed{True}",
    "\\boxed{7 \\neq}",
    "7 \\boxed{\\ }",
    "\\boxed{8 = 7}",
    "\\boxed{8 \\equiv 7}",
    "\\boxed{1, \\ldots, 7}",
    "\\boxed{8 \\& 7}",
    "\\boxed{8 = 9 = 7}",
    "\\boxed{\\neq 7}",
    "\\boxed{8 \\mid 7}",
]


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_attacks_earn_nothing(attack):
    assert Mathematics()([attack], ["7"]).values.tolist() == [0.0]


@pytest.mark.parametrize(
    ("gold", "answer", "same"),
    [
        ("[1, 2]", "[1,2]", True),
        ("{'a': 1}", "\\{'a': 1\\}", True),
        ("'hello'", "hello", True),
        ("'hello'", '"hello"', True),
        ("1", "1.0", True),
        ("True", "True", True),
        ("[1, 2]", "(1, 2)", False),
        ("'1'", "1", False),
        ("[1]", "[1", False),
        ("{1, 2}", "{2, 1}", True),
        ("'a_b'", "\\text{'a\\_b'}", True),
        ("None", "none", False),
        ("[1]", "[__import__('os')]", False),
        ("['a', 'b']", "['b', 'a']", False),
        ("''", "''", True),
    ],
)
def test_python_literals_compare_as_python_does(gold, answer, same):
    assert compare(gold, answer, "python") is same
    assert one({"data_source": "CRUXEval", "ground_truth": gold}, answer).value == float(same)


@pytest.mark.parametrize(
    ("gold", "answer", "same"),
    [
        ("Paris, Rome", "Rome, Paris", True),
        ("Paris, Rome", "Paris", False),
        ("Paris, Rome", "Paris, Paris", False),
        ("the United States", "United States", True),
        ("1,234", "1234", True),
        ("10%", "0.1", True),
        ("Smith", "Mr Smith", False),
        ("True", "Yes", True),
        ("False", "no", True),
        ("2009", "2010", False),
        ("3.0", "3", True),
    ],
)
def test_words_compare_without_case_articles_and_order(gold, answer, same):
    assert one({"data_source": "TableBench", "ground_truth": gold}, answer).value == float(same)


@pytest.mark.parametrize(
    ("source", "gold", "answer", "value"),
    [
        ("StrategyQA", "True", "true", 0.0),
        ("BGQA", "Uncertain", "uncertain", 0.0),
        ("TableBench", "5", "\\$5", 1.0),
        ("TableBench", "10", "10 km", 1.0),
        ("TableBench", "Beatles", "the Beatles", 0.0),
        ("TableBench", "1/2", "0.5", 1.0),
        ("TableBench", "a, b", "b, a", 0.0),
        ("CRUXEval", "1", "1.0", 1.0),
        ("CRUXEval", "'x'", "x", 1.0),
        ("MATH500", "\\frac{1}{2}", "0.5", 1.0),
    ],
)
def test_the_released_profile_keeps_the_released_accidents(source, gold, answer, value):
    """G8: case, order and articles count where they should not, units and dollar signs do not."""
    assert one({"data_source": source, "ground_truth": gold}, answer, profile="released").value == value


def test_a_row_of_every_shape_is_read():
    rows = [
        {"data_source": "PRIME-RL/Eurus-2-RL-Data", "reward_model": {"style": "rule", "ground_truth": "7"}},
        {"ground_truth": np.int64(7)},
        {"ground_truth": np.array(["7"], dtype=object)},
        {"answer": 7.0},
        {"ground_truth": "so $\\boxed{7}$"},
        {"solution": "3 + 4\n#### 7"},
    ]
    assert Mathematics()(["\\boxed{7}"] * len(rows), rows).values.tolist() == [1.0] * len(rows)


def test_an_unusable_reference_is_unscored_and_spares_its_siblings():
    scores = Mathematics()(["\\boxed{7}"] * 5, ["7", None, {"question": "?"}, ["1", "2"], ""])
    assert scores.status.tolist() == ["scored", "unscored", "inapplicable", "unscored", "unscored"]
    assert "the gold answer is empty" in scores.notes[4]


def test_a_reference_out_of_bounds_is_unscored_unless_the_texts_decide():
    scores = Mathematics()(["\\boxed{9^{9^{9}}}", "\\boxed{1+x}"], ["9^{9^{9}}"] * 2)
    assert scores.status.tolist() == ["scored", "unscored"]
    assert scores.values[0] == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"answer_kind": "maths"}, "did you mean 'math'"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": True}, "timeout_s"),
        ({"symbolic": "yes"}, "symbolic"),
        ({"profile": "old"}, "profile"),
        ({"profile": "released", "symbolic": False}, "leave symbolic=True"),
    ],
)
def test_misconfiguration_is_named_at_once(options, message):
    with pytest.raises((ConfigurationError, UnknownName), match=message):
        Mathematics(**options)


def test_without_math_verify_the_constructor_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'table-rewards\[math\]'"):
        Mathematics()
    assert Mathematics(symbolic=False)(["\\boxed{1/2}"], ["0.5"]).values.tolist() == [1.0]


def test_a_reward_pickles_and_pins_its_options():
    reward = pickle.loads(pickle.dumps(Mathematics(answer_kind="math", timeout_s=0.5)))
    assert reward.signature.startswith(
        "mathematics:kind=math,form=finished,timeout=0.5,symbolic=yes,profile=corrected|v"
    )


def test_the_async_form_is_the_same():
    completions = [f"\\boxed{{{answer}}}" for _, answer in EQUAL[:40]]
    golds = [gold for gold, _ in EQUAL[:40]]
    reward = Mathematics()
    assert asyncio.run(reward.score(completions, golds)).equals(reward(completions, golds))


@given(st.text(max_size=60), st.text(max_size=30))
@settings(max_examples=150, deadline=None)
def test_no_text_raises_and_every_answer_equals_itself(answer, gold):
    reward = Mathematics(symbolic=False)
    assert reward([answer], [gold or "1"]).status[0] in ("scored", "unparsed", "unscored")
    for kind in ("math", "text", "python"):
        assert compare(answer, answer, kind) is True


@given(st.fractions(max_denominator=1000), st.fractions(max_denominator=1000))
@settings(max_examples=150, deadline=None)
def test_fractions_compare_as_fractions(a, b):
    left, right = (
        read_number(f"{a.numerator}/{a.denominator}"),
        read_number(f"\\frac{{{b.numerator}}}{{{b.denominator}}}"),
    )
    assert left is not None
    assert right is not None
    assert same_number(left, right) is (a == b)


@given(st.integers(-(10**30), 10**30))
@settings(max_examples=100, deadline=None)
def test_every_way_to_write_an_integer_is_the_same_number(n):
    ways = [
        str(n),
        f"{n:,}",
        f"{n}.0",
        f"{n}.",
        f"\\frac{{{n}}}{{1}}",
        f"${n}$",
        f"{n}\\text{{ km}}",
        f"{n:,}".replace(",", "{,}"),
    ]
    for way in ways:
        number = read_number(way)
        assert number is not None, way
        assert number.value == n, way
