"""REval's questions on DREval as prompts, in our own words, for `table-rewards generate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.datasets.exec_verify.prompts import numbered

_ASKED: Final = """\
Here is a Python program, with its line numbers.

{listing}

{run}

{question}

First think step by step between <reasoning> and </reasoning>. Then give the answer alone between <answer> and \
</answer>."""

_QUESTIONS: Final[Mapping[str, str]] = {
    "coverage": "Is line {lineno} (`{line}`) executed? Answer YES or NO.",
    "path": "Which line is executed directly after line {lineno} (`{line}`)? Answer with that line as it stands in the "
    "program, without its number; with -1 if line {lineno} is never executed or nothing follows it.",
    "state": "What are the value and the type of `{var}` directly after line {lineno} (`{line}`) was executed? Answer "
    "with the value, a semicolon and the name of the type, such as `[1]; list`; with Nil if the line is never executed "
    "or `{var}` has no value then.",
}
_OUTPUT: Final = """\
What must stand for ?? here, so that all of it holds?

```python
{template}
```

Answer with these lines, completed."""


def reval_rows(data: Iterable[Mapping[str, Any]], tasks: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each of REval's questions: its place, as `evaluate reval` reads it, and ``prompt``.

    Args:
        data: rows of DREval's programs with their inputs.
        tasks: what is asked of each input: lines with a variable each, and a text with ``??`` for the output.

    Raises:
        BadReference: the two do not belong together.

    >>> data = [{"task_id": "D/0", "entry_point": "f", "code": "def f(a):\\n    return a", "inputs": ["(1,)"]}]
    >>> asked = [{"input_idx": 0, "task": [{"lineno": 2, "var": "a"}], "output_pred": "assert f(1) == ??"}]
    >>> rows = list(reval_rows(data, [{"task_id": "D/0", "tasks": asked}]))
    >>> [(row["task"], row["lineno"]) for row in rows]
    [('coverage', 2), ('path', 2), ('state', 2), ('output', -1)]
    """
    programs = {str(row["task_id"]): row for row in data}
    for entry in tasks:
        name = str(entry["task_id"])
        if name not in programs:
            raise BadReference(f"the tasks name {name}, which is not in the data")
        program = programs[name]
        lines = program["code"].split("\n")
        for pair in entry["tasks"]:
            source = program["inputs"][pair["input_idx"]]
            run = _run(program["entry_point"], source)
            place = {"task_id": name, "input_idx": pair["input_idx"]}
            for asked in pair["task"]:
                line = lines[asked["lineno"] - 1].strip()
                for task, question in _QUESTIONS.items():
                    text = question.format(lineno=asked["lineno"], line=line, var=asked["var"])
                    yield {**place, "task": task, **asked, "prompt": _prompt(program["code"], run, text)}
            text = _OUTPUT.format(template=pair["output_pred"].strip("\n"))
            where = {**place, "task": "output", "lineno": -1, "var": ""}
            yield {**where, "prompt": _prompt(program["code"], run, text)}


def _run(entry: str, source: str) -> str:
    """What is run: a call of the program's function, or lines that use its class."""
    if "\n" in source.strip() or not source.lstrip().startswith("("):
        return f"Behind it these lines are run:\n\n```python\n{source.strip()}\n```"
    return f"Behind it `{entry}{source.strip()}` is called."


def _prompt(code: str, run: str, question: str) -> str:
    return _ASKED.format(listing=numbered(code), run=run, question=question)
