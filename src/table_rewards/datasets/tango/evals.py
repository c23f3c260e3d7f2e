"""RL Tango's nine evaluation sets as verl rows, from the rows that their publishers offer.

=============  ===========================================  ===================================================
set            published as                                 columns read
=============  ===========================================  ===================================================
MATH500        HuggingFaceH4/MATH-500                       problem, answer
AIME2024       Maxwell-Jia/AIME_2024                        Problem, Answer
AIME2025       yentinglin/aime_2025                         problem, answer
AMC2023        math-ai/amc23                                question, answer
OlympiadBench  knoveleng/OlympiadBench                      question, answer (or final_answer)
BGQA           tasksource/Boardgame-QA                      example, label: proved, disproved, unknown
CRUXEval       cruxeval-org/cruxeval                        code, input, output
StrategyQA     voidful/StrategyQA                           question, facts, answer: true, false
TableBench     Multilingual-Multimodal-NLP/TableBench       question, answer, table, qtype (two of its four: G9)
=============  ===========================================  ===================================================
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from table_rewards.core.rows import as_mapping, plain
from table_rewards.datasets.tango.prompts import GeneratorPrompt

MATHEMATICAL: Final = ("MATH500", "AIME2024", "AIME2025", "AMC2023", "OlympiadBench")
TABLE_TYPES: Final = ("NumericalReasoning", "FactChecking")
_LABELS: Final = {"proved": "True", "disproved": "False", "unknown": "Uncertain"}

Pair = tuple[str, str] | None
"""A question and its answer, or None when the row is not of the set."""


class MissingColumn(KeyError):
    """A row lacks what its set always has."""


def _first(row: Mapping[str, Any], *names: str) -> Any:
    for name in names:
        value = plain(row.get(name))
        if value is not None:
            return value
    raise MissingColumn(" or ".join(names))


def _problem(row: Mapping[str, Any]) -> Pair:
    answer = _first(row, "answer", "Answer", "final_answer")
    if isinstance(answer, list):
        if len(answer) != 1:
            return None
        answer = answer[0]
    return str(_first(row, "problem", "Problem", "question")), str(answer).strip().strip("$")


def _board_game(row: Mapping[str, Any]) -> Pair:
    label = _LABELS.get(str(_first(row, "label")).lower(), str(row["label"]))
    return f"{_first(row, 'example', 'question')} Answer with True, False, or Uncertain.", label


def _cruxeval(row: Mapping[str, Any]) -> Pair:
    code, given = str(_first(row, "code")), str(_first(row, "input"))
    question = (
        f"Given the Python function below, what does f({given}) return? Answer with a Python literal.\n\n"
        f"```python\n{code.strip()}\n```"
    )
    return question, str(_first(row, "output"))


def _strategy(row: Mapping[str, Any]) -> Pair:
    facts = _first(row, "facts")
    listed = (
        "\n".join(f"{number}. {fact}" for number, fact in enumerate(facts, 1)) if isinstance(facts, list) else facts
    )
    answer = _first(row, "answer")
    truth = "True" if answer in (True, 1) or str(answer).lower() in ("true", "yes") else "False"
    question = f"{_first(row, 'question')}\n\nFacts:\n{listed}\n\nYour final answer should be either True or False."
    return question, truth


def _table(row: Mapping[str, Any]) -> Pair:
    if str(_first(row, "qtype")) not in TABLE_TYPES:
        return None
    table = _first(row, "table")
    table = as_mapping(table) or table
    shown = json.dumps(table, ensure_ascii=False) if not isinstance(table, str) else table
    question = (
        f"Read the table below in JSON format:\n{shown}\n\nBased on the table, {_first(row, 'question')} Words taken "
        "from the table must be exactly the same as the corresponding content in the table."
    )
    return question, str(_first(row, "answer")).strip()


READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Pair]]] = {
    **dict.fromkeys(MATHEMATICAL, _problem),
    "BGQA": _board_game,
    "CRUXEval": _cruxeval,
    "StrategyQA": _strategy,
    "TableBench": _table,
}


def eval_rows(
    name: str, rows: Iterable[Mapping[str, Any]], left_out: Counter[str], prompt: GeneratorPrompt | None = None
) -> Iterator[dict[str, Any]]:
    """The verl rows of a set, in a prompt (default: ours, tagged); what is left out is counted by its reason.

    >>> rows = [{"question": "Is ice cold?", "answer": True, "facts": ["Ice is frozen water."]}]
    >>> row = next(eval_rows("StrategyQA", rows, Counter()))
    >>> row["data_source"], row["reward_model"]["ground_truth"], row["extra_info"]["index"]
    ('StrategyQA', 'True', 0)
    """
    read = READERS[name]
    prompt = prompt or GeneratorPrompt()
    index = 0
    for row in rows:
        try:
            pair = read(row)
        except MissingColumn as missing:
            left_out[f"no {missing.args[0]}"] += 1
            continue
        if pair is None or not pair[0].strip() or not pair[1].strip():
            left_out["not part of the evaluation" if pair is None else "empty"] += 1
            continue
        question, answer = pair
        yield {
            "data_source": name,
            "prompt": [{"role": "user", "content": prompt(question, mathematical=name in MATHEMATICAL)}],
            "ability": "math" if name in MATHEMATICAL else "reasoning",
            "reward_model": {"style": "rule", "ground_truth": answer},
            "extra_info": {"index": index, "split": "test", "question": question},
        }
        index += 1
