"""The generator's prompts: the published reasoning prompt letter for letter, ours, and a file of the user's."""

from __future__ import annotations

from collections import Counter

import pytest

from table_rewards import ConfigurationError
from table_rewards.datasets.tango.evals import eval_rows
from table_rewards.datasets.tango.prompts import GeneratorPrompt


def test_the_reasoning_prompt_is_the_published_one():
    prompt = GeneratorPrompt("lrm")
    assert prompt.fingerprint == "#1b47bf88a5bb27e9/91"
    assert "second recipe" in prompt.described()
    assert prompt.opens_thoughts
    assert not GeneratorPrompt().opens_thoughts


def test_a_question_with_braces_stays_as_it_is():
    assert GeneratorPrompt("lrm")("What is {question}?").startswith("What is {question}?\n\nPlease")


def test_a_file_as_jinja2_reads_it_gives_the_published_fingerprint(tmp_path):
    """G10: the template ends with a newline, the prompt does not."""
    file = tmp_path / "lrm.txt"
    file.write_text(
        "{{prompt}}\n\nPlease reason step by step, and put your final answer within \\boxed{}.<think>\n", "utf-8"
    )
    prompt = GeneratorPrompt(file=file, expected="#1b47bf88a5bb27e9/91")
    assert prompt.published


def test_another_prompt_than_the_expected_is_refused(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("{question} Box it.")
    assert GeneratorPrompt(file=file)("1+1?") == "1+1? Box it."
    assert "none of the published ones" in GeneratorPrompt(file=file).described()
    with pytest.raises(ConfigurationError, match="not #1b47bf88a5bb27e9/91"):
        GeneratorPrompt(file=file, expected="#1b47bf88a5bb27e9/91")
    file.write_text("no place")
    with pytest.raises(ConfigurationError, match="no place for the question"):
        GeneratorPrompt(file=file)


def test_evaluations_leave_the_word_mathematical_out_of_a_file_and_not_out_of_the_question(tmp_path):
    """G15: and the reasoning recipe is asked with its own prompt."""
    file = tmp_path / "mine.txt"
    file.write_text("Solve this mathematical problem: {question}")
    prompt = GeneratorPrompt(file=file, evaluation=True)
    row = {"problem": "A mathematical riddle", "answer": "2"}
    (made,) = eval_rows("MATH500", [row], Counter(), prompt)
    assert made["prompt"][0]["content"] == "Solve this problem: A mathematical riddle"
    (made,) = eval_rows("MATH500", [row], Counter(), GeneratorPrompt("lrm"))
    assert made["prompt"][0]["content"].endswith("<think>")
