"""Hostile snippets, and a few honest ones, that a sandbox must survive.

Every hostile snippet is a wrong answer: it must earn nothing (``f(41)`` is asked for a value that it cannot know), do
no harm and hang nothing. A snippet that gets at something it must not have says so itself, by printing ``HARM:`` and
what, or by printing a canary's token. ``@NAME@`` stands for something of the check: ``@VICTIM@`` a process of the
trainer's user, ``@DIR@`` a directory with canaries, ``@PORT@`` a listener, ``@ABSTRACT@`` and ``@DGRAM@`` sockets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WRONG = "\ndef f(x):\n    return 0\n"
PRELUDE = """
import ctypes, os, sys
def harm(what):
    print("HARM:", what, flush=True)
def attempt(what, action):
    try:
        result = action()
    except (OSError, RuntimeError, ValueError, AttributeError, ImportError, MemoryError) as error:
        print("refused:", what, type(error).__name__, flush=True)
    else:
        harm(f"{what}: {result!r}"[:200])
def libc():
    return ctypes.CDLL(None, use_errno=True)
def syscall(what, number, *args):
    C = libc(); C.syscall.restype = ctypes.c_long
    result = C.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if result >= 0:
        harm(f"{what} -> {result}")
    return result
"""


@dataclass(frozen=True)
class Case:
    """One snippet. ``statuses`` are the acceptable outcomes of a call (any but ``sandbox_error`` when empty)."""

    name: str
    group: str
    code: str
    statuses: tuple[str, ...] = ()
    fast: bool = False
    machine: str = ""  # only on this architecture

    @property
    def source(self) -> str:
        code = PRELUDE + self.code
        return code if "def f(" in self.code else code + WRONG


_PLACES = {
    "@NUL@": "\0",
    "@SURROGATE@": "\ud800",
    "@PARENTHESES@": "(" * 300 + ")" * 300,
    "@TERMS@": "+".join(["1"] * 20_000),
}
_HEAD = re.compile(r"^=== (?P<name>.+?)(?: \[(?P<marks>.*?)\])?(?: -> (?P<statuses>.+))?$", re.MULTILINE)


def read_cases(group: str, text: str) -> list[Case]:
    """Cases from text: ``=== name [fast, x86_64] -> acceptable statuses``, then the snippet.

    >>> read_cases("time", "=== loops [fast] -> timeout_cpu\\nwhile True: pass\\n")
    [Case(name='loops', group='time', code='while True: pass', statuses=('timeout_cpu',), fast=True, machine='')]
    """
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    cases = []
    for head, end in zip(heads, ends, strict=True):
        marks = (head["marks"] or "").split(", ")
        code = text[head.end() : end].strip("\n")
        for place, what in _PLACES.items():
            code = code.replace(place, what)
        machine = next((mark for mark in marks if mark and mark != "fast"), "")
        cases.append(Case(head["name"], group, code, tuple((head["statuses"] or "").split()), "fast" in marks, machine))
    return cases
