r"""The generator's prompt, in RL Tango's format: steps inside ``<think>``, the answer boxed inside ``<answer>``."""

from __future__ import annotations

from typing import Final

EURUS_SUFFIX: Final = "\n\nPresent the answer in LaTex format: \\boxed{Your answer}"

GENERATOR: Final = """\
Solve the {kind}problem below. Think step by step, and write your reasoning as separate steps, each one a single \
logical move, in this form:

<think>
<step>the first step</step>
<step>the next step</step>
<step>the last step</step>
</think>
<answer>\\boxed{{the final answer}}</answer>

Write nothing outside these tags, at least three steps, and inside <answer> nothing but the box. For example, for \
"What is 20 - (4 * 3)?":

<think>
<step>Work out the parentheses first: 4 * 3 = 12.</step>
<step>Take that from 20: 20 - 12 = 8.</step>
<step>So the value is 8.</step>
</think>
<answer>\\boxed{{8}}</answer>

User: {question}
Assistant:"""


def generator_prompt(question: str, *, mathematical: bool = True) -> str:
    """The prompt of a question; evaluations of other kinds of problems leave the word "mathematical" out.

    >>> generator_prompt("1+1?").endswith("User: 1+1?\\nAssistant:"), "mathematical" in generator_prompt("?")
    (True, True)
    """
    return GENERATOR.format(kind="mathematical " if mathematical else "", question=question.strip())


def without_suffix(question: str) -> str:
    """An Eurus question without its own request for a box."""
    return question.replace(EURUS_SUFFIX, "").strip()
