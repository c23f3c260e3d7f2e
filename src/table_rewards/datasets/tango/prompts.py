r"""The generator's prompts of RL Tango's two recipes, or one of the user's own.

``tagged``: the first recipe's format in our own words, steps inside ``<think>``, the answer boxed inside ``<answer>``.
``lrm``: the second recipe's, for reasoning models: the question, the sentence that these models' cards recommend and
the tag that opens their thoughts; letter for letter the published one.
"""

from __future__ import annotations

import os
from typing import Final, Literal

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.datasets.templates import Template, read_template
from table_rewards.text.fingerprint import check_fingerprint, fingerprint

Kind = Literal["tagged", "lrm"]
KINDS: Final = ("tagged", "lrm")
SAMPLE: Final = "What is 2+2?"
"""The question on which generator prompts are fingerprinted."""

PUBLISHED: Final = {
    "#0b6338442fa26e46/1325": "RL Tango's prompt of the generator",
    "#c8f2dfe15d1587ea/1312": "RL Tango's prompt of the evaluations",
    "#1b47bf88a5bb27e9/91": "the reasoning model's prompt of RL Tango's second recipe",
}
"""What the published templates give for :data:`SAMPLE`."""

MATHEMATICAL: Final = "mathematical "

LRM: Final = "{question}\n\nPlease reason step by step, and put your final answer within \\boxed{}.<think>"

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
    return GENERATOR.format(kind=MATHEMATICAL if mathematical else "", question=question.strip())


def without_suffix(question: str) -> str:
    """An Eurus question without its own request for a box."""
    return question.replace(EURUS_SUFFIX, "").strip()


class GeneratorPrompt:
    """The prompt of a question: one of the two kinds, or a template of the user's.

    Args:
        kind: ``tagged`` or ``lrm``.
        file: a template with one place, ``{{ prompt }}`` or ``{question}`` (see
            :func:`~table_rewards.datasets.templates.read_template`); ``kind`` then says what a whole solution is.
        expected: the fingerprint that the prompt of :data:`SAMPLE` must have.
        evaluation: leave the word "mathematical" out of the file's template, as RL Tango does in its evaluations.

    Raises:
        ConfigurationError: an unknown kind, a template that cannot be filled, another fingerprint than the expected.

    >>> prompt = GeneratorPrompt("lrm")
    >>> prompt.fingerprint, prompt.published
    ('#1b47bf88a5bb27e9/91', "the reasoning model's prompt of RL Tango's second recipe")
    >>> prompt("1+1?").endswith("<think>"), GeneratorPrompt().published
    (True, '')
    """

    def __init__(
        self,
        kind: str = "tagged",
        *,
        file: str | os.PathLike[str] | None = None,
        expected: str | None = None,
        evaluation: bool = False,
    ) -> None:
        self.kind = one_of("prompt", kind, KINDS)
        self._template: Template | None = None
        if file is not None:
            self._template = read_template(file, ("prompt", "question", "problem"), required=())
            if not self._template.filled:
                raise ConfigurationError(f"{file} has no place for the question, {{{{ prompt }}}} or {{question}}")
            if evaluation:
                self._template = self._template.without(MATHEMATICAL)
        check_fingerprint(self(SAMPLE), expected, "the template" if file is None else str(file))

    def __call__(self, question: str, *, mathematical: bool = True) -> str:
        """The prompt; without ``mathematical`` our own leaves the word out, for sets of other problems."""
        if self._template is None:
            if self.kind == "lrm":
                return LRM.replace("{question}", question.strip(), 1)
            return generator_prompt(question, mathematical=mathematical)
        return self._template.fill(prompt=question, question=question, problem=question)

    @property
    def opens_thoughts(self) -> bool:
        """Whether the prompt ends with the tag that opens the thoughts, so that a solution only closes them."""
        return self(SAMPLE).rstrip().endswith("<think>")

    @property
    def fingerprint(self) -> str:
        """Of the prompt of :data:`SAMPLE`."""
        return fingerprint(self(SAMPLE))

    @property
    def published(self) -> str:
        """Which published prompt this is, or "" when it is none."""
        return PUBLISHED.get(self.fingerprint, "")

    def described(self) -> str:
        """One line for a report."""
        other = "our own words" if self._template is None else "none of the published ones"
        return f"prompt {self.fingerprint} on {SAMPLE!r}: {self.published or other}"
