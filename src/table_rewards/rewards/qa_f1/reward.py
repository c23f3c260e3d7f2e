"""QA-F1 (TRivia): a table is as good as the answers that a reader finds in it. No annotated table is needed."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.reward import Profile
from table_rewards.core.rows import Row, as_mapping, plain
from table_rewards.core.scores import NAN, SCORED, UNPARSED, UNSCORED, Judgement
from table_rewards.llm import ChatReply, ChatRequest, Sampling
from table_rewards.rewards.llm_reward import AskingReward, Rounds, sampled
from table_rewards.rewards.qa_f1.extractive import ExtractiveReader
from table_rewards.rewards.qa_f1.f1 import is_refusal, released_f1, require_jieba, token_f1
from table_rewards.rewards.qa_f1.prompts import VERSION, messages, read_answer
from table_rewards.rewards.qa_f1.reference import COLUMN, QAPair, QAPairs
from table_rewards.rewards.qa_f1.table import WrittenTable, written_table

READERS = ("endpoint", "extractive")
LONGER = 4  # a reply that was cut off is asked for once more with so many times the tokens


class QAF1(AskingReward[QAPairs]):
    """Mean F1 between a reader's answers, found in the table that the model wrote, and the gold answers.

    For each pair (question q, gold answer g): ``f = F1(reader(table, q), g)`` over tokens, with numbers, units and
    Chinese handled; "Not answerable" scores 0, and 1 when the gold answer says so too. The value is the mean of f over
    the pairs, in [0, 1]. A completion without a table, or cut off inside one, scores 0 and nothing is asked.

    A pair that the reader could not be asked, or answered with nothing, is unscored and left out of the mean; when
    fewer than ``min_scored`` of the pairs are left, the sample is unscored.

    Parts: ``qa_f1``, ``answered`` (share of the pairs with an answer other than a refusal) and ``truncated`` (1 when
    the completion ends inside a table).

    Source: TRivia, arXiv 2512.01248, ``QA_F1_score``. ``profile="released"`` takes F1 over characters (defect R3),
    scores a refusal 0 whatever the gold answer says and knows only the English one (R4), and takes any text behind the
    last ``<nl>`` for a cut-off table. Tables are read and cut between rows in both profiles; failures are unscored.

    Args:
        reader: ``"endpoint"`` asks a language model; ``"extractive"`` looks cells up by shared words, without a model:
            deterministic, for demonstrations and tests, no measure of a table that needs reading.
        endpoints: OpenAI-compatible servers in any form; None reads the environment variable ``llm_serve_urls``.
        model: the served model's name; None asks ``/v1/models``.
        thinking: False or True is sent as ``chat_template_kwargs.enable_thinking`` (Qwen3 on vLLM or SGLang); None
            sends nothing.
        max_tokens: most tokens of one answer.
        max_table_chars: longer tables are cut between two rows before they are shown to the reader.
        min_scored: least share of the pairs that must be scored.
        api_key_env, deadline_s, timeout_s, attempts, max_in_flight, cache: as in
            :class:``table_rewards.llm.PoolSettings``.

    Raises:
        ConfigurationError: an option can't work; with the endpoint reader also when no endpoint is named anywhere.

    >>> reward = QAF1(reader="extractive")
    >>> table = "<fcel>City<fcel>People<nl>\\n<fcel>Oslo<fcel>709,037<nl>\\n<fcel>Bergen<fcel>291,940<nl>\\n"
    >>> pairs = [{"question": "How many people live in Bergen?", "answer": "291940"}]
    >>> scores = reward([table, table[:-12], "There is no table."], [pairs] * 3)
    >>> scores.values.tolist(), scores.status.tolist(), scores.parts["truncated"].tolist()
    ([1.0, 0.0, 0.0], ['scored', 'unparsed', 'unparsed'], [0.0, 1.0, 0.0])
    """

    name: ClassVar[str] = "qa_f1"
    reference_type: ClassVar[type[Any]] = QAPairs
    parts = ("qa_f1", "answered", "truncated")
    headline = ("answered", "truncated")

    def __init__(
        self,
        *,
        reader: Literal["endpoint", "extractive"] = "endpoint",
        endpoints: str | Sequence[str] | None = None,
        model: str | None = None,
        api_key_env: str | None = None,
        thinking: bool | None = None,
        max_tokens: int = 256,
        max_table_chars: int = 30_000,
        min_scored: float = 0.5,
        deadline_s: float = 120.0,
        timeout_s: float = 30.0,
        attempts: int = 8,
        max_in_flight: int = 256,
        cache: str | None = None,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        self.reader = one_of("reader", reader, READERS)
        self.waits = self.reader == "endpoint"
        self.max_table_chars = max_table_chars
        self.min_scored = min_scored
        if not 0 < min_scored <= 1:
            raise ConfigurationError(f"min_scored is a share of the pairs in (0, 1], not {min_scored!r}")
        if max_table_chars < 100:
            raise ConfigurationError(
                f"max_table_chars must leave room for a row, at least 100, not {max_table_chars!r}"
            )
        if profile == "released":
            require_jieba()
        if self.reader == "endpoint":
            self.connect(
                endpoints,
                model=model,
                api_key_env=api_key_env,
                deadline_s=deadline_s,
                timeout_s=timeout_s,
                attempts=attempts,
                max_in_flight=max_in_flight,
                cache=cache,
            )
        elif endpoints is not None or model is not None:
            raise ConfigurationError("reader='extractive' asks no model; leave endpoints and model out")
        # Greedy; the release sent these with it.
        released = {"top_p": 0.8, "presence_penalty": 1.5} if profile == "released" else {}
        self._sampling = sampled(max_tokens, thinking, **released)
        self._longer = dataclasses.replace(self._sampling, max_tokens=LONGER * max_tokens)

    # -- references ---------------------------------------------------------------------------------------------------

    def reference(self, row: Mapping[str, Any]) -> QAPairs:
        wrapped = Row(row)
        found = wrapped.find(COLUMN, default=None)
        if found is None:
            found = plain(wrapped.ground_truth)
            if found is None or found == "" or as_mapping(found) is not None:
                found = wrapped.find(COLUMN)  # raises and says what the row has
        return QAPairs.read(found)

    def natural(self, value: Any) -> QAPairs:
        return QAPairs.read(value)

    def options(self) -> dict[str, object]:
        if self.reader == "extractive":
            return {"reader": self.reader, "chars": self.max_table_chars, **super().options()}
        return {
            "reader": self.served,
            "prompts": VERSION,
            "tokens": self._sampling.max_tokens,
            "chars": self.max_table_chars,
            "scored": self.min_scored,
            **super().options(),
        }

    # -- judging ------------------------------------------------------------------------------------------------------

    def rounds(self, completions: Sequence[str], references: Sequence[QAPairs]) -> Rounds[list[Judgement]]:
        papers = self._papers(completions, references)
        asked = _to_ask(papers) if self.reader == "endpoint" else []
        cut_off = _fill_in(asked, (yield self._requests(asked, self._sampling)), self._released)
        _fill_in(cut_off, (yield self._requests(cut_off, self._longer)), self._released)
        return [self._mark(paper) for paper in papers]

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[QAPairs], step: int | None
    ) -> Sequence[Judgement]:
        if self.reader == "endpoint":
            return await self.judge_together_async(completions, references)
        return await asyncio.to_thread(self.judge_together, completions, references)  # the extractive reader computes

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _released(self) -> bool:
        return self.profile == "released"

    def _papers(self, completions: Sequence[str], references: Sequence[QAPairs]) -> list[_Paper]:
        """One examination paper a sample; the extractive reader fills it in at once."""
        papers = [
            _Paper(written_table(completion, self.max_table_chars, self._released), reference.pairs)
            for completion, reference in zip(completions, references, strict=True)
        ]
        if self.reader == "extractive":
            for paper in papers:
                if paper.written.table is not None:
                    read = ExtractiveReader(paper.written.table)
                    paper.answers = [read.answer(pair.question) for pair in paper.pairs]
        return papers

    def _requests(self, asked: Sequence[tuple[_Paper, int]], sampling: Sampling) -> list[ChatRequest]:
        return [
            ChatRequest(messages(paper.written.html, paper.pairs[number].question), sampling, tag=f"qa_f1:{VERSION}")
            for paper, number in asked
        ]

    def _mark(self, paper: _Paper) -> Judgement:
        if paper.written.problem:
            return Judgement(0.0, (0.0, 0.0, float(paper.written.cut_off)), UNPARSED, paper.written.problem)
        marks = [
            self._f1(answer, pair)
            for answer, pair in zip(paper.answers, paper.pairs, strict=True)
            if answer is not None
        ]
        missing = len(paper.pairs) - len(marks)
        note = f"{missing} of {len(paper.pairs)} questions unscored: {paper.error}" if missing else paper.written.note
        if not marks or len(marks) < self.min_scored * len(paper.pairs):
            return Judgement(NAN, (NAN, NAN, NAN), UNSCORED, note)
        value = sum(f1 for f1, _ in marks) / len(marks)
        return Judgement(value, (value, sum(answered for _, answered in marks) / len(marks), 0.0), SCORED, note)

    def _f1(self, answer: str, pair: QAPair) -> tuple[float, bool]:
        """The pair's F1, and whether the reader answered at all."""
        if self._released:
            refused = answer.startswith("ERROR") or "not answerable" in answer.lower()
            return (0.0 if refused else released_f1(answer, pair.answer)), not refused
        if is_refusal(answer):
            return float(is_refusal(pair.answer)), False
        return (0.0 if is_refusal(pair.answer) else token_f1(answer, pair.answer)), True


@dataclass(slots=True)
class _Paper:
    """The questions of one sample and the answers so far; None where there is none."""

    written: WrittenTable
    pairs: tuple[QAPair, ...]
    answers: list[str | None] = field(init=False)
    error: str = ""

    def __post_init__(self) -> None:
        self.answers = [None] * len(self.pairs)


def _to_ask(papers: Sequence[_Paper]) -> list[tuple[_Paper, int]]:
    return [(paper, number) for paper in papers if not paper.written.problem for number in range(len(paper.pairs))]


def _fill_in(
    asked: Sequence[tuple[_Paper, int]], replies: Sequence[ChatReply], released: bool
) -> list[tuple[_Paper, int]]:
    """Write the answers down; return the questions whose replies were cut off before an answer."""
    cut_off = []
    for (paper, number), reply in zip(asked, replies, strict=True):
        answer = None if reply.failed else read_answer(reply, released)
        if answer is not None:
            paper.answers[number] = answer
            continue
        if reply.failed:
            paper.error = reply.error
        elif reply.truncated:
            paper.error = f"the reader's reply was cut off after {len(reply.text)} characters, without an answer"
            cut_off.append((paper, number))
        else:
            paper.error = "the reader's reply held no answer"
    return cut_off
