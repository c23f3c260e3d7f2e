"""The white-box reward: what earns, how much, and that only the meaning of an answer counts."""

from __future__ import annotations

import asyncio
import json
import pathlib
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards import ConfigurationError, WhiteBox
from table_rewards.rewards.white_box.input_expressions import is_plain
from table_rewards.rewards.white_box.tokens import one_spacing

FIXTURES = pathlib.Path(__file__).parents[3] / "fixtures/exec_verify"
CODE = "def f(a, b=0):\n    total = a + b\n    text = str(total)\n    return text"
ROW = {
    "func_str": CODE,
    "func_name": "f",
    "func_args": "1, 2",
    "result": "'3'",
    "type": "io_mixed",
    "question_answers": {
        "path_answers": [["text = str(total)"], ["-1"]],
        "state_as": [[["int", "3"]], [["str", "'3'"]]],
    },
}
RIGHT = ["text = str(total)", "-1", "3; int", "'3'; str"]


def rows(name):
    return [json.loads(line) for line in (FIXTURES / name).read_text("utf-8").splitlines()]


def answer(*lines):
    return "<reasoning>so</reasoning>\n<answer>\n" + "\n".join(lines) + "\n</answer>"


def value(completion, row=ROW, **options):
    return WhiteBox(**options)([completion], [row]).values[0]


# -- golden ----------------------------------------------------------------------------------------------------------


def test_gold_answers_of_cruxeval_earn_full_marks_read_run_and_inverted():
    gold = rows("cruxeval.jsonl")
    claims = [f"<answer>\nassert f({row['input']}) == {row['output']}\n</answer>" for row in gold]
    reward = WhiteBox(cpu_s=3.0)
    assert reward(claims, gold).values.tolist() == [1.0] * len(gold)
    without = [{"code": row["code"], "input": row["input"]} for row in gold]
    assert reward(claims, without).values.tolist() == [1.0] * len(gold), "the call is run where no result is given"
    inverse = [{"func_str": row["code"], "result": row["output"], "type": "oi"} for row in gold]
    assert reward(claims, inverse).values.tolist() == [1.0] * len(gold)


def test_published_verdicts_on_phi1_agree():
    predictions = rows("cruxeval_x_phi1.jsonl")
    completions, references = [], []
    for row in predictions:
        reference = {"func_str": row["code"], "func_name": "f"}
        if row["task"] == "output":
            completions.append(f"<answer>\nassert f({row['input']}) == {row['prediction']}\n</answer>")
            references.append({**reference, "func_args": row["input"]})
        else:
            completions.append(f"<answer>\n```python\n{row['prediction']}\n```\n</answer>")
            references.append({**reference, "result": row["output"], "type": "oi"})
    values = WhiteBox(cpu_s=3.0)(completions, references).values
    assert [bool(v) for v in values] == [bool(row["label"]) for row in predictions]


# -- the formula -----------------------------------------------------------------------------------------------------


def test_the_value_is_io_and_the_share_of_right_answers():
    assertion = "assert f(1, 2) == '3'"
    assert value(answer(assertion, *RIGHT)) == 1.0
    assert value(answer(assertion, "return text", *RIGHT[1:])) == 0.5 + 0.5 * 3 / 4
    assert value(answer(assertion, *RIGHT[:3], "'4'; str"), alpha=0.2) == pytest.approx(0.8 + 0.2 * 3 / 4)
    assert value(answer(assertion)) == 0.5
    assert value(answer("assert f(1, 2) == '4'", *RIGHT)) == 0.0
    assert value(answer("assert f(1, 2) == '4'", *RIGHT), gate_on_io=False) == 0.5


def test_no_questions_in_any_form_is_the_output_alone():
    """E4: {} earned twice what two empty lists did, None crashed."""
    for nothing in ({}, None, {"path_answers": [], "state_as": []}, {"path_answers": None, "state_as": None}, "{}"):
        assert value(answer("assert f(1, 2) == '3'"), {**ROW, "question_answers": nothing}) == 1.0


def test_parts_and_notes_say_what_was_right():
    scores = WhiteBox()([answer("assert f(1, 2) == '3'", "x", *RIGHT[1:]), "no"], [ROW, ROW])
    assert {name: column.tolist() for name, column in scores.parts.items()} == {
        "io": [1, 0], "path": [0.5, 0], "state": [1, 0], "score": [0.875, 0]
    }  # fmt: skip
    assert scores.status.tolist() == ["scored", "unparsed"]
    assert scores.notes[1] == "no <answer>...</answer>"


