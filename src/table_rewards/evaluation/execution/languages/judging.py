"""An answer is read as plain data, put into the benchmark's program and judged by the language's own toolchain.

What is no plain data is wrong and never run: an exit, or the call itself, passed where the text was put in as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from table_rewards.core.cpus import usable_cpus
from table_rewards.evaluation.execution.languages import grammars, javascript
from table_rewards.evaluation.execution.languages.plain_data import Grammar, is_plain
from table_rewards.evaluation.execution.languages.toolchains import Toolchain, Verdict
from table_rewards.evaluation.execution.problems import ASKED

CALLED: Final[Mapping[str, str]] = {"cpp": "candidate", "cs": "F", "go": "candidate", "java": "f", "php": "candidate"}
"""What the benchmark's checks call the function, by language."""
GRAMMARS: Final[Mapping[str, Grammar]] = {
    "cpp": grammars.CPP,
    "cs": grammars.CS,
    "go": grammars.GO,
    "java": grammars.JAVA,
    "php": grammars.PHP,
}


class Program(NamedTuple):
    """A program with ``????`` for what is asked, and the answer as the model gave it.

    ``whole`` says that the answer must be plain data as it is, with nothing taken off.
    """

    source: str
    answer: str
    whole: bool = False


def plain_answer(program: Program, language: str, task: str) -> str | None:
    """What of an answer stands for the ``????`` of a program; None where it is no plain data.

    Taken off: the rest of the line that is asked about, a call of the function round its arguments, a last semicolon.

    >>> program = "int main() {\\n    assert(candidate(2) == (????));\\n}"
    >>> plain_answer(Program(program, "assert(candidate(2) == (4));"), "cpp", "output")
    '4'
    >>> plain_answer(Program(program, "candidate(2)"), "cpp", "output") is None
    True
    """
    if program.whole:
        return program.answer if _fits(program.answer, language, several=False) else None
    head, _, tail = _line_of(program.source)
    answer = _between(program.answer.strip(), head, tail).rstrip(";").rstrip()
    several = task == "input"
    if several:
        answer = arguments_of(answer, language)
        if not answer:
            return ""
    return answer if _fits(answer, language, several=several) else None


def _fits(answer: str, language: str, *, several: bool) -> bool:
    if language == "js":
        return javascript.is_plain(answer, several=several)
    return is_plain(answer, GRAMMARS[language], several=several)


def arguments_of(answer: str, language: str) -> str:
    """What stands in an answer's call of the function, or all of it.

    >>> arguments_of('F((new List<long>(new long[]{1L})), "a")', "cs"), arguments_of('1L, "a"', "cs")
    ('(new List<long>(new long[]{1L})), "a"', '1L, "a"')
    """
    for name in dict.fromkeys((CALLED.get(language, "candidate"), "candidate", "f")):
        called = re.match(rf"(?:Problem\.)?{name}\s*\(", answer)
        if called and answer.endswith(")"):
            return answer[called.end() : -1].strip()
    return answer


def judge(programs: Sequence[Program], toolchain: Toolchain, language: str, task: str) -> list[Verdict]:
    """For each program whether it runs through with the answer in it; equal programs are run once.

    Raises:
        ConfigurationError: the toolchain does not work.
    """
    sources = [_filled(program, language, task) for program in programs]
    runs = list(dict.fromkeys(source for source in sources if source is not None))
    with toolchain.ready() as tools, ThreadPoolExecutor(usable_cpus()) as threads:
        verdicts = dict(zip(runs, threads.map(lambda source: tools.judge(source)[0], runs), strict=True))
    return [verdicts[source] if source is not None else "failed" for source in sources]


def _filled(program: Program, language: str, task: str) -> str | None:
    answer = plain_answer(program, language, task)
    head, asked, tail = program.source.rpartition(ASKED)
    return f"{head}{answer}{tail}" if asked and answer is not None else None


def _line_of(source: str) -> tuple[str, str, str]:
    """The line that is asked about, in front of ``????`` and behind."""
    head, asked, tail = source.rpartition(ASKED)
    return head.rpartition("\n")[2].strip(), asked, tail.partition("\n")[0].strip()


def _between(answer: str, head: str, tail: str) -> str:
    """An answer that repeats the whole line, without what the line has already."""
    squeezed_tail = tail.rstrip(";")
    if head and answer.startswith(head) and answer.rstrip(";").endswith(squeezed_tail):
        return answer[len(head) : len(answer.rstrip(";")) - len(squeezed_tail)].strip()
    return answer
