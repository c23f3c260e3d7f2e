"""Inputs that need no thought about a program: the result itself, empty values, one letter repeated.

A row that asks for an input and takes one of them teaches a template, so ``prepare exec-verify`` leaves it out.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from table_rewards.core.errors import ScorerFailed
from table_rewards.rewards.white_box.tokens import NotThatForm, literal
from table_rewards.sandbox import Job, Limits, Sandbox, get_sandbox, values

if TYPE_CHECKING:
    from table_rewards.datasets.exec_verify.rows import Call

EMPTY: Final = ("''", "[]", "{}", "0", "1", "None", "()", "False", "True")
_LETTERS: Final = (1, 2, 3, 5, 8)
MOST: Final = 60
BATCH: Final = 256


def trivial_inputs(code: str, function: str, result: str) -> list[str]:
    """The arguments of the calls, as source: for each a first argument, and one value for all the others.

    >>> trivial_inputs("def f(a): return a", "f", "3")[:4]
    ['3', "''", '[]', '{}']
    >>> trivial_inputs("def f(a, b, c=1): return a", "f", "'x'")[0]
    "'x', ''"
    """
    required = _required(code, function)
    firsts = [result, *EMPTY, *(f"'a' * {count}" for count in _LETTERS)]
    try:
        value = values.from_literal(result)
    except ValueError:
        value = None
    if value is not None and value.kind == "int" and 0 <= int(result) <= 1_000:
        firsts += [f"'a' * {result}", f"[0] * {result}", f"[1] * {result}", f"range({result})"]
    if value is not None and value.kind in ("str", "list", "tuple"):
        firsts += [f"[{result}]", f"'a' * {len(result)}"]
    firsts = list(dict.fromkeys(firsts))
    if required <= 1:
        return firsts if required else ["", *firsts]
    rest = required - 1
    calls = [
        ", ".join([first, *[other] * rest]) for other in ("''", "0", "[]", "1", "{}", "None") for first in firsts[:6]
    ]
    calls += [", ".join([first] * required) for first in firsts]
    return list(islice(dict.fromkeys(calls), MOST))


def _required(code: str, function: str) -> int:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == function.rpartition(".")[2]:
            positional = [*node.args.posonlyargs, *node.args.args]
            return len(positional) - len(node.args.defaults)
    return 1


def solved_without_thought(
    calls: Sequence[Call], results: Sequence[str], limits: Limits, sandbox: Sandbox | None = None
) -> list[bool]:
    """For each call whether one of its trivial inputs gives the result; one without a result is not asked about.

    An input that is the sample's own counts too: what a template finds is found without thought.

    Raises:
        ScorerFailed: the sandbox failed.
    """
    runner = sandbox or get_sandbox()
    found = [False] * len(calls)
    asked: list[tuple[int, values.Value]] = []
    jobs: list[Job] = []
    for index, (call, result) in enumerate(zip(calls, results, strict=True)):
        try:
            wanted = literal(result)
        except NotThatForm:
            continue
        inputs = trivial_inputs(call.code, call.function, result)
        expressions = [f"{call.function}({arguments})" for arguments in inputs]
        asked.append((index, wanted))
        jobs.append(Job.exprs(call.code, expressions, limits=limits))
    for start in range(0, len(jobs), BATCH):
        outcomes = runner.run_batch(jobs[start : start + BATCH])
        for (index, wanted), outcome in zip(asked[start : start + BATCH], outcomes, strict=True):
            if outcome.is_ours:
                raise ScorerFailed(f"the sandbox failed: {outcome.note}")
            found[index] = any(value.ok and values.same(value, wanted, nan_is_nan=True) for value in outcome.values)
    return found
