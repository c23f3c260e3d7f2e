"""Final answers: the last well-formed one, whatever is around it; released as published."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.text.final_answer import answer_in, careful_final_answer, final_answer, released_final_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Final Answer: 7", "7"),
        ("Final Answer:7", "7"),  # B5: no space
        ("**Final Answer:** 7", "7"),  # B5: bold label
        ("**Final Answer: 7**", "7"),  # B5: the bold leaked into the answer
        ("**Final Answer**: 7", "7"),
        ("### Final Answer:\n\n7", "7"),  # B5: next line
        ("final answer： 七", "七"),
        ("Final Answer: AnswerName1, AnswerName2...\nFinal Answer: 7", "7"),  # B5: the echoed template won
        ("Final Answer: 7\nFinal Answer: AnswerName1, AnswerName2...", "7"),
        ("Final Answer: 1\nFinal Answer: 2\nthanks", "2"),
        ("Final Answer: 22.33<|im_end|>", "22.33"),  # T3: decoded with special tokens
        ("Final Answer: 22.33<|im_end|>\n<|endoftext|>", "22.33"),
        ("<think>Final Answer: 1</think>\nFinal Answer: 2", "2"),
        ("<think>\n\n</think>\n\nFinal Answer: 2", "2"),
        ("Final Answer: `a_b`", "a_b"),
        ("Final Answer: a * b * c", "a * b * c"),
        ("Final Answer: $5", "$5"),
        ("Final Answer：Final Answer: 7", "7"),
        ("(Final Answer: 7)", "7"),
        ("[Final Answer: Paris (France)]", "Paris (France)"),
        ("[Final Answer]: 7", "7"),
        ("[Final Answer] 7", "7"),
        ("Final Answer = 7", "7"),
        ("Final answer - 7", "7"),
        ("Final Answer: | 7 |", "7"),
        ("Final\u00a0Answer: 7", "7"),
        ("$$\\text{Final Answer: } 7$$", "7"),
        ("Final Answer:\n$$\n\\boxed{7}\n$$", "7"),
        ("The final answer is: $\\boxed{7}$. I hope it is correct.", "7."),
        ("The final answer is therefore 7", "7"),
        ("Final Answer: 7<|im_end|>\n<|im_start|>user\nThanks", "7"),  # generation that ran on
        ("Final Answer: <|begin_of_box|>7<|end_of_box|>", "7"),
        ("<response>Final Answer: 7</response>", "7"),
        ("<solution>\nFinal Answer: a<b\n</solution>", "a<b"),
        ("## ✅ Final Answer\n\n7", "7"),
        ("### Step 4: Final Answer\n7", "7"),
        ("**3. Final Answer** 🎯\n\n7", "7"),
        ("$\\boxed{\\text{Final Answer: 7%}}$", "7%"),
        ("最终答案是7", "7"),
        ("最後答案：7", "7"),
    ],
)
def test_the_last_well_formed_answer_is_taken(text: str, answer: str) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "Final Answer:",
        "Final Answer: **",
        "Final Answer: AnswerName1",
        "<think>Final Answer: 7",
        "the answer: 7",
    ],
)
def test_no_answer_is_none(text: str) -> None:
    assert final_answer(text) is None


def test_released_takes_the_first_and_wants_a_space() -> None:
    assert released_final_answer("Final Answer: AnswerName1\nFinal Answer: 7") == "AnswerName1"
    assert released_final_answer("Final Answer:7") == ""
    assert released_final_answer("**Final Answer: 5**") == "5**"


@given(st.text(max_size=300))
def test_any_text_before_an_answer_line_changes_nothing(before: str) -> None:
    assert final_answer(before + "</think>\nFinal Answer: forty two") == "forty two"


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    answer = final_answer(text)
    assert answer is None or answer.strip()


PIECES = [
    "Final Answer: ",
    "Final Answer:",
    "final answer: ",
    "7",
    "**",
    "`",
    "\n",
    " ",
    "<think>",
    "</think>",
    "AnswerName1",
    ">",
]


@given(st.lists(st.sampled_from([*PIECES, "<|im_end|>", "Paris, Rome", "answer", "$", "x" * 450]), max_size=9))
def test_the_fast_path_equals_the_careful_one(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert answer_in(text) == careful_final_answer(text)


@pytest.mark.parametrize(
    "piece", ["Final Answer: ", "nswer", "final answer" + " " * 50, "**", "Final Answer:\n\n\n\n\n\n\n", "<think>"]
)
def test_a_megabyte_of_almost_answers_takes_linear_time(piece: str) -> None:
    started = time.process_time()
    final_answer(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Final Answer:\n- 5", "5"),
        ("Final Answer:\n• Paris", "Paris"),
        ("Final Answer:\n- **5**", "5"),
        ("Final Answer:\n- -5", "-5"),
        ("Final Answer:\n-5", "-5"),
        ("Final Answer: - 5", "- 5"),
        ("Final Answer:\n1. FC Köln", "1. FC Köln"),
        ("Final Answer:\n- Paris\n- Rome", "Paris, Rome"),
        ("**Final Answer:**\n\n> 5", "5"),
        ("Final Answer: > 5", "> 5"),
        ("Final Answer: ```5```", "5"),
        ("Final Answer (rounded to two decimals): 5", "5"),
        ("**Final Answer (in km):** 5", "5"),
    ],
)
def test_marks_of_markdown_round_the_one_answer_are_none_of_it(text: str, answer: str) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Final Answer:\nParis\nRome", "Paris, Rome"),
        ("**Final Answer:**\n\n**Paris**  \n**Rome**  \n\nParis is the capital.", "Paris, Rome"),
        ("Final Answer:\nParis,\nRome,\nLyon", "Paris, Rome, Lyon"),
        ("Final Answer: Paris,\nRome", "Paris, Rome"),
        ("Final Answer:\n7\n8", "7, 8"),  # candidates, one a line, cost what they cost on one line
        ("Final Answer:\n```\nParis\nRome\n```\nDone", "Paris, Rome"),
        ("<answer>Final Answer:\nParis\nRome</answer>\nLyon", "Paris, Rome"),
        ("Final Answer:\n1999\n2000<|im_end|>\nuser", "1999, 2000"),
        ("Final Answer:\nNo correlation\n0.20", "No correlation, 0.20"),
        ("最终答案：\n巴黎\n罗马", "巴黎, 罗马"),
        ("Final Answer:\nElizabeth I\nWith or Without You", "Elizabeth I, With or Without You"),
        ("Final Answer:\n1. Paris\n\n2. Rome", "Paris, Rome"),
        ("Final Answer:\n(1) Paris\n(2) Rome", "Paris, Rome"),
        ("Final Answer:\n7\n\n8\n\nWe add.", "7, 8"),
        ("Final Answer:\n7\nor 8", "7, or 8"),
        ("Final Answer:\nParis\nand Rome", "Paris, and Rome"),
    ],
)
def test_items_each_on_its_line_below_the_label_are_one_answer(text: str, answer: str) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    "below",
    [
        "\nExplanation: 3 + 4",
        "\n(in km)",
        "\nThe team won 7 games.",
        "\nbecause 3 + 4 is 7",
        "\nTotal wins of the team",
        "\n$$\nRome",
        "\n---\nRome",
        "\n\nRome",
        "\n<gold_area>{}</gold_area>",
        "\n**Note:** rounded",
    ],
)
def test_what_explains_an_answer_below_it_is_none_of_it(below: str) -> None:
    assert final_answer("Final Answer:\n7" + below) == "7"
    assert final_answer("Final Answer: 7" + below) == "7"
