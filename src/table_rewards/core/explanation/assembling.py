"""From a reward's judgement and its working to an explanation."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, ClassVar, Final, Protocol

from table_rewards.core.completion import completion_text, read_completion
from table_rewards.core.explanation.data import ANSWER, THOUGHTS, TOLD, VALUE, Passage, Section, Step, Working
from table_rewards.core.explanation.explanation import Explanation, checked
from table_rewards.core.scores import Judgement

REFERENCE_TEXT: Final = 2_000

logger = logging.getLogger("table_rewards")


class Explaining(Protocol):
    """What an explanation needs of a reward."""

    name: ClassVar[str]
    thought_tags: ClassVar[tuple[str, ...]]
    parts: tuple[str, ...]

    @property
    def signature(self) -> str: ...
    def read_reference(self, reference: Any) -> Any: ...
    def judge_pairs(self, completions: Any, references: Any, step: int | None) -> Any: ...
    def judge_telling(
        self, completions: Any, reference: Any, step: int | None, row: Any
    ) -> tuple[Judgement, Working]: ...


def explained(
    reward: Explaining, completion: Any, reference: Any, step: int | None, peers: Sequence[Any]
) -> Explanation:
    """Score a completion with a reward and tell how the score comes about; never one without the other."""
    texts = [completion_text(one) for one in (completion, *peers)]
    read = reward.read_reference(reference)
    remarks: list[str] = []
    if isinstance(read, Judgement):
        judgement, working = read, Working()
    else:
        try:
            row = reference if isinstance(reference, Mapping) else None
            judgement, working = reward.judge_telling(texts, read, step, row)
        except Exception as error:  # the score stands without its explanation
            logger.exception("%s could not explain a sample", reward.signature)
            remarks.append(f"the work behind this score cannot be shown: {type(error).__name__}: {error}")
            judgement, working = reward.judge_pairs(texts, [read] * len(texts), step)[0], Working()
    parts = dict(zip(reward.parts, (float(part) for part in judgement.parts), strict=True))
    told = above_zero_point(working.sections, float(judgement.value), parts["blind"]) if "blind" in parts else None
    sections, wrong = checked(working.sections if told is None else told, float(judgement.value), parts)
    for remark in wrong:
        logger.error("%s: %s", reward.signature, remark)
    if not sections and not isinstance(read, Judgement):
        sections = [reference_section(read)]
    passages = working.passages
    return Explanation(
        reward=reward.name,
        value=float(judgement.value),
        parts=parts,
        status=judgement.status,
        note=judgement.note,
        signature=reward.signature,
        completion=texts[0],
        passages=passages if passages is not None else passages_of(texts[0], reward.thought_tags),
        sections=tuple(sections),
        remarks=(*remarks, *wrong),
    )


def above_zero_point(sections: Sequence[Section], value: float, blind: float) -> tuple[Section, ...]:
    """The sections of a score that counts above R0 alone, with one that says so; theirs is the score before it.

    >>> [(one.title, dict(one.gives)) for one in above_zero_point([Section("TEDS", gives={"score": 0.75})], 0.5, 0.5)]
    [('TEDS', {}), ('Zero point', {'score': 0.5, 'blind': 0.5})]
    """
    closing = f"above it counts what is left of the way to the best value: score {value:.6g}"
    own = Section(
        "Zero point",
        (Step(TOLD, "R0", f"{blind:.6g}: what a blind strategy earns on this row, or zero_point itself"),),
        closing=closing,
        gives={VALUE: value, "blind": blind},
    )
    return (*map(without_value, sections), own)


def without_value(section: Section) -> Section:
    """A section that comes to a number on the way to the score, not to the score."""
    return replace(section, gives={name: number for name, number in section.gives.items() if name != VALUE})


def passages_of(text: str, tags: Sequence[str]) -> tuple[Passage, ...]:
    """What stands inside thoughts and what outside, with its place.

    >>> [tuple(one) for one in passages_of("<think>7?</think>8", ("think",))]
    [('thoughts', 0, 17, '<think>7?</think>'), ('answer', 17, 18, '8')]
    """
    reading = read_completion(text, tags)
    found: list[Passage] = []
    at = 0
    for start, end in reading.spans:
        if reading.thoughts and text[at:start].strip():
            found.append(Passage(THOUGHTS, at, start, text[at:start]))
        found.append(Passage(ANSWER, start, end, text[start:end]))
        at = end
    if reading.thoughts and not reading.spans and text:
        found.append(Passage(THOUGHTS, 0, len(text), text))
    return tuple(found)


def with_passage(passages: Sequence[Passage], what: str, part: str, text: str) -> tuple[Passage, ...]:
    """Add where a part that was taken from a text stands last in it, if it stands there to the letter.

    An answer that is this part and nothing else is not told twice.

    >>> text = "Final Answer: 8"
    >>> [one[:3] for one in with_passage(passages_of(text, ()), "final answer", "8", text)]
    [('answer', 0, 15), ('final answer', 14, 15)]
    """
    at = text.rfind(part) if part else -1
    if at < 0:
        return tuple(passages)
    end = at + len(part)
    others = [one for one in passages if (one.start, one.end) != (at, end)]
    return (*others, Passage(what, at, end, part))


def reference_section(reference: Any) -> Section:
    """What the reference says, field by field."""
    if not is_dataclass(reference):
        return Section("Reference", (Step(TOLD, "reference", _shown(reference)),))
    told = [
        Step(TOLD, one.name, _shown(value))
        for one in fields(reference)
        if (value := getattr(reference, one.name)) not in (None, "", (), [])
    ]
    return Section("Reference", tuple(told))


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= REFERENCE_TEXT else f"{text[:REFERENCE_TEXT]} …"
