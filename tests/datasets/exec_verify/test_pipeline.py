"""Scripts, difficulty, templates, questions about lines that never run, rows that need no thought."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards import WhiteBox
from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.datasets.exec_verify.difficulty import combine, pass_counts, published_turn
from table_rewards.datasets.exec_verify.questions import ask
from table_rewards.datasets.exec_verify.replies import Reply
from table_rewards.datasets.exec_verify.rows import Report, Settings, prepare
from table_rewards.datasets.exec_verify.scripts import executed, read_script
from table_rewards.datasets.exec_verify.synthesis import CONFIGURATIONS, Method, mutating_prompt, writing_prompts
from table_rewards.datasets.exec_verify.templates import Template
from table_rewards.datasets.exec_verify.tracing import Sample, trace_calls


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("def f(a): return a\nprint(f(1))\nprint(f(2))", "more than one print"),
        ("def f(a):\n    print(a)\n    return a\nprint(f(1))", "more than one print"),
        ("def f(a): return a\nx = 1\nprint(f(x))", "an argument that is no literal"),
        ("def f(a): return a\nprint(f(*[1]))", "an argument that is no literal"),
        ("def f(a): return a\nprint(f(1), f(2))", "the print is not of one call"),
        ("def f(a): return a\nprint(f(1) + 1)", "the print is not of one call"),
        ("def f(): return 1\nprint(f())", "a call without arguments"),
        ("def f(a): return a\nprint(len('a'))", "the print is of no function of the script"),
        ("def f(a): return a\nif 1:\n    print(f(1))", "the print is not of one call"),
        ("def f(a) return a", "no Python"),
        ("print(" + "[" * 500 + "]" * 500 + ")", "a script that is too long or too deep"),
    ],
)
def test_a_script_of_another_form_is_left_out_and_counted(script, why):
    with pytest.raises(BadReference, match=why):
        read_script(script)
    counts: Counter[str] = Counter()
    assert list(executed([{"code": script}], counts)) == []
    assert counts == {why: 1}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(VALUES, min_size=1, max_size=3), st.booleans())
def test_arguments_survive_whatever_they_hold(arguments, spread):
    """Texts with brackets, quotes, commas or `print(` in them are values and nothing else."""
    sep = ",\n    " if spread else ", "
    call = f"f({sep.join(map(repr, arguments))})"
    script = read_script(f"import re\n\ndef f(*a):\n    return a\n\nprint({call})\n")
    assert script.code == "import re\n\ndef f(*a):\n    return a"
    assert list(ast.literal_eval(f"[{script.arguments}]")) == arguments


def test_imports_and_nested_functions_stay_with_the_program():
    """E11: only the functions were kept, so that `math.` failed and nested functions stood there twice."""
    script = (
        "import math\nLIMIT = 3\n\ndef f(xs, k):\n    def g(x):\n        return math.floor(x) + LIMIT\n"
        "    return [g(x) * k for x in xs]\n\nprint(f(\n    [1.5, 2.5],\n    k=2,\n))\n"
    )
    row, *_ = executed([{"code": script, "setting": "s"}], Counter())
    assert (row["func_name"], row["result"], row["setting"]) == ("f", "[8, 10]", "s")
    assert row["func_str"].startswith("import math\nLIMIT = 3\n")
    assert row["func_str"].count("def g") == 1
    assert "print" not in row["func_str"]


def test_the_function_that_is_called_is_traced_and_not_the_first():
    """E10."""
    script = (
        "def helper(a, b):\n    c = a * b\n    return c\n\ndef entry(xs):\n    total = 0\n    for x in xs:\n"
        "        total += helper(x, 2)\n    return total\n\nprint(entry([1, 2]))\n"
    )
    rows = list(executed([{"code": script}], Counter()))
    (row, solution), *_ = prepare(rows, Settings(("io_mixed",)), Report())
    assert solution.partition("<answer>\n")[2].startswith("assert entry([1, 2]) == 6\n")
    assert WhiteBox()([solution], [row]).values.tolist() == [1.0]


def test_scripts_that_fail_or_hang_are_counted():
    counts: Counter[str] = Counter()
    rows = [
        {"code": "def f(a):\n    return a[9]\nprint(f([1]))"},
        {"code": "def f(a):\n    while a: pass\nprint(f(1))"},
        {"code": "def f(a):\n    return object()\nprint(f(1))"},
        {"code": "def f(a):\n    return a\nprint(f(1))"},
        {"code": "def f(a):\n    return a\nprint(f(1))"},
    ]
    assert len(list(executed(rows, counts))) == 1
    assert counts["the same script again"] == 1
    assert sum(counts.values()) == len(rows)


def test_the_difficulty_is_the_answers_and_not_their_characters():
    """E9: a gold `1` was found in `f(10) == 12`."""
    row = {"func_str": "def f(a):\n    return a - 9", "func_name": "f", "func_args": "10", "result": "1"}
    right = ["<answer>assert f(10) == 1</answer>", "<think>12?</think>\n```python\nassert f(10) == 1\n```"]
    wrong = ["<answer>assert f(10) == 12</answer>", "<think>assert f(10) == 1", "1", "assert f(11) == 1"]
    replies = [[Reply(text) for text in right + wrong] + [Reply(right[0], cut_off=True)]]
    assert pass_counts([row], replies) == [2]
    assert pass_counts([row], replies, "substring") == [7]


def test_combining_mixes_by_the_seed():
    """E16."""
    rows = [{"func_str": "f", "func_args": str(n), "pass_cnt": n % 5} for n in range(40)]
    mixed = combine([rows], 1, Counter())
    assert mixed == combine([rows], 1, Counter())
    assert mixed != combine([rows], 2, Counter())
    assert sorted(row["func_args"] for row in mixed) == sorted(row["func_args"] for row in rows if row["pass_cnt"] <= 3)


def test_turns_have_the_published_form():
    turn = published_turn("<think>\na <answer>draft</answer>\n</think>\n\n<answer>\nassert f(1) == 2\n</answer>")
    assert turn == ("<reasoning>\na <answer>draft</answer>\n</reasoning>\n<answer>\nassert f(1) == 2\n</answer>")
    assert published_turn("assert f(1) == 2").startswith("<reasoning>\n\n</reasoning>\n<answer>\nassert")


def test_prompts_depend_on_the_seed_alone():
    methods = [Method("list", "append"), Method("str", "split")]
    made = list(writing_prompts(methods, 4, range(1, 7), 3))
    assert made == list(writing_prompts(methods, 4, range(1, 7), 3))
    assert made != list(writing_prompts(methods, 4, range(1, 7), 4))
    assert len(made) == 4 * len(CONFIGURATIONS)
    assert [setting["method"] for _, setting in made[:4]] == ["append", "split", "append", "split"]
    assert {len(setting["flow"]) for _, setting in made} == {0, 1, 2, 3}
    assert mutating_prompt("print(f(1))", 0, 5) == mutating_prompt("print(f(1))", 0, 5) != mutating_prompt("x", 1, 5)


BRANCHES = '''def f(a):
    """What it does,
    in two lines."""
    d = {
        'aa': 1,
        'bbbb': 2,
    }
    if a > 5:
        x = 1
    elif a > 3:
        x = 2
    return len(d)'''


def test_only_lines_that_could_have_run_are_asked_about_as_never_executed():
    """E12, E13: docstrings, the lines of one statement and other functions' heads counted as never executed."""
    trace = trace_calls([Sample(BRANCHES, "f(0)")])[0]
    plain = ask(BRANCHES, trace, "0")
    found = ask(BRANCHES, trace, "0", unreached=9)
    assert {question.line for question in found.path} - {question.line for question in plain.path} == {9, 11}
    assert [(q.line, q.variable, q.answer.value) for q in found.state if q.answer.type == "Nil"] == [
        (9, "x", "Nil"),
        (11, "x", "Nil"),
    ]


