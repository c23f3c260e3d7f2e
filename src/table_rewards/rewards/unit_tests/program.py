"""The program in a completion, and what data sets expect to stand in front of it."""

from __future__ import annotations

import builtins
import importlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from table_rewards.core.completion import REASONING_TAGS, answer_of
from table_rewards.text.blocks import last_tagged, python_blocks, unclosed_python_block
from table_rewards.text.spread import bound_by, missing, parsed, with_what_it_needs

MAX_PROGRAM: Final = 200_000
_READS: Final = re.compile(r"\binput\b(?!\s*=[^=])|\bstdin\b|\bopen\(0|\bfileinput\b|\bos\.read\b")

# What the judges of PRIME and LiveCodeBench put in front of every program, in their order; of a name that two modules
# have the later one's counts, but for collections, whose Counter is no alias.
_STARRED: Final = (
    *("string", "re", "datetime", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools", "functools"),
    *("operator", "io", "sys", "json", "typing", "collections"),
)
_WORD: Final = re.compile(r"(?<![\w.])[^\W\d]\w*")
_FUTURE: Final = re.compile(r"^from[ \t]+__future__[ \t]+import[ \t]+[\w, \t]+$", re.MULTILINE)
_COMPOUND: Final = re.compile(r"@|(?:if|for|while|try|with|def|class|async|match)\b")
_DEFINED: Final = re.compile(r"(?:def|class)[ \t]+([^\W\d]\w*)|([^\W\d]\w*)[ \t]*=(?!=)")


def program_of(completion: str, names: Sequence[str] = (), *, reads: bool = False) -> tuple[str, bool]:
    """The program, and whether it stands in a Python block inside ``<answer>``; an empty text when there is none.

    What stands in thoughts is no program.

    Of several blocks it is the last that defines one of ``names``, else the last that is a program: one that does not
    live on names of another block, as a demonstration does, and, with ``reads``, one that reads its input. Blocks that
    bind what it uses and has not stand in front of it.

    >>> program_of("<answer>\\n```python\\nprint(1)\\n```\\n</answer>")
    ('print(1)\\n', True)
    >>> program_of("```python\\nprint(1)\\n```"), program_of("<answer>print(1)</answer>"), program_of("no")
    (('print(1)\\n', False), ('print(1)', False), ('', False))
    >>> program_of("```python\\ndef f(x): return x\\n```\\nUse it:\\n```python\\nprint(f(1))\\n```", ["f"])[0]
    'def f(x): return x\\n'
    """
    completion = answer_of(completion, REASONING_TAGS)
    answer = last_tagged(completion, "answer")
    for text in (answer, completion):
        if text is None:
            continue
        blocks = [block.lstrip("\ufeff") for block in python_blocks(text) if block.strip()]
        if blocks:
            return _chosen(blocks, names, reads)[:MAX_PROGRAM], text is answer
    if answer is not None:
        opened = unclosed_python_block(answer)
        if opened is not None and opened.strip():
            return opened[:MAX_PROGRAM], True
        if answer.strip() and "```" not in answer:
            return answer.strip("\r\n")[:MAX_PROGRAM].rstrip(), False
    opened = unclosed_python_block(completion)
    return (opened[:MAX_PROGRAM], False) if opened else ("", False)


def _chosen(blocks: Sequence[str], names: Sequence[str], reads: bool) -> str:
    if len(blocks) == 1:
        return blocks[0]
    counts = [sum(_defines(block, name) for name in names) for block in blocks]
    if any(counts):
        at = max(range(len(blocks)), key=lambda index: (counts[index], index))
        return with_what_it_needs(blocks, at, [name.split(".")[0] for name in names])
    bound: list[set[str]] = []
    programs: list[int] = []
    for at, block in enumerate(blocks):
        tree = parsed(block)
        if tree is None:
            continue
        lacking = missing(tree)
        if not any(lacking & other for other in bound):
            programs.append(at)
        bound.append(bound_by(tree))
    if reads:
        reading = [at for at in programs if _READS.search(blocks[at])]
        reading = reading or [at for at, block in enumerate(blocks) if _READS.search(block)]
        programs = reading or programs
    at = programs[-1] if programs else len(blocks) - 1
    return with_what_it_needs(blocks, at)


def _defines(block: str, name: str) -> bool:
    name = re.escape(name.split(".")[0])
    if re.search(rf"^def[ \t]+{name}\b[^\n]*:[ \t]*\.\.\.[ \t]*$", block, re.MULTILINE):
        return False  # the head alone
    if re.search(
        rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|^{name}[ \t]*(?::[^=\n]*)?=(?!=)", block, re.MULTILINE
    ):
        return True
    method = rf"^[ \t]+(?:async[ \t]+)?def[ \t]+{name}\b"
    return bool(re.search(r"^class[ \t]+Solution\b", block, re.MULTILINE) and re.search(method, block, re.MULTILINE))


def with_imports(program: str) -> str:
    """The program behind the imports that judges provide, as far as it uses them and has none of its own.

    They stand before all that the program binds itself, so its own names win, and where Python allows it on the
    program's first line, so that no line moves.

    >>> print(with_imports("n = int(input())\\nprint(gcd(n, 6), math.pi)"))
    from math import *; from builtins import *; import math; n = int(input())
    print(gcd(n, 6), math.pi)
    >>> with_imports("from math import gcd\\nprint(gcd(4, 6))")
    'from math import gcd\\nprint(gcd(4, 6))'
    """
    provided = _provided()
    missing = {name for name in _WORD.findall(program) if name in provided} - _bound(program)
    if not missing:
        return program
    modules = {name for name in missing if name in _STARRED and f"{name}." in program}
    starred = {provided[name] for name in missing - modules} - {""}
    lines = [f"from {module} import *" for module in _STARRED if module in starred]
    lines += ["from builtins import *"] if lines else []  # the stars bring a pow and an open of their own
    lines += [f"import {module}" for module in _STARRED if module in modules]
    return _in_front("; ".join(lines), program) if lines else program


def _in_front(imports: str, program: str) -> str:
    """The imports before the program's first statement, behind imports from ``__future__``, on a line that is there."""
    future = list(_FUTURE.finditer(program))
    if future:
        end = future[-1].end()
        return f"{program[:end].rstrip()}; {imports}{program[end:]}"
    if "__future__" in program:
        return program  # in brackets or with a comment: rare enough to be left as it is
    first = program.partition("\n")[0]
    if not first.strip():
        return f"{imports}{program[len(first) :]}"
    if first[0] == "#":
        return f"{imports}  {program}"
    if first[0].isspace():
        return program  # Python refuses it, with and without imports
    return f"{imports}\n{program}" if _COMPOUND.match(first) else f"{imports}; {program}"


@lru_cache(maxsize=1)
def _provided() -> dict[str, str]:
    """Every name that the judges' imports bind and Python does not, with its module; empty for a module itself."""
    found: dict[str, str] = dict.fromkeys(_STARRED, "")
    for module in _STARRED:
        loaded = importlib.import_module(module)
        public = getattr(loaded, "__all__", None) or [name for name in dir(loaded) if name[0] != "_"]
        found.update(dict.fromkeys(public, module))
    return {name: module for name, module in found.items() if not hasattr(builtins, name)}


def provided_names() -> dict[str, str]:
    """Every name of the standard library that judges import, with its module; empty for a module itself."""
    return _provided()


def _bound(program: str) -> set[str]:
    """The names that a program imports, defines or assigns at the start of a line, as far as a glance tells."""
    found: set[str] = set()
    for line in program.splitlines():
        head = line.lstrip()
        if head.startswith(("from ", "import ")):
            found.update(_WORD.findall(head))
            if head.rstrip().endswith("*"):
                found.update(name for name, module in _provided().items() if module == head.split()[1])
        else:
            defined = _DEFINED.match(head)
            if defined:
                found.add(defined[1] or defined[2])
    return found


def _whole(prompt: str) -> str:
    """A prompt that stands alone: a head without a body, which the program brings itself, gets an empty one."""
    for source in (prompt, f"{prompt}\n    pass"):
        if parsed(source) is not None:
            return source
    return prompt


def with_prompt(program: str, prompt: str, entry_points: Sequence[str]) -> str:
    """The program behind the problem's own source: its imports and helpers, or the head that the program continues.

    >>> print(with_prompt("    return a + 1", "def f(a):\\n    '''one more'''\\n", ["f"]))
    def f(a):
        '''one more'''
        return a + 1
    """
    if not prompt:
        return with_imports(program)
    if program.startswith(prompt):
        return program
    if entry_points and re.search(rf"^(?:def|class|{entry_points[0]}[ \t]*=)", program, re.MULTILINE):
        return f"{_whole(prompt.rstrip())}\n\n\n{program}"
    return f"{prompt.rstrip()}\n{program}"
