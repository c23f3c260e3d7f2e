"""What the source says of itself: public docstrings that raise say so, and words that a newcomer knows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "table_rewards"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.fixture(scope="module")
def trees():
    return {path.relative_to(SOURCE): ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def name_of(node):
    return getattr(node, "id", None) or getattr(node, "attr", None)


def our_errors(trees):
    """The names of all classes below TableRewardsError."""
    classes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    known: set[str] = {"TableRewardsError"}
    while more := {one.name for one in classes if {name_of(base) for base in one.bases} & known} - known:
        known |= more
    return known


def raised(function):
    """The names of what a function's own body raises, without the functions inside it."""
    waiting, found = list(function.body), set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            found.add(name_of(node.exc.func if isinstance(node.exc, ast.Call) else node.exc))
        waiting += ast.iter_child_nodes(node)
    return found


def public_functions(trees):
    """(where, docstring, function) of functions and methods that have one; a constructor has its class's, too.

    A method without a docstring is an override, whose promise stands at the method that it overrides.
    """
    for path, tree in trees.items():
        for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
            if isinstance(owner, ast.ClassDef) and owner.name.startswith("_"):
                continue
            for function in owner.body:
                if not isinstance(function, FUNCTIONS):
                    continue
                doc = ast.get_docstring(function) or ""
                if function.name == "__init__":
                    doc += ast.get_docstring(owner) or ""
                elif function.name.startswith("_"):
                    continue
                if doc:
                    yield f"{path}: {getattr(owner, 'name', '')}.{function.name}", doc, function


@pytest.mark.slow
def test_a_public_docstring_says_which_of_our_errors_its_function_raises(trees):
    errors = our_errors(trees)
    seen = {where: (doc, raised(one) & errors) for where, doc, one in public_functions(trees)}
    raising = {where: (doc, names) for where, (doc, names) in seen.items() if names}
    assert len(raising) > 100
    assert [where for where, (doc, _) in raising.items() if not re.search(r"Raises?\b|raises?\b|refuse", doc)] == []


UNKNOWN_WORDS = re.compile(
    r"\bthe seeds\b|\bseed's\b|\bseeds' |\bseed (systems?|papers?|code)\b"
    r"|\b(public|verl|swift|TRL) doors?\b|\bdoors to\b|\bfloor plan\b",
    re.IGNORECASE,
)
PLACES = [
    *SOURCE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py"),
    *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("*.toml"), *(ROOT / "adapters").rglob("*.py"),
]  # fmt: skip


def test_no_page_and_no_comment_uses_words_of_the_workshop():
    """What was published is "the published code" or has its system's name."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in PLACES
        if path != Path(__file__).resolve() and "_build" not in path.parts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNKNOWN_WORDS.search(line)
    ]
    assert found == []
