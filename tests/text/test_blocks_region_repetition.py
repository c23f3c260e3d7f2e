"""Blocks, boxes, cited regions and degenerate endings."""

from __future__ import annotations

import json
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from table_rewards.rewards.table_bench.region import TAG, overlap, read_region, region_overlap
from table_rewards.rewards.table_bench.released_region import released_overlap
from table_rewards.text.blocks import (
    boxed,
    fenced_blocks,
    last_tagged,
    python_block,
    python_blocks,
    tagged,
    unclosed_python_block,
)
from table_rewards.text.repetition import repeats_at_end
from table_rewards.text.rouge import ascii_tokens, rouge_l, script_tokens


def test_the_last_python_block_is_taken_and_an_open_one_is_not() -> None:
    text = "```python\na\n```\n```PY\nb\n```\n```sh\nls\n```\n```python\nnever closed"
    assert python_block(text) == "b\n"
    assert fenced_blocks("~~~python\nx\n~~~", "python") == ["x\n"]
    assert python_block("```\nx = 1\n```") == "x = 1\n"
    assert python_blocks("```pypy3\na\n```\n```Python3.11\nb\n```\n```\nc\n```") == ["a\n", "b\n"]


def test_boxes_balance_their_braces() -> None:
    assert boxed(r"\boxed{\frac{1}{2}} \boxed{\{1\}} \boxed{") == [r"\frac{1}{2}", r"\{1\}"]
    assert boxed("none") == []


def test_nested_tags_give_the_innermost() -> None:
    assert tagged("<step>a<step>b</step></step>", "step") == ["b"]
    assert last_tagged("<answer>1</answer></answer>", "answer") is not None


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        ("````python\n", "```\n"),
        ("````python\n", "a = 1\n```js\n"),
        ("```python\n", "a = 1 </answer>\n"),
        ("````python\n# '''\n", "# ```\n"),
        ("````python\ns = '''\n", "a = 1\n```\n"),
    ],
)
def test_a_block_of_fences_that_do_not_end_it_is_read_in_one_pass(before: str, piece: str) -> None:
    text = before + piece * (300_000 // len(piece))
    started = time.process_time()
    fenced_blocks(text)
    assert time.process_time() - started < 5  # a tenth of a second; joined anew at every fence it takes a minute


@pytest.mark.parametrize("piece", [r"\boxed{", "<a>", "</a>", "```python\n", "<gold_area>{", '{"columns": ['])
def test_a_megabyte_of_openings_takes_seconds_at_most(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    boxed(text), tagged(text, "a"), fenced_blocks(text)
    region_overlap(area(["a"], [0]), last_tagged(text + "</gold_area>", TAG) or text)
    assert time.process_time() - started < 10


def area(columns: object, rows: object) -> str:
    return json.dumps({"columns": columns, "rows": rows, "data": [[1]]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (area(["a"], [0]), 1.0),
        ("\n" + area(["a"], [0]).replace(",", ",\n") + "\n", 1.0),  # T6: a newline hid the region
        (area([" a "], ["0"]), 1.0),
        (area(["a"], [0.0]), 1.0),
        (area(["a", "a"], [0]), 0.75),  # repeating a name does not pay
        (area(["b"], [0]), 0.5),
        (area([], []), 0.0),
        (area([{"x": 1}], [0]), 0.5),  # T6: dict elements crashed the run
        ('{"columns": ["a"], "rows": [0], "data": [[broken', 1.0),
        ('{"columns": ["a"', None),  # no region at all is not an empty one
        ("not json", None),
        ("", None),
    ],
)
def test_regions_are_read_as_they_are_meant(text: str, expected: float | None) -> None:
    cited = last_tagged(f"before <gold_area>{text}</gold_area> behind", TAG)
    assert cited is not None
    assert region_overlap(area(["a"], [0]), cited) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'columns': ['x', \"y's\"], 'rows': [0, 1]}", 1.0),
        ('{"columns": ["x", "y\'s",], "rows": [0, 1,],}', 1.0),
        ("{'columns': ['x'], 'rows': [0, 1]}", 0.75),
        ("{'columns': ('x', \"y's\"), 'rows': (0, 1)}", 1.0),
        ('{"gold_area": {"columns": ["x", "y\'s"], "rows": [0, 1]}}', 1.0),
        ('{"gold_area": ["x"], "columns": ["x", "y\'s"], "rows": [0, 1]}', 1.0),
        ("{'columns': ['x', __import__('os')], 'rows': [0, 1]}", None),
        ("{'columns': ['x'] * 10**9, 'rows': [0, 1]}", None),
        ("{'columns': [{1: 2, 'a': 3}], 'rows': [0]}", None),
    ],
)
def test_regions_in_python_s_notation_are_read_and_never_run(text: str, expected: float | None) -> None:
    assert region_overlap('{"columns": ["x", "y\'s"], "rows": [0, 1]}', text) == expected