def test_the_right_answers_about_lines_that_never_run_earn_full_marks():
    report = Report()
    settings = Settings(("io_mixed",), unreached=3)
    (row, solution), *_ = prepare([{"code": BRANCHES, "input": "0"}], settings, report)
    assert WhiteBox()([solution], [row]).values.tolist() == [1.0]
    assert "Nil; Nil" in solution
    assert "has just been executed" not in row["prompt"][-1]["content"], "the wording must not tell which line ran"
    spoilt = solution.replace("Nil; Nil", "1; int")
    assert WhiteBox()([spoilt], [row]).values[0] < 1.0


def test_questions_answered_by_the_line_below_are_few():
    code = "def f(a):\n    a += 1\n    a += 2\n    b = 7\n    for i in range(3):\n        a += i\n    return a"
    trace = trace_calls([Sample(code, "f(1)")])[0]
    lines = [line.strip() for line in code.splitlines()]
    every = ask(code, trace, "0", trivial_share=1.0)
    few = ask(code, trace, "0")
    below = [[q.answer == lines[q.line] for q in asked.path if q.line < len(lines)] for asked in (every, few)]
    assert sum(below[0]) > sum(below[1])
    assert sum(below[1]) <= 0.2 * len(few.path)
    assert sum(q.variable == "b" for q in few.state) <= 0.2 * len(few.state)
    literals = "def f(a):\n    b = 7\n    c = 'x'\n    return a"
    assert len(ask(literals, trace_calls([Sample(literals, "f(1)")])[0], "0").state) == 1


