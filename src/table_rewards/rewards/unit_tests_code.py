"""The program in a completion, and what data sets expect to stand in front of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from table_rewards.text.blocks import last_tagged, python_block

MAX_PROGRAM: Final = 200_000
_OPENED: Final = re.compile(r"^[ \t]*```(?:python|py|python3)[ \t]*\n", re.MULTILINE | re.IGNORECASE)

_FROM: Final = {
    "typing": "List Dict Tuple Set Optional Union Any Callable Iterable Iterator Deque DefaultDict Sequence",
    "collections": "defaultdict Counter deque OrderedDict namedtuple",
    "heapq": "heappush heappop heapify heapreplace heappushpop nlargest nsmallest",
    "bisect": "bisect_left bisect_right insort bisect",
    "functools": "lru_cache cache reduce cmp_to_key",
    "itertools": "accumulate permutations combinations product groupby chain islice zip_longest pairwise",
    "math": "inf gcd sqrt ceil floor isqrt comb lcm",
}
_MODULES: Final = ("math", "re", "heapq", "bisect", "itertools", "functools", "collections", "string", "random", "sys")
_WORD: Final = re.compile(r"[^\W\d]\w*")
_DEFINED: Final = re.compile(r"(?:def|class)[ \t]+([^\W\d]\w*)|([^\W\d]\w*)[ \t]*=(?!=)")


def program_of(completion: str) -> tuple[str, bool]:
    """The program, and whether it stands in a Python block inside ``<answer>``; an empty text when there is none.

    >>> program_of("<answer>\\n```python\\nprint(1)\\n```\\n</answer>")
    ('print(1)\\n', True)
    >>> program_of("```python\\nprint(1)\\n```"), program_of("<answer>print(1)</answer>"), program_of("no")
    (('print(1)\\n', False), ('print(1)', False), ('', False))
    """
    answer = last_tagged(completion, "answer")
    for text in (answer, completion):
        if text is None:
            continue
        block = python_block(text)
        if block is not None and block.strip():
            return block[:MAX_PROGRAM], text is answer
    if answer is not None and answer.strip() and "```" not in answer:
        return answer.strip()[:MAX_PROGRAM], False
    opened = list(_OPENED.finditer(completion))
    return (completion[opened[-1].end() :][:MAX_PROGRAM], False) if opened else ("", False)


def with_imports(program: str) -> str:
    """The program with the imports that judges of function problems provide, as far as it uses them without its own.

    >>> with_imports("def f(a: List[int]):\\n    return math.prod(a)").splitlines()[0]
    'from typing import List; import math'
    """
    words = set(_WORD.findall(program))
    if "__future__" in words:
        return program
    bound = _bound(program)
    lines = []
    for module, names in _FROM.items():
        missing = [name for name in names.split() if name in words and name not in bound]
        if missing:
            lines.append(f"from {module} import {', '.join(missing)}")
    lines += [f"import {m}" for m in _MODULES if m in words and m not in bound and f"{m}." in program]
    return f"{'; '.join(lines)}\n{program}" if lines else program


def _bound(program: str) -> set[str]:
    """The names that a program imports, defines or assigns at the start of a line, as far as a glance tells."""
    found: set[str] = set()
    for line in program.splitlines():
        head = line.lstrip()
        if head.startswith(("from ", "import ")):
            found.update(_WORD.findall(head))
            if head.rstrip().endswith("*"):
                found.update(_FROM.get(head.split()[1], "").split())
        else:
            defined = _DEFINED.match(head)
            if defined:
                found.add(defined[1] or defined[2])
    return found


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
        return f"{prompt.rstrip()}\n\n\n{program}"
    return f"{prompt.rstrip()}\n{program}"
