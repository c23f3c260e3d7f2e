"""Real tables, and apted as the oracle for tree edit distances."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from apted import APTED, Config

from table_rewards.tables.trees.tree import Label, Tree

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def fixture_rows() -> Callable[[str], list[dict[str, Any]]]:
    def rows(name: str) -> list[dict[str, Any]]:
        lines = (ROOT / "fixtures" / "tables" / f"{name}.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]

    return rows


@pytest.fixture(scope="session")
def table_variants() -> ModuleType:
    """benchmarks/table_variants.py: real tables, damaged as models damage them."""
    spec = importlib.util.spec_from_file_location("table_variants", ROOT / "benchmarks" / "table_variants.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class _Node:
    def __init__(self, label: Label, text: str | None, children: list[_Node]) -> None:
        self.label, self.text, self.children = label, text, children


class _TedsCosts(Config):
    """The cost model of TEDS as apted wants it, on plain Levenshtein."""

    def rename(self, one: _Node, two: _Node) -> float:
        import Levenshtein

        if one.label != two.label:
            return 1.0
        if not one.text and not two.text:
            return 0.0 if (one.text is None) == (two.text is None) else 1.0
        if one.text is None or two.text is None:
            return 1.0
        return float(Levenshtein.distance(one.text, two.text)) / max(len(one.text), len(two.text))

    def children(self, node: _Node) -> list[_Node]:
        return node.children


@pytest.fixture(scope="session")
def apted_distance() -> Callable[[Tree, Tree], float]:
    def nodes(tree: Tree) -> _Node:
        stack: list[tuple[int, _Node]] = []  # (leftmost leaf, node) of subtrees that have no parent yet
        for label, text, start in zip(tree.labels, tree.texts, tree.leftmost, strict=True):
            children = []
            while stack and stack[-1][0] >= start:
                children.append(stack.pop()[1])
            stack.append((start, _Node(label, text, children[::-1])))
        assert len(stack) == 1
        return stack[0][1]

    def distance(one: Tree, two: Tree) -> float:
        return float(APTED(nodes(one), nodes(two), _TedsCosts()).compute_edit_distance())

    return distance


WORDS = ("", "a", "b", "ab", "abc", "xyz", "a b", "12", "123", "表", "表格")


class TreeMaker:
    """Random trees, regular and not, small enough for every oracle."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def leaf(self) -> Any:
        spans = self.random.choice((1, 1, 1, 2)), self.random.choice((1, 1, 1, 2))
        word = self.random.choice(WORDS)
        return word if spans == (1, 1) else (word, *spans)

    def rows(self) -> list[tuple[Any, ...]]:
        count = self.random.randrange(6)
        return [tuple(self.leaf() for _ in range(self.random.randrange(5))) for _ in range(count)]

    def mutated(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        pick, changed = self.random, [list(row) for row in rows]
        for _ in range(pick.randrange(1, 4)):
            if not changed:
                break
            at = pick.randrange(len(changed))
            row = changed[at]
            match pick.randrange(5):
                case 0:
                    del changed[at]
                case 1:
                    changed.insert(at, list(pick.choice(changed)))
                case 2 if row:
                    row[pick.randrange(len(row))] = self.leaf()
                case 3 if row:
                    del row[pick.randrange(len(row))]
                case _:
                    row.insert(pick.randrange(len(row) + 1), self.leaf())
        return [tuple(row) for row in changed]

    def irregular(self, depth: int = 4) -> Tree:
        """Sections, nested tables, header cells with children, leaves of every tag, roots that differ."""
        labels: list[Label] = []
        texts: list[str | None] = []
        leftmost: list[int] = []

        def node(left: int) -> None:
            start = len(labels)
            if left <= 0 or self.random.random() < 0.5:
                labels.append(Label("td", self.random.choice((1, 1, 2))))
                texts.append(self.random.choice(WORDS))
            else:
                for _ in range(self.random.randrange(4)):
                    node(left - 1)
                labels.append(Label(self.random.choice(("tr", "tr", "tbody", "th", "table"))))
                texts.append(None)
            leftmost.append(start)

        for _ in range(self.random.randrange(4)):
            node(depth)
        labels.append(Label(self.random.choice(("table", "table", "table", "div"))))
        texts.append(None)
        leftmost.append(0)
        return Tree.from_postorder(labels, texts, leftmost)


@pytest.fixture
def make_trees() -> Callable[[int], TreeMaker]:
    return TreeMaker