def test_a_bracket_in_a_name_and_repeated_names_count_fully() -> None:
    gold = read_region(area(["a [m]", "b]", "b]"], [1, 2]))
    assert gold is not None
    assert overlap(gold, gold) == 1.0
    assert released_overlap(area(["a]"], [0]), area(["a]"], [0])) == 0.5  # T6


def test_two_empty_lists_overlap_fully() -> None:
    empty = read_region(area([], []))
    assert empty is not None
    assert overlap(empty, empty) == 1.0
    assert released_overlap(area([], []), area([], [])) == 0.0  # T6


def test_integers_built_to_collide_in_a_set_cost_nothing() -> None:
    rows = [k * (2**61 - 1) for k in range(9_000)]
    started = time.process_time()
    read_region(area([], rows))
    released_overlap(area(["a"], [0]), area([], rows))
    assert time.process_time() - started < 1


def test_more_items_than_any_table_has_is_no_region() -> None:
    assert read_region(area([], list(range(20_000)))) is None


@given(st.lists(st.text(max_size=4), max_size=6), st.lists(st.text(max_size=4), max_size=6))
def test_overlap_is_symmetric_and_bounded(a: list[str], b: list[str]) -> None:
    left, right = read_region(area(a, [0])), read_region(area(b, [0]))
    assert left is not None
    assert right is not None
    assert overlap(left, right) == overlap(right, left)
    assert 0.0 <= overlap(left, right) <= 1.0
    assert (overlap(left, right) == 1.0) == (left == right)


def plain_repeats(text: str) -> bool:
    """The definition, tried for every length: the reference for the fast form."""
    return any(text.endswith(text[-n:] * 5) for n in range(5, len(text) // 5 + 1))


@given(st.text(alphabet="ab ", max_size=80), st.text(alphabet="ab", min_size=1, max_size=9), st.integers(0, 7))
def test_the_fast_loop_guard_equals_the_definition(before: str, piece: str, times: int) -> None:
    text = before + piece * times
    assert repeats_at_end(text, white_space_counts=True) == plain_repeats(text)


def test_blank_lines_and_table_rules_are_no_loop() -> None:
    assert not repeats_at_end("Final Answer: 7" + "\n" * 25)  # T8
    assert not repeats_at_end("|" + "-----|" * 6)
    assert repeats_at_end("wait, " * 6)


def test_rouge_l_equals_the_rouge_score_package() -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=False)
    random.seed(1)
    words = ["the", "a", "table", "sums", "3.5", "10%", "grows-fast", "Größe", "x1", "row"]
    for _ in range(200):
        gold, given_ = (" ".join(random.choices(words, k=random.randint(0, 12))) for _ in range(2))
        expected = scorer.score(gold, given_)["rougeL"].fmeasure
        assert rouge_l(ascii_tokens(gold), ascii_tokens(given_)) == pytest.approx(expected, abs=1e-12)


def test_rouge_l_sees_every_script() -> None:
    assert rouge_l(script_tokens("表格显示增长"), script_tokens("表格显示下降")) == pytest.approx(4 / 6)
    assert rouge_l(ascii_tokens("表格"), ascii_tokens("表格")) == 0.0


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("1. So:\n\n   ```python\n   if a:\n       b()\n   ```\n", "if a:\n    b()\n"),
        ("- ```python\n  a = 1\n  ```", "a = 1\n"),
        ("~~~python\na = '```'\n~~~", "a = '```'\n"),
        ("Answer: ```python\na = 1\n```", "a = 1\n"),
        ("```python\na = 1```\nDone.", "a = 1\n"),
        ("```python\na = 1\n    ```", "a = 1\n"),
        ("```python\r\na = 1\r\nb = 2\r\n```\r\n", "a = 1\nb = 2\n"),
        ("<answer>\n```python\na = 1\n</answer>", "a = 1\n"),
        ("\t```python\n\ta = 1\n\t```", "a = 1\n"),
        ('```python title="a.py"\na = 1\n```', "a = 1\n"),
    ],
)
def test_fences_are_read_in_every_form(text: str, block: str) -> None:
    assert python_block(text) == block


