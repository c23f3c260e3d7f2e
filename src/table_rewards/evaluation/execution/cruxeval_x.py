"""CRUXEval-X beyond Python: predictions judged by the toolchain of their language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from table_rewards.core.errors import BadReference, one_of
from table_rewards.core.rows import Row
from table_rewards.evaluation.execution.cruxeval import PREDICTIONS, CruxReport, answer_of, said_in, texts_of
from table_rewards.evaluation.execution.languages.judging import CALLED, Program, arguments_of, judge, plain_answer
from table_rewards.evaluation.execution.languages.toolchains import TOOLCHAINS, toolchain
from table_rewards.evaluation.execution.problems import ASKED, CANDIDATE, NoProgram, check_of

LANGUAGES: Final = ("py", *TOOLCHAINS)


def evaluate_language(
    rows: Iterable[Mapping[str, Any]],
    language: str,
    task: str,
    javatuples: str | None = None,
    profile: str = "corrected",
) -> CruxReport:
    """Judge the predictions of rows of CRUXEval-X in C++, C#, Go, Java, JavaScript or PHP.

    Args:
        rows: ``code`` with ``output_reasoning`` and ``input_reasoning``, or with ``????`` in it, and a prediction.
        language: ``cpp``, ``cs``, ``go``, ``java``, ``js`` or ``php``.
        task: ``output`` or ``input``.
        javatuples: the jar that Java's programs import.
        profile: ``released`` counts as the published checker does, but for what would have to run a model's code: every
            answer passes whose row holds sentences instead of a program (10 rows in Go, 13 in PHP), and an answer about
            an input stands for the whole call. In ``corrected`` the former are wrong, and arguments are enough.

    Raises:
        UnknownName: there is no such language or profile.
        ConfigurationError: a program of the toolchain is not there, or does not work.
    """
    one_of("profile", profile, ("corrected", "released"))
    tools = toolchain(language, javatuples)
    report = CruxReport({task: []})
    counts = report.counts[task]
    answers: list[tuple[Program, ...]] = []
    owners: list[int] = []
    for number, raw in enumerate(rows):
        row = Row(raw)
        try:
            source = program_of_row(row, language, task)
            found = texts_of(row.find(*PREDICTIONS))
        except NoProgram:
            report.no_program.append(str(row.find("id", "task_id", default=f"row {number + 1}")))
            counts.append((0, 0))
            continue
        except BadReference as error:
            report.unusable.append(f"row {number + 1}: {error}")
            continue
        if not tools.is_program(source):
            report.prose.append(str(row.find("id", "task_id", default=f"row {number + 1}")))
            counts.append((len(found) if profile == "released" else 0, len(found)))
            continue
        counts.append((0, len(found)))
        answers += [_readings(source, text, language, task, profile) for text in found]
        owners += [len(counts) - 1] * len(found)
    verdicts = iter(judge([reading for readings in answers for reading in readings], tools, language, task))
    for readings, index in zip(answers, owners, strict=True):
        judged = [next(verdicts) for _ in readings]
        report.unscored += "passed" not in judged and "unscored" in judged
        counts[index] = counts[index][0] + ("passed" in judged), counts[index][1]
    return report


def program_of_row(row: Row, language: str, task: str) -> str:
    """The program of a row with ``????`` for what is asked.

    Raises:
        NoProgram: the benchmark has no program of this language for the problem.
        BadReference: the row has no check.
    """
    if "code" not in row.raw and "code_template" not in row.raw:
        raise NoProgram("no program")  # submissions leave out what they do not answer, all but the id
    stops = TOOLCHAINS[language].stops if language in TOOLCHAINS else ()
    check = check_of(row, task, CALLED.get(language, CANDIDATE), stops)
    if check is None or task not in check.parts:
        raise BadReference(f"no {task}_reasoning, and no code with ????")
    return check.program + check.parts[task]


def _readings(source: str, text: str, language: str, task: str, profile: str) -> tuple[Program, ...]:
    """A prediction with its program; one in backquotes is read with and without them: texts and code have them."""
    answer = said_in(text)
    if profile == "released":
        if task == "input" and arguments_of(answer, language) != answer:
            return (Program(source, answer),)
        asked = f"{CALLED.get(language, CANDIDATE)}({ASKED})" if task == "input" else ASKED
        head, _, tail = source.rpartition(asked)
        return (Program(f"{head}{ASKED}{tail}", answer, whole=True),)
    readings = tuple(Program(source, said) for said in dict.fromkeys((answer_of(text), answer)))
    plain = tuple(reading for reading in readings if plain_answer(reading, language, task) is not None)
    return plain or readings[:1]
