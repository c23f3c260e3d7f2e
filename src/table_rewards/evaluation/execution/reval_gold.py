"""DREval with its right answers: what each asked line of each input does, and what comes out.

DREval's two files say what is asked and, for outputs alone, what is right. The rest is traced here, in the sandbox.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from table_rewards.core.errors import BadReference, ScorerFailed
from table_rewards.datasets.exec_verify.tracing import Sample, Trace, trace_calls
from table_rewards.datasets.exec_verify.tracing_harness import statement_starts
from table_rewards.rewards.white_box.reference import State
from table_rewards.sandbox import Limits

LIMITS: Final = Limits(cpu_s=10.0, mem_mb=1024)
MAX_VISITS: Final = 500_000


class Key(NamedTuple):
    """A question's place: the program, its input, the line asked about (-1 for output), the variable."""

    task_id: str
    input_idx: int
    lineno: int = -1
    var: str = ""


@dataclass(frozen=True, slots=True)
class Gold:
    """The right answers for one line of one input. ``states`` is None where a value is too long or no plain data."""

    covered: bool
    following: tuple[str, ...]
    states: tuple[State, ...] | None


@dataclass(slots=True)
class DREval:
    """The benchmark with its right answers: for each line of each input, and for each output template."""

    lines: dict[Key, Gold]
    outputs: dict[Key, tuple[str, str]]
    problems: list[str]

    @classmethod
    def load(cls, data: Iterable[Mapping[str, Any]], tasks: Iterable[Mapping[str, Any]]) -> DREval:
        """Trace every asked line of DREval's ``data`` and ``tasks`` rows.

        Raises:
            BadReference: the two do not belong together.
            ScorerFailed: the sandbox failed.
        """
        programs = {str(row["task_id"]): row for row in data}
        samples: list[Sample] = []
        places: list[tuple[str, int, Mapping[str, Any]]] = []
        outputs: dict[Key, tuple[str, str]] = {}
        for entry in tasks:
            name = str(entry["task_id"])
            if name not in programs:
                raise BadReference(f"the tasks name {name}, which is not in the data")
            program = programs[name]
            starts = _starts(program["code"])
            for pair in entry["tasks"]:
                source = program["inputs"][pair["input_idx"]]
                watch: dict[int, list[str]] = {}
                for question in pair["task"]:
                    line = starts.get(question["lineno"], question["lineno"])
                    watch.setdefault(line, []).append(question["var"])
                script = source if "\n" in source.strip() or not source.lstrip().startswith("(") else ""
                call = "" if script else f"{program['entry_point']}(*{source})"
                code = program["code"]
                if script and "self" in script:
                    code += _set_up(program["test"] or "", pair["input_idx"])
                samples.append(Sample(code, call, script, watch, MAX_VISITS))
                places.append((name, pair["input_idx"], pair))
                right = source if script else program["outputs"][pair["input_idx"]]
                outputs[Key(name, pair["input_idx"])] = (pair["output_pred"], right)
        traces = trace_calls(samples, states=False, limits=LIMITS)
        lines: dict[Key, Gold] = {}
        problems = []
        for (name, index, pair), trace in zip(places, traces, strict=True):
            if trace.ours:
                raise ScorerFailed(trace.problem)
            if trace.problem and not trace.visits:
                problems.append(f"{name} input {index}: {trace.problem}")
                continue
            code = programs[name]["code"]
            for question in pair["task"]:
                key = Key(name, index, question["lineno"], question["var"])
                lines[key] = _gold(trace, code, question["lineno"], question["var"])
        return cls(lines, outputs, problems)


def _gold(trace: Trace, code: str, lineno: int, var: str) -> Gold:
    lines = code.split("\n")
    line = _starts(code).get(lineno, lineno)
    covered = trace.covered(line)
    following = tuple("-1" if n == -1 else lines[n - 1].strip() for n in trace.following(line)) or ("-1",)
    held = trace.values(line, var)
    known = tuple(state for state in held if state is not None)
    return Gold(
        covered, following, known if len(known) == len(held) else None
    )  # one that is left out may be the answer


def _set_up(tests: str, index: int) -> str:
    """What the test class of an input makes of ``self`` before the input runs; it is run, but not traced."""
    try:
        tree = ast.parse(tests)
    except SyntaxError:
        return ""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    kept = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom, ast.Assign))]
    body: list[ast.stmt] = []
    if index < len(classes):
        for node in classes[index].body:
            if isinstance(node, ast.FunctionDef) and node.name == "setUp":
                body = node.body
    lines = ["", "", "import types as _types", "self = _types.SimpleNamespace()"]
    return "\n".join([*lines, *map(ast.unparse, [*kept, *body])])


def _starts(code: str) -> dict[int, int]:
    return statement_starts(ast.parse(code))
