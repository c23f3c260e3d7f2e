"""Who answers on the loopback server of the demonstration. Scripted, and labelled so: no model runs."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import one_of
from table_rewards.datasets.files import read_rows
from table_rewards.rewards.qa_f1 import QAPairs
from table_rewards.rewards.ranking.prompts import ranking_answer

Reply = Callable[[dict[str, Any]], str]

_QUESTION: Final = re.compile(r"<question>(.*?)</question>", re.DOTALL)
_CANDIDATE: Final = re.compile(r"^(?:Translation|Answer) ([A-Z]+):\n`{3,}\n(.*?)\n`{3,}", re.DOTALL | re.MULTILINE)
_ALONE: Final = re.compile(r"^(?:Translation|Answer):\n`{3,}\n(.*?)\n`{3,}", re.DOTALL | re.MULTILINE)
_STEP: Final = re.compile(r"^Step \d+:\n`{3,}\n(.*?)\n`{3,}$", re.DOTALL | re.MULTILINE)
_SUM: Final = re.compile(r"(\d+) ([-+*]) (\d+) (?:=|equals) (\d+)")


def script(name: str, path: Path) -> Reply:
    """Return a function from a request to its reply.

    Raises:
        UnknownName: no such script.
    """
    return SCRIPTS[one_of("script", name, SCRIPTS)](path)


def reader(path: Path) -> Reply:
    """A reader that knows the gold answers and gives one when the table that it is shown holds it."""
    gold = {
        pair.question: pair.answer
        for row in read_rows(path)
        if row.get("qa_pairs")
        for pair in QAPairs.read(row["qa_pairs"]).pairs
    }

    def reply(request: dict[str, Any]) -> str:
        shown = str(request["messages"][-1]["content"])
        asked = _QUESTION.search(shown)
        answer = gold.get(html.unescape(asked[1]) if asked else "", "")
        told = answer if answer and answer in html.unescape(shown.partition("<question>")[0]) else "Not answerable"
        return f"<answer>{told}</answer>"

    return reply


def judge(path: Path) -> Reply:
    """A judge that knows what GRRM's example says of its translations (8 and 3), and gives any other text a 5."""
    published = _published(path)

    def reply(request: dict[str, Any]) -> str:
        shown = str(request["messages"][-1]["content"])
        scores = {name: published.get(text, 5.0) for name, text in _CANDIDATE.findall(shown)}
        return ranking_answer("Scripted.", scores, "ranking_score" if len(scores) > 1 else "score")

    return reply


def single_judge(path: Path) -> Reply:
    """The same judge, asked about one translation at a time."""
    published = _published(path)

    def reply(request: dict[str, Any]) -> str:
        found = _ALONE.search(str(request["messages"][-1]["content"]))
        return f"Scripted.\n\n{published.get(found[1] if found else '', 5.0):g}"

    return reply


def _published(path: Path) -> dict[str, float]:
    return {
        text: float(score)
        for row in read_rows(path.with_name("mt_ranking.jsonl"))
        for text, score in zip(row["mt_texts"], row["scores"], strict=True)
    }


def verifier(path: Path) -> Reply:
    """A verifier that works out every sum of two numbers that a step states, and believes whatever it cannot read."""

    def reply(request: dict[str, Any]) -> str:
        shown = str(request["messages"][-1]["content"]).partition("Proposed solution:")[2]
        verdicts = [all(map(_holds, _SUM.findall(step))) for step in _STEP.findall(shown.partition("Final answer")[0])]
        told = "".join(f"<step>Scripted. {_boxed(right)}</step>" for right in verdicts)
        return (
            f"<step_verification>{told}</step_verification>"
            f"<final_verification>{_boxed(all(verdicts))}</final_verification>"
        )

    return reply


def _holds(stated: tuple[str, str, str, str]) -> bool:
    left, sign, right, result = stated
    return {"+": int(left) + int(right), "-": int(left) - int(right), "*": int(left) * int(right)}[sign] == int(result)


def _boxed(right: bool) -> str:
    return "\\boxed{CORRECT}" if right else "\\boxed{INCORRECT}"


SCRIPTS: Final[dict[str, Callable[[Path], Reply]]] = {
    "reader": reader,
    "judge": judge,
    "single_judge": single_judge,
    "verifier": verifier,
}
