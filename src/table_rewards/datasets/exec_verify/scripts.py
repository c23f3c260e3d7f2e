"""Scripts of one program and one ``print`` of one call, as models write them: to a function, a call and its result."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

from table_rewards.core.errors import BadReference, ScorerFailed
from table_rewards.datasets.files.batch_log import BatchLog
from table_rewards.sandbox import Job, Limits, Sandbox, get_sandbox, values

MAX_SCRIPT: Final = 20_000
MAX_DEPTH: Final = 60
BATCH: Final = 256
CALLED: Final = Limits(cpu_s=0.5, mem_mb=512)


@dataclass(frozen=True, slots=True)
class Script:
    """A program without its ``print``, the function that it called, and the arguments' source."""

    code: str
    function: str
    arguments: str


def read_script(text: str) -> Script:
    """Read a script; imports and variables of the program stay.

    >>> read_script("def f(a):\\n    return a\\n\\nprint(f([1, 2]))\\n")
    Script(code='def f(a):\\n    return a', function='f', arguments='[1, 2]')

    Raises:
        BadReference: it is no such script; the message says why, in words that group well.
    """
    if len(text) > MAX_SCRIPT or _depth(text) > MAX_DEPTH:
        raise BadReference("a script that is too long or too deep")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadReference("no Python") from None
    defined = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    if not defined:
        raise BadReference("no function") from None
    prints = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) == "print"]
    if len(prints) != 1:
        raise BadReference(f"{'no print' if not prints else 'more than one print'}")
    statement = next((node for node in tree.body if isinstance(node, ast.Expr) and node.value is prints[0]), None)
    arguments = prints[0].args
    if statement is None or prints[0].keywords or len(arguments) != 1 or not isinstance(arguments[0], ast.Call):
        raise BadReference("the print is not of one call")
    call = arguments[0]
    function = _name(call)
    if function not in defined:
        raise BadReference("the print is of no function of the script")
    if not call.args and not call.keywords:
        raise BadReference("a call without arguments")
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if any(keyword.arg is None for keyword in call.keywords) or not all(map(_literal, given)):
        raise BadReference("an argument that is no literal")
    source = ast.get_source_segment(text, call) or ""
    inside = source[source.index("(") + 1 : -1].strip().removesuffix(",").rstrip()
    lines = text.splitlines(keepends=True)
    code = "".join(lines[: statement.lineno - 1] + lines[statement.end_lineno or statement.lineno :])
    return Script(code.strip("\n"), function, inside)


def _depth(text: str) -> int:
    depth = most = 0
    for character in text:
        if character in "([{":
            depth += 1
            most = max(most, depth)
        elif character in ")]}":
            depth -= 1
    return most


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError, SyntaxError):
        return False
    return True


def executed(
    rows: Iterable[Mapping[str, Any]],
    counts: Counter[str],
    sandbox: Sandbox | None = None,
    log: BatchLog | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield ``{func_str, func_name, func_args, result, setting}`` for the scripts that run, each once.

    Kept is a script of one ``print`` of one call with literal arguments, whose call ends within its limits in the
    sandbox with a value whose ``repr`` reads back. ``counts`` tells what became of the others; batches that ``log``
    has are not run again.

    >>> counts = Counter()
    >>> rows = [{"code": "def f(a):\\n    return a * 2\\nprint(f(3))", "setting": {}}, {"code": "x = 1\\nprint(x)"}]
    >>> [(row["func_name"], row["func_args"], row["result"]) for row in executed(rows, counts)], dict(counts)
    ([('f', '3', '6')], {'no function': 1, 'kept': 1})

    Raises:
        ScorerFailed: the sandbox failed on a script; data are made whole or not at all.
    """
    seen: set[tuple[str, str]] = set()
    scripts = _scripts(rows, counts)
    while batch := list(islice(scripts, BATCH)):
        ran = [script for script, _ in batch]
        work = partial(_results, ran, sandbox)
        results = work() if log is None else log.done([astuple(script) for script in ran], work)
        for (script, setting), (result, reason) in zip(batch, results, strict=True):
            if reason:
                counts[reason] += 1
            elif (script.code, script.arguments) in seen:
                counts["the same script again"] += 1
            else:
                seen.add((script.code, script.arguments))
                counts["kept"] += 1
                yield {
                    "func_str": script.code,
                    "func_name": script.function,
                    "func_args": script.arguments,
                    "result": result,
                    "setting": setting,
                }


def _results(scripts: Sequence[Script], sandbox: Sandbox | None) -> list[tuple[str, str]]:
    """For each script its result, or why it has none."""
    jobs = [Job.exprs(script.code, [f"{script.function}({script.arguments})"], limits=CALLED) for script in scripts]
    found = []
    for outcome in (sandbox or get_sandbox()).run_batch(jobs):
        if outcome.is_ours:
            raise ScorerFailed(f"the sandbox failed: {outcome.note}")
        value = outcome.values[0] if outcome.values else None
        if value is None or not value.ok:
            why = (value.error if value else outcome.status).partition(":")[0]
            found.append(("", f"it does not run: {why}"))
            continue
        result = value.text(2_000)
        found.append((result, "" if _reads_back(result, value) else "a result that does not read back"))
    return found


def _scripts(rows: Iterable[Mapping[str, Any]], counts: Counter[str]) -> Iterator[tuple[Script, Any]]:
    for row in rows:
        code = row.get("code")
        try:
            if not isinstance(code, str):
                raise BadReference("no code")
            yield read_script(code), row.get("setting")
        except BadReference as error:
            counts[str(error)] += 1


def _reads_back(text: str, value: values.Value) -> bool:
    try:
        return values.same(values.from_literal(text), value, nan_is_nan=True)
    except ValueError:
        return False
