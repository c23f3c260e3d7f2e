"""Regions for rows that come without one: from the cells of the answer, or from what a program looks at.

Both are evidence, not annotation, and say nothing rather than guess. An answer that is computed stands in no cell; a
number that merely occurs in the table is no evidence unless the question names its row and its column, or no other row.
A program, run in the sandbox, shows the rows that it selects and the columns that it names.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from table_rewards.datasets.table_r1.table import Region, Table, key, region_of
from table_rewards.rewards.table_bench.programs import ProgramRunner, printed_answer, table_csv
from table_rewards.sandbox import Job, Outcome
from table_rewards.text.answers import comparable, same_answer

_SEPARATOR: Final = re.compile(r"\s*[,;，、；]\s+|\s*[，、；]\s*")
_WORD: Final = re.compile(r"(?<=`)[^`]+(?=`)|[^\W\d]\w*")
MARK: Final = "\x1eTABLE_R1_REGION "
MAX_CODE: Final = 20_000

NOWHERE: Final = "the answer stands in no cell"
SEVERAL: Final = "the answer stands in several cells"
CHANCE: Final = "the answer is a number that may stand in the table by chance"


def region_of_answer(answer: str, question: str, table: Table) -> Region | str:
    """The rows of the answer's cells, with their columns and those that the question names; or why there is none.

    >>> players = (("Woo", 116, "Ulsan"), ("Kim", 114, "Jeonbuk"), ("Shin", 99, "Ulsan"))
    >>> table = Table(("name", "goals", "club"), players)
    >>> region_of_answer("116", "How many goals has Woo scored?", table)
    Region(columns=('name', 'goals'), rows=(0,), data=(('Woo', 116),))
    >>> region_of_answer("3", "How many players are there?", table), region_of_answer("Ulsan", "Which club?", table)
    ('the answer stands in no cell', 'the answer stands in several cells')
    """
    where: dict[str, list[tuple[int, int]]] = {}
    for r, cells in enumerate(table.data):
        for c, cell in enumerate(cells[: len(table.columns)]):
            if cell is not None:
                where.setdefault(key(cell), []).append((r, c))
    items = [answer]
    if key(answer) not in where:
        items = [item for item in _SEPARATOR.split(answer) if item]
    if not items or any(not key(item) or key(item) not in where for item in items):
        return NOWHERE
    asked = f" {comparable(' '.join(question.split()))} "
    named_columns = {c for c, name in enumerate(table.columns) if _in(name, asked)}
    named_cells = [cells for name, cells in where.items() if not name.startswith("#") and _in(name, asked)]
    naming = {cell for cells in named_cells for cell in cells}
    named_rows = {r for r, _ in naming}
    rows: set[int] = set()
    columns: set[int] = set()
    for item in items:
        found = where[key(item)]
        narrowed = [cell for cell in found if cell not in naming] or found  # "Kim or Woo?" names the answer itself
        narrowed = [(r, c) for r, c in narrowed if r in named_rows] or narrowed
        narrowed = [(r, c) for r, c in narrowed if c in named_columns] or narrowed
        if len(narrowed) > 1:
            return SEVERAL
        row, column = narrowed[0]
        asked_for = row in named_rows and (len(named_rows) == 1 or column in named_columns)
        if key(item).startswith("#") and not asked_for:
            return CHANCE
        rows.add(row)
        columns |= {column, *(c for r, c in naming if r == row)}
    return region_of(table, [*columns, *named_columns], sorted(rows))


def _in(name: str, asked: str) -> bool:
    text = comparable(" ".join(name.split()))
    return len(text) > 2 and f" {text} " in asked


# -- programs ---------------------------------------------------------------------------------------------------------

_BEFORE: Final = """\
def _look_at_rows(value, how="", seen=[], whole=[], aligned=[False]):
    try:
        import pandas as pd
        if not whole:
            whole.append(pd.read_csv("table.csv"))
        table = whole[0]
        def row(label):
            return str(label).isdigit() and int(label) < len(table)
        def same(part):
            old = table.loc[part.index, part.name]
            return old.equals(part) or bool((pd.to_numeric(old, errors="coerce") == part).all())
        if how == "base":
            inside = value.index.isin(table.index).all()
            aligned[0] = bool(inside and (len(value) == len(table) or same(value)))
        elif how == "picks":
            if aligned[0] and row(value):
                seen.append(([], [int(value)]))
        elif isinstance(value, pd.Series) and len(value):
            if value.name in table.columns and value.index.isin(table.index).all() and same(value):
                seen.append(([str(value.name)], [int(i) for i in value.index]))
            elif row(value.name) and value.index.isin(table.columns).all():
                if table.loc[int(value.name), list(value.index)].astype(str).equals(value.astype(str)):
                    seen.append(([], [int(value.name)]))
        elif isinstance(value, pd.DataFrame) and len(value) and value.index.isin(table.index).all():
            if any(same(value[c]) for c in value.columns if c in table.columns):
                seen.append(([], [int(i) for i in value.index]))
    except Exception:
        if how == "base":
            aligned[0] = False
    return seen if value is _look_at_rows else value
