"""How TableBench's answers, programs and charts are read and judged; the verbs that ``profile`` chooses between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from table_rewards.core.explanation.data import Section
from table_rewards.core.rows import Row
from table_rewards.core.scores import Judgement
from table_rewards.rewards.table_bench.charts import chart_matches
from table_rewards.rewards.table_bench.explain import answer_section, rouge_section
from table_rewards.rewards.table_bench.programs import ProgramRunner, printed_answer, program_in, table_of_row
from table_rewards.sandbox import Job, Outcome
from table_rewards.text.answers import COUNTING, exact_match, read_answer, tolerant_match
from table_rewards.text.final_answer import final_answer
from table_rewards.text.numbers import TABLE_BENCH, TABLE_BENCH_TOLERANT
from table_rewards.text.rouge import rouge_l, script_tokens


class Method:
    """The last well-formed answer, programs in a directory of their own, and values compared as values."""

    answer = staticmethod(final_answer)
    """The answer that a completion states."""

    def program(self, completion: str) -> str | None:
        """The program in a completion, or None."""
        return program_in(completion)

    def table(self, row: Row) -> str:
        """The row's table in the form that :meth:`script` and :meth:`chart` take; '' without one."""
        return table_of_row(row)

    def script(self, runner: ProgramRunner, code: str, table: str) -> Job:
        """The job of a program that prints its answer."""
        return runner.script(code, table)

    def chart(self, runner: ProgramRunner, code: str, table: str, kind: str) -> Job:
        """The job of a program that draws."""
        return runner.chart(code, table, kind)

    def printed(self, outcome: Outcome) -> str | None:
        """The answer that a program printed."""
        return printed_answer(outcome)

    def draws(self, drawn: Any, references: Sequence[Any], kind: str) -> bool:
        """Whether what a chart job read are the reference's values."""
        return chart_matches(drawn, references, kind)

    def exact(self, gold: str, given: str) -> float:
        """Exact match in [0, 1], numbers as numbers, lists item by item."""
        return exact_match(read_answer(gold), read_answer(given)) if given else 0.0

    def tolerant(self, gold: str, given: str, tolerance: float = 10) -> float:
        """The same with numbers within ``tolerance`` per cent."""
        return tolerant_match(read_answer(gold), read_answer(given), tolerance / 100) if given else 0.0

    def rouge(self, gold: str, given: str) -> float:
        """ROUGE-L F1 in [0, 1]."""
        return rouge_l(script_tokens(gold), script_tokens(given))

    def metrics(self, gold: str, given: str, qsubtype: str = "") -> tuple[float, float, float]:
        """All three; answers of the subtype Counting are whole numbers."""
        if not given or given == gold:
            return (1.0, 1.0, 1.0) if given else (0.0, 0.0, 0.0)
        wanted, said = read_answer(gold), read_answer(given)
        exact = exact_match(wanted, said, counting=qsubtype == COUNTING)
        return exact, tolerant_match(wanted, said), self.rouge(gold, given)

    def is_answer(self, given: str | None, metrics: tuple[float, float, float]) -> bool:
        """Whether an answer was given at all."""
        return bool(given)

    def telling(self, gold: str, given: str, qsubtype: str, metric: str, why: str, judged: Judgement) -> Section:
        """How the metric that counts came to its number."""
        if metric == "rouge_l":
            return rouge_section(script_tokens(gold), script_tokens(given), gold, given, why)
        policy = TABLE_BENCH if metric == "em" else TABLE_BENCH_TOLERANT
        return answer_section(gold, given, policy, metric, why, counting=metric == "em" and qsubtype == COUNTING)
