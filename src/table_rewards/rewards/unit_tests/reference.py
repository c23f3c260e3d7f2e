"""The reference of the unit-test reward, read from the rows of the field's data sets."""

from __future__ import annotations

import ast
import base64
import io
import json
import pickle
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import MISSING, Row, as_mapping, parse_json, plain
from table_rewards.rewards.unit_tests.asserts import split_tests
from table_rewards.sandbox.jobs import Framework

MAX_UNPACKED: Final = 64 << 20
_STDIN, _CALLS, _ASSERTS = "stdin", "calls", "asserts"


@dataclass(frozen=True, slots=True)
class UnitTestsReference:
    """The tests of one problem.

    Attributes:
        kind: ``stdin`` (what a program prints for an input), ``calls`` (what a function returns for arguments) or
            ``asserts`` (test code).
        inputs: ``stdin``: the texts; ``calls``: the arguments as JSON lists; ``asserts``: the tests' statements.
        outputs: ``stdin``: the expected texts; ``calls``: the expected values as JSON, else nothing.
        function: ``calls``: the function, or method of a class ``Solution``.
        setup: ``asserts``: code that runs before the tests.
        entry_points: ``asserts``: names that stand for the code under test.
        prompt: source in front of the completion's code: imports and helpers of the problem.
        wrapped: ``calls``: an expected result may stand in a list of one, as APPS and PRIME write it.
        framework: ``asserts``: what runs them. ``statements``, else ``inputs`` are names of tests in ``setup``.
        shown: the numbers of the tests whose input stands in the prompt, where the row says so.
        modules: ``asserts``: names of the program's module that the tests use, beside ``solution`` and its like.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    function: str = ""
    setup: str = ""
    entry_points: tuple[str, ...] = ()
    prompt: str = ""
    wrapped: bool = False
    framework: Framework = "statements"
    shown: tuple[int, ...] = ()
    modules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.inputs:
            raise BadReference("there is no test in the row")
        if self.kind != _ASSERTS and len(self.inputs) != len(self.outputs):
            raise BadReference(f"{len(self.inputs)} inputs but {len(self.outputs)} outputs")
        if self.kind == _STDIN and not any(output.strip() for output in self.outputs):
            raise BadReference("every expected output is empty: a program that prints nothing would pass")

    @property
    def count(self) -> int:
        """How many tests there are."""
        return len(self.inputs)

    @classmethod
    def from_row(cls, raw: Mapping[str, Any]) -> UnitTestsReference:
        """Read a row of PRIME/Eurus, APPS, TACO, CodeContests, LiveCodeBench, HumanEval(+), MBPP, KodCode or ClassEval.

        >>> tests = UnitTestsReference.from_row({"ground_truth": '{"inputs": ["1 2"], "outputs": ["3"]}'})
        >>> tests.kind, tests.inputs
        ('stdin', ('1 2',))

        Raises:
            BadReference: no tests of a known form; the message names what was looked for, or what is wrong with it.
        """
        row = Row(raw)
        packed = row.find("input_output", default=None)  # APPS, TACO
        if packed is not None:
            tests = as_mapping(packed)
            if tests is None:
                raise BadReference("input_output must be a mapping or JSON of one")
            return _in_out(Row(tests), _name(row, tests))
        if row.find("public_test_cases", "private_test_cases", default=None) is not None:
            return _livecodebench(row)
        if row.find("public_tests", "private_tests", "generated_tests", default=None) is not None:
            return _code_contests(row)
        if row.find("inputs", default=None) is not None:
            return _in_out(row, _name(row, {}))
        found = row.find("assert_case", "test_list", "test", "tests", default=None)
        if found is None and isinstance(row.ground_truth, (str, list)):
            found = plain(row.ground_truth)
        if found is None or found == "" or found == []:
            row.find("inputs", "input_output", "public_test_cases", "public_tests", "test", "test_list")
        return _asserts(found, row)

    @classmethod
    def of(cls, value: Any) -> UnitTestsReference:
        """Make one of its natural value: test code, a list of assert statements, or (stdin, stdout) pairs.

        Raises:
            BadReference: it is none of these.
        """
        value = plain(value)
        if isinstance(value, str):
            found = parse_json(value)
            if isinstance(found, dict):
                return cls.from_row(found)
            value = value if found is MISSING else found
        if isinstance(value, list) and value and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
            return _in_out(Row({"inputs": [a for a, _ in value], "outputs": [b for _, b in value]}), "")
        return _asserts(value, Row({}))


def shown_of_row(raw: Mapping[str, Any], count: int) -> tuple[int, ...]:
    """The numbers of the tests whose input stands in the prompt, as ``prepare exec-verify-code`` writes them.

    >>> shown_of_row({"extra_info": {"tests_in_prompt": "[0, 2, 7]"}}, 3)
    (0, 2)
    """
    found = Row(raw).find("tests_in_prompt", default=None)
    found = parse_json(found) if isinstance(found, str) else found
    if not isinstance(found, (list, tuple)):
        return ()
    return tuple(one for one in found if type(one) is int and 0 <= one < count)


def _name(row: Row, tests: Mapping[str, Any]) -> str:
    name = tests.get("fn_name") or row.find("fn_name", default="")
    if not isinstance(name, str):
        raise BadReference(f"fn_name must be a name, not {type(name).__name__}")
    return name


def _in_out(row: Row, function: str) -> UnitTestsReference:
    inputs, outputs = _decoded_list(row.find("inputs"), "inputs"), _decoded_list(row.find("outputs"), "outputs")
    if not function:
        return UnitTestsReference(_STDIN, tuple(map(_text, inputs)), tuple(map(_text, outputs)))
    if all(isinstance(item, str) for item in inputs):
        return _written_calls(inputs, outputs, function)
    return UnitTestsReference(
        _CALLS,
        tuple(_json(_keys(item) if isinstance(item, list) else [item]) for item in inputs),
        tuple(_json(_keys(item)) for item in outputs),
        function,
        wrapped=True,
    )


def _written_calls(inputs: Sequence[str], outputs: Sequence[Any], function: str) -> UnitTestsReference:
    """LiveCodeBench's form: an argument a line, each as JSON, and the result as JSON."""
    calls = []
    for number, text in enumerate(inputs):
        given = [parse_json(line) for line in text.split("\n") if line.strip()]
        if any(argument is MISSING for argument in given):
            raise BadReference(f"input {number} of {function} is not one JSON value a line")
        calls.append(_json([_keys(argument) for argument in given]))
    results = []
    for output in outputs:
        value = parse_json(output) if isinstance(output, str) else output
        results.append(_json(output if value is MISSING else _keys(value)))
    return UnitTestsReference(_CALLS, tuple(calls), tuple(results), function)