"""
_AFTER: Final = f"""
import json as _json
_seen = {{str(pair): pair for pair in _look_at_rows(_look_at_rows)}}
print({MARK!r} + _json.dumps(list(_seen.values())[:2000]))
"""


def watched(code: str) -> str | None:
    """The program, made to tell at its end what it selected; None when it cannot be read as Python.

    >>> "_look_at_rows(df['a'])" in watched("print(df['a'])")
    True
    """
    if len(code) > MAX_CODE:
        return None
    try:
        tree = ast.fix_missing_locations(_Watch().visit(ast.parse(code)))
        return f"{_BEFORE}\n{ast.unparse(tree)}\n{_AFTER}"
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Watch(ast.NodeTransformer):
    """Every selection and every call is handed through the onlooker."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        return _handed(node) if isinstance(node.ctx, ast.Load) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("idxmax", "idxmin"):
            node.func.value = _handed(node.func.value, "base")  # a label of another frame is no row of the table
            return _handed(node, "picks")
        return _handed(node)


def _handed(node: ast.expr, how: str = "") -> ast.expr:
    arguments: list[ast.expr] = [node, *([ast.Constant(how)] if how else [])]
    return ast.Call(ast.Name("_look_at_rows", ast.Load()), arguments, [])


def program_job(code: str, table: Table, runner: ProgramRunner) -> Job | None:
    """The sandbox job that shows what a program looks at; None when its code cannot be read."""
    made = watched(code)
    return None if made is None else runner.script(made, table_csv({"columns": table.columns, "data": table.data}))


def region_of_program(outcome: Outcome, code: str, answer: str, table: Table) -> Region | str:
    """The narrowest selections of rows and the columns it names; or why there is none.

    A program that selects no rows looks at all of them. One that prints another answer is no evidence.
    """
    printed = printed_answer(outcome)
    if printed is None:
        return "the program fails or prints no answer"
    if not same_answer(answer, printed):
        return "the program prints another answer"
    seen = _seen(outcome.stdout)
    if seen is None:
        return "the program does not show what it looks at"
    columns = _columns_in(code, table)
    selections: set[frozenset[int]] = set()
    by_name = _mangled(table)
    for names, rows in seen:
        columns |= {by_name[name] for name in names if name in by_name}
        if 0 < len(set(rows)) < len(table.data):
            selections.add(frozenset(rows))
    narrowest = [rows for rows in selections if not any(other < rows for other in selections)]
    chosen = sorted(frozenset().union(*narrowest)) if narrowest else range(len(table.data))
    return region_of(table, sorted(columns), list(chosen)) if columns else "the program names no column"


def _seen(stdout: str) -> list[tuple[list[str], list[int]]] | None:
    _, found, tail = stdout.rpartition(MARK)
    try:
        listed: Any = json.loads(tail) if found else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(listed, list):
        return None
    pairs = []
    for pair in listed:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, list) for part in pair)):
            return None
        names = [name for name in pair[0] if isinstance(name, str)]
        pairs.append((names, [row for row in pair[1] if isinstance(row, int)]))
    return pairs


def _columns_in(code: str, table: Table) -> set[int]:
    """The columns whose names the code writes, as text or as an attribute."""
    by_name = _mangled(table)
    try:
        nodes: Sequence[ast.AST] = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("query", "eval"):
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            words = {word for text in texts for word in _WORD.findall(text)}
            found |= {place for name, place in by_name.items() if name in words}
        name = node.value if isinstance(node, ast.Constant) else node.attr if isinstance(node, ast.Attribute) else None
        if isinstance(name, str) and name in by_name:
            found.add(by_name[name])
    return found


def _mangled(table: Table) -> dict[str, int]:
    """Column names as pandas reads them: the second ``League`` is ``League.1``, one without a name ``Unnamed: 3``."""
    names: dict[str, int] = {}
    times: dict[str, int] = {}
    for place, column in enumerate(table.columns):
        name = column or f"Unnamed: {place}"
        count = times.get(name, 0)
        times[name] = count + 1
        names.setdefault(f"{name}.{count}" if count else name, place)
    return names