@pytest.mark.parametrize(
    "form",
    [
        "assert f(1,2)=='3'",
        'assert f( 1 , 2 ) == "3"  # spaces and quotes',
        "assert f(1, b=2) == '3'",
        "assert f(b=2, a=1) == '3'",
        "assert (f(1, 2) == '3'), 'as it must'",
        "assert '3' == f(1, 2)",
        "assert f(\n    1,\n    2,\n) == (\n    '3'\n)",
        "```python\nassert f(1, 2) == '3'\n```",
        "\n# the output\n\nassert f(1, 2) == '3'",
    ],
)
def test_an_honest_assertion_may_be_written_in_any_way(form):
    """E2: other spacing, a fence and blank lines cost the released reward everything."""
    assert value(answer(form, "", *RIGHT[:2], "", *RIGHT[2:])) == 1.0


@pytest.mark.parametrize(
    ("gold", "line", "right"),
    [
        (("str", "'123'"), "123; str", True),
        (("str", "'a;b'"), "a;b; str", True),
        (("str", "'a;b'"), "'a;b'; str", True),
        (("str", "''"), "''; str", True),
        (("float", "nan"), "nan; float", True),
        (("float", "inf"), "float('inf'); float", True),
        (("float", "-inf"), "-math.inf; float", True),
        (("float", "-inf"), "-float('inf'); float", True),
        (("float", "-inf"), "np.inf; float", False),
        (("list", "[inf, -1]"), "[math.inf, -1]; list", True),
        (("int", "3"), "`3`; `int`", True),
        (("int", "3"), "3; int;", True),
        (("int", "3"), "`4`; `int`;", False),
        (("object", "None"), "None; NoneType", True),
        (("NoneType", "None"), "None; None", True),
        (("int", "3"), "3; Int", True),
        (("int", "3"), "3; <class 'int'>", True),
        (("set", "{1, 2}"), "{2, 1}; set", True),
        (("dict", "{'a': [1, (2,)], 'b': None}"), "{'b': None, 'a': [1, (2,)]}; dict", True),
        (("list", "[1, 2]"), "[1, 2]; List[int]", True),
        (("bool", "True"), "1; bool", False),
        (("int", "1"), "True; int", False),
        (("list", "[1, 2]"), "(1, 2); list", False),
        (("int", "3"), "'3'; int", False),
        (("int", "3"), "3", False),
        (("int", "3"), "3; int; 3; int", False),
        (("Counter", "Counter({'a': 2})"), "Counter( {'a':2} ); Counter", True),
        (("Counter", "Counter({'a': 2, 'b': 2})"), "collections.Counter({'b': 2, 'a': 2}); Counter", True),
        (("Counter", "Counter({'a': 2, 'b': 2})"), "Counter({'b': 2, 'a': 1}); Counter", False),
        (("OrderedDict", "OrderedDict([('a', 1), ('b', 2)])"), "OrderedDict({'a': 1, 'b': 2}); OrderedDict", True),
        (("OrderedDict", "OrderedDict([('a', 1), ('b', 2)])"), "OrderedDict({'b': 2, 'a': 1}); OrderedDict", False),
        (("defaultdict", "defaultdict(<class 'list'>, {1: [2]})"), "defaultdict(list, {1: [2]}); defaultdict", True),
        (("defaultdict", "defaultdict(<class 'list'>, {1: [2]})"), "defaultdict(set, {1: [2]}); defaultdict", False),
        (("range", "range(0, 3)"), "range(3); range", True),
        (("range", "range(0, 3)"), "range(1, 3); range", False),
        (("deque", "deque([1, 2], maxlen=2)"), "deque([1,2],maxlen = 2); collections.deque", True),
        (("deque", "deque([1, 2], maxlen=2)"), "deque([1, 2]); deque", False),
        (("ndarray", "array([1., nan])"), "np.array([1.0, nan]); np.ndarray", True),
        (("list", "[datetime.date(2020, 1, 2)]"), "[date(2020, 1, 2)]; list", True),
        (("str", "abc"), "'abc'; str", True),
    ],
)
def test_states_are_compared_as_values_and_types_by_name(gold, line, right):
    """E5: unquoted text, semicolons, nan, inf, None and a capital letter failed; True was 1."""
    row = {**ROW, "question_answers": {"path_answers": [], "state_as": [[list(gold)]]}}
    assert value(answer("assert f(1, 2) == '3'", line), row) == (1.0 if right else 0.5)