def _livecodebench(row: Row) -> UnitTestsReference:
    cases: list[Any] = []
    for name in ("public_test_cases", "private_test_cases"):
        found = row.find(name, default=None)
        if found is not None and found != "":
            cases += _unpacked(found, name)
    if not cases or not all(isinstance(case, dict) and "input" in case and "output" in case for case in cases):
        raise BadReference("public_test_cases and private_test_cases must hold dicts of input, output and testtype")
    inputs, outputs = [_text(case["input"]) for case in cases], [_text(case["output"]) for case in cases]
    if all(case.get("testtype", "stdin") == "stdin" for case in cases):
        return UnitTestsReference(_STDIN, tuple(inputs), tuple(outputs))
    metadata = as_mapping(row.find("metadata", default={})) or {}
    function = metadata.get("func_name") or row.find("fn_name", "func_name", default="")
    if not function:
        raise BadReference("functional tests need metadata.func_name")
    return _written_calls(inputs, outputs, str(function))


def _unpacked(found: Any, name: str) -> list[Any]:
    if isinstance(found, str):
        value = parse_json(found)
        found = _inflated(found, name) if value is MISSING else value
    if not isinstance(found, list):
        raise BadReference(f"{name} must be a list of test cases")
    return found


class _TextOnly(pickle.Unpickler):
    """Unpickles text and containers; anything that would import a name is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} has no business in a list of tests")


def _inflated(text: str, name: str) -> Any:
    """LiveCodeBench's private tests: base64 of zlib of a pickled JSON text, without trusting the pickle."""
    try:
        packer = zlib.decompressobj()
        data = packer.decompress(base64.b64decode(text), MAX_UNPACKED)
        if packer.unconsumed_tail:
            raise BadReference(f"{name} unpacks to over {MAX_UNPACKED >> 20} MB")
        value = _TextOnly(io.BytesIO(data)).load()
        return json.loads(value) if isinstance(value, str) else value
    except BadReference:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise BadReference(f"{name} is neither JSON nor packed JSON: {type(error).__name__}: {error}") from None


def _code_contests(row: Row) -> UnitTestsReference:
    inputs: list[str] = []
    outputs: list[str] = []
    for name in ("public_tests", "private_tests", "generated_tests"):
        tests = as_mapping(row.find(name, default={})) or {}
        inputs += [_text(item) for item in tests.get("input") or []]
        outputs += [_text(item) for item in tests.get("output") or []]
    return UnitTestsReference(_STDIN, tuple(inputs), tuple(outputs))


