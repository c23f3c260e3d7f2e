"""What a policy sees of a row, as the slots of templates: the question, the table, the candidates; never the gold.

For tables the policy sees the cells (in an image) and not how they are laid out; of a function its source and its call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from table_rewards.core.errors import BadReference
from table_rewards.core.reward import Reward
from table_rewards.core.rows import Row, plain
from table_rewards.rewards.qa_f1.reference import QAPairs
from table_rewards.rewards.ranking.reference import RankingReference, order_of, score_line
from table_rewards.rewards.table_bench.blind import blind_regions, question_in_prompt
from table_rewards.rewards.table_bench.programs import columns_and_data, found_table
from table_rewards.rewards.table_similarity.base import TableReference
from table_rewards.rewards.tango.verifier import VerifierReference
from table_rewards.rewards.unit_tests.reference import UnitTestsReference
from table_rewards.rewards.white_box.reference import WhiteBoxReference
from table_rewards.testing.attacks.executions import examples_table, executions
from table_rewards.testing.attacks.layouts import layouts_of

LONGEST: Final = 2_000
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")


def slots_of(reward: Reward[Any], row: Any, reference: Any) -> dict[str, str]:
    """The slots of a row for a reward; '' where the row has nothing of the kind.

    >>> from table_rewards import TableBench
    >>> row = {"question": "Who won in 2012?", "answer": "Rome"}
    >>> slots = slots_of(TableBench(), row, None)
    >>> slots["question"], slots["numbers"], slots["columns"]
    ('Who won in 2012?', '2012', '')
    """
    slots = _common(Row(row) if isinstance(row, Mapping) else Row({}))
    if isinstance(reference, TableReference):
        slots.update(layouts_of(reference.source))
    elif isinstance(reference, QAPairs):
        slots.update(layouts_of(_table_of(row)))
    elif isinstance(reference, RankingReference):
        slots.update(_rankings(reference, getattr(reward, "mode", "ranking_score")))
    elif isinstance(reference, WhiteBoxReference):
        slots.update(executions(reference, row))
    elif isinstance(reference, UnitTestsReference):
        slots["function"] = reference.function or next(iter(reference.entry_points), "") or "solve"
        slots["examples_table"] = examples_table(slots["function"], _text_of(row))
    elif isinstance(reference, VerifierReference):
        steps = reference.steps or 1  # the policy sees the solution, and so how many steps it has
        slots["always_correct"], slots["always_incorrect"] = verification(True, steps), verification(False, steps)
    return slots


def _table_of(row: Any) -> str:
    """The table of a row of questions, which a policy sees as an image; '' where the row has none."""
    found = Row(row).find("table", "otsl", "html", default="") if isinstance(row, Mapping) else ""
    return found if isinstance(found, str) else ""


def _text_of(row: Any) -> str:
    """What the prompt of a row says, of a chat all its messages."""
    found = Row(row).find("prompt", "question", "description", default="") if isinstance(row, Mapping) else ""
    if isinstance(found, list):
        return "\n".join(str(message.get("content", "")) for message in found if isinstance(message, dict))
    return found if isinstance(found, str) else ""


def _common(row: Row) -> dict[str, str]:
    question = row.find("question", "query", "problem", default="") or question_in_prompt(row)
    question = question[:LONGEST] if isinstance(question, str) else ""
    columns: Sequence[Any] = ()
    data: Sequence[Sequence[Any]] = ()
    try:
        table = found_table(row)
        if table is not None:
            columns, data = columns_and_data(table)
    except BadReference:
        pass
    regions = blind_regions(row)
    numbers = _NUMBER.findall(question)
    return {
        "question": question,
        "numbers": ", ".join(numbers),
        "last_number": numbers[-1] if numbers else "",
        "columns": _joined(columns),
        "first_row": _joined(data[0]) if data else "",
        "last_row": _joined(data[-1]) if data else "",
        "cells": _joined(cell for cells in data for cell in cells),
        "first_cells": _joined(cells[0] for cells in data if cells),
        "last_cells": _joined(cells[-1] for cells in data if cells),
        "second_cell": _joined(cells[0] for cells in data[1:2] if cells),
        "row_count": str(len(data)),
        "column_count": str(len(columns)),
        "whole_region": regions[0] if regions else "",
        "asked_region": regions[-1] if regions else "",
        "columns_region": json.dumps({"columns": list(columns), "rows": [0]}, ensure_ascii=False, default=str),
        "rows_region": json.dumps({"columns": list(columns[:1]), "rows": list(range(len(data)))}, default=str),
    }


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in values if value is not None)[:LONGEST]


def _rankings(reference: RankingReference, mode: str) -> dict[str, str]:
    """Rankings that know the candidates' names alone, written in the form that the mode asks for."""
    names = reference.candidates

    def written(scores: Sequence[float]) -> str:
        worth = dict(zip(names, scores, strict=True))
        order, line = order_of(worth), score_line(worth)
        return {"ranking": order, "score": line}.get(mode, f"{order}\n\n{line}")

    falling = [9.0 - at for at in range(len(names))]
    slowly = [8.0 - at / 2 for at in range(len(names))]
    halves = [7.0 if 2 * at < len(names) else 6.0 for at in range(len(names))]
    return {
        "tied": written([7.0] * len(names)),
        "tied_high": written([9.0] * len(names)),
        "falling": written([max(0.0, one) for one in falling]),
        "falling_slowly": written([max(0.0, one) for one in slowly]),
        "rising": written([max(0.0, one) for one in reversed(falling)]),
        "halves": written(halves),
        "first_best": written([8.0] + [7.0] * (len(names) - 1)),
        "last_best": written([7.0] * (len(names) - 1) + [8.0]),
        "second_best": written([8.0 if at == 1 else 7.0 for at in range(len(names))]),
        "last_worst": written([7.0] * (len(names) - 1) + [6.0]),
        "in_turn": written([7.0 + at % 2 for at in range(len(names))]),
        "tied_between": written([7.5] * len(names)),
    }