def test_templates_are_told_by_their_fingerprints(tmp_path):
    path = tmp_path / "io.txt"
    path.write_bytes(b"{numbered}\nassert {function}({arguments}) == ????\n{questions}\n{other}\n")
    template = Template.from_file(path, "io_mixed")
    assert template.sample == ("1\tdef f(a):\n2\t    return a + 1\nassert f(3) == ????\nQuestion2: Q\n{other}\n")
    assert Template.from_file(path, "io_mixed", template.fingerprint).text == template.text
    with pytest.raises(ConfigurationError, match="another prompt"):
        Template.from_file(path, "io_mixed", "#0123456789abcdef/12")
    with pytest.raises(ConfigurationError, match=r"no \{result\}"):
        Template("{code}", "oi")
    row = {"code": "def f(a):\n    a *= 2\n    return a", "input": "'{function}'"}
    settings = Settings(("io_mixed",), templates={"io_mixed": template}, system="Be brief.")
    (made, solution), *_ = prepare([row], settings, Report())
    assert made["prompt"][0] == {"role": "system", "content": "Be brief."}
    assert "assert f('{function}') == ????\nQuestion2: " in made["prompt"][1]["content"]
    assert WhiteBox()([solution], [made]).values.tolist() == [1.0]


NUMBERED = """{#path}Call {function}({arguments}): what follows line {line}: {statement} for the {visit} time?{/path}
{#state}And {variable} after line {line}: {statement}?{/state}
Code:

{numbered_call}

Question1: fill it.{#questions}

Question{number}: {question}.{/questions}
End {other}
"""


def test_a_template_may_number_the_call_repeat_for_questions_and_word_them():
    """As ExecVerify's own prompt does, whose fingerprint could not be met without."""
    template = Template(NUMBERED, "io_mixed")
    assert template.sample == (
        "Code:\n\n1\tdef f(a):\n2\t    return a + 1\n\n4\tassert f(3) == ????\n\nQuestion1: fill it.\n\n"
        "Question2: Q.\nEnd {other}\n"
    )
    code = "def f(a):\n\n    a *= 2\n    for i in range(a):\n        a += i\n    return a"
    settings = Settings(("io_mixed",), templates={"io_mixed": template})
    (made, solution), *_ = prepare([{"code": code, "input": "2"}], settings, Report())
    prompt = made["prompt"][-1]["content"]
    assert "1\tdef f(a):\n\n3\t    a *= 2\n" in prompt, "a blank line has no number"
    assert "\n\n8\tassert f(2) == ????\n" in prompt
    assert "Question2: Call f(2): what follows line" in prompt
    assert ".\n\nQuestion3: " in prompt
    assert ":         a += i" in prompt, "the line stands there as it is, with its indentation"
    assert WhiteBox()([solution], [made]).values.tolist() == [1.0]


def test_a_template_for_programs_with_something_left_out():
    assert Template("In {language}: {code}", "filled").sample == "In Python: f(3) == ????"
    with pytest.raises(ConfigurationError, match=r"no \{code\}"):
        Template("{language}", "filled")
