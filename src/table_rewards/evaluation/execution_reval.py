"""REval on DREval: is a line executed, which one is next, what does a variable hold, what comes out, and all of it.

The right answers are traced here from DREval's two files, in the sandbox. A prediction is a row with ``task``
(coverage, path, state or output), ``task_id``, ``input_idx``, for the first three ``lineno`` and ``var``, and
``response``; the logs that REval writes, a row a task with ``generation``, are read as they are.

Consistency counts, for each asked line of each input, how far a model gets in the order coverage, state, path, output:
1, 0.5, 0.25 or 0.125 for four, three, two or one right answers followed by wrong ones alone, else 0; times 100.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from table_rewards.core.errors import BadReference, ScorerFailed
from table_rewards.datasets.tracing import Sample, Trace, trace_calls
from table_rewards.datasets.tracing_harness import statement_starts
from table_rewards.evaluation.execution import answer_of
from table_rewards.rewards.white_box_answers import right_state, type_name
from table_rewards.rewards.white_box_reference import State
from table_rewards.rewards.white_box_source import NotThatForm, first_statement, literal, one_spacing
from table_rewards.sandbox import Limits, values

TASKS: Final = ("coverage", "state", "path", "output")
WEIGHTS: Final[dict[tuple[int, ...], float]] = {
    (1, 1, 1, 1): 1.0,
    (1, 1, 1, 0): 0.5,
    (1, 1, 0, 0): 0.25,
    (1, 0, 0, 0): 0.125,
}
_ASSERTED: Final = {"assertTrue": "True", "assertFalse": "False", "assertIsNone": "None"}
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
    """The right answers for one line of one input. ``states`` is None where a value is not plain data."""

    covered: bool
    following: tuple[str, ...]
    states: tuple[State, ...] | None


@dataclass(slots=True)
class RevalReport:
    """Right and asked, a task; missing answers count as wrong and are named."""

    right: dict[str, dict[Key, bool]] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    no_gold: int = 0
    coverage: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    unusable: list[str] = field(default_factory=list)

    def accuracy(self, task: str) -> float | None:
        asked = self.right.get(task)
        return sum(asked.values()) / len(asked) if asked else None

    @property
    def f1(self) -> float | None:
        """F1 of "this line is executed"."""
        tp, fp, fn, _ = self.coverage
        if "coverage" not in self.right:
            return None
        return 2 * tp / (2 * tp + fp + fn) if tp else 0.0

    @property
    def consistency(self) -> float | None:
        """The consistency score, 0 to 100; None unless all four tasks were answered."""
        if any(task not in self.right for task in TASKS):
            return None
        lines = [key for key in self.right["coverage"] if key in self.right["state"] and key in self.right["path"]]
        if not lines:
            return None
        outputs = self.right["output"]
        total = 0.0
        for key in lines:
            got = [int(self.right[task][key]) for task in TASKS[:3]]
            got.append(int(outputs.get(Key(key.task_id, key.input_idx), False)))
            total += WEIGHTS.get(tuple(got), 0.0)
        return 100 * total / len(lines)

    def table(self) -> list[tuple[str, str, str, str]]:
        rows = [("task", "questions", "accuracy", "unanswered")]
        for task in TASKS:
            accuracy = self.accuracy(task)
            if accuracy is not None:
                asked, missing = len(self.right[task]), self.missing.get(task, 0)
                rows.append((task, f"{asked:,}", f"{100 * accuracy:.2f}", f"{missing:,}"))
        if self.f1 is not None:
            rows.append(("coverage F1", "", f"{100 * self.f1:.2f}", ""))
        score = self.consistency
        rows.append(("consistency", "", "-" if score is None else f"{score:.2f}", ""))
        return rows


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


def evaluate_reval(benchmark: DREval, predictions: Iterable[Mapping[str, Any]]) -> RevalReport:
    """Judge predictions; a task without any prediction is left out of the report."""
    report = RevalReport(unusable=list(benchmark.problems))
    said: dict[str, dict[Key, str]] = {}
    for number, row in enumerate(predictions):
        try:
            for task, key, text in _read(row, benchmark):
                said.setdefault(task, {})[key] = text
        except (BadReference, KeyError, TypeError, ValueError) as error:
            report.unusable.append(f"row {number + 1}: {error}")
    for task, texts in said.items():
        keys: Iterable[Key] = benchmark.outputs if task == "output" else benchmark.lines
        verdicts: dict[Key, bool] = {}
        for key in keys:
            if task == "state" and benchmark.lines[key].states is None:
                report.no_gold += 1
                continue
            answer = texts.get(key)
            report.missing[task] = report.missing.get(task, 0) + (answer is None)
            verdicts[key] = answer is not None and _right(task, benchmark, key, answer)
            if task == "coverage":
                yes, covered = answer is not None and said_yes(answer), benchmark.lines[key].covered
                report.coverage[(0 if covered else 1) if yes else (2 if covered else 3)] += 1
        report.right[task] = verdicts
    return report


def said_yes(text: str) -> bool:
    """Whether a coverage answer starts with YES; no answer, and both words, are NO."""
    return answer_of(text).upper().lstrip(" *`'\"").startswith("YES")


def _right(task: str, benchmark: DREval, key: Key, text: str) -> bool:
    if task == "output":
        return right_output(*benchmark.outputs[key], answer_of(text))
    gold, answer = benchmark.lines[key], answer_of(text)
    if task == "coverage":
        return said_yes(text) == gold.covered
    first = answer.split("\n")[0].strip().strip("`").strip()
    if task == "path":
        return any(first == line or one_spacing(first) == one_spacing(line) for line in gold.following)
    if answer.partition(";")[0].strip().strip("[]'\"").capitalize() == "Nil":
        return not gold.states
    return right_state(answer, gold.states or ()) or _close(answer, gold.states or ())


def _close(answer: str, states: Sequence[State]) -> bool:
    """Floats within 1e-6, as REval has it."""
    text, _, kind = answer.rpartition(";")
    if type_name(kind) != "float":
        return False
    try:
        claimed = literal(text.strip())
        return any(
            values.same(literal(state.value), claimed, abs_tol=1e-6) for state in states if state.type == "float"
        )
    except NotThatForm:
        return False


def right_output(template: str, right: str, answer: str) -> bool:
    """Whether the template's ``??`` are filled with the right values; earlier lines may be left out.

    >>> right_output("assert f(1) == ??", "2", "assert f(1) == 2"), right_output("assert f(1) == ??", "2", "2")
    (True, True)
    >>> right_output("a = A()\\nassertEqual(a.g(), ??)", "a = A()\\nassertEqual(a.g(), [1])", "assertEqual(a.g(), [1])")
    True
    """
    asked = [line for line in template.strip().splitlines() if "??" in line]
    said, wanted = _statements(answer), _statements(right)
    known = dict(line.split(" = ", 1) for line in wanted if re.match(r"[^\W\d]\w* = ", line))
    if len(asked) == 1 and len(said) == 1 and "==" not in said[0] and "assert" not in said[0]:
        said = [one_spacing(asked[0].strip().replace("??", said[0]))]
    if len(asked) == 1 and "assert" not in right:
        wanted = [one_spacing(asked[0].strip().replace("??", right.strip()))]
    for line in asked:
        before, _, behind = line.strip().partition("??")
        head, tail = one_spacing(before), one_spacing(behind)
        mine, gold = _filled(said, head, tail), _filled(wanted, head, tail)
        if mine is None or gold is None:
            return False
        gold = known.get(gold, _ASSERTED.get(before.partition("(")[0], gold) if gold.isidentifier() else gold)
        if not _same_value(gold, mine):
            return False
    return bool(asked)


def _statements(text: str) -> list[str]:
    """The statements of a text, each in one spacing, over as many lines as its brackets and strings take."""
    found: list[str] = []
    while text.strip():
        try:
            _, rest = first_statement(text)
        except NotThatForm:
            rest = text.partition("\n")[2]
        found.append(one_spacing(text[: len(text) - len(rest)].strip()))
        text = rest
    return [statement for statement in found if statement]


def _filled(lines: list[str], head: str, tail: str) -> str | None:
    for number, line in enumerate(lines):
        if line.startswith(head) and line.endswith(tail) and len(line) > len(head) + len(tail):
            del lines[: number + 1]
            return line[len(head) : len(line) - len(tail)].strip()
    return None


def _same_value(right: str, said: str) -> bool:
    try:
        return values.same(literal(right), literal(said), nan_is_nan=True)
    except NotThatForm:
        return one_spacing(right) == one_spacing(said)


def _gold(trace: Trace, code: str, lineno: int, var: str) -> Gold:
    lines = code.split("\n")
    line = _starts(code).get(lineno, lineno)
    covered = trace.covered(line)
    following = tuple("-1" if n == -1 else lines[n - 1].strip() for n in trace.following(line)) or ("-1",)
    held = trace.values(line, var)
    known = tuple(state for state in held if state is not None)
    return Gold(covered, following, None if held and not known else known)


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


def _read(row: Mapping[str, Any], benchmark: DREval) -> Iterator[tuple[str, Key, str]]:
    if "generation" in row and "task_id" in row and isinstance(row["generation"], list):
        yield from _official(row, benchmark)
        return
    if "task" not in row and ("acc" in row or not row):
        return  # the last line of REval's logs: its own numbers
    task, name = str(row.get("task")), str(row.get("task_id", f"DREval/{row.get('idx')}"))
    if task not in TASKS:
        raise BadReference(f"task must be one of {', '.join(TASKS)}, not {task!r}")
    if not isinstance(row.get("response"), str):
        raise BadReference("no response")
    index = int(row["input_idx"])
    key = Key(name, index) if task == "output" else Key(name, index, int(row["lineno"]), str(row["var"]))
    if key not in (benchmark.outputs if task == "output" else benchmark.lines):
        raise BadReference(f"{task} has no question {tuple(key)}")
    yield task, key, row["response"]


def _official(row: Mapping[str, Any], benchmark: DREval) -> Iterator[tuple[str, Key, str]]:
    for entry in row["generation"]:
        place = Key(str(row["task_id"]), int(entry["input_idx"]))
        keys = [key for key in benchmark.lines if key[:2] == place[:2]]
        for position, result in enumerate(entry["results"]):
            text = re.split(r"\[/THOUGHT\]", str(result["generated"]))[-1]
            if "pass" in result:
                yield "output", place, text
            elif position < len(keys):
                response = result.get("response")
                task = "state" if "eq" in result else "coverage" if isinstance(response, bool) else "path"
                yield task, keys[position], text