def honest_completion(reward: Reward[Any], row: Any, reference: Any) -> str | None:
    """The reference as its own answer, in the form that the reward reads; None where this is not known.

    >>> from table_rewards import TableBench
    >>> reward = TableBench()
    >>> honest_completion(reward, "7", reward.natural("7"))
    'Final Answer: 7'
    """
    own = getattr(reward, "own_answer", None)  # of a reward of one's own
    if callable(own):
        said = own(reference)
        return said if isinstance(said, str) else None
    if isinstance(reference, TableReference):
        return reference.source
    if isinstance(reference, QAPairs):
        return _table_of(row) or None
    if isinstance(reference, RankingReference):
        worth = dict(zip(reference.candidates, reference.scores, strict=True))
        order, line = order_of(worth), score_line(worth)
        form = {"ranking": order, "score": line}.get(getattr(reward, "mode", ""), f"{order}\n\n{line}")
        return f"Compared one by one, by meaning and style, at some length.\n\n{form}"
    answer = getattr(reference, "answer", None)
    area = getattr(reference, "gold_area", None)
    if reward.name in ("table_bench", "table_region") and isinstance(answer, str):
        if getattr(reference, "qtype", "") == "Visualization":
            return None
        said = f"Final Answer: {answer}"
        if getattr(reference, "instruction_type", "") == "PoT":
            said = f"```python\nprint({said!r})\n```"
        return said if area is None else f"<gold_area>{area}</gold_area>\n{said}"
    if reward.name == "scalar_quality":
        return f"Fluent.\n\n{reference.score:g}"
    if reward.name in ("mathematics", "generator"):
        gold = answer if isinstance(answer, str) else reference.gold.answer
        steps = "<step>First, a step.</step><step>Then one more.</step><step>At last, the end.</step>"
        return f"<think>{steps}</think><answer>\\boxed{{{gold}}}</answer>"
    if isinstance(reference, VerifierReference):
        return verification(reference.label, reference.steps or 1)
    solution = row.get("solution") if isinstance(row, Mapping) else None
    if isinstance(reference, WhiteBoxReference) and isinstance(solution, str) and "<answer>" in solution:
        return solution
    if isinstance(reference, WhiteBoxReference) and reference.result and reference.type == "io_mixed":
        path = [accepted[0] for accepted in reference.path]
        state = [f"{accepted[0].value}; {accepted[0].type}" for accepted in reference.state]
        call = f"assert {reference.function}({reference.arguments}) == {reference.result}"
        return "<answer>\n" + "\n".join([call, *path, *state]) + "\n</answer>"
    if isinstance(reference, WhiteBoxReference) and isinstance(row, Mapping):
        given = plain(row.get("input") or row.get("func_args") or "")
        if given:
            return f"<answer>\nassert {reference.function}({given}) == {reference.result}\n</answer>"
    return None


def verification(right: bool, steps: int) -> str:
    """A verification in RL Tango's form that says the same of every step and of the whole."""
    verdict = "\\boxed{CORRECT}" if right else "\\boxed{INCORRECT}"
    said = "".join(f"<step>Step {number} Analysis: looked at. {verdict}</step>" for number in range(1, steps + 1))
    return f"<step_verification>{said}</step_verification><final_verification>{verdict}</final_verification>"
