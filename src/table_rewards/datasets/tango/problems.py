r"""RL Tango's training rows, from Eurus-2 and DeepMath shaped data.

verl row::

    {"data_source", "prompt": [{"role": "user", "content"}], "ability": "math", "level",
     "reward_model": {"style": "rule", "ground_truth"}, "extra_info": {"index", "split", "question"}}

``level`` is the difficulty, of rows that have one.

Source rows may be Eurus-2-RL-Data's (``prompt`` of messages, ``reward_model``), Eurus-2-SFT-Data's (``conversations``),
DeepMath's (``question``, ``final_answer``, ``difficulty``), or any with a question and an answer.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from table_rewards.core.rows import Row, as_mapping, plain
from table_rewards.datasets.tango.prompts import GeneratorPrompt, without_suffix
from table_rewards.rewards.mathematics import Mathematics
from table_rewards.rewards.mathematics.answers import answers_of_gold
from table_rewards.rewards.mathematics.compare import why_unreadable
from table_rewards.rewards.mathematics.reference import kind_of_answer

SOURCE: Final = "PRIME-RL/Eurus-2-RL-Data"
SFT_SOURCE: Final = "PRIME-RL/Eurus-2-SFT-Data"
DEEPMATH: Final = "DeepMath-103K"
QUESTIONS: Final = ("question", "problem", "Problem", "query", "instruction")
ANSWERS: Final = ("final_answer", "answer", "Answer", "gold", "ground_truth")


class Problem(NamedTuple):
    """A question with its gold answer ("" without one), the data set it is from, and how hard it is."""

    question: str
    answer: str
    source: str = SOURCE
    difficulty: float | None = None
    dataset: str = ""


def problems(
    rows: Iterable[Mapping[str, Any]], left_out: Counter[str], *, need_answer: bool = True
) -> Iterator[Problem]:
    """The mathematical problems among ``rows``; why the others are left out is counted.

    Args:
        rows: rows of any of the shapes above.
        left_out: counts the reasons.
        need_answer: leave out problems without a gold answer that Mathematics can read.

    >>> left_out = Counter()
    >>> rows = [{"ability": "math", "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "1+1?"}],
    ...          "reward_model": {"ground_truth": "2"}}, {"ability": "code", "prompt": "?"}, {"question": "?"}]
    >>> [(p.question, p.answer) for p in problems(rows, left_out)], dict(left_out)
    ([('1+1?', '2')], {'not mathematics': 1, 'no answer': 1})
    """
    for row in rows:
        kind = str(row.get("ability") or row.get("task") or "math").lower()
        if not kind.startswith("math"):
            left_out["not mathematics"] += 1
            continue
        question, answer = _question(row), _answer(row)
        if not question or (need_answer and not answer):
            left_out["no question" if not question else "no answer"] += 1
            continue
        if need_answer and kind_of_answer(answer) == "math" and why_unreadable(answer):
            left_out["an answer that Mathematics cannot read"] += 1
            continue
        about = as_mapping(row.get("extra_info")) or {}
        dataset = str(row.get("dataset") or about.get("dataset") or "")
        yield Problem(question, answer, _source(row), difficulty_of(row), dataset)


def uncontested(found: Iterable[Problem], left_out: Counter[str]) -> Iterator[Problem]:
    """Problems without those whose question an earlier one asks, with an answer that is another.

    >>> left_out = Counter()
    >>> rows = [Problem("1/2?", "0.5"), Problem("1/2? ", "\\\\frac{1}{2}"), Problem("1/2?", "2")]
    >>> [problem.answer for problem in uncontested(rows, left_out)], dict(left_out)
    (['0.5', '\\\\frac{1}{2}'], {'another answer than an earlier row has to the same question': 1})
    """
    known: dict[bytes, str] = {}
    for problem in found:
        question = " ".join(problem.question.split())
        key = hashlib.sha256(question.encode("utf-8", "surrogatepass")).digest()
        first = known.setdefault(key, problem.answer)
        if first != problem.answer and not _same(first, problem.answer):
            left_out["another answer than an earlier row has to the same question"] += 1
            continue
        yield problem


def _same(first: str, second: str) -> bool:
    return bool(Mathematics()([f"\\boxed{{{second}}}"], [{"ground_truth": first}]).values[0] == 1.0)


def difficulty_of(row: Mapping[str, Any]) -> float | None:
    """The difficulty of a row, as a number."""
    found = row.get("difficulty", row.get("level"))
    if isinstance(found, bool):
        return None
    try:
        number = float(found)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _source(row: Mapping[str, Any]) -> str:
    """The data set of a row; DeepMath's rows do not name it."""
    named = row.get("data_source")
    if named:
        return str(named)
    if "conversations" in row:
        return SFT_SOURCE
    return DEEPMATH if "final_answer" in row and "difficulty" in row else SOURCE