@pytest.mark.parametrize("text", ["```cpp\nint a;\n```", "use ```python``` here", "```python\na = 1", "none"])
def test_what_is_no_closed_python_block_is_none(text: str) -> None:
    assert python_block(text) is None


@pytest.mark.parametrize(
    "cited",
    [
        '{"columns": ["pairs", "ELO"], "rows": [0, 1]}',
        '{"Columns": ["Pairs", "Elo"], "Rows": [0, 1]}',
        '{columns: ["Pairs", "Elo"], rows: [0, 1]}',
        "{“columns”: [“Pairs”, “Elo”], “rows”: [0, 1]}",
        "columns = ['Pairs', 'Elo'], rows = [0, 1]".replace("'", '"'),
    ],
)
def test_a_region_may_be_written_in_other_ways(cited: str) -> None:
    gold = read_region('{"columns": ["Pairs", "Elo"], "rows": [0, 1]}')
    found = read_region(cited)
    assert gold is not None
    assert found is not None
    assert overlap(gold, found) == 1.0


def test_case_tells_two_names_of_one_table_apart() -> None:
    gold = read_region('{"columns": ["Won", "won"], "rows": [0]}')
    found = read_region('{"columns": ["WON", "won"], "rows": [0]}')
    assert gold is not None
    assert found is not None
    assert overlap(gold, found) < 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> ```python\n> if a:\n>     b()\n> ```\nfine", ["if a:\n    b()\n"]),
        ("> So:\n>\n> ~~~python\n> a = 1\nfine", ["a = 1\n"]),  # the end of the quotation ends the fence
        (">```py\n>a = 1\n>```", ["a = 1\n"]),
        ("```python\n'''\n>>> f(1)\n2\n'''\n```", ["'''\n>>> f(1)\n2\n'''\n"]),
        ("> quoted\n```python\na > 1\n```\n> again", ["a > 1\n"]),
    ],
)
def test_code_in_a_quotation_is_read_without_its_marks(text: str, expected: list[str]) -> None:
    assert python_blocks(text) == expected


_DOUBLE = 'def f(x):\n  """Double.\n\n  ```{}\n  f(1)\n  ```\n  """\n  return 2 * x\n'
_MARKED = _DOUBLE.format("")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"```python\n{_MARKED}```\ntext", [_MARKED]),
        (f"```python\n{_DOUBLE.format('python')}```", [_DOUBLE.format("python")]),
        (f"```\n{_MARKED}```", [_MARKED]),
        (f"~~~py\n{_MARKED.replace('```', '~~~')}~~~", [_MARKED.replace("```", "~~~")]),
        (f"```python\n{_MARKED}```\nUse it:\n```python\nprint(f(1))\n```", [_MARKED, "print(f(1))\n"]),
        (f"<answer>\n```python\n{_MARKED}</answer>", [_MARKED]),
        ('```python\n"""\n```\nf(1)\n```\n"""\nf = abs\n```', ['"""\n```\nf(1)\n```\n"""\nf = abs\n']),
        # a string that is a slip of the program hides no fence
        ("```python\ns = '''oops\n```\nAgain:\n```python\nx = 1\n```", ["s = '''oops\n", "x = 1\n"]),
        (f"```python\ns = '''oops\n```\nAgain:\n```python\n{_MARKED}```", ["s = '''oops\n", _MARKED]),
        ('```python\nx = 1  # no """\n```\nSo:\n```python\nprint(x)\n```', ['x = 1  # no """\n', "print(x)\n"]),
    ],
)
def test_a_fence_in_a_docstring_ends_no_program(text: str, expected: list[str]) -> None:
    assert python_blocks(text) == expected


def test_a_program_without_a_closing_fence_is_not_cut_in_its_docstring() -> None:
    for body in (_MARKED, _MARKED.replace("  ", "    ")):
        assert unclosed_python_block(f"```python\n{body}") == body


@pytest.mark.parametrize("piece", ["    ```\n", "x\n```python\n", "''' '''\n```\n", "'''\n```\n'''\n ```\n"])
def test_many_fences_in_an_open_string_cost_time_in_proportion(piece: str) -> None:
    start = time.process_time()
    fenced_blocks("```python\n'''\n" + piece * 20_000)
    assert time.process_time() - start < 10
