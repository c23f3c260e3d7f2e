"""Prompt templates of the user's own: both ways to write a place, texts and constants."""

from __future__ import annotations

import pytest

from table_rewards import ConfigurationError
from table_rewards.datasets.templates import Template, read_template


def test_both_ways_to_write_a_place_give_the_same_text():
    jinja = Template("Q: {{ question }} {{n}}, \\boxed{}\n", ["question", "n"])
    plain = Template("Q: {question} {n}, \\boxed{{}}", ["question", "n"])
    assert jinja.fill(question="1+1?", n=3) == plain.fill(question="1+1?", n=3) == "Q: 1+1? 3, \\boxed{}"


def test_jinja2_drops_one_newline_at_the_end_and_str_format_none():
    assert Template("{{ q }}\n\n", ["q"]).fill(q="a") == "a\n"
    assert Template("{q}\n", ["q"]).fill(q="a") == "a\n"


@pytest.mark.parametrize("value", ["{{ q }}", "{q}", "{", "}}", "{% raw %}", "\\1"])
def test_what_is_filled_in_is_never_read_as_a_place(value):
    assert Template("<{{ q }}>", ["q"]).fill(q=value) == Template("<{q}>", ["q"]).fill(q=value) == f"<{value}>"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no place", "no place {q}"),
        ("{q} {other}", "known are {q}"),
        ("{{ q }} {{ other }}", "known are {q}"),
        ("{q} {", "a brace that opens no place"),
        ("{q!r}", "known are {q}"),
        ("{% if q %}{{ q }}{% endif %}", "statements"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused_with_the_reason(text, says):
    with pytest.raises(ConfigurationError, match=says):
        Template(text, ["q"])


def test_a_constant_of_a_python_file_is_read_and_the_file_never_run(tmp_path):
    file = tmp_path / "prompts.py"
    file.write_text('raise SystemExit\nPROMPT = "{{prompt}}\\n\\nbox \\\\boxed{}.<think>\\n"\n')
    assert read_template(f"{file}:PROMPT", ["prompt"]).fill(prompt="Q") == "Q\n\nbox \\boxed{}.<think>"
    with pytest.raises(ConfigurationError, match="it has PROMPT"):
        read_template(f"{file}:OTHER", ["prompt"])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_template(tmp_path / "none.txt", ["prompt"])


def test_a_text_file_is_read_letter_for_letter(tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_bytes(b"{q}\r\n")
    assert read_template(file, ["q"]).fill(q="a") == "a\r\n"
