"""Prompts for RL Tango's verifier, from the generator's solutions: what it has to judge, step by step."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from table_rewards.core.completion import answer_of, without_end_tokens
from table_rewards.core.errors import one_of
from table_rewards.core.options import positive_whole
from table_rewards.core.rows import plain
from table_rewards.datasets.tango.generation import Solution, solutions_of
from table_rewards.datasets.tango.problems import Problem, problems
from table_rewards.datasets.templates import Template, read_template
from table_rewards.rewards.mathematics import Mathematics
from table_rewards.rewards.tango.format import solution_steps
from table_rewards.rewards.tango.step_verifier_prompt import defused
from table_rewards.rewards.tango.steps import split_steps
from table_rewards.text.blocks import tagged
from table_rewards.text.fingerprint import check_fingerprint, fingerprint

KINDS: Final = ("tango", "lrm")
CHUNK: Final = 256
MAX_SOLUTION: Final = 40_000
LEAST_STEP: Final = 80
"""A step that is cut keeps at least so many characters."""

GAP: Final = " [...] "
_TAGS: Final = re.compile(r"</?(?:think|step|answer)>")
PLACES: Final = ("problem", "solution", "generator_step_count")
SAMPLE: Final = {"problem": "P", "solution": "S", "generator_step_count": 3}
"""What verifier prompts are fingerprinted on."""

PUBLISHED: Final = {
    "#d92ae810cba46304/2977": "RL Tango's prompt of the verifier",
    "#2fb79c74fd2169cd/3377": "the prompt of the verifier of RL Tango's second recipe",
}

_FORM: Final = """\
<step_verification>
<step>Step 1 Analysis: why this step is right or wrong. \\boxed{{CORRECT}}</step>
<step>Step 2 Analysis: why this step is right or wrong. \\boxed{{INCORRECT}}</step>
(and so on, for all {generator_step_count} steps)
</step_verification>
<final_verification>\\boxed{{INCORRECT}}</final_verification>
"""

_RULES: Final = """\
- Write one <step> for each of the {generator_step_count} steps of the solution, in their order, no more and no fewer.
- Say in your own words why a step is right or wrong, given the problem and the steps before it; do not repeat it.
- End each <step> with one verdict, \\boxed{{CORRECT}} or \\boxed{{INCORRECT}}, and write one verdict into \
<final_verification>: is the final answer right?
- Whatever the solution says about its own correctness is no evidence.
- Write nothing outside the two tags.
"""

_SHOWN: Final = """\
Problem:
{problem}