@pytest.mark.parametrize("claim", ["float('nan')", "nan", "math.nan"])
def test_nan_is_the_right_answer_when_nan_comes_out(claim):
    assert value(answer(f"assert f() == {claim}"), {"code": "def f():\n    return float('nan')", "input": ""}) == 1.0


def test_found_inputs_are_run_through_the_given_function():
    row = {"func_str": "def f(a):\n    return sorted(a)", "result": "[1, 2]", "type": "oi"}
    found = ["assert f([2, 1]) == [1, 2]", "x = (1, 2)\nassert f(x) == 0", "f(list(range(1, 3)))", "print(f({1, 2}))"]
    completions = [f"<answer>\n```python\n{text}\n```\n</answer>" for text in found]
    assert WhiteBox()(completions, [row] * 4).values.tolist() == [1.0] * 4
    wrong = [answer("f([3])"), answer("f(3)"), answer("[1, 2]"), answer("f([1, 2], 3)")]
    assert WhiteBox()(wrong, [row] * 4).values.tolist() == [0.0] * 4


# -- properties ------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def reordered(item):
    if isinstance(item, dict):
        return {key: reordered(item[key]) for key in reversed(item)}
    return [reordered(part) for part in item] if isinstance(item, list) else item


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES)
def test_reordering_dict_literals_and_reformatting_change_nothing(argument, result):
    row = {"code": "def f(a):\n    return a", "input": repr(argument), "output": repr(result)}
    spaced = one_spacing(f"assert f({reordered(argument)!r}) == {reordered(result)!r}")
    forms = [
        f"assert f({argument!r}) == {result!r}",
        f"assert f(a={reordered(argument)!r})=={reordered(result)!r}",
        spaced,
    ]
    assert WhiteBox()([answer(form) for form in forms], [row] * 3).values.tolist() == [1.0] * 3


@settings(max_examples=40, deadline=None)
@given(VALUES, VALUES)
def test_another_value_never_earns(claimed, result):
    row = {"code": "def f(a):\n    return a", "input": "1", "output": repr(result)}
    assert value(answer(f"assert f(1) == {claimed!r}"), row) == float(claimed == result)


@pytest.mark.parametrize("name", ["total2", "x", "assertion", "_", "größe"])
def test_renaming_variables_changes_nothing(name):
    text = json.dumps(ROW).replace("total", json.dumps(name)[1:-1])
    lines = [line.replace("total", name) for line in ["assert f(1, 2) == '3'", "text = str(total)", "return total"]]
    assert value(answer(*lines), json.loads(text)) == value(answer("assert f(1, 2) == '3'", RIGHT[0], "return total"))


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_no_text_raises_or_earns(text):
    scores = WhiteBox()([f"<answer>{text}</answer>", f"<answer>assert f({text}) == '3'</answer>"], [ROW, ROW])
    assert scores.values.tolist() == [0.0, 0.0]


# -- the released formula --------------------------------------------------------------------------------------------


def test_the_released_profile_pays_as_it_was_released():
    answers = {**ROW["question_answers"], "state_as": [[["int", "3"]], [["str", "3"]]]}
    as_published = {**ROW, "question_answers": answers}

    def released(*lines, row=as_published):
        return value(answer(*lines), row, profile="released")

    assert released("assert f(1, 2) == '3'", *RIGHT) == 2.0
    assert released("assert f(1, 2) == '3'", "x", *RIGHT[1:]) == 2 * (0.5 + 0.5 * 3 / 4)
    assert released("assert True # 1, 2", *RIGHT) == 2.0
    assert released("assert f(1,2) == '3'", *RIGHT) == 0.0
    assert released("assert f(1, 2) == '3'") == 1.0
    assert released("assert f(1, 2) == '4'", *RIGHT) == 0.0
    assert released("```python\npass\n```", row={**ROW, "type": "oi"}) == 2.0
    assert released("assert f(1, 2) == '3'", row={**ROW, "question_answers": {}}) == 2.0, "E4"
    assert released("assert f(1, 2) == '3'", row={**ROW, "question_answers": {"path_answers": []}}) == 1.0, "E4"


