"""CRUXEval-X in JavaScript: an answer is read as plain data, put into the benchmark's program and run by node.

What is no literal of JavaScript is wrong and never run: ``process.exit(0)`` passed where the text was put in as it is.
"""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from table_rewards.core.cpus import usable_cpus
from table_rewards.core.errors import ConfigurationError
from table_rewards.evaluation.execution.problems import ASKED, CANDIDATE

MAX_ANSWER: Final = 65_536
_TOKEN: Final = re.compile(
    r"""(?P<string>'(?:[^\\\n']|\\.)*'|"(?:[^\\\n"]|\\.)*"|`(?:[^\\`$]|\\.|\$(?!\{))*`)
    |(?P<space>\s+)
    |(?P<number>(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)n?)
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<mark>\.\.\.|[\[\](){},:.+*/%-])""",
    re.VERBOSE | re.DOTALL,
)
_NAMES: Final = frozenset(
    (
        *("true", "false", "null", "undefined", "NaN", "Infinity"),
        *("new", "Map", "Set", "Array", "Number", "String", "BigInt"),
    )
)
_METHODS: Final = frozenset(
    (
        *("repeat", "split", "join", "concat", "fill", "slice", "toUpperCase", "toLowerCase", "trim", "reverse"),
        *("padStart", "padEnd", "from", "of", "POSITIVE_INFINITY", "NEGATIVE_INFINITY", "NaN", "MAX_SAFE_INTEGER"),
    )
)
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}


class Program(NamedTuple):
    """A program with ``????`` for what is asked, and the answer as the model gave it."""

    source: str
    answer: str


def plain_arguments(answer: str) -> str:
    """The arguments in an answer about an input: what stands in its call of the candidate, or all of it.

    >>> plain_arguments('candidate([1], "candidate(2)");'), plain_arguments("[1], 2")
    ('[1], "candidate(2)"', '[1], 2')
    """
    answer = answer.strip().rstrip(";").rstrip()
    for name in (CANDIDATE, "f"):
        called = re.match(rf"{name}\s*\(", answer)
        if called and answer.endswith(")"):
            return answer[called.end() : -1].strip()
    return answer


def is_plain(text: str, *, several: bool = False) -> bool:
    """Whether a text is one value of plain data, or ``several`` with commas between: nothing of it reaches anything.

    >>> is_plain("{a: [1, -2.5], 'b': null}"), is_plain("new Map([['a', 1]])"), is_plain("'ab'.repeat(3)")
    (True, True, True)
    >>> is_plain("process.exit(0)"), is_plain("candidate(1)"), is_plain("1, 2"), is_plain("`${process.exit(0)}`")
    (False, False, False, False)
    >>> is_plain("1), assert.ok(1"), is_plain("[].constructor"), is_plain("[]['at']"), is_plain("{get a() {}}")
    (False, False, False, False)
    >>> is_plain("1, 2", several=True)
    True
    """
    if not text.strip() or len(text) > MAX_ANSWER:
        return False
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return False
        if found.lastgroup != "space":
            tokens.append((found.lastgroup, found.group()))
        at = found.end()
    opened: list[str] = []
    for index, (kind, token) in enumerate(tokens):
        before_kind, before = tokens[index - 1] if index else ("", "")
        behind = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        in_object = bool(opened) and opened[-1] == "{"
        fits = True
        if kind == "mark" and token in ("(", "[", "{"):
            opened.append(token)  # never behind a value, where it would reach into it or call it
            value = before in ("]", ")", "}") or before_kind in ("string", "number")
            fits = not value and (token == "(" or before_kind != "name")
        elif kind == "mark" and token in _PAIRS:
            fits = bool(opened) and opened.pop() == _PAIRS[token]
        elif token == ",":
            fits = bool(opened) or several
        elif token == ":":
            fits = in_object
        elif kind == "string":
            fits = behind != ":" or ("__proto__" not in token and "\\" not in token)
        elif kind == "name" and before == ".":
            fits = token in _METHODS
        elif kind == "name" and token not in _NAMES:
            fits = in_object and behind == ":" and before in ("{", ",") and token != "__proto__"
        if not fits:
            return False
    return not opened


def passing(programs: Sequence[Program], task: str, seconds: float = 5.0) -> list[bool]:
    """For each program whether it runs through with the answer in it.

    Raises:
        ConfigurationError: there is no node on this machine.
    """
    node = shutil.which("node")
    if node is None:
        raise ConfigurationError("CRUXEval-X in JavaScript needs node on the PATH")
    filled = [_filled(program, task) for program in programs]
    with ThreadPoolExecutor(usable_cpus()) as threads:
        return list(threads.map(lambda source: source is not None and _passes(node, source, seconds), filled))


def _filled(program: Program, task: str) -> str | None:
    answer = program.answer.strip().rstrip(";").rstrip()
    if task == "input":
        answer = plain_arguments(answer)
        if answer and not is_plain(answer, several=True):
            return None
    elif not is_plain(answer):
        return None
    head, asked, tail = program.source.rpartition(ASKED)
    return f"{head}{answer}{tail}" if asked else None


def _passes(node: str, source: str, seconds: float) -> bool:
    """Whether node ends well behind the last line, which says so with a word that the program cannot know."""
    word = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [node, "--disallow-code-generation-from-strings", "--max-old-space-size=512", "-"],
                input=f"{source}\n;process.stdout.write('\\n{word}');\n".encode("utf-8", "surrogatepass"),
                capture_output=True,
                timeout=seconds,
                cwd=folder,
                env={},
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0 and done.stdout.endswith(word.encode())