def _asserts(found: Any, row: Row) -> UnitTestsReference:
    if isinstance(found, list) and all(isinstance(item, str) for item in found):
        found = "\n".join(found)
    if not isinstance(found, str):
        raise BadReference(f"test code must be text or a list of asserts, not {type(found).__name__}")
    before = row.find("test_setup_code", "test_imports", default="")
    before = "\n".join(before) if isinstance(before, list) else str(before)
    imports = _import_statements(row.find("import_statement", default=""))  # ClassEval
    before = "\n".join(text for text in (imports, before) if text)
    entry_point = row.find("entry_point", default="")
    info = row.find("test_info", default=None)
    if not entry_point and isinstance(info, list) and info and isinstance(info[0], dict):
        entry_point = str(info[0].get("function_name") or "")
    prompt = imports
    if row.find("entry_point", default=""):
        for name in ("prompt", "code_prompt"):  # HumanEval, BigCodeBench
            text = row.find(name, default="")
            if isinstance(text, str) and re.search(r"^\s*def ", text, re.MULTILINE):
                prompt = text
                break
    try:
        tests = split_tests(found, str(entry_point), _helper_names(prompt), before)
    except ValueError as error:
        raise BadReference(str(error)) from None
    return UnitTestsReference(
        _ASSERTS,
        tests.tests,
        setup=tests.setup,
        entry_points=tests.entry_points,
        prompt=prompt,
        framework=tests.framework,
        modules=tests.modules,
    )


def _import_statements(value: Any) -> str:
    """Import statements that a row gives to the program and the tests alike; nothing where it is anything else."""
    text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return text if all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in body) else ""


def helpers_of(prompt: str) -> str:
    """The problem's source as a module of its own, with the function that is asked for left empty; else nothing."""
    for text in (prompt, f"{prompt.rstrip()}\n    pass\n"):
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return text
    return ""


def _helper_names(prompt: str) -> tuple[str, ...]:
    """What the problem's own source defines and imports at its top level."""
    found: list[str] = []
    for node in ast.parse(helpers_of(prompt)).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found += [(alias.asname or alias.name).split(".")[0] for alias in node.names]
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return tuple(found)


def _decoded_list(value: Any, name: str) -> list[Any]:
    value = parse_json(value) if isinstance(value, str) else value
    if not isinstance(value, list):
        raise BadReference(f"{name} must be a list with one entry for each test")
    return value


def _text(value: Any) -> str:
    """The text of an input or output; TACO has lists of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_text(item) for item in value)
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (dict, bool)) else str(value)


def _keys(value: Any) -> Any:
    """JSON made text of a dict's numbers; undo it as the data sets' own runners do."""
    if isinstance(value, list):
        return [_keys(item) for item in value]
    if isinstance(value, dict):
        if value and all(re.fullmatch(r"-?\d{1,18}", str(key)) for key in value):
            return {"\0int": [[int(key), _keys(item)] for key, item in value.items()]}
        return {key: _keys(item) for key, item in value.items()}
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def arguments(text: str) -> Any:
    """The Python value behind the JSON of a ``calls`` reference."""
    return _revived(json.loads(text), int)


def expected_values(text: str) -> list[Any]:
    """The values behind the JSON of an expected result: JSON cannot say whether a key is a number or its digits.

    >>> row = {"inputs": [[1]], "outputs": [{"3": 1}], "fn_name": "f"}
    >>> expected_values(UnitTestsReference.from_row(row).outputs[0])
    [{3: 1}, {'3': 1}]
    """
    found = json.loads(text)
    return [_revived(found, int), _revived(found, str)] if "\\u0000int" in text else [_revived(found, int)]


def _revived(value: Any, key_type: type) -> Any:
    if isinstance(value, list):
        return [_revived(item, key_type) for item in value]
    if isinstance(value, dict):
        if "\0int" in value:
            return {key_type(key): _revived(item, key_type) for key, item in value["\0int"]}
        return {key: _revived(item, key_type) for key, item in value.items()}
    return value


def expected_outputs(reference: UnitTestsReference) -> tuple[str, ...]:
    """What each test expects, as text: '' where that cannot be seen. ``assert f(1) == 2`` expects ``2``.

    >>> expected_outputs(UnitTestsReference("asserts", ("assert f(1) == 2", "assert f(2)", "g = 3")))
    ('2', 'True', '')
    """
    if reference.kind != _ASSERTS:
        return tuple(" ".join(output.split()) for output in reference.outputs)
    return tuple(map(_asserted, reference.inputs)) if reference.framework == "statements" else ()


def _asserted(statement: str) -> str:
    try:
        (found,) = ast.parse(statement.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if not isinstance(found, ast.Assert):
        return ""
    test = found.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        return ast.unparse(test.comparators[0])
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return "False"
    return "True" if isinstance(test, ast.Call) else ""
