"""How RL Tango's released code reads and marks solutions and verifications (G3 to G5, G26 in docs/profiles.md).

Constants and formats are those of ``format.py`` and ``verifier_worker.extract_verification_result``. Every reading is
linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from table_rewards.core.completion import without_end_tokens
from table_rewards.rewards.tango.format import FEW_STEPS, MAX_LENGTH, Step, Verification

_VERDICT: Final = r"\\box(?:ed)?\{(IN)?CORRECT\}(?:\.?\s*)?"
_FINAL: Final = re.compile(rf"<final_verification>{_VERDICT}</final_verification>", re.IGNORECASE)
_STEP_OPENED: Final = re.compile("<step>", re.IGNORECASE)
_STEP_CLOSED: Final = re.compile(rf"{_VERDICT}</step>", re.IGNORECASE)
_AT_THE_END: Final = re.compile(rf"{_VERDICT}$", re.IGNORECASE)
_SEAM: Final = re.compile(r"</step_verification>\s*<final_verification>")


class ReleasedForms:
    """The verbs of :class:`~table_rewards.rewards.tango.forms.Forms` as the released code does them."""

    def steps(self, solution: str) -> tuple[Step, ...]:
        """Each from an opening tag to the nearest closing one: a tag inside a step is part of it."""
        return tuple(
            Step(solution[start + 6 : end - 7].strip(), start, end) for start, end in _elements(solution, "step")
        )

    def counts(self, step: Step) -> bool:
        """Every step counts, an empty one too."""
        return True

    def has_no_answer(self, solution: str) -> bool:
        """Never: the published code reads the answer wherever it stands."""
        return False

    def to_be_judged(self, solution: str) -> tuple[int, float]:
        """How many steps the solution has, and the mark of its form."""
        return len(self.steps(solution)), self.solution_mark(solution)

    def solution_mark(self, solution: str) -> float:
        """1 - 0.8 unless the first answer is ``\boxed{...}`` with something in it - 0.8 without steps, 0.4 below three.

        Without an answer 0; nothing else is looked at (G5).
        """
        solution = solution[:MAX_LENGTH].rstrip()
        answer = _first(solution, "answer")
        if answer is None:
            return 0.0
        mark = 1.0
        answer = answer.strip()
        if not (answer.startswith("\\boxed{") and answer.endswith("}") and len(answer) > len("\\boxed{}")):
            mark -= 0.8
        count = len(_elements(solution, "step"))
        if count == 0:
            mark -= 0.8
        elif count < FEW_STEPS:
            mark -= 0.4
        return max(0.0, mark)

    def verification(self, text: str) -> Verification:
        """The final verdict without white space before it (G3), and the verdicts of the steps.

        Each step runs to the next verdict that closes one: a step without a verdict swallows its successor (G4).
        """
        text = without_end_tokens(text[:MAX_LENGTH])
        final = _FINAL.search(text)
        inside = _first(text, "step_verification") or ""
        verdicts: list[bool | None] = []
        at = 0
        while (opened := _STEP_OPENED.search(inside, at)) and (closed := _STEP_CLOSED.search(inside, opened.end())):
            verdicts.append(closed[1] is None)
            at = closed.end()
        return Verification(
            tuple(verdicts), None if final is None else final[1] is None, "" if final else "no final verdict"
        )

    def verification_mark(self, text: str, steps: int | None, generator_mark: float) -> float:
        """0 unless it is the two parts and nothing around them; then 1 minus a part for each fault."""
        text = without_end_tokens(text[:MAX_LENGTH]).strip()
        seam = _SEAM.search(text, len("<step_verification>"))
        if (
            seam is None
            or not text.startswith("<step_verification>")
            or not text.endswith("</final_verification>")
            or seam.end() > len(text) - len("</final_verification>")
        ):
            return 0.0
        inside = (_first(text, "step_verification") or "").strip()
        final = (_first(text, "final_verification") or "").strip()
        mark = 1.0
        if not _AT_THE_END.search(final):
            mark -= 0.8
        found = _elements(inside, "step")
        if not found:
            mark -= 0.8
        elif steps is not None and generator_mark >= 0.6:
            judged = sum(_AT_THE_END.search(inside[start + 6 : end - 7]) is not None for start, end in found)
            if judged != steps:
                mark -= 0.8
        edges = [0, *(edge for span in found for edge in span), len(inside)]
        if any(inside[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True)):
            mark -= 0.4
        return max(0.0, mark)

    def token_of_step(self, end: int, offsets: Sequence[tuple[int, int]]) -> int | None:
        """The token that holds the character *behind* ``</step>``, else the last one (G26).

        >>> ReleasedForms().token_of_step(5, [(0, 2), (2, 5), (5, 9)]), ReleasedForms().token_of_step(20, [(0, 2)])
        (2, 0)
        """
        behind = (index for index, (start, stop) in enumerate(offsets) if start <= end < stop)
        return next(behind, len(offsets) - 1) if offsets else None


def _elements(text: str, tag: str) -> list[tuple[int, int]]:
    """Where the elements stand, tags included, each from an opening tag to the nearest closing one."""
    found, at = [], 0
    while (start := text.find(f"<{tag}>", at)) >= 0 and (end := text.find(f"</{tag}>", start)) >= 0:
        at = end + len(tag) + 3
        found.append((start, at))
    return found


def _first(text: str, tag: str) -> str | None:
    """The content of the first element, or None."""
    start = text.find(f"<{tag}>")
    end = text.find(f"</{tag}>", start) if start >= 0 else -1
    return text[start + len(tag) + 2 : end] if end >= 0 else None
