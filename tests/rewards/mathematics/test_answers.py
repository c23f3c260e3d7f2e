"""Where a completion's answer stands: in sentences, beside Chinese words, in several boxes, behind thoughts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from table_rewards.core.completion import answer_of, may_hold_thoughts, without_end_tokens
from table_rewards.rewards.mathematics.answers import answers_of_gold, find_answer


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ("每本书15元，买4本，一共**60元**。", "60"),
        ("りんごは全部で24個あります。", "24"),
        ("因此速度为每秒2.5米。", "2.5"),
        ("所以每人分到1,250元。", "1,250"),
        ("Final Answer: The largest $n$ is 34.", "34"),
        ("The final answer is 7.78.", "7.78"),
        ("Final Answer: The final answer is $\\frac{3}{5}$. I hope it is correct.", "\\frac{3}{5}"),
        ("The answer is 5, not 7", "5"),
        ("The answer is $3$ or $4$.", "$3$ or $4$"),
        ("The rope that is left is 5m long.", "5"),
        ("The quotient simplifies to 3^2", "3^2"),
        ("so we get \\frac{10}{9}", "\\frac{10}{9}"),
        ("It takes $x^2$ steps. Therefore there are 12 ways that fit.", "12"),
        ("<answer>The answer is 5</answer><|im_end|>", "5"),
        ("<answer>Jane has 5 apples left</answer>", "5"),
        ("1 000", "1 000"),
        ("所以答案是十二。检查：是的", "十二"),
        ("小明一共有１２个苹果", "12"),
        ("答えは42です。", "42です"),
        ("Final answer: x = 3 or x = -2", "x = 3 or x = -2"),
        (".4", ".4"),
        ("The correct option is B.", "B"),
        ("分析各项，故选：C．", "C．"),
        ("因此选D。", "D"),
        ("综上，选C", "C"),
        ("正确选项为 C。", "C"),
        ("C", "C"),
        ("**(C)**", "C"),
        ("Option C.", "C"),
        ("Hence, option C is correct.", "C"),
        ("Therefore, (C) is the correct answer.", "C"),
        ("Is option A correct? Option A is correct?", ""),
        ("Statement A is correct. Option B is correct. So there are 2 of them.", "2"),
        ("Option C is not correct.", ""),
        ("A careful look is the right thing.", ""),
        ("The answer is:\n\n$$\n12\n$$", "12"),
        ("The answer is:\n\n\\[\n\\frac{1}{2}\n\\]\nDone.", "\\frac{1}{2}"),
        ("故选：**C**", "C"),
        ("答案是5。因此选择方法一最快。", "5"),
        ("我们先选A试试，不行。", ""),
        ("$\\boxed{2}$ and $\\boxed{6}$", "2, 6"),
        ("\\boxed{(2, 2)} \\quad \\text{and} \\quad \\boxed{(6, 2)}", "(2, 2), (6, 2)"),
        ("First \\boxed{2}, which is wrong, so \\boxed{6}", "6"),
        ("\\boxed{2} or rather \\boxed{6}", "6"),
    ],
)
def test_the_answer_is_what_the_text_concludes(completion, expected):
    assert find_answer(completion).text == expected


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ("So $x=\\boxed{-2}$ or $\\boxed{1}$.", "-2, 1"),
        ("\\boxed{4} and again \\boxed{4}", "4"),
        ("We get $\\boxed{\\frac34}$.", "\\frac34"),
        ("\\boxed{}", ""),
    ],
)
def test_several_boxes_in_a_gold_answer_are_several_answers(gold, expected):
    assert answers_of_gold(gold) == expected


MARKS = [
    *("<think>", "</think>", "[THINK]", "[/THINK]", "◁think▷", "◁/think▷", "<|channel|>final<|message|>", "analysis"),
    *("[BEGIN FINAL RESPONSE]", "[unused16]", "[unused17]", "Here is my thought process:", "\nHere is my response:"),
]


@given(st.lists(st.sampled_from([*MARKS, "so ", "\\boxed{7}", "\\boxed{8}", " ", "We"]), max_size=6).map("".join))
@settings(max_examples=400, deadline=None)
def test_no_form_of_thoughts_is_spared_the_search(text):
    """Most texts are told at once from those that may hold thoughts; what has some is among these."""
    behind = answer_of(text)
    assert behind == without_end_tokens(text) or may_hold_thoughts(text)
    if not may_hold_thoughts(behind):
        assert find_answer(text) == find_answer(behind)
