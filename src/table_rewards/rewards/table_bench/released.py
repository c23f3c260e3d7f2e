"""TableBench's own parsing, programs and metrics, defects included: what the published numbers were made with.

Both sides lose case, ASCII punctuation and articles *before* numbers are looked at, so signs, points, percent signs and
the commas between items are gone by then (B1). Kept apart from the corrected comparison, for comparing with papers.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from table_rewards.core.explanation.data import DECIDED, RIGHT, TOLD, VALUE, WRONG, Section, Step
from table_rewards.core.rows import Row
from table_rewards.core.scores import Judgement
from table_rewards.rewards.table_bench.charts import same_values, wanted_values
from table_rewards.rewards.table_bench.explain import rouge_section
from table_rewards.rewards.table_bench.programs import ProgramRunner, columns_and_data, found_table
from table_rewards.sandbox import Job, Outcome
from table_rewards.text.caching import cache_short
from table_rewards.text.final_answer import released_final_answer
from table_rewards.text.rouge import ascii_tokens, rouge_l

_PUNCTUATION: Final = str.maketrans(dict.fromkeys(string.punctuation))
_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_DIGITS: Final = re.compile(r"\d+")
_PRECISION: Final = 28  # of Python's decimals, past which rounding fails and the official script scores 0


_BLOCK: Final = re.compile(r"```python\n(.*?)```", re.DOTALL)


class ReleasedMethod:
    """The verbs of :class:`~table_rewards.rewards.table_bench.methods.Method` as the official scripts do them."""

    def answer(self, completion: str) -> str | None:
        """The *first* ``Final Answer: `` (B5)."""
        return released_final_answer(completion)

    def program(self, completion: str) -> str | None:
        """The last block whose fence says ``python``, in lower case."""
        found = _BLOCK.findall(completion)
        return found[-1] if found and found[-1] else None

    def table(self, row: Row) -> str:
        """The table as JSON: pandas writes its CSV beside the program, so that repeated names collapse (B8)."""
        table = found_table(row)
        return "" if table is None else json.dumps(columns_and_data(table))

    def script(self, runner: ProgramRunner, code: str, table: str) -> Job:
        return Job.script(_surrounded(table, _in_main(code)), limits=runner.limits, flavour=_flavour(code))

    def chart(self, runner: ProgramRunner, code: str, table: str, kind: str) -> Job:
        """Twice into one figure (B9)."""
        again = "pass\n" + code  # the second time the program's first line keeps its indentation
        program = _surrounded(table, _in_main(code), _in_main(again))
        return Job.chart(program, kind=kind, limits=runner.limits)

    def printed(self, outcome: Outcome) -> str | None:
        """The first final answer, else all that was printed (B10)."""
        if not outcome.ok:
            return None
        return released_final_answer(outcome.stdout) or outcome.stdout.strip() or None

    def draws(self, drawn: Any, references: Sequence[Any], kind: str) -> bool:
        """The y-values of the current axes alone, guide lines counted; text never matches (B9)."""
        current = drawn.get("current") if isinstance(drawn, dict) else None
        wanted = wanted_values(references, kind)
        if not isinstance(current, list) or wanted is None:
            return False
        return same_values([y for series in current for y in series], wanted)

    def exact(self, gold: str, given: str) -> float:
        return released_exact_match(gold, given)

    def tolerant(self, gold: str, given: str, tolerance: float = 10) -> float:
        return released_tolerant_match(gold, given, tolerance)

    def rouge(self, gold: str, given: str) -> float:
        return released_rouge_l(gold, given)

    def metrics(self, gold: str, given: str, qsubtype: str = "") -> tuple[float, float, float]:
        return self.exact(gold, given), self.tolerant(gold, given), self.rouge(gold, given)

    def telling(self, gold: str, given: str, qsubtype: str, metric: str, why: str, judged: Judgement) -> Section:
        """Both sides as the official script normalises them, and what it makes of them."""
        texts = normalised(gold), normalised(given)
        if metric == "rouge_l":
            return rouge_section(ascii_tokens(texts[0]), ascii_tokens(texts[1]), gold, given, why)
        number = _DIGITS.fullmatch(texts[0]) is not None
        how = "digits alone: compared as a number" if number else "compared as text"
        steps = (
            Step(DECIDED, "metric", f"{metric}, {why}"),
            Step(TOLD, "gold answer", gold),
            Step(TOLD, "answer", given or "none"),
            Step(RIGHT if judged.value else WRONG, "normalised", how, prediction=texts[1], reference=texts[0]),
        )
        return Section("Answer, as the official script compares it", steps, gives={VALUE: judged.value})

    def is_answer(self, given: str | None, metrics: tuple[float, float, float]) -> bool:
        """No answer is an empty one, which equals a gold answer of punctuation alone (B12)."""
        return bool(given) or any(metrics)


def _in_main(code: str) -> str:
    """The program under ``if __name__ == '__main__'``: each line indented, the first without its own (B13)."""
    lines = code.strip().split("\n")
    return "\nif __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in lines)


def _surrounded(table: str, *programs: str) -> str:
    """The script in which programs run: its imports are theirs, and their own names are not global (B13).

    ``exec`` inside a function makes a program's names local to that function: its functions, classes and comprehensions
    do not find them, while ``pd``, ``np``, ``plt``, ``re``, ``os``, ``sys`` and ``ast`` are there without an import.
    """
    plots = "import matplotlib.pyplot as plt\n" if any("plt" in program for program in programs) else ""
    runs = "".join(f"execute({program!r})\n" for program in programs)
    return f"""\
