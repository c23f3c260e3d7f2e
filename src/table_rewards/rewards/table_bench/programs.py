"""Program-of-thought: the completion's Python program answers, in the sandbox, with the sample's own ``table.csv``."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from table_rewards.core.completion import answer_of
from table_rewards.core.errors import BadReference, ConfigurationError, ScorerFailed, one_of
from table_rewards.core.rows import Row, as_mapping, parse_json, plain
from table_rewards.sandbox import Job, Limits, Outcome, Sandbox, get_sandbox
from table_rewards.sandbox.shared import BACKENDS
from table_rewards.text.blocks import python_blocks
from table_rewards.text.final_answer import final_answer
from table_rewards.text.spread import with_what_it_needs

CPU_SECONDS: Final = 5.0
NO_PROGRAM: Final = "no Python code block"
_MISSING_MODULE: Final = re.compile(r"No module named '([A-Za-z_]\w*)'")
PROMISED: Final = ("pandas", "numpy", "matplotlib")
"""What the prompts of TableBench tell a program that it may use."""
_TABLE_MARK: Final = "[TABLE]"


@dataclass(frozen=True, slots=True)
class ProgramRunner:
    """Where and how long programs run. Holds no process: the sandbox is looked up when there is work.

    Raises:
        ConfigurationError: no such backend, or a CPU limit that is not positive.
    """

    sandbox: str = "local"
    cpu_seconds: float = CPU_SECONDS

    def __post_init__(self) -> None:
        one_of("sandbox", self.sandbox, BACKENDS)
        if not 0 < self.cpu_seconds < 3600:
            raise ConfigurationError(f"cpu_seconds must be between 0 and 3600, not {self.cpu_seconds!r}")

    @property
    def limits(self) -> Limits:
        """The limits of one program; memory is for pandas on a table, not for more."""
        return Limits(cpu_s=self.cpu_seconds, mem_mb=2048)

    def script(self, code: str, table: str) -> Job:
        """A program that prints its answer."""
        return Job.script(code, files={"table.csv": table}, limits=self.limits, flavour="data")

    def chart(self, code: str, table: str, kind: str) -> Job:
        """A program that draws."""
        return Job.chart(code, files={"table.csv": table}, kind=kind, limits=self.limits)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Run all; a sandbox that cannot start makes every outcome ours, never the model's fault."""
        if not jobs:
            return []
        try:
            sandbox = get_sandbox(self.sandbox)
            return [_blamed(outcome, sandbox) for outcome in sandbox.run_batch(jobs)]
        except ScorerFailed as error:
            return [Outcome("sandbox_error", note=str(error))] * len(jobs)

    async def run_async(self, jobs: Sequence[Job]) -> list[Outcome]:
        """The same without blocking the loop."""
        if not jobs:
            return []
        try:
            sandbox = get_sandbox(self.sandbox)
            return [_blamed(outcome, sandbox) for outcome in await sandbox.arun_batch(jobs)]
        except ScorerFailed as error:
            return [Outcome("sandbox_error", note=str(error))] * len(jobs)


def _blamed(outcome: Outcome, sandbox: Sandbox) -> Outcome:
    """A program that asks for pandas is right to; a sandbox without it is our failure, not a wrong answer."""
    if outcome.ok:
        return outcome
    match = _MISSING_MODULE.search(outcome.note) or _MISSING_MODULE.search(outcome.stderr)
    if match is None or match[1] not in PROMISED or not sandbox.lacks(match[1]):
        return outcome
    return Outcome("sandbox_error", note=f"its Python lacks {match[1]}; install table-rewards[programs] there")


def program_in(completion: str) -> str | None:
    """Return the last Python block of a completion behind the blocks whose names it lives on, or None.

    >>> program_in("```python\\nprint(1)\\n```")
    'print(1)\\n'
    >>> program_in("Read:\\n```python\\nx = 1\\n```\\nAdd:\\n```python\\nprint(x + 1)\\n```")
    'x = 1\\n\\nprint(x + 1)\\n'
    """
    blocks = python_blocks(answer_of(completion))
    return with_what_it_needs(blocks, len(blocks) - 1) if blocks and blocks[-1].strip() else None


def printed_answer(outcome: Outcome) -> str | None:
    """Return the answer that a program printed: its last ``Final Answer:``; None if it failed or printed none."""
    return final_answer(outcome.stdout) if outcome.ok else None


def table_csv(table: Any) -> str:
    """Return a table ``{"columns": [...], "data": [[...], ...]}`` as CSV text; repeated column names are kept (B8).

    >>> table_csv({"columns": ["a", "a"], "data": [[1, None], ["x, y", 2]]})
    'a,a\\n1,\\n"x, y",2\\n'

    Raises:
        BadReference: it is no such table.
    """
    columns, data = columns_and_data(table)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["" if name is None else name for name in columns])
    writer.writerows([["" if cell is None else cell for cell in row] for row in data])
    return text.getvalue()


def columns_and_data(table: Any) -> tuple[list[Any], list[list[Any]]]:
    """Return the two halves of a table, given as a mapping or as JSON text of one.

    Raises:
        BadReference: it has no ``columns`` (a list) or no ``data`` (a list of lists).
    """
    table = plain(table)
    if isinstance(table, str):
        table = parse_json(table)
    if not isinstance(table, Mapping) or not isinstance(table.get("columns"), list):
        raise BadReference("a table must have 'columns' (a list) and 'data' (a list of rows)")
    data = table.get("data")
    if not isinstance(data, list) or not all(isinstance(row, list) for row in data):
        raise BadReference("a table's 'data' must be a list of rows")
    return table["columns"], data


def table_of_row(row: Row) -> str:
    """Return the sample's table as CSV text, see :func:`found_table`; '' without one.

    Raises:
        BadReference: it is no table.
    """
    table = found_table(row)
    return "" if table is None else table_csv(table)


def found_table(row: Row) -> Any:
    """Return the sample's table from ``table``, its flattened form, or the prompt; None without one.

    A verl row of Table-R1 has its table in the prompt alone, as JSON after ``[TABLE]``.
    """
    table = row.find("table", default=None)
    if table is None and (columns := row.find("table.columns", default=None)) is not None:
        table = {"columns": columns, "data": row.find("table.data", default=[])}
    return _table_in_prompt(row) if table is None else table


def _table_in_prompt(row: Row) -> Any:
    prompt = row.find("raw_prompt", "prompt", "messages", "instruction", default="")
    messages = prompt if isinstance(prompt, list) else [prompt]
    for message in messages:
        mapping = as_mapping(message)
        text = mapping.get("content") if mapping else message
        if not isinstance(text, str):
            continue
        where = text.find(_TABLE_MARK)
        if where >= 0:
            start = text.find("{", where)
            try:
                return json.JSONDecoder().raw_decode(text, start)[0] if start >= 0 else None
            except (ValueError, RecursionError):
                return None
    return None
