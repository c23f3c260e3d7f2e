"""Free text into steps, as it was sampled and as RL Tango's second recipe rewrites it (G10 to G13)."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from table_rewards import ConfigurationError, Generator, Verifier
from table_rewards.rewards.tango.released_steps import released_steps
from table_rewards.rewards.tango.steps import split_steps

FREE = "\n2 and 2 make 5? No.\n\nHm.\n</think>\n\nAdd the numbers.\n\n2 + 2 = 4\n\nThe answer is \\boxed{4}."


def texts(steps):
    return [step.text for step in steps]


def verified(*verdicts, final="CORRECT"):
    steps = "".join(f"<step>Looked at it. \\boxed{{{verdict}}}</step>" for verdict in verdicts)
    whole = f"<final_verification>\\boxed{{{final}}}</final_verification>"
    return f"<step_verification>{steps}</step_verification>{whole}"


@pytest.mark.parametrize(
    ("response", "steps"),
    [
        ("\nt</think>\n\nA\n\nB\n\nC", 3),
        ("\na\n\nb **Final Answer** x\n\n\\boxed{4}", 2),
        ("\na\n\nb\n\nc", 1),
        ("\nt</think>\n\nA\n\n\nB", 2),
        ("\nt</think>\n\nA\n\n\n\nB", 3),
        ("\nt</think>\n\n<step>A</step>\n\n<step>B</step>", 2),
    ],
)
def test_the_released_code_cuts_as_measured(response, steps):
    made = released_steps(response)
    assert (len(made.steps), made.problem) == (steps, "")
    assert made.text.startswith("<answer>\n<step>")
    assert made.text.endswith("</answer>")


@pytest.mark.parametrize(
    ("response", "error"),
    [
        ("\na single paragraph", "IndexError"),
        ("", "IndexError"),
        ("\nt</think>", "AssertionError"),
        ("\nwrite it inside <answer> then</think>\n\n4", "AssertionError"),
        ("t</think>\n\n4", "IndexError"),
    ],
)
def test_where_the_released_code_ends_the_training_nothing_is_raised_and_the_reason_is_told(response, error):
    """G11."""
    made = released_steps(response)
    assert made.problem.startswith(error)
    assert (made.text, made.steps) == ("", ())
    split_steps(response)  # whatever comes of it, it comes


def test_the_released_text_of_three_newlines_of_four_and_of_own_tags():
    assert released_steps("\nt</think>\n\nA\n\n\nB").steps[1].text == "B"
    assert "<step>\nB</step>" in released_steps("\nt</think>\n\nA\n\n\nB").text
    assert "<step></step>" in released_steps("\nt</think>\n\nA\n\n\n\nB").text
    assert "<step><step>A</step></step>" in released_steps("\nt</think>\n\n<step>A</step>\n\n<step>B</step>").text


def test_the_released_code_cuts_before_other_separators():
    made = released_steps("\nt</think>\n\nIt is 5. Wait, 6.", ["Wait"])
    assert made.text == "<answer>\n<step>\n\nIt is 5. </step>\n<step> Wait, 6.</step>\n</answer>"
    assert released_steps("\nt</think>Wait, 6.", ["Wait"]).text == "<answer>\n<step> Wait, 6.</step>\n</answer>"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (FREE, ["Add the numbers.", "2 + 2 = 4", "The answer is \\boxed{4}."]),
        ("<think>\nt\n</think>\nA\n\nB", ["A", "B"]),
        ("<think>t</think>draft<think>u</think>A\n\nB", ["A", "B"]),
        ("A\n\n\nB\r\n\r\nC\n \t\nD", ["A", "B", "C", "D"]),
        ("A\n\n\n\n\n\nB", ["A", "B"]),
        ("A\n\n---\n\n\\]\n\nB", ["A", "B"]),
        ("A\n\n<answer>\\boxed{4}</answer>", ["A", "\\boxed{4}"]),
        ("A\n\n<answer>\n\nB\n\n</answer>", ["A", "B"]),
        ("A\nstill A<|im_end|>", ["A\nstill A"]),
        ("t</think>\n\n<step>A</step>\n\n<step></step><step>B</step>", ["A", "B"]),
        ("第一步\n\n第二步", ["第一步", "第二步"]),
        ("", []),
        ("  \n\n ", []),
        ("<think>never closed\n\nA", []),
        ("t</think>", []),
        ("A<think>and thoughts last</think>", []),
    ],
)
def test_paragraphs_behind_the_last_thought_are_the_steps(text, steps):
    assert texts(split_steps(text)) == steps


def test_a_prompt_that_opens_the_thoughts_leaves_no_answer_in_a_text_that_never_closes_them():
    assert len(split_steps("a\n\nb")) == 2
    assert split_steps("a\n\nb", thoughts_opened=True) == ()
    assert texts(split_steps("a\n\nb</think>c", thoughts_opened=True)) == ["c"]


def test_other_separators_cut_before_themselves():
    text = "t</think>Wait, 5. However 6.\n\nWait, 7."
    assert texts(split_steps(text, ["Wait"])) == ["Wait, 5. However 6.", "Wait, 7."]
    assert texts(split_steps(text, ["Wait", "However"])) == ["Wait, 5.", "However 6.", "Wait, 7."]
    assert texts(split_steps(text, ["\n\n", "However"])) == ["Wait, 5.", "However 6.", "Wait, 7."]


@pytest.mark.parametrize("separators", ["Wait", [], [""], [1]])
def test_separators_are_a_list_of_texts(separators):
    with pytest.raises(ConfigurationError, match="list of texts"):
        split_steps("a", separators)


PIECES = ["<think>", "</think>", "<answer>", "</answer>", "<step>", "</step>", "\n", "\n\n", "\r\n", " ", "a", "1", "-"]


@given(st.lists(st.sampled_from([*PIECES, "<|im_end|>", "**Final Answer**", "\\boxed{4}", "é", "中"])).map("".join))
@example("<step>-</step>")
@example("<step>-</step><step>a</step>")
def test_whatever_the_text_is_the_places_are_those_of_the_sampled_text_in_order(text):
    at = 0
    for step in split_steps(text):
        assert at <= step.start < step.end <= len(text)
        assert step.text in text[step.start : step.end] or "answer>" in text[step.start : step.end]
        assert any(character.isalnum() for character in step.text)
        at = step.end


@given(st.lists(st.sampled_from(["x = 1", "so 4", "hm\nhm", "$y$"]), min_size=1, max_size=9))
def test_k_paragraphs_and_k_verdicts_are_k_rewards_on_the_tokens_that_were_sampled(paragraphs):
    """G12: the published code trains on texts that were never sampled."""
    said = "\nthoughts\n\nof mine</think>\n\n" + "\n\n".join(paragraphs)
    verdicts = ["CORRECT" if number % 2 else "INCORRECT" for number in range(len(paragraphs))]
    reward = Generator()
    rewards = reward.step_rewards(said, verified(*verdicts))
    k = len(paragraphs)
    assert [step.reward for step in rewards] == [(1 if verdict == "CORRECT" else -1) / k for verdict in verdicts]
    offsets = [match.span() for match in re.finditer(r"\s*\S+|\s+$", said)]
    for step, paragraph in zip(rewards, paragraphs, strict=True):
        assert said[step.start : step.end] == paragraph
        start, end = offsets[reward.token_of_step(step.end, offsets)]
        assert start < step.end <= end


def test_a_verification_of_another_number_of_paragraphs_gives_no_step_reward():
    assert Generator().step_rewards(FREE, verified("CORRECT", "CORRECT")) == ()
    assert Generator().step_rewards("<think>thoughts\n\nalone", verified("CORRECT", "CORRECT")) == ()


def test_released_generator_knows_tags_alone():
    """Its paragraphs get their tags from another program, whose output is what the reward sees."""
    released = Generator(profile="released")
    assert released.step_rewards(FREE, verified(*["CORRECT"] * 3)) == ()
    assert len(released.step_rewards(released_steps(FREE).text, verified(*["CORRECT"] * 3))) == 3


def test_a_verifier_that_passes_over_paragraphs_loses_for_it():
    """G13: as released the count of steps is never held against free text."""
    row = {"label": True, "solution": FREE}
    whole, short = verified(*["CORRECT"] * 3), verified("CORRECT")
    assert Verifier(format_weight=1.0)([whole, short], [row, row]).values.round(1).tolist() == [2.0, 1.2]
    tagged = {"label": True, "solution": released_steps(FREE).text}
    assert Verifier(format_weight=1.0, profile="released")([whole, short], [tagged, tagged]).values.tolist() == [2, 2]


def test_a_completion_that_never_closes_the_prompts_thoughts_has_no_answer_and_no_steps():
    """A reasoning model that ran into its limit: the box of a draft would be paid as an answer."""
    row = {"ground_truth": "4", "verification": verified("CORRECT", "CORRECT")}
    draft = "\nIs it \\boxed{4}?\n\nHm, wait"
    closed = "\nIs it \\boxed{5}?\n\nNo</think>\n\nAdd.\n\n\\boxed{4}"
    reward = Generator(thoughts_opened=True, symbolic=False)
    scores = reward([draft, closed, "<think>t</think>\\boxed{4}"], [row] * 3)
    assert scores.values.tolist() == [0.0, 1.0, 1.0]
    assert scores.status.tolist() == ["unparsed", "scored", "scored"]
    assert scores.parts["step_reward"].tolist() == [0.0, 1.0, 0.0]
    assert reward.step_rewards(draft, row) == ()
    assert Generator(symbolic=False)([draft], [row]).values.tolist() == [1.0]  # nothing says that it is a draft
    assert "thoughts_opened" in reward.signature
    assert "thoughts_opened" not in Generator().signature
    told = reward.explain(draft, row)
    assert told.value == 0.0
    with pytest.raises(ConfigurationError, match="thoughts_opened"):
        Generator(thoughts_opened="yes")
    with pytest.raises(ConfigurationError, match="published code"):
        Generator(thoughts_opened=True, profile="released")
