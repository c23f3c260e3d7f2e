"""Table-R1's source rows, read and not yet judged: whatever of table, question, labels and response a row has.

Source rows, told apart by what they have:

* TableBench, TableInstruct: ``table`` (nested, flattened or JSON text), ``question``, ``answer``; may be ``gold_area``,
  ``instruction_type``, ``qtype``, ``qsubtype``, ``id``, a ``response`` or ``program`` to learn from.
* Table-R1's verl rows: the table and question in ``prompt``, the labels in ``reward_model.ground_truth``.
* ``prompt`` and ``response`` (TableInstruct-RE): answer and region are those of the response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from table_rewards.core.rows import Row
from table_rewards.datasets.table_r1.prompts import kind_of
from table_rewards.datasets.table_r1.table import Table, Unusable, prompt_text, question_in, read_table
from table_rewards.rewards.table_bench.programs import program_in
from table_rewards.rewards.table_bench.table_bench import CHARTS, answer_text
from table_rewards.rewards.table_bench.table_region import INSTRUCTION_TYPES


@dataclass(frozen=True, slots=True)
class Example:
    """A source row, read but not judged."""

    number: int
    table: Table
    question: str
    answer: str | None
    region: Any
    kind: str
    prompt: str
    response: str
    program: str
    qtype: str
    qsubtype: str
    id: str


def read_example(raw: Mapping[str, Any], number: int, *, keep_prompt: bool) -> Example:
    problem = getattr(raw, "problem", "")
    if problem:
        raise Unusable("the line is not a JSON object")
    row = Row(raw)
    if str(row.find("qtype", default="")) == CHARTS or row.find("chart_type", default=""):
        raise Unusable("a chart is asked for, which this reward does not judge (table_bench does)")
    shown = prompt_text(row)
    table = read_table(row)
    question = row.find("question", default="") or question_in(shown)
    if not isinstance(question, str) or not question.strip():
        raise Unusable("no question")
    response = row.find("response", "prediction", "completion", "output", default="")
    response = response if isinstance(response, str) else ""
    program = row.find("program", "solution_code", default="")
    kind = str(row.find("instruction_type", default=""))
    ready = raw.get("prompt") if keep_prompt else None
    if kind not in INSTRUCTION_TYPES:
        if kind:
            raise Unusable("instruction_type is none of DP, TCoT, SCoT, PoT")
        kind = kind_of(shown) if ready or (response and shown) else ""
    elif not ready and not response and raw.get("reward_model") is None:
        kind = ""  # TableBench's files repeat the same questions once a type; any of them makes all types
    if not isinstance(program, str) or not program:
        program = (program_in(response) or "") if kind in ("PoT", "") else ""
    answer = row.find("answer", default=None)
    if answer is None and isinstance(row.ground_truth, str):
        answer = row.ground_truth
    return Example(
        number,
        table,
        question.strip(),
        None if answer is None else answer if isinstance(answer, str) else answer_text(answer),
        row.find("gold_area", default=None),
        kind,
        shown if ready else "",
        response,
        program,
        *(str(row.find(name, default="")) for name in ("qtype", "qsubtype", "id")),
    )
