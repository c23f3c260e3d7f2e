"""Known-good programs pass their tests in every style, programs that do nothing or cheat do not."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from table_rewards import UnitTests

FIXTURES = Path(__file__).parents[3] / "fixtures" / "unit_tests"


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (FIXTURES / name).read_text(encoding="utf-8").splitlines()]


STYLES = lines("styles.jsonl")
CASES = lines("cases.jsonl")
FORGING = json.loads((FIXTURES / "forging.json").read_text(encoding="utf-8"))
# one file for each way in which a test can be fooled
AIMS = ("near", "between", "equal", "decimal", "mock", "skips", "file")


@pytest.fixture(scope="module")
def reward() -> UnitTests:
    return UnitTests(cpu_s=4.0)


class Nothing(ast.NodeTransformer):
    """Every function but a constructor returns None at once."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name != "__init__":
            node.body = [ast.Return(ast.Constant(None))]
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.body = [ast.Return(ast.Constant(None))]
        return node


def test_programs_that_the_frameworks_pass_pass_in_full(reward: UnitTests) -> None:
    """pytest and unittest with all that their files hold: fixtures, mocks, streams, files, coroutines, subclasses."""
    programs = [f"```python\n{style['program']}\n```" for style in STYLES]
    scores = reward(programs, [{"test": style["test"]} for style in STYLES])
    found = {style["name"]: note for style, note in zip(STYLES, scores.notes, strict=True)}
    assert scores.parts["all_passed"].tolist() == [1.0] * len(STYLES), found


def test_programs_whose_functions_return_none_do_not_pass(reward: UnitTests) -> None:
    programs = []
    with_functions = [style for style in STYLES if style["name"] != "dataclass"]
    for style in with_functions:
        emptied = ast.fix_missing_locations(Nothing().visit(ast.parse(style["program"])))
        programs.append(f"```python\n{ast.unparse(emptied)}\n```")
    scores = reward(programs, [{"test": style["test"]} for style in with_functions])
    assert not scores.parts["all_passed"].any(), scores.notes


@pytest.mark.parametrize("at", range(0, len(CASES), 32))
def test_given_verdicts(reward: UnitTests, at: int) -> None:
    """Right and wrong programs in every form of tests, with what they must earn."""
    rows = [row for row in CASES[at : at + 32] if not row["options"]]
    scores = reward([row["completion"] for row in rows], [row["reference"] for row in rows])
    wrong = []
    for row, value, status, note in zip(rows, scores.values, scores.status, scores.notes, strict=True):
        expected = row["expect"]
        if status == "unscored":
            fine = expected.get("status") == "unscored"
        else:
            bounds = {key: expected[key] for key in ("value", "at_least", "at_most") if key in expected}
            fine = (
                bool(bounds)
                and abs(value - bounds.get("value", value)) < 1e-9
                and bounds.get("at_least", 0) - 1e-9 <= value <= bounds.get("at_most", 2) + 1e-9
            )
        if not fine:
            wrong.append((row["id"], value, status, note, row["why"]))
    assert not wrong


@pytest.mark.parametrize(
    "aim", [pytest.param(aim, marks=[pytest.mark.slow] if aim in ("near", "between") else []) for aim in AIMS]
)
def test_nothing_that_the_code_does_forges_a_pass(reward: UnitTests, aim: str) -> None:
    """Objects that equal everything, exits, skips, forged frames, planted files, hands on what the tests hand over."""
    attacks = {name: code for name, code in FORGING["attacks"].items() if name not in ("huge", "deep", "generator")}
    programs = [f"```python\n{code}\n```" for code in attacks.values()]
    scores = UnitTests(cpu_s=1.0)(programs, [{"test": FORGING["files"][aim]}] * len(programs))
    assert all(status != "unscored" for status in scores.status), scores.notes
    assert not [name for name, passed in zip(attacks, scores.parts["all_passed"], strict=True) if passed]


def test_tests_that_use_nothing_of_the_program_are_refused(reward: UnitTests) -> None:
    scores = reward(
        ["```python\ndef f(): pass\n```"], [{"test": "def g(): return 1\ndef test_g():\n    assert g() == 1"}]
    )
    assert scores.status[0] == "unscored"
