"""Solutions for fine-tuning, from an endpoint or from a file: every one of them, or the right and whole ones alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from table_rewards.core.completion import answer_of, completion_text
from table_rewards.core.errors import UnreadableCompletion, one_of
from table_rewards.core.options import fraction
from table_rewards.core.rows import plain
from table_rewards.datasets.tango.problems import Problem
from table_rewards.datasets.tango.prompts import GeneratorPrompt
from table_rewards.llm import ChatPool, ChatReply, ChatRequest, Sampling
from table_rewards.llm.types import finish_kind
from table_rewards.rewards.mathematics import Mathematics
from table_rewards.rewards.tango.format import generator_format
from table_rewards.rewards.tango.steps import split_steps

CHUNK: Final = 256
TEMPERATURE: Final = 0.1
TOP_P: Final = 0.5
MAX_TOKENS: Final = 3_072
KEEPS: Final = ("right", "all")

ACCEPTED: Final = "accepted"
UNANSWERED: Final = "unanswered"


class Solution(NamedTuple):
    """What a teacher wrote: thoughts in their tags, and whether it came to an end, or came at all."""

    text: str
    cut_off: bool = False
    failed: bool = False


class Kept(NamedTuple):
    """A problem, the how manieth it is, and the solution that is kept."""

    problem: Problem
    place: int
    text: str


class Choice:
    """Which solutions are kept.

    Args:
        keep: ``right``: those whose answer is right and whose form is whole; ``all``: whatever came, as the published
            scripts do, cut-off and empty ones among them.
        prompt: the prompt that asked; of ``lrm`` a solution is whole when its thoughts are closed and a box stands
            behind them, of ``tagged`` by its mark.
        least_format: least mark of a tagged solution.
        scorer: decides what is right.

    Raises:
        ConfigurationError: an unknown word, a mark outside of [0, 1].
    """

    def __init__(
        self,
        keep: str = "right",
        prompt: GeneratorPrompt | None = None,
        *,
        least_format: float = 1.0,
        scorer: Mathematics | None = None,
    ) -> None:
        self.keep = one_of("keep", keep, KEEPS)
        self.prompt = prompt or GeneratorPrompt()
        self.least_format = fraction("least_format", least_format)
        self.scorer = scorer or Mathematics()

    def keeps(self, outcome: str) -> bool:
        """Whether a solution of this outcome is kept."""
        return outcome == ACCEPTED if self.keep == "right" else outcome != UNANSWERED

    def outcomes(self, problems: Sequence[Problem], solutions: Sequence[Solution]) -> list[str]:
        """What became of each: accepted, wrong, malformed, cut off, empty, unscored, unanswered."""
        found = [_outcome(solution) for solution in solutions]
        if self.keep == "all":
            return found
        open_ = [place for place, outcome in enumerate(found) if outcome == ACCEPTED]
        if not open_:
            return found
        scores = self.scorer([solutions[place].text for place in open_], [problems[place].answer for place in open_])
        for place, value, status in zip(open_, scores.values, scores.status, strict=True):
            if status == "unscored":
                found[place] = "unscored"
            elif value < 1:
                found[place] = "wrong"
            elif self._form(solutions[place].text) < self.least_format - 1e-9:
                found[place] = "malformed"
        return found

    def _form(self, text: str) -> float:
        if self.prompt.kind == "tagged":
            return generator_format(text)
        whole = split_steps(text, thoughts_opened=self.prompt.opens_thoughts)
        return float(bool(whole) and "\\boxed{" in answer_of(text))


def _outcome(solution: Solution) -> str:
    if solution.failed:
        return UNANSWERED
    if solution.cut_off:
        return "cut off"
    return ACCEPTED if solution.text.strip() else "empty"


def asked(
    source: Iterable[Problem],
    pool: ChatPool,
    sampling: Sampling,
    choice: Choice,
    counts: Counter[str],
    *,
    attempts: int = 1,
) -> Iterator[Kept]:
    """Ask for a solution of each problem, at most ``attempts`` times, and yield those that are kept.

    ``counts`` tells what became of the last attempt at each problem.
    """
    remaining = iter(enumerate(source))
    while chunk := list(islice(remaining, CHUNK)):
        last: dict[int, str] = {}
        open_ = dict(chunk)
        kept: dict[int, str] = {}
        for attempt in range(attempts):
            if not open_:
                break
            requests = [
                ChatRequest(choice.prompt(problem.question), sampling, sample=attempt) for problem in open_.values()
            ]
            solutions = [_of_reply(reply, choice.prompt) for reply in pool.ask_many(requests)]
            outcomes = choice.outcomes(list(open_.values()), solutions)
            for index, solution, outcome in zip(list(open_), solutions, outcomes, strict=True):
                last[index] = outcome
                if choice.keeps(outcome):
                    kept[index] = solution.text
                    del open_[index]
        counts.update(last.values())
        yield from (Kept(problem, index, kept[index]) for index, problem in chunk if index in kept)


def read(
    rows: Iterable[tuple[Problem, Mapping[str, Any]]], column: str, choice: Choice, counts: Counter[str]
) -> Iterator[Kept]:
    """The solutions that stand in a column of the rows, a text or a list of texts each; those that are kept.

    ``counts`` tells what became of each solution, and how many rows have none.
    """
    remaining = enumerate(rows)
    while chunk := list(islice(remaining, CHUNK)):
        found: list[tuple[Problem, int, Solution]] = []
        for index, (problem, row) in chunk:
            solutions = solutions_of(row, column, choice.prompt)
            if not solutions:
                counts[UNANSWERED] += 1
            found += [(problem, index, solution) for solution in solutions]
        outcomes = choice.outcomes([problem for problem, _, _ in found], [solution for _, _, solution in found])
        counts.update(outcomes)
        for (problem, index, solution), outcome in zip(found, outcomes, strict=True):
            if choice.keeps(outcome):
                yield Kept(problem, index, solution.text)


def solutions_of(row: Mapping[str, Any], column: str, prompt: GeneratorPrompt | None = None) -> list[Solution]:
    """The solutions in a row: of a column that holds one, or a list of them; ``generation`` says how one ended.

    With ``prompt`` their thoughts are put into their tags (:func:`with_thoughts`); without it they stay as they are.
    """
    found = plain(row.get(column))
    listed = found if isinstance(found, list) and not any(isinstance(turn, Mapping) for turn in found) else [found]
    about = plain(row.get("generation"))
    ended = about.get("finish_reason") if isinstance(about, Mapping) else None
    reasoning = row.get("reasoning") if len(listed) == 1 else None
    solutions = []
    for one in listed:
        if one is None:
            continue
        try:
            text = completion_text(one)
        except UnreadableCompletion:
            continue
        if prompt is not None:
            text = with_thoughts(text, reasoning if isinstance(reasoning, str) else "", prompt)
        solutions.append(Solution(text, cut_off=bool(ended) and finish_kind(str(ended)) == "cut off"))
    return solutions


def _of_reply(reply: ChatReply, prompt: GeneratorPrompt) -> Solution:
    return Solution(with_thoughts(reply.text, reply.reasoning, prompt), reply.truncated, reply.failed)


def with_thoughts(text: str, reasoning: str, prompt: GeneratorPrompt) -> str:
    r"""A teacher's text with its thoughts in their tags, whoever took them out.

    Servers set thoughts apart, and chat templates open them in the prompt, so that only their end is in the text. A
    prompt that opens the thoughts itself keeps its text without a second opening.

    >>> with_thoughts("4", "2+2?", GeneratorPrompt()), with_thoughts("2+2?\n</think>\n\n4", "", GeneratorPrompt())
    ('<think>\n2+2?\n</think>\n\n4', '<think>\n2+2?\n</think>\n\n4')
    >>> with_thoughts("<think>\n2+2?\n</think>\n\n4", "", GeneratorPrompt("lrm"))
    '\n2+2?\n</think>\n\n4'
    """
    if reasoning.strip() and reasoning.strip() not in text[: max(0, text.find("</think>"))]:
        text = f"<think>\n{reasoning.strip()}\n</think>\n\n{text.lstrip()}"
    opened, closed = text.find("<think>"), text.find("</think>")
    if prompt.opens_thoughts:
        return text.lstrip().removeprefix("<think>") if text.lstrip().startswith("<think>") else text
    if closed >= 0 and not 0 <= opened < closed:
        return "<think>\n" + text.lstrip("\n")
    return text