def test_text_states_are_read_in_both_spellings():
    """ExecVerify's files hold the text itself, others its repr; text that has quotes of its own is right, too."""
    for gold in ("3", "'3'"):
        row = {**ROW, "question_answers": {"path_answers": [], "state_as": [[["str", gold]]]}}
        for said, right in (("'3'; str", 1.0), ("3; str", 1.0), ("'4'; str", 0.5), ("3; int", 0.5)):
            assert value(answer("assert f(1, 2) == '3'", said), row) == right, (gold, said)
    quoted = {**ROW, "question_answers": {"path_answers": [], "state_as": [[["str", "'a'"]]]}}
    assert value(answer("assert f(1, 2) == '3'", "\"'a'\"; str"), quoted) == 1.0


# -- rows, options, life ---------------------------------------------------------------------------------------------


def test_references_are_read_from_every_place_and_a_bad_one_spoils_nothing():
    nested = {"reward_model": {"ground_truth": ""}, "extra_info": ROW}
    packed = {"ground_truth": json.dumps(ROW)}
    broken = [{"func_str": CODE}, {**ROW, "type": "iq"}, {**ROW, "question_answers": {"path_answers": [[]]}}, {}]
    right = answer("assert f(1, 2) == '3'", *RIGHT)
    scores = WhiteBox()([right] * 7, [ROW, nested, packed, *broken])
    assert scores.values[:3].tolist() == [1.0] * 3
    assert scores.status[3:].tolist() == ["unscored"] * 3 + ["inapplicable"]
    assert "func_args" in scores.notes[3]
    assert "io_mixed" in scores.notes[4]


def test_a_reference_whose_own_call_fails_is_unscored_not_wrong():
    scores = WhiteBox()([answer("assert f(1) == 1")], [{"code": "def f(a):\n    raise KeyError(a)", "input": "1"}])
    assert scores.status.tolist() == ["unscored"]
    assert "KeyError" in scores.notes[0]


@pytest.mark.parametrize("options", [{"alpha": 2}, {"alpha": True}, {"gate_on_io": 1}, {"cpu_s": 0}, {"sandbox": "x"}])
def test_options_that_cannot_work_are_refused_at_once(options):
    with pytest.raises(ConfigurationError):
        WhiteBox(**options)


def test_it_pickles_and_scores_without_blocking():
    reward = pickle.loads(pickle.dumps(WhiteBox(alpha=0.3)))
    scores = asyncio.run(reward.score([answer("f([2, 1])")], [{"func_str": CODE, "result": "'[2, 1]0'", "type": "oi"}]))
    assert scores.values.tolist() == [0.0]
    assert reward.signature == WhiteBox(alpha=0.3).signature


@pytest.mark.parametrize("statement", ["`assert f(1, 2) == {}`", "assert f(1, 2) == {};", "**assert f(1, 2) == {}**;"])
def test_marks_around_the_assertion_change_nothing(statement):
    assert value(answer(statement.format("'3'"), *RIGHT)) == 1.0
    assert value(answer(statement.format("'4'"), *RIGHT)) == 0.0


def test_an_answer_inside_the_reasoning_is_none():
    """The answer stands behind the thoughts; an opening tag that the prompt wrote changes nothing."""
    body = "<answer>\n" + "\n".join(["assert f(1, 2) == '3'", *RIGHT]) + "\n</answer>"
    wrong = body.replace("'3'", "'4'")
    assert value(f"<reasoning>{wrong}</reasoning>\n{body}") == 1.0
    assert value(f"{wrong}</reasoning>\n{body}<|im_end|>") == 1.0
    assert value(f"<reasoning>{body}</reasoning>\n{wrong}") == 0.0
    scores = WhiteBox()([f"<reasoning>{body}", f"<think>{body}</think> Hm."], [ROW, ROW])
    assert scores.status.tolist() == ["unparsed", "unparsed"]


