"""Programs in answers, in the files that EvalPlus, BigCodeBench and LiveCodeBench judge with their own programs.

EvalPlus and BigCodeBench read JSON lines of ``task_id`` and ``solution``, LiveCodeBench's custom evaluation one JSON
list of ``question_id`` and ``code_list``. What is taken of an answer is what ExecVerify's evaluation takes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from table_rewards.core.completion import REASONING_TAGS, answer_of
from table_rewards.core.errors import BadReference, one_of
from table_rewards.core.rows import Row, plain
from table_rewards.text.blocks import PYTHON, fenced_blocks, last_tagged

BENCHMARKS: Final = ("evalplus", "bigcodebench", "livecodebench")
IMPORTS: Final = "from typing import Any, List, Tuple\n"
"""What stands in front of every program for EvalPlus."""
NO_PROGRAM: Final = "assert False"
_FUTURE: Final = re.compile(r"^from __future__ import .*\n", re.MULTILINE)
_PREDICTIONS: Final = ("predictions", "prediction", "responses", "response", "completion", "generation")
_PROBLEMS: Final[Mapping[str, str]] = {
    "evalplus": "prompt",
    "bigcodebench": "complete_prompt",
    "livecodebench": "question_content",
}
_IDS: Final[Mapping[str, tuple[str, ...]]] = {
    "evalplus": ("task_id", "id"),
    "bigcodebench": ("task_id", "id"),
    "livecodebench": ("question_id", "task_id", "id"),
}


def problem_text(raw: Mapping[str, Any], benchmark: str) -> str:
    """What a problem asks for, in the words of its benchmark.

    >>> row = {"question_content": "Add.", "starter_code": "def add(a, b):"}
    >>> print(problem_text(row, "livecodebench"))
    Add.
    <BLANKLINE>
    Begin with:
    <BLANKLINE>
    ```python
    def add(a, b):
    ```

    MBPP+ as the hubs have it keeps the tests apart; EvalPlus shows the first of them, which names the function.

    >>> problem_text({"prompt": "Add.", "test_list": ["assert add(1, 2) == 3"]}, "evalplus").splitlines()[1:-1]
    ['Add.', 'assert add(1, 2) == 3']

    Raises:
        BadReference: the column is missing or empty; names it.
    """
    name = _PROBLEMS[one_of("benchmark", benchmark, BENCHMARKS)]
    text = raw.get(name)
    if not isinstance(text, str) or not text.strip():
        raise BadReference(f"no {name}")
    starter = raw.get("starter_code")
    if benchmark == "livecodebench" and isinstance(starter, str) and starter.strip():
        return f"{text.rstrip()}\n\nBegin with:\n\n```python\n{starter.rstrip()}\n```"
    tests = plain(raw.get("test_list")) if benchmark == "evalplus" else None
    if isinstance(tests, list) and tests and str(tests[0]).strip() not in text:
        return f'"""\n{text.strip()}\n{str(tests[0]).strip()}\n"""\n'
    return text


def program_of(text: str, benchmark: str) -> str:
    """The program in an answer: the last block of Python in the last ``<answer>``, else in all behind the thoughts.

    Without a block it is the ``<answer>`` itself; without either it is nothing, for LiveCodeBench one that fails.

    >>> program_of("<answer>\\n```python\\ndef f(): ...\\n```\\n</answer>", "evalplus")
    'from typing import Any, List, Tuple\\ndef f(): ...\\n'
    >>> program_of("I cannot.", "bigcodebench"), program_of("<think>```python\\nno\\n```", "livecodebench")
    ('', 'assert False')

    Raises:
        UnknownName: there is no such benchmark.
    """
    one_of("benchmark", benchmark, BENCHMARKS)
    behind = answer_of(text, REASONING_TAGS)
    tagged = last_tagged(behind, "answer")
    for place in (tagged, behind):
        blocks = fenced_blocks(place, *PYTHON) or fenced_blocks(place) if place else []
        if blocks:
            code = blocks[-1]
            break
    else:
        code = f"{tagged.strip()}\n" if tagged and tagged.strip() else ""
    if not code.strip():
        return NO_PROGRAM if benchmark == "livecodebench" else ""
    if benchmark != "evalplus":
        return code
    futures = list(_FUTURE.finditer(code))  # which must stand first in a program
    start = futures[-1].end() if futures else 0
    return code[:start] + IMPORTS + code[start:]


def solutions(rows: Iterable[Mapping[str, Any]], benchmark: str, counts: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows that the benchmark's own program reads; ``counts`` tells how many answers held no program.

    Answers to one problem, in one row or several, stay together for LiveCodeBench and are rows of their own elsewhere.

    >>> rows = [{"task_id": "HumanEval/0", "prediction": "<answer>def f(): ...</answer>"}]
    >>> list(solutions(rows, "bigcodebench", Counter()))
    [{'task_id': 'HumanEval/0', 'solution': 'def f(): ...\\n'}]
    """
    together: dict[str, list[str]] = {}
    for raw in rows:
        row = Row(raw)
        try:
            name = str(row.find(*_IDS[one_of("benchmark", benchmark, BENCHMARKS)]))
            found = plain(row.find(*_PREDICTIONS))
        except BadReference as error:
            counts[f"unusable row: {error}"] += 1
            continue
        if benchmark == "evalplus" and name.isdecimal():
            name = f"Mbpp/{name}"  # as EvalPlus calls the problem that the hubs number
        for text in found if isinstance(found, list) else [found]:
            code = program_of(str(text), benchmark)
            counts["no program in the answer" if code in ("", NO_PROGRAM) else "kept"] += 1
            if benchmark == "livecodebench":
                together.setdefault(name, []).append(code)
            else:
                yield {"task_id": name, "solution": code}
    for name, codes in together.items():
        yield {"question_id": name, "code_list": codes}
