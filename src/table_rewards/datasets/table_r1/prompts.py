"""The four prompts of Table-R1, in words of our own: the same forms of answer, so that the same rewards read them.

Each asks for the table region in ``<gold_area>`` first. The table follows ``[TABLE]`` as JSON in every one, for
training and for inference alike (T10), and the question follows ``Question:``.
"""

from __future__ import annotations

from typing import Final

from table_rewards.core.errors import one_of
from table_rewards.datasets.table_r1.table import MARK, QUESTION, Region, Table
from table_rewards.rewards.table_bench.table_region import INSTRUCTION_TYPES

_ANSWER: Final = """\
Close with one line of this form and write nothing behind it:
Final Answer: AnswerName1, AnswerName2...
Each AnswerName is a number or the name of an entity, as short as it can be, without any explanation; several are \
separated by commas."""

_REGION: Final = """\
State the part of the table that the question needs, on one line between <gold_area> and </gold_area>, as JSON: \
"columns" are the names of the columns, "rows" the numbers of the rows, counted from 0, and "data" the cells there, \
row by row. For example:
<gold_area>{"columns": ["year", "peak"], "rows": [0, 3], "data": [[1986, 12], [1991, 6]]}</gold_area>"""

_TASKS: Final = {
    "DP": f"""\
You answer questions about a table.

Give the region of the table first, then the answer, and no explanation of either.

{_REGION}

{_ANSWER}""",
    "TCoT": f"""\
You answer questions about a table.

Think step by step. As soon as you know which part of the table the question needs, give that region; then reason \
from it to the answer.

{_REGION}

{_ANSWER}""",
    "SCoT": f"""\
You answer questions about a table as if you worked with it in Python, with the package pandas.

Proceed in steps of three lines, as many steps as it takes:
Thought: what to find out next, judging by the last result
Action: one line of Python code
Result: what that code gives for this table, worked out by you, and whether it is enough

As soon as you know which part of the table the question needs, give that region.

{_REGION}

When the steps are enough, check them against the table and the question, and conclude:
Conclusion: After analyzing the table, I am confident that ...

{_ANSWER}""",
    "PoT": f"""\
You answer questions about a table by a Python program. The table is in the file table.csv.

First say briefly how you will go about it, and give the region of the table that the question needs.

{_REGION}

Then write the program, short and executable, in one code block of this form. Its first two lines are exactly these, \
and its last line prints the answer:
```python
import pandas as pd
df = pd.read_csv('table.csv')
...
print(f'Final Answer: {{answer}}')
```
The variable answer is a number or the name of an entity, as short as it can be, without any explanation; several are \
separated by commas.""",
}


_CHART: Final = f"""\
You draw charts of a table by a Python program. The table is in the file table.csv.

First give the region of the table that the chart shows.

{_REGION}

Then write the program, short and executable, in one code block of this form. Its first three lines are exactly these, \
and its last line shows the chart:
```python
import pandas as pd
import matplotlib.pyplot as plt
df = pd.read_csv('table.csv')
...
plt.show()
```"""


def prompt(kind: str, table: Table, question: str, *, chart: bool = False) -> str:
    """The prompt of a kind (DP, TCoT, SCoT, PoT) for a question about a table; for a chart, one for all kinds.

    >>> prompt("DP", Table(("a",), ((1,),)), "Which?").splitlines()[-4:]
    ['[TABLE] ', '{"columns": ["a"], "data": [[1]]}', '', 'Question: Which?']
    """
    one_of("instruction type", kind, INSTRUCTION_TYPES)
    task = _CHART if chart else _TASKS[kind]
    return f"{task}\n\nHere is the table as JSON.\n{MARK} \n{table.as_json()}\n\n{QUESTION}{question}"


def region_line(region: Region) -> str:
    """The region as a completion cites it: one line, since the released reward reads no other (T6)."""
    return f"<gold_area>{region.as_json()}</gold_area>"


def direct_answer(region: Region, answer: str) -> str:
    """The right completion of a DP prompt, which needs no reasoning."""
    return f"{region_line(region)}\nFinal Answer: {answer}"


def kind_of(prompt_text: str) -> str:
    """The kind of a prompt that is there already, by what it asks for.

    >>> kind_of("... df = pd.read_csv('table.csv') ..."), kind_of("Let's think step by step")
    ('PoT', 'TCoT')
    """
    if "table.csv" in prompt_text:
        return "PoT"
    if "Action:" in prompt_text and "Thought:" in prompt_text:
        return "SCoT"
    return "TCoT" if "step by step" in prompt_text else "DP"