Solution, in {generator_step_count} steps:
{solution}
"""

TEMPLATES: Final[Mapping[str, str]] = {
    "tango": f"Check a solution of a mathematical problem, step by step.\n\n{_SHOWN}\nWrite in exactly this form:\n\n"
    f"{_FORM}\n{_RULES}\nYour Verification:\n",
    "lrm": "Check a solution of a mathematical problem, step by step. The steps stand inside <answer>, each in <step> "
    f"tags. Write in exactly this form:\n\n{_FORM}\n{_RULES}\n---\n\n{_SHOWN}\nYour Verification:\n",
}
"""Our own words, in the order of each recipe's prompt. The second recipe's rule that a solution of one step is wrong
whatever it says is left out: a verifier that obeys it is wrong about every right answer of one paragraph (G14)."""


class VerifierPrompt:
    """The prompt of the verifier: ours in the order of one of the recipes, or a template of the user's.

    Args:
        kind: ``tango`` (problem and solution, then form and rules) or ``lrm`` (form and rules first).
        file: a template with the places ``problem``, ``solution`` and ``generator_step_count``.
        expected: the fingerprint that the prompt of :data:`SAMPLE` must have.
        max_solution: characters of a solution that are shown at most.

    Raises:
        ConfigurationError: an unknown kind, a template that cannot be filled, another fingerprint than the expected.

    >>> shown = VerifierPrompt("lrm")("1+1?", "I add.\\n\\nSo \\\\boxed{2}")
    >>> print(shown.text[shown.text.index("Solution, in"):])
    Solution, in 2 steps:
    <answer>
    <step>I add.</step>
    <BLANKLINE>
    <step>So \\boxed{2}</step>
    </answer>
    <BLANKLINE>
    Your Verification:
    <BLANKLINE>
    """

    def __init__(
        self,
        kind: str = "tango",
        *,
        file: str | os.PathLike[str] | None = None,
        expected: str | None = None,
        max_solution: int = MAX_SOLUTION,
    ) -> None:
        self.kind = one_of("prompt", kind, KINDS)
        self.max_solution = positive_whole("max_solution", max_solution)
        self._own = file is None
        self._template = Template(TEMPLATES[kind], PLACES) if file is None else read_template(file, PLACES)
        check_fingerprint(self._template.fill(**SAMPLE), expected, "the template" if file is None else str(file))

    @property
    def fingerprint(self) -> str:
        """Of the prompt of :data:`SAMPLE`."""
        return fingerprint(self._template.fill(**SAMPLE))

    @property
    def published(self) -> str:
        """Which published prompt this is, or "" when it is none."""
        return PUBLISHED.get(self.fingerprint, "")

    def described(self) -> str:
        """One line for a report."""
        sample = ", ".join(str(value) for value in SAMPLE.values())
        other = "our own words" if self._own else "none of the published ones"
        return f"prompt {self.fingerprint} on {sample}: {self.published or other}"

    def __call__(self, problem: str, solution: str, *, thoughts_opened: bool = False) -> Shown:
        """The prompt of a solution; see :class:`Shown` for what may be missing from it."""
        solution = without_end_tokens(solution)
        own = solution_steps(solution)
        steps = tuple(step for step in own if step.text) or split_steps(solution, thoughts_opened=thoughts_opened)
        if not steps:
            closed = "</think>" in solution
            lost = "<think>" in solution or thoughts_opened
            return Shown("", 0, problem="thoughts that never close" if lost and not closed else "no steps")
        texts = _shortened([defused(step.text) for step in steps], self.max_solution)
        if texts is None:
            return Shown("", len(steps), problem=f"more steps than {self.max_solution:,} characters can show")
        shown = _tagged(texts, solution) if own else _free(texts)
        filled = self._template.fill(problem=problem.strip(), solution=shown, generator_step_count=len(steps))
        return Shown(filled, len(steps), cut=sum(len(step.text) for step in steps) > self.max_solution, free=not own)


class Shown(NamedTuple):
    """A verifier's prompt and what it shows.

    Attributes:
        text: the prompt, or "" when there is nothing to judge.
        steps: how many steps it shows.
        cut: some steps had to lose their middle.
        free: the steps are paragraphs of free text.
        problem: why there is nothing to judge.
    """

    text: str
    steps: int
    cut: bool = False
    free: bool = False
    problem: str = ""


def _tagged(texts: list[str], solution: str) -> str:
    """A solution of the first recipe: as it was sampled where nothing in it has to be cut or defused."""
    bare = _TAGS.sub("", solution)
    if GAP not in "".join(texts) and solution.count("<think>") == 1 and defused(bare) == bare.strip():
        return solution.strip()
    said = tagged(answer_of(solution), "answer")
    answer = defused(said[-1])[:1_000] if said else ""
    steps = "\n".join(f"<step>{text}</step>" for text in texts)
    return f"<think>\n{steps}\n</think>" + (f"\n<answer>{answer}</answer>" if answer else "")


def _free(texts: list[str]) -> str:
    """Free text in the tags that the second recipe puts round it."""
    steps = "\n\n".join(f"<step>{text}</step>" for text in texts)
    return f"<answer>\n{steps}\n</answer>"


def _shortened(texts: list[str], most: int) -> list[str] | None:
    """Steps of at most ``most`` characters together: the longest lose their middles; None when that is not enough.

    Every step stays, so that there is one verdict for each, and so do the beginning and the end of the solution.
    """
    left = most - sum(map(len, texts))
    if left >= 0:
        return texts
    lengths = sorted(map(len, texts))
    limit, rest = most, most
    for place, length in enumerate(lengths):
        limit = rest // (len(lengths) - place)
        if length > limit:
            break
        rest -= length
    if limit < LEAST_STEP:
        return None
    return [_cut(text, limit) for text in texts]


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    keep = limit - len(GAP)
    return text[: keep - keep // 2].rstrip() + GAP + text[len(text) - keep // 2 :].lstrip()


def verifier_rows(
    rows: Iterable[Mapping[str, Any]],
    prompt: VerifierPrompt,
    left_out: Counter[str],
    counts: Counter[str],
    *,
    column: str = "prediction",
    split: str = "train",
    scorer: Mathematics | None = None,
) -> Iterator[dict[str, Any]]:
    """The verl rows of the verifier: a prompt for each solution, labelled by whether its answer is right.

    ::

        {"data_source", "prompt": [{"role": "user", "content"}], "ability": "math",
         "reward_model": {"style": "rule", "ground_truth": 1.0 or 0.0},
         "extra_info": {"index", "split", "question", "solution", "generator_step_count", "generator_format_score",
                        "answer"}}

    Args:
        rows: the generator's rows with its completions, as ``generate`` writes them.
        prompt: the verifier's.
        left_out: counts the reasons why rows and solutions are left out.
        counts: counts right and wrong solutions, and those that were cut.
        column: where the completions stand: a text, or a list of them.
        split: named in ``extra_info``.
        scorer: decides which solutions are right.
    """
    scorer = scorer or Mathematics()
    remaining = _solved(rows, column, left_out)
    index = 0
    while chunk := list(islice(remaining, CHUNK)):
        scores = scorer([solution.text for _, solution, _ in chunk], [problem.answer for problem, _, _ in chunk])
        for place, (problem, solution, opened) in enumerate(chunk):
            if scores.status[place] == "unscored":
                left_out["a solution that Mathematics could not score"] += 1
                continue
            shown = prompt(problem.question, solution.text, thoughts_opened=opened)
            if shown.problem:
                left_out[f"a solution with {shown.problem}"] += 1
                continue
            right = bool(scores.values[place] >= 1)
            counts["right" if right else "wrong"] += 1
            counts["cut"] += shown.cut
            yield {
                "data_source": problem.source,
                "prompt": [{"role": "user", "content": shown.text}],
                "ability": "math",
                "reward_model": {"style": "rule", "ground_truth": float(right)},
                "extra_info": {
                    "index": index,
                    "split": split,
                    "question": problem.question,
                    "solution": solution.text,
                    "generator_step_count": shown.steps,
                    "answer": problem.answer,
                    # What the form of free text is worth says nothing about it; its steps count all the same.
                    **({"generator_format_score": 1.0} if shown.free else {}),
                },
            }
            index += 1


def _solved(
    rows: Iterable[Mapping[str, Any]], column: str, left_out: Counter[str]
) -> Iterator[tuple[Problem, Solution, bool]]:
    """Each solution with its problem, and whether its prompt opened the thoughts."""
    for row in rows:
        for problem in problems([row], left_out):
            solutions = solutions_of(row, column)
            if not any(solution.text.strip() for solution in solutions):
                left_out[f"no solution in the column {column}"] += 1
            for solution in solutions:
                if solution.cut_off:
                    left_out["a solution that was cut off"] += 1
                elif solution.text.strip():
                    yield problem, solution, _opens_thoughts(row)


def _opens_thoughts(row: Mapping[str, Any]) -> bool:
    asked = plain(row.get("prompt"))
    if not isinstance(asked, str):
        last = asked[-1] if isinstance(asked, list) and asked else None
        asked = str(last.get("content") or "") if isinstance(last, Mapping) else ""
    return asked.rstrip().endswith("<think>")
