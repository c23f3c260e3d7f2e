"""One problem of output or input prediction, in the row forms of its benchmarks.

CRUXEval has ``code``, ``input`` (arguments) and ``output``; LiveCodeBench's execution-v2 the same with the whole call
in ``input``; CRUXEval-X ``code`` with ``input_reasoning`` and ``output_reasoning``, a check each in which ``????``
stands for what is asked; recorded runs of it have the whole program in ``code_template``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

from table_rewards.core.errors import BadReference
from table_rewards.core.rows import Row
from table_rewards.rewards.white_box.calls import only_function
from table_rewards.rewards.white_box.tokens import NotThatForm, closing, scan

ASKED: Final = "????"
CANDIDATE: Final = "candidate"
IMPORTS: Final = (
    "import bisect, collections, itertools, typing\n"
    "from typing import *\nfrom itertools import *\nfrom collections import *\nfrom bisect import *\n"
)
"""What LiveCodeBench's programs find when they run, and use without importing it."""
_CHECKS: Final = ("input_reasoning", "output_reasoning")
_CHECK: Final = re.compile(r"^def check\(candidate\):", re.MULTILINE)
_CHECKED: Final = re.compile(r"^\s*check\(([^\W\d]\w*)\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Problem:
    """A function with the arguments of a call (output prediction) or a result (input prediction), as source."""

    code: str
    function: str
    arguments: str = ""
    result: str = ""

    def reference(self, task: str) -> dict[str, str]:
        """The row that the white-box reward judges by; without a result it runs the call."""
        row = {"func_str": self.code, "func_name": self.function, "result": self.result}
        return {**row, "type": "oi"} if task == "input" else {**row, "func_args": self.arguments}


class NoProgram(BadReference):
    """The benchmark has no program for this problem: it counts as wrong, and that is no fault of the file."""


def read_problem(row: Row, task: str) -> Problem:
    """The problem of a row in any of the forms.

    >>> check = "def check(candidate):\\n    assert candidate([1]) == ????\\n\\ndef test_check():\\n    check(f)"
    >>> row = {"code": "def f(a):\\n    return a\\n", "output_reasoning": check}
    >>> problem = read_problem(Row(row), "output")
    >>> problem.function, problem.arguments, problem.result
    ('f', '[1]', '')

    Raises:
        NoProgram: CRUXEval-X has no program of this language for the problem.
        BadReference: a key is missing or unusable; the message names it.
    """
    check = check_of(row, task)
    if check is not None:
        return _of_check(*check, task)
    code = row.find("code", "func_str")
    if not isinstance(code, str):
        raise BadReference(f"code must be source text, not {type(code).__name__}")
    named = row.find("func_name", "function_name", "entry_point", default="")
    function = str(named or only_function(code))
    result = str(row.find("output", "result", "reference_output"))
    if "function_name" in row.raw or "numsteps" in row.raw:
        code = IMPORTS + code
    if task == "input":
        return Problem(code, function, "", result)
    arguments = str(row.find("input", "func_args"))
    return Problem(code, function, _between_brackets(arguments, function), result)


class Check(NamedTuple):
    """A program of CRUXEval-X in front of what is asked (or given), and its check parts by task, from there on."""

    program: str
    parts: Mapping[str, str]


def check_of(row: Row, task: str, called: str = CANDIDATE, stops: Sequence[str] = ()) -> Check | None:
    """The program and the check of a row of CRUXEval-X in any language; None for a row of another form.

    Args:
        row: of the benchmark, of its submissions (``????`` in ``code``), or of recorded runs.
        task: which of the two is asked.
        called: what the language's checks call the function.
        stops: where a program ends and its check begins, for checks that do not stand in the program letter by letter.

    >>> row = {"code": "f = x => x;\\ncheck(f(1), 1);", "input_reasoning": "check(f(????), 1);"}
    >>> check_of(Row(row), "input")
    Check(program='f = x => x;\\n', parts={'input': 'check(f(????), 1);'})

    Raises:
        NoProgram: there is no program of this language for the problem.
    """
    if not ({"code_template", "res", *_CHECKS} & row.raw.keys()) and not _inside(row.find("code", default="")):
        return None
    code = row.find("code_template", "code", default="")
    if not isinstance(code, str) or not code.strip():
        raise NoProgram("no program")
    parts = {name.partition("_")[0]: str(row.find(name, default="")) for name in _CHECKS}
    if "code_template" in row.raw or not any(parts.values()):  # recorded runs: all in one
        code = _unanswered(code, row.find("answer", default=""), task, called, stops)
        begins = [found.start() for found in _CHECK.finditer(code)]
        return Check(code[: begins[-1]], {task: code[begins[-1] :]}) if begins else Check("", {task: code})
    found = [code.rfind(part[: part.find(ASKED)]) for part in parts.values() if ASKED in part]
    if any(end >= 0 for end in found):  # the program ends with the check, answered
        code = code[: min(end for end in found if end >= 0)]
    elif stop := next((stop for stop in stops if stop in code), None):
        code = code.partition(stop)[0]
    return Check(code, {name: part for name, part in parts.items() if part})


def _unanswered(code: str, answer: Any, task: str, called: str, stops: Sequence[str]) -> str:
    """A recorded program with what is asked for in place of the answer that it was run with."""
    if not isinstance(answer, str) or not answer or (ASKED in code and ASKED not in answer):
        return code
    begins = max((code.rfind(stop) for stop in stops), default=0)
    places = [found.start() for found in re.finditer(f"(?={re.escape(answer)})", code) if found.start() >= begins]
    closed = [at for at in places if re.match(r"\s*[,;)}]|\s*[!=]=", code[at + len(answer) :])]
    if not places:
        return code
    at = (closed or places)[0 if task == "input" and begins > 0 else -1]  # the call stands in front of its result
    asked = f"{called}({ASKED})" if task == "input" else ASKED  # an answer about the input stands for the whole call
    return f"{code[:at]}{asked}{code[at + len(answer) :]}"


def _inside(code: Any) -> bool:
    return isinstance(code, str) and (ASKED in code or bool(_CHECK.search(code)))


def _of_check(program: str, parts: Mapping[str, str], task: str) -> Problem:
    if task not in parts:
        raise BadReference(f"no {task}_reasoning")
    sides = {name: _sides(part) for name, part in parts.items()}
    arguments, result, function = sides[task]
    return Problem(
        program,
        function or only_function(program),
        arguments if task == "output" else "",
        result if task == "input" else sides["input"][1] if "input" in sides else "",
    )


def _sides(part: str) -> tuple[str, str, str]:
    """The arguments, the result and the function's name in the check part of a Python program."""
    named = _CHECKED.search(part)
    source = part.replace(ASKED, "...")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadReference("the check of the program is no Python; name the language with --language") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare) and isinstance(node.test.left, ast.Call):
            called = ast.get_source_segment(source, node.test.left) or ""
            result = ast.get_source_segment(source, node.test.comparators[0]) or ""
            return called.partition("(")[2].removesuffix(")").strip(), result, named[1] if named else ""
    raise BadReference("the check of the program holds no `assert candidate(...) == ...`")