def rl_row(
    problem: Problem, index: int, split: str, source: str | None = None, prompt: GeneratorPrompt | None = None
) -> dict[str, Any]:
    """The verl row of a problem, in a prompt (default: ours, tagged)."""
    return {
        "data_source": source or problem.source,
        "prompt": [{"role": "user", "content": (prompt or GeneratorPrompt())(problem.question)}],
        "ability": "math",
        **({} if problem.difficulty is None else {"level": problem.difficulty}),
        "reward_model": {"style": "rule", "ground_truth": problem.answer},
        "extra_info": {"index": index, "split": split, "question": problem.question},
    }


def prompt_row(problem: Problem, index: int, prompt: GeneratorPrompt) -> dict[str, Any]:
    """A row that asks for a solution, as RL Tango's preparation writes it: without a gold answer.

    >>> sorted(prompt_row(Problem("1+1?", "2"), 0, GeneratorPrompt()))
    ['ability', 'data_source', 'extra_info', 'prompt']
    """
    return {
        "data_source": problem.source.split("/")[-1],
        "prompt": [{"role": "user", "content": prompt(problem.question)}],
        "ability": "math",
        "extra_info": {"index": index, "question": problem.question, "dataset": problem.dataset},
    }


def sft_row(problem: Problem, response: str, index: int, prompt: GeneratorPrompt | None = None) -> dict[str, Any]:
    """A row for fine-tuning: prompt and response, and what they were made of."""
    return {
        "prompt": (prompt or GeneratorPrompt())(problem.question),
        "response": response,
        "question": problem.question,
        "ground_truth": problem.answer,
        "index": index,
    }


def _question(row: Mapping[str, Any]) -> str:
    about = as_mapping(row.get("extra_info"))  # of a row that was prepared before, whose prompt holds more
    if about and isinstance(about.get("question"), str) and about["question"].strip():
        return without_suffix(about["question"])
    for name in ("prompt", "messages", "conversations"):
        turns = plain(row.get(name))
        if isinstance(turns, list):
            for turn in turns:
                if isinstance(turn, dict) and _asks(turn):
                    return without_suffix(str(turn.get("content") or turn.get("value") or ""))
        elif isinstance(turns, str) and turns.strip():
            return without_suffix(turns)
    found = Row(row).find(*QUESTIONS, default="")
    return without_suffix(found) if isinstance(found, str) else ""


def _asks(turn: Mapping[str, Any]) -> bool:
    """Whether a turn is the question: its request for a box is no answer."""
    return (turn.get("role") or turn.get("from")) in ("user", "human")


def _answer(row: Mapping[str, Any]) -> str:
    wrapped = Row(row)
    found = plain(wrapped.ground_truth)
    if not isinstance(found, (str, int, float)) or found == "":
        found = wrapped.find(*ANSWERS, default="")
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        return ""
    text = str(found).strip()
    if text:
        return answers_of_gold(text) if "\\boxed" in text else text
    for name in ("conversations", "messages"):  # Eurus-2-SFT-Data: the answer is in the reference solution's box
        turns = plain(row.get(name))
        if isinstance(turns, list) and turns and isinstance(turns[-1], dict) and not _asks(turns[-1]):
            said = str(turns[-1].get("content") or turns[-1].get("value") or "")
            if "\\boxed" in said:
                return answers_of_gold(said)
    return ""
