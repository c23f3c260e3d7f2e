"""The prompts of ExecVerify's two stages, in our own words, and solutions written from traces."""

from __future__ import annotations

from typing import Final

from table_rewards.datasets.exec_verify.questions import Questions, in_words, ordinal
from table_rewards.datasets.exec_verify.tracing import Trace

MAX_TOLD: Final = 40

_OUTPUT = """\
Here is a Python program, with its line numbers.

{listing}

Work out by hand what `{call}` returns. First think step by step between <reasoning> and </reasoning>. Then answer \
between <answer> and </answer>: on the first line an assertion that compares the call, as it is written here, with the \
value it returns, written as a literal, such as `assert {example} == 3`{more}
{questions}"""

_MORE = """; then one line for each question below, in their order. Answer a question about the next statement with \
the statement, exactly as it stands in the program but without its indentation, or with -1 when the function ends \
there. Answer a question about a variable with its value as a literal, a semicolon and the name of its type, such as \
`[1]; list`.

Questions:
"""

_INPUT = """\
Here is a Python program.

{listing}

Find arguments for which `{function}` returns

{result}

First think step by step between <reasoning> and </reasoning>. Then give one call with literal arguments between \
<answer> and </answer>, as a Python block that holds one assertion:

<answer>
```python
assert {function}(...) == {result}
```
</answer>"""

_FILLED = """\
In this {language} program ???? stands for something that is left out.

```{short}
{code}
```

Work out what must stand there so that the program runs through its check: {wanted}. First think step by step \
between <reasoning> and </reasoning>. Then write what stands for ????, as {language} writes it and without a code \
fence, between <answer> and </answer>."""

CODE_SUFFIX = """

First think between <reasoning> and </reasoning>. Then give the whole program, ready to run, in one Python block \
between <answer> and </answer>:

<answer>
```python
# your program
```
</answer>"""


def fenced(code: str) -> str:
    return f"```python\n{code.rstrip()}\n```"


def numbered(code: str) -> str:
    """The program with line numbers in front."""
    return fenced("\n".join(f"{number:>3} | {line}" for number, line in enumerate(code.rstrip().splitlines(), 1)))


def output_prompt(
    code: str, function: str, arguments: str, questions: Questions, *, may_be_unreached: bool = False
) -> str:
    """The prompt of an ``io_mixed`` row: next-statement questions first, then states, as the answers are read."""
    asked = [in_words(question, code, may_be_unreached=may_be_unreached) for question in questions.path]
    asked += [in_words(question, code, may_be_unreached=may_be_unreached) for question in questions.state]
    lines = "\n".join(f"{number}. {question}" for number, question in enumerate(asked, 1))
    return _OUTPUT.format(
        listing=numbered(code),
        call=f"{function}({arguments})",
        example=f"{function}(...)",
        more=_MORE if asked else ".",
        questions=lines,
    ).rstrip()


def input_prompt(code: str, function: str, result: str) -> str:
    """The prompt of an ``oi`` row."""
    return _INPUT.format(listing=fenced(code), function=function, result=result)


def filled_prompt(code: str, short: str, language: str, *, asks_for_input: bool) -> str:
    """The prompt of a row of CRUXEval-X: what stands for the ``????`` of a program in any language.

    >>> print(filled_prompt("check(f(1) == ????)", "js", "JavaScript", asks_for_input=False).splitlines()[3])
    check(f(1) == ????)
    """
    wanted = "the arguments of the call" if asks_for_input else "the value that the call returns"
    return _FILLED.format(code=code.strip("\n"), short=short, language=language, wanted=wanted)


def output_answer(function: str, arguments: str, result: str, questions: Questions) -> str:
    """The right answer of an ``io_mixed`` row."""
    lines = [f"assert {function}({arguments}) == {result}"]
    lines += [question.answer for question in questions.path]
    lines += [f"{question.answer.value}; {question.answer.type}" for question in questions.state]
    return "\n".join(["<answer>", *lines, "</answer>"])


def input_answer(function: str, arguments: str, result: str) -> str:
    """A right answer of an ``oi`` row."""
    return f"<answer>\n```python\nassert {function}({arguments}) == {result}\n```\n</answer>"


def walked_through(code: str, function: str, arguments: str, result: str, trace: Trace, questions: Questions) -> str:
    """Reasoning written from the trace: every step and what it changed, then what the questions ask for."""
    lines = code.splitlines()
    told = [f"I run `{function}({arguments})` statement by statement."]
    for number, visit in enumerate(trace.visits):
        if number == MAX_TOLD:
            told.append(f"It goes on in the same way for {len(trace.visits) - MAX_TOLD} more steps.")
            break
        changes = ", ".join(f"{name} = {value.value}" for name, value in visit.changed.items() if value is not None)
        told.append(f"Line {visit.line}: `{lines[visit.line - 1].strip()}`{f' -> {changes}' if changes else ''}")
    told.append(f"It returns {result}.")
    reached = {visit.line for visit in trace.visits}
    for question in questions.path:
        if question.line not in reached:
            told.append(f"Line {question.line} is never executed.")
            continue
        ends = "the function ends (-1)" if question.answer == "-1" else f"`{question.answer}` is next"
        told.append(f"After line {question.line} for the {ordinal(question.visit)} time {ends}.")
    for state in questions.state:
        if state.line not in reached:
            continue
        held = f"{state.variable} is {state.answer.value}, of type {state.answer.type}"
        told.append(f"After line {state.line} for the {ordinal(state.visit)} time {held}.")
    return "<reasoning>\n" + "\n".join(told) + "\n</reasoning>"