def _between_brackets(text: str, function: str) -> str:
    """The arguments in ``f(1, 2)``; what is no call of the function is the arguments already."""
    text = text.strip()
    if not function or not re.match(rf"{re.escape(function)}\s*\(", text):
        return text
    try:
        tokens = [token for token in scan(text) if token.kind != "newline"]
        width = function.count(".") * 2 + 1
        whole = closing(tokens, width) == len(tokens) - 1
    except NotThatForm:
        return text
    return text[tokens[width].end : -1].strip() if whole else text


def with_function(answer: str, function: str) -> str:
    """An answer with ``candidate(...)``, the name in CRUXEval-X's checks, as a call of the function itself.

    >>> with_function("assert candidate('candidate(1)') == 2", "f")
    "assert f('candidate(1)') == 2"
    """
    if function == CANDIDATE or CANDIDATE not in answer:
        return answer
    try:
        tokens = list(scan(answer))
    except NotThatForm:
        return re.sub(rf"^(\s*(?:assert\b)?\s*){CANDIDATE}(?=\s*\()", rf"\g<1>{function}", answer)
    for token, following in reversed(list(pairwise(tokens))):
        if token.text == CANDIDATE and token.kind == "name" and following.text == "(":
            answer = f"{answer[: token.end - len(CANDIDATE)]}{function}{answer[token.end :]}"
    return answer


def calls(answer: str, function: str) -> bool:
    """Whether a function is called anywhere in an answer, texts in it left aside.

    >>> calls("assert f(1) == 2", "f"), calls("'f(1)'", "f"), calls("[1]", "f")
    (True, False, False)
    """
    try:
        tokens = [token for token in scan(answer) if token.kind != "newline"]
    except NotThatForm:
        return bool(re.search(rf"\b{re.escape(function)}\s*\(", answer))
    width = function.count(".") * 2 + 1
    return any(
        tokens[index + width].text == "(" and "".join(token.text for token in tokens[index : index + width]) == function
        for index in range(len(tokens) - width)
    )
