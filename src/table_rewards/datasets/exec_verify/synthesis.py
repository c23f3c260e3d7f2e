"""Prompts that ask a model for programs to reason about, and for other inputs of the same programs.

A configuration says whether calls of the method are nested, whether other methods, a helper function and control flow
of some depth are asked for; the published data have 40,000 scripts of each of six (ExecVerify, arXiv 2603.11226). The
wording is ours.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from table_rewards.core.completion import answer_of
from table_rewards.core.errors import ConfigurationError
from table_rewards.llm import Sampling
from table_rewards.text.blocks import PYTHON, fenced_blocks

WRITING: Final = Sampling(temperature=0.8, top_p=0.9, max_tokens=4_096)
MUTATING: Final = Sampling(temperature=0.4, max_tokens=4_096, extra={"repetition_penalty": 1.05})
FLOW: Final = ("if", "for", "while", "if-elif")


class Configuration(NamedTuple):
    """What a script must have: nested calls, other methods, a helper function, control flow nested so deep."""

    nested: bool
    others: bool
    helper: bool
    depth: int


CONFIGURATIONS: Final = (
    Configuration(True, False, False, 0),
    Configuration(True, True, False, 0),
    Configuration(True, True, False, 1),
    Configuration(True, True, False, 2),
    Configuration(True, True, False, 3),
    Configuration(True, True, True, 3),
)

_WRITE: Final = """\
Write a short Python script that exercises `{method}` of the type {type}.

It must have:
- {functions}, with at least one parameter and no default values;
- a use of `{method}` that the result depends on;
{more}- as its last line exactly one print, outside every function, of exactly one call: `print(name(...))`, with \
literal arguments.

It must have no comments, no other print, no input, no randomness, no time, and nothing that differs from run to run.

Give the script alone, in one ```python block."""

_MUTATE: Final = """\
Here is a Python script.

```python
{code}
```

Change the arguments of the call in its last line, and nothing else: new literals of the same types, no variables, so \
that the program takes another way through its code. Collections have more than five items. You may use these numbers \
and strings, or others:

{numbers}
{strings}

Give the whole script, in one ```python block."""


class Method(NamedTuple):
    """A built-in method and the type that it is of."""

    type: str
    name: str


def read_methods(folder: Path) -> list[Method]:
    """The methods to write about: a file ``TYPE.txt`` for each type, one method a line; in order of the files' names.

    Raises:
        ConfigurationError: there is no such file, or no method in any.
    """
    found = [
        Method(path.stem, line.strip())
        for path in sorted(folder.glob("*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    if not found:
        raise ConfigurationError(f"{folder}: no TYPE.txt with a method a line, such as list.txt with append, extend")
    return found


def writing_prompts(
    methods: Sequence[Method], per_configuration: int, numbers: Sequence[int], seed: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(prompt, setting) for each script to write; methods in turn, control flow by the seed.

    >>> prompts = list(writing_prompts([Method("list", "append"), Method("str", "split")], 3, [1, 6], 0))
    >>> len(prompts), prompts[2][1]["method"], prompts[5][1]["flow"] == prompts[4][1]["flow"]
    (6, 'append', False)
    """
    for number in numbers:
        configuration = CONFIGURATIONS[number - 1]
        for index in range(per_configuration):
            method = methods[index % len(methods)]
            draw = random.Random(f"{seed}\0{number}\0{index}")
            flow = [draw.choice(FLOW) for _ in range(configuration.depth)]
            more = []
            if configuration.nested:
                more.append("calls inside calls, at least two levels deep")
            if configuration.others:
                more.append("at least one other built-in method or function")
            if flow:
                more.append(f"control flow nested in this order, from outside: {', '.join(flow)}")
            functions = (
                "exactly two functions, one of which calls the other" if configuration.helper else "one function"
            )
            prompt = _WRITE.format(
                method=method.name,
                type=method.type,
                functions=functions,
                more="".join(f"- {line};\n" for line in more),
            )
            setting = {"configuration": number, "type": method.type, "method": method.name, "flow": flow}
            yield prompt, {**configuration._asdict(), **setting}


def mutating_prompt(code: str, seed: int, number: int) -> str:
    """The prompt for another input of a script, with numbers and strings on offer, drawn by the seed.

    Five to fifteen whole numbers from 5 to 20 and as many strings: half of letters and digits, two in five of one
    character repeated, one in ten with punctuation.
    """
    draw = random.Random(f"{seed}\0{number}\0{code}")
    count = draw.randint(5, 15)
    offered = [draw.randint(5, 20) for _ in range(count)]
    strings = []
    for _ in range(count):
        kind, length = draw.random(), draw.randint(5, 20)
        if kind < 0.5:
            strings.append("".join(draw.choices(string.ascii_letters + string.digits, k=length)))
        elif kind < 0.9:
            strings.append(draw.choice(string.ascii_letters + string.digits) * length)
        else:
            strings.append("".join(draw.choices(string.ascii_letters + string.digits + string.punctuation, k=length)))
    return _MUTATE.format(
        code=code.strip("\n"), numbers=", ".join(map(str, offered)), strings=", ".join(map(repr, strings))
    )


def script_of(reply: str) -> str | None:
    """The first block of Python in a reply, behind its thoughts; None without one.

    >>> script_of("<think>\\n```python\\nno\\n```\\n</think>\\nHere:\\n```python\\nprint(1)\\n```")
    'print(1)'
    """
    blocks = fenced_blocks(answer_of(reply), *PYTHON)
    return blocks[0].strip("\n") if blocks and blocks[0].strip() else None