import ast, os, re, sys
import numpy as np
import pandas as pd
{plots}
def write_table(text):
    import json
    columns, data = json.loads(text)
    rows = []
    for items in data:
        rows.append({{name: items[i] if i < len(items) else None for i, name in enumerate(columns)}})
    pd.DataFrame(rows).to_csv("table.csv", index=False)

write_table({table!r})
del write_table

def execute(c):
    exec(c)

{runs}"""


def _flavour(code: str) -> Any:
    return "charts" if "plt" in code or "matplotlib" in code else "data"


@cache_short(8192)
def normalised(answer: str) -> str:
    """Lower-case, delete ASCII punctuation, drop articles, squeeze white space; in this order.

    >>> normalised("The -10.6 %")
    '106'
    """
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def released_exact_match(reference: str, prediction: str) -> float:
    """1 or 0 on normalised texts. A reference of digits alone is compared as a number rounded to whole.

    >>> released_exact_match("10.6", "1.06"), released_exact_match("10.6", "10.60"), released_exact_match("-5", "5")
    (1.0, 0.0, 1.0)
    """
    gold, given = normalised(reference), normalised(prediction)
    if _DIGITS.fullmatch(gold) is None:
        return float(gold == given)
    number = _decimal(given)
    if number is None:
        return 0.0
    try:
        return float(_whole(Decimal(gold)) == _whole(number))
    except InvalidOperation:
        return 0.0


def released_tolerant_match(reference: str, prediction: str, tolerance: float = 10) -> float:
    """1 or 0 on normalised texts; a reference of digits alone allows ``tolerance`` per cent.

    >>> released_tolerant_match("100", "109"), released_tolerant_match("9.34, 1.18", "9.33, 1.11")
    (1.0, 0.0)
    """
    gold, given = normalised(reference), normalised(prediction)
    if _DIGITS.fullmatch(gold) is None:
        return float(gold == given)
    target, number = Decimal(gold), _decimal(given)
    if number is None:
        return 0.0
    try:
        if target == 0:
            return float(number == 0)
        return float(abs(target - number) / abs(target) <= tolerance / 100)
    except InvalidOperation:
        return 0.0


def released_rouge_l(reference: str, prediction: str) -> float:
    """ROUGE-L F1 on normalised texts, in [0, 1].

    >>> round(released_rouge_l("innings, runs scored", "runs scored, balls faced"), 4)
    0.5714
    """
    return rouge_l(ascii_tokens(normalised(reference)), ascii_tokens(normalised(prediction)))


def _decimal(text: str) -> Decimal | None:
    if not text or len(text) > 4_000:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _whole(number: Decimal) -> Decimal:
    if number.is_finite() and number.adjusted() >= _PRECISION:
        raise InvalidOperation
    return number.quantize(Decimal(1), rounding=ROUND_HALF_UP)
