"""Where in a completion the table is."""

from __future__ import annotations

import json

import pytest

from table_rewards.tables.formats.convert import PARSERS
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


MARKDOWN = "| City | People |\n|---|---|\n| Oslo | 709,037 |"
OTSL = "<fcel>City<fcel>People<nl>\n<fcel>Oslo<fcel>709,037<nl>\n"
LATEX = "\\begin{tabular}{lr}\nCity & People \\\\\nOslo & 709,037 \\\\\n\\end{tabular}"
TABLE = "<table><tr><td>City</td><td>People</td></tr><tr><td>Oslo</td><td>709,037</td></tr></table>"


@pytest.mark.parametrize(
    ("completion", "format"),
    [
        (f"I won't use <table>, <tr> or <td> tags.\n\n{MARKDOWN}", "markdown"),
        (f"No <fcel>, <ecel> or <nl> tokens here:\n\n{MARKDOWN}", "markdown"),
        (f"The \\begin{{tabular}} environment is not needed.\n\n{MARKDOWN}", "markdown"),
        (f"A table in `<otsl>` form, not `<table>`:\n{OTSL}", "otsl"),
        (f"{OTSL}\nEach <fcel> starts a cell and <nl> ends a row.", "otsl"),
        (f"Here is the table: {OTSL}".replace("\n", ""), "otsl"),
        (f"The <table> tag gives way to tokens like <fcel>:\n{OTSL}", "otsl"),
        (f"{MARKDOWN}\n\nIn HTML this would be a <table> with <td> cells.", "markdown"),
        (f"Using <table> tags:\n{TABLE}\nThe <table> above.", "html"),
        (f"<div hidden>{HTML}</div>{TABLE}", "html"),
        (f"<div style='color:red; display : none'>{HTML}</div>{TABLE}", "html"),
        (f"<div title='{HTML}'>x</div>{TABLE}", "html"),
        (f"<template>{HTML}</template><style>{HTML}</style>{TABLE}", "html"),
        (f"<!-- {HTML} -->\n{MARKDOWN}", "markdown"),
        (f"% {LATEX.splitlines()[0]} x \\\\ \\end{{tabular}}\n{LATEX}", "latex"),
        (f"```json\n{json.dumps({'table': MARKDOWN})}\n```", "markdown"),
        (json.dumps({"id": 3, "html": TABLE}), "html"),
        (json.dumps([OTSL]), "otsl"),
    ],
)
def test_a_format_that_is_only_named_or_not_shown_hides_no_table(completion, format):
    found = find_tables(completion)
    assert [one.format for one in found] == [format]
    table = PARSERS[format](found[0].source)
    assert table is not None
    assert [[cell.text for cell in row] for row in table.rows] == [["City", "People"], ["Oslo", "709,037"]]


@pytest.mark.parametrize(
    "completion",
    [
        f"<!-- {TABLE} -->",
        f"<script>x = '{TABLE}'</script>",
        f'<p style="display:none">{TABLE}</p>',
        TABLE.replace("<table", "<table hidden"),
        f"<template>{TABLE}</template>",
        f"<img alt='{TABLE}'>",
        "The <table> is missing.",
        "I avoid <fcel> tokens.",
        "Use \\begin{tabular} here.",
    ],
)
def test_what_is_named_or_not_shown_is_no_table(completion):
    assert find_tables(completion) == []


def test_a_nested_table_is_none_of_the_named_ones():
    assert find_tables(f"<table>{TABLE}</table>")[0].source == f"<table>{TABLE}</table>"
