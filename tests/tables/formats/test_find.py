"""Where in a completion the table is."""

from __future__ import annotations

import pytest

from table_rewards.tables.formats.find import find_tables

HTML = "<table><tr><td>1</td></tr></table>"


@pytest.mark.parametrize(
    "completion",
    [
        pytest.param(HTML, id="alone"),
        pytest.param(f"Sure, here it is:\n\n{HTML}\n\nAnything else?", id="prose"),
        pytest.param(f"```html\n{HTML}\n```", id="fence"),
        pytest.param(f"<think>{HTML.replace('1', '0')} no, wrong</think>\n{HTML}", id="thought"),
        pytest.param(f"perhaps {HTML.replace('1', '0')}</think>{HTML}", id="thought opened by the prompt"),
        pytest.param(f"<think>a</think><answer>{HTML}</answer>", id="answer"),
        pytest.param(
            f"<answer>{HTML.replace('1', '0')}</answer> wait: <answer>{HTML}</answer>", id="last answer counts"
        ),
        pytest.param(f"<answer>{HTML}", id="answer cut short"),
        pytest.param(f"<html><body>{HTML}</body></html>", id="document"),
    ],
)
def test_html_is_found(completion):
    assert find_tables(completion) == [("html", HTML)]


@pytest.mark.parametrize(
    "completion",
    ["", "no table", "<think><table><tr><td>1", f"<answer></answer>{HTML}", f"<think>{HTML}", "<tablet>", "a | b"],
)
def test_nothing_is_found(completion):
    assert find_tables(completion) == []


def test_an_unclosed_table_ends_with_its_fence():
    assert find_tables("```html\n<table><tr><td>1\n```\nI am done.") == [("html", "<table><tr><td>1\n")]


def test_nested_tables_are_one():
    nested = "<table><tr><td><table><tr><td>1</td></tr></table></td></tr></table>"
    assert find_tables(nested) == [("html", nested)]


def test_several_tables_in_order():
    assert [found.source for found in find_tables(f"{HTML} and {HTML.upper()}")] == [HTML, HTML.upper()]


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ("<think>x</think><fcel>a<nl>\n", ("otsl", "<fcel>a<nl>\n")),
        ("<otsl><fcel>a<nl></otsl>", ("otsl", "<fcel>a<nl></otsl>")),
        ("```\n<fcel>a<nl>\n```", ("otsl", "<fcel>a<nl>\n")),
        ("Here:\n\n| a |\n|---|\n| 1 |\n", ("markdown", "| a |\n|---|\n| 1 |")),
        ("```markdown\n| a |\n|---|\n```", ("markdown", "| a |\n|---|")),
        ("$\\begin{array}{c}1\\end{array}$\n\n| a |\n|---|\n| 1 |", ("markdown", "| a |\n|---|\n| 1 |")),
        ("x \\begin{tabular}{l}a\\\\\\end{tabular} y", ("latex", "\\begin{tabular}{l}a\\\\\\end{tabular}")),
    ],
)
def test_other_formats(completion, expected):
    assert find_tables(completion) == [expected]
