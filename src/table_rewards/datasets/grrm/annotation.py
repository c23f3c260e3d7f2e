"""Scores and analyses of candidate translations, asked of a model: a group at once (GQM), or one by one (SQM).

A reply counts when its last line gives every candidate a whole number from 0 to 10 and something is said before it;
that is the analysis. Source: the annotation scripts of GRRM, arXiv 2602.14028.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal

from table_rewards.core.errors import one_of
from table_rewards.core.rows import plain
from table_rewards.datasets.completed_rows import Unread
from table_rewards.datasets.grrm.groups import Columns, Group, UnusableRow
from table_rewards.llm import ChatReply, ChatRequest, Sampling
from table_rewards.llm.quoting import without_control_tokens
from table_rewards.rewards.llm_reward import said_in
from table_rewards.rewards.ranking.parse import Form, read_ranking
from table_rewards.rewards.ranking.prompts import QUALITY_VERSION, VERSION, language, quality_prompt, ranking_prompt
from table_rewards.rewards.ranking.reference import label
from table_rewards.rewards.ranking.scalar_quality import score_in_range
from table_rewards.rewards.ranking.template import PromptTemplate

Paradigm = Literal["gqm", "sqm"]
PARADIGMS: Final = ("gqm", "sqm")
_HEADING: Final = re.compile(r"[#*_\s]*(final )?scores?[*_\s]*:?[*_\s]*|[-=~_*`#\s]*", re.IGNORECASE)


@dataclass(frozen=True)
class Annotation:
    """What is asked about one group.

    Args:
        row: the source row.
        columns: where it keeps candidates, scores and analyses.
        paradigm: ``gqm`` asks for the scores of all candidates at once, ``sqm`` for one candidate after another.
        sampling: of the model; a second attempt draws anew, at temperature 1 as the published scripts do.
        template: the prompt; None for ours.

    Raises:
        UnusableRow: the row has no text or no candidates.
    """

    row: Mapping[str, Any]
    columns: Columns
    paradigm: Paradigm
    sampling: Sampling
    template: PromptTemplate | None = None

    def __post_init__(self) -> None:
        one_of("paradigm", self.paradigm, PARADIGMS)
        self._group  # noqa: B018  an unusable row says so at once

    @cached_property
    def _group(self) -> Group:
        return _group(self.row, self.columns)

    def requests(self, attempt: int) -> list[ChatRequest]:
        """No request where the row has its scores already."""
        if self.annotated:
            return []
        sampling = self.sampling if not attempt else _warmer(self.sampling)
        return [
            ChatRequest(prompt, sampling, sample=attempt, tag=f"annotation:{VERSION}:{QUALITY_VERSION}")
            for prompt in self._prompts()
        ]

    def more(self, replies: Sequence[ChatReply]) -> list[ChatRequest]:
        """Nothing: one question says all."""
        return []

    def line(self, replies: Sequence[ChatReply]) -> dict[str, Any]:
        row = {str(name): plain(value) for name, value in self.row.items()}
        if self.annotated:
            return row
        group = self._group
        if self.paradigm == "gqm":
            scores, analysis = read_group_scores(replies[0], len(group.candidates))
            return {**row, self.columns.scores: scores, self.columns.analysis: analysis}
        read = [read_single_score(reply) for reply in replies]
        return {**row, self.columns.scores: [s for s, _ in read], self.columns.analysis: [said for _, said in read]}

    @property
    def annotated(self) -> bool:
        """Whether the row has a score for every candidate already."""
        scores = plain(self.row.get(self.columns.scores))
        group = self._group
        return isinstance(scores, list) and len(scores) == len(group.candidates) and None not in scores

    def _prompts(self) -> list[str]:
        group = self._group
        source, target = group.source_language, group.target_language
        text = without_control_tokens(group.text)
        candidates = [without_control_tokens(candidate) for candidate in group.candidates]
        if self.paradigm == "gqm":
            if self.template is not None:
                return [self.template.fill(text, candidates, source_language=source, target_language=target)]
            return [ranking_prompt(text, candidates, mode="score", source_language=source, target_language=target)]
        if self.template is not None:
            return [
                self.template.fill(text, [candidate], source_language=source, target_language=target)
                for candidate in candidates
            ]
        return [
            quality_prompt(text, candidate, source_language=source, target_language=target) for candidate in candidates
        ]


def read_group_scores(reply: ChatReply, candidates: int) -> tuple[list[int], str]:
    """The scores of the candidates in their order, and the analysis before them.

    >>> read_group_scores(ChatReply("B errs.\\n\\n### Scores:\\n\\nB: 3, A: 8", finish_reason="stop"), 2)
    ([8, 3], 'B errs.')

    Raises:
        Unread: a candidate is missing or unknown, a score is no whole number from 0 to 10, or nothing is said before.
    """
    said = said_in(reply)
    if not said.text:
        raise Unread(said.problem)
    names = tuple(label(i) for i in range(candidates))
    scores, problem = read_ranking(said.text, names, Form("score", "required"))
    if scores is None:
        raise Unread(problem.split(":")[0])
    return _whole(scores), _before_last_line(said.text)


def read_single_score(reply: ChatReply) -> tuple[int, str]:
    """The score on the last line, and the analysis before it.

    >>> read_single_score(ChatReply("Fluent.\\n7", finish_reason="stop"))
    (7, 'Fluent.')

    Raises:
        Unread: the last line is no whole number from 0 to 10, or nothing is said before it.
    """
    said = said_in(reply)
    if not said.text:
        raise Unread(said.problem)
    score, problem = score_in_range(said.text, 0, 10)
    if score is None:
        raise Unread(problem.split(":")[0])
    analysis = _before_last_line(said.text)
    if not analysis:
        raise Unread("nothing is said before the score")
    return _whole([score])[0], analysis


def _group(row: Mapping[str, Any], columns: Columns) -> Group:
    text, candidates = plain(row.get("src_text")), plain(row.get(columns.candidates))
    if not isinstance(text, str) or not text.strip():
        raise UnusableRow("no src_text")
    if not isinstance(candidates, list) or not candidates or not all(isinstance(c, str) for c in candidates):
        raise UnusableRow(f"{columns.candidates} is no list of texts")
    if len(candidates) < 2:
        raise UnusableRow("fewer than two candidates")
    source, target = (language(str(row.get(name) or "")) for name in ("src_lang", "trg_lang"))
    return Group(text, tuple(candidates), (), source, target)


def _whole(scores: Sequence[float]) -> list[int]:
    if not all(float(score).is_integer() for score in scores):
        raise Unread("a score is no whole number")
    return [int(score) for score in scores]


def _before_last_line(text: str) -> str:
    lines = text.rstrip().split("\n")
    while lines and re.fullmatch(r"[-=~_*`#\s]*", lines[-1]):
        lines.pop()
    del lines[-1:]
    while lines and _HEADING.fullmatch(lines[-1]):
        lines.pop()
    return "\n".join(lines).strip()


def _warmer(sampling: Sampling) -> Sampling:
    return sampling if sampling.temperature is None else replace(sampling, temperature=1.0)
