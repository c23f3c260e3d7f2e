r"""RL Tango's training rows, from Eurus-2 and DeepMath shaped data.

verl row::

    {"data_source", "prompt": [{"role": "user", "content"}], "ability": "math",
     "reward_model": {"style": "rule", "ground_truth"}, "extra_info": {"index", "split", "question"}}

Source rows may be Eurus-2-RL-Data's (``prompt`` of messages, ``reward_model``), Eurus-2-SFT-Data's (``conversations``),
DeepMath's (``question``, ``final_answer``, ``difficulty``), or any with a question and an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from table_rewards.core.rows import Row, plain
from table_rewards.datasets.tango.prompts import generator_prompt, without_suffix
from table_rewards.rewards.mathematics.answers import answers_of_gold
from table_rewards.rewards.mathematics.compare import why_unreadable
from table_rewards.rewards.mathematics.reference import kind_of_answer

SOURCE: Final = "PRIME-RL/Eurus-2-RL-Data"
QUESTIONS: Final = ("question", "problem", "Problem", "query", "instruction")
ANSWERS: Final = ("final_answer", "answer", "Answer", "gold", "ground_truth")


class Problem:
    """A question with its gold answer, and the row it came from."""

    __slots__ = ("answer", "difficulty", "question", "row")

    def __init__(self, question: str, answer: str, row: Mapping[str, Any], difficulty: float | None = None) -> None:
        self.question, self.answer, self.row, self.difficulty = question, answer, row, difficulty


def problems(rows: Iterable[Mapping[str, Any]], left_out: Counter[str]) -> Iterator[Problem]:
    """The mathematical problems among ``rows``; why the others are left out is counted.

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
        if not question or not answer:
            left_out["no question" if not question else "no answer"] += 1
            continue
        if kind_of_answer(answer) == "math" and why_unreadable(answer):
            left_out["an answer that Mathematics cannot read"] += 1
            continue
        difficulty = row.get("difficulty")
        yield Problem(question, answer, row, float(difficulty) if isinstance(difficulty, (int, float)) else None)


def rl_row(problem: Problem, index: int, split: str, source: str | None = None) -> dict[str, Any]:
    """The verl row of a problem."""
    return {
        "data_source": source or str(problem.row.get("data_source") or SOURCE),
        "prompt": [{"role": "user", "content": generator_prompt(problem.question)}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": problem.answer},
        "extra_info": {"index": index, "split": split, "question": problem.question},
    }


def sft_row(problem: Problem, response: str, index: int) -> dict[str, Any]:
    """A row for fine-tuning: prompt and response, and what they were made of."""
    return {
        "prompt": generator_prompt(problem.question),
        "response": response,
        "question": problem.question,
        "ground_truth": problem.answer,
        "index": index,
    }


def _question(row: Mapping[str, Any]) -> str:
    for name in ("prompt", "messages", "conversations"):
        turns = plain(row.get(name))
        if isinstance(turns, list):
            for turn in turns:
                if isinstance(turn, dict) and (turn.get("role") or turn.get("from")) in ("user", "human"):
                    return without_suffix(str(turn.get("content") or turn.get("value") or ""))
        elif isinstance(turns, str) and turns.strip():
            return without_suffix(turns)
    found = Row(row).find(*QUESTIONS, default="")
    return without_suffix(found) if isinstance(found, str) else ""


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
        if isinstance(turns, list) and turns and isinstance(turns[-1], dict):
            said = str(turns[-1].get("content") or turns[-1].get("value") or "")
            if "\\boxed" in said:
                return answers_of_gold(said)
    return ""