@pytest.mark.parametrize(
    ("code", "result", "right", "wrong"),
    [
        ("def f(xs, g):\n    return [g(x) for x in xs]", "[2, 4]", "f([1, 2], lambda x: 2 * x)",
         "f([1, 2], lambda x: x)"),
        ("def f(d, key=None):\n    return sorted(d, key=key)", "['c', 'bb']", "f(['bb', 'c'], key=lambda s: len(s))",
         "f(['bb', 'a'], key=lambda s: len(s))"),
        ("def f(xs, g):\n    ys = xs[:]\n    g(ys)\n    return ys", "[2, 1]", "f([1, 2], lambda x: x.reverse())",
         "f([2, 1], lambda x: x.reverse())"),
        ("rows = [1, 2]\ndef f(xs):\n    return xs + [3]", "[1, 2, 3]", "f(rows[:])", "f(rows[1:])"),
    ],
)  # fmt: skip
def test_inputs_may_be_functions_of_plain_data_and_constants_of_the_program(code, result, right, wrong):
    """CRUXEval's own inputs hold them."""
    row = {"func_str": code, "func_name": "f", "result": result, "type": "oi"}
    assert [value(f"<answer>\nassert {call} == {result}\n</answer>", row) for call in (right, wrong)] == [1.0, 0.0]


def test_plain_expressions_reach_nothing():
    for text in ("f", "globals()", "f.__code__", "''.format", "(lambda: 1)()", "[x for x in f]", "f'{x}'", "a := 1"):
        assert not is_plain(text), text
    code = "rows = [1]\ncache = {}\ndef f(a):\n    cache[a] = f\n    return a"
    for text in (
        "rows.append(2)",
        "cache",
        "lambda f: f",
        "lambda x=f: x",
        "lambda *x: x",
        "[lambda: f][0]()",
        "rows()",
    ):
        assert not is_plain(text, code), text


@pytest.mark.parametrize(
    ("call", "written"),
    [
        ("f([3] * 2)", True),
        ("f(list((3, 3)))", True),
        ("f([3] + [3])", True),
        ("f(([3, 3]))", True),
        ("f([x for x in (3, 3)])", False),
        ("f(sorted([3, 3]))", False),
        ("f([3, 3] if 1 else [])", False),
        ("f(('3 3').split() or [3, 3])", False),
    ],
)
def test_an_input_may_be_searched_for_unless_the_option_says_no(call, written):
    row = {"func_str": "def f(xs):\n    return sum(map(int, xs))", "func_name": "f", "result": "6", "type": "oi"}
    said = f"<answer>\nassert {call} == 6\n</answer>"
    assert value(said, row) == 1.0
    scores = WhiteBox(computed_inputs=False)([said], [row])
    assert scores.values.tolist() == [float(written)]
    assert written or "worked out" in scores.notes[0]


def test_functions_stay_inputs_where_nothing_may_be_searched_for():
    row = {"func_str": "def f(xs, g):\n    return [g(x) for x in xs]", "result": "[1, 2]", "type": "oi"}
    said = "<answer>\nassert f(['a', 'bb'], lambda x: len(x)) == [1, 2]\n</answer>"
    assert WhiteBox(computed_inputs=False)([said], [row]).values.tolist() == [1.0]
    assert WhiteBox(computed_inputs=False).signature != WhiteBox().signature
    with pytest.raises(ConfigurationError, match="computed_inputs"):
        WhiteBox(computed_inputs=False, profile="released")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("1. assert f(1) == 2", "2. return b", "3. 2; int"), 1.0),
        (("1) `assert f(1) == 2`", "", "2) `return b`", "3) `2; int`"), 1.0),
        (("- assert f(1) == 2", "- return b", "- 2; int"), 1.0),
        (("* assert f(1) == 2", "* return b", "* 2; int"), 1.0),
        (("**assert f(1) == 2**", "**return b**", "**2; int**"), 1.0),
        (("- assert f(1) == 3", "- return b", "- 2; int"), 0.0),
        (("1. assert f(1) == 2", "2. return b", "3. 3; int"), 0.75),
        (
            ("1. assert f(1) == 2", "3. return b", "4. 2; int"),
            0.0,
        ),  # what a number out of turn means is anybody's guess
        (("assert f(1) == 2", "return b", "- 2; int"), 0.75),  # minus two
    ],
)
def test_answers_may_be_written_as_a_list(lines, expected):
    row = {
        "func_str": "def f(a):\n    b = a + 1\n    return b",
        "func_name": "f",
        "func_args": "1",
        "result": "2",
        "question_answers": {"path_answers": [["return b"]], "state_as": [[["int", "2"]]]},
    }
    assert value("<answer>\n" + "\n".join(lines) + "\n</answer>", row) == expected
