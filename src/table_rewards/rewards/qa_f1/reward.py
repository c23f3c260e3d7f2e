"""QA-F1 (TRivia): a table is as good as the answers that a reader finds in it. No annotated table is needed."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.explanation.data import Section
from table_rewards.core.options import fraction, positive_whole, truth, whole
from table_rewards.core.reward import Profile
from table_rewards.core.rows import Row, as_mapping, plain
from table_rewards.core.scores import NAN, SCORED, UNPARSED, UNSCORED, Judgement
from table_rewards.llm import ChatReply, ChatRequest
from table_rewards.rewards.endpoint_options import EndpointOptions, takes_endpoint_options
from table_rewards.rewards.llm_reward import LLMReward, Rounds
from table_rewards.rewards.qa_f1 import marks, released
from table_rewards.rewards.qa_f1.explain import questions_section
from table_rewards.rewards.qa_f1.extractive import ExtractiveReader
from table_rewards.rewards.qa_f1.f1 import require_jieba
from table_rewards.rewards.qa_f1.prompts import (
    VERSION,
    AnswerFormat,
    is_chinese,
    messages,
    messages_of_several,
    read_answer,
    read_answers,
    schema_of_answers,
)
from table_rewards.rewards.qa_f1.reference import COLUMN, QAPair, QAPairs
from table_rewards.rewards.qa_f1.structure import Structure
from table_rewards.rewards.qa_f1.table import WrittenTable

if TYPE_CHECKING:
    from typing_extensions import Unpack

READERS = ("endpoint", "extractive")
ANSWER_FORMATS = ("tags", "json")
LONGER = 4  # a question without an answer is asked once more, alone, with so many times the tokens


class QAF1(LLMReward[QAPairs]):
    """Mean F1 between a reader's answers, found in the table that the model wrote, and the gold answers.

    For each pair (question q, gold answer g): ``f = F1(reader(table, q), g)`` over tokens, with numbers, units and
    Chinese handled; "Not answerable" scores 0, and 1 when the gold answer says so too. The value is the mean of f over
    the pairs, in [0, 1]. A completion without a table, or cut off inside one, scores 0 and nothing is asked.

    A pair that the reader could not be asked, or that has no answer (nothing was said outside of the reader's thoughts;
    the reply was cut off at its token limit before the answer ended) even when it is asked once more, is unscored and
    left out of the mean; when fewer than ``min_scored`` of the pairs are left, the sample is unscored.

    Parts: ``qa_f1`` (before the price of structure), ``answered`` (share of the pairs with an answer other than a
    refusal), ``truncated`` (1 when the completion ends inside a table) and ``structure`` (the mean price, 1 for a
    table).

    Source: TRivia, arXiv 2512.01248, ``QA_F1_score``. ``profile="released"`` takes F1 over characters (defect R3),
    scores a refusal 0 whatever the gold answer says and knows only the English one (R4), and takes any text behind the
    last ``<nl>`` for a cut-off table. Tables are read and cut between rows in both profiles; failures are unscored.

    Args:
        reader: ``"endpoint"`` asks a language model; ``"extractive"`` looks cells up by shared words, without a model:
            deterministic, for demonstrations and tests, no measure of a table that needs reading.
        max_tokens: most tokens of one answer.
        questions_per_request: so many questions of one table go into one request, which costs fewer tokens (the table
            is shown once); a question without an answer of its own in the reply is asked again alone.
        answer_format: ``"tags"``, or ``"json"``: the reply must be JSON of a schema, where the server knows schemas.
        max_table_chars: longer tables are cut between two rows before they are shown to the reader.
        min_scored: least share of the pairs that must be scored.
        price_structure: multiply each pair's F1 with what :class:`~table_rewards.rewards.qa_f1.structure.Structure`
            says of it, so that all the text in one cell does not earn what a table earns; None: on in the corrected
            profile, off in the released one, which has no such price.
        asking: where the reader is and how it is asked:
            :class:`table_rewards.rewards.endpoint_options.EndpointOptions`.

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
    parts = ("qa_f1", "answered", "truncated", "structure")
    headline = ("answered", "truncated")

    @takes_endpoint_options()
    def __init__(
        self,
        *,
        reader: Literal["endpoint", "extractive"] = "endpoint",
        max_tokens: int = 256,
        max_table_chars: int = 30_000,
        min_scored: float = 0.5,
        questions_per_request: int = 1,
        answer_format: AnswerFormat = "tags",
        price_structure: bool | None = None,
        profile: Profile = "corrected",
        **asking: Unpack[EndpointOptions],
    ) -> None:
        super().__init__(profile=profile)
        self.reader = one_of("reader", reader, READERS)
        self.waits = self.reader == "endpoint"
        self.max_table_chars = whole("max_table_chars", max_table_chars)
        self.min_scored = fraction("min_scored", min_scored)
        if not min_scored:
            raise ConfigurationError(f"min_scored is a share of the pairs in (0, 1], not {min_scored!r}")
        if max_table_chars < 100:
            raise ConfigurationError(
                f"max_table_chars must leave room for a row, at least 100, not {max_table_chars!r}"
            )
        self.questions_per_request = positive_whole("questions_per_request", questions_per_request)
        one_of("answer_format", answer_format, ANSWER_FORMATS)
        self.answer_format: AnswerFormat = answer_format
        self._rules = _rules(profile)
        if price_structure is None:
            price_structure = self._rules.prices_structure
        self.price_structure = truth("price_structure", price_structure)
        if price_structure and not self._rules.prices_structure:
            raise ConfigurationError(
                "the release prices no structure; leave price_structure out with profile='released'"
            )
        if self.reader == "endpoint":
            self.connect(asking, max_tokens=max_tokens, **self._rules.sampling)
        elif asking.get("endpoints") is not None or asking.get("model") is not None:
            raise ConfigurationError("reader='extractive' asks no model; leave endpoints and model out")

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
            return {
                "reader": self.reader,
                "chars": self.max_table_chars,
                "structure": self.price_structure,
                **super().options(),
            }
        return {
            "reader": self.served,
            "prompts": VERSION,
            "tokens": self.sampling.token_limit,
            "chars": self.max_table_chars,
            "scored": self.min_scored,
            "structure": self.price_structure,
            **({} if self.questions_per_request == 1 else {"questions": self.questions_per_request}),
            **({} if self.answer_format == "tags" else {"answers": self.answer_format}),
            **self.sampling_signature(),
            **super().options(),
        }

    # -- judging ------------------------------------------------------------------------------------------------------

    def rounds(self, completions: Sequence[str], references: Sequence[QAPairs]) -> Rounds[list[Judgement]]:
        papers = yield from self._examined(completions, references)
        return [self._mark(paper) for paper in papers]

    def rounds_telling(
        self, completions: Sequence[str], references: Sequence[QAPairs]
    ) -> Rounds[tuple[list[Judgement], list[Section]]]:
        papers = yield from self._examined(completions, references)
        judged, paper = [self._mark(one) for one in papers], papers[0]
        if judged[0].status != SCORED:
            return judged, []
        return judged, [questions_section(paper.pairs, paper.answers, self._prices(paper), self._rules.mark)]

    def _examined(self, completions: Sequence[str], references: Sequence[QAPairs]) -> Rounds[list[_Paper]]:
        papers = self._papers(completions, references)
        asked = self._sheets(papers) if self.reader == "endpoint" else []
        left = self._fill_in(asked, (yield [self._request(sheet, again=False) for sheet in asked]))
        self._fill_in(left, (yield [self._request(sheet, again=True) for sheet in left]))
        return papers

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[QAPairs], step: int | None
    ) -> Sequence[Judgement]:
        if self.reader == "endpoint":
            return await self.judge_together_async(completions, references)
        return await asyncio.to_thread(self.judge_together, completions, references)  # the extractive reader computes

    # -- inside -------------------------------------------------------------------------------------------------------

    def _papers(self, completions: Sequence[str], references: Sequence[QAPairs]) -> list[_Paper]:
        """One examination paper a sample; the extractive reader fills it in at once."""
        papers = [
            _Paper(self._rules.table_of(completion, self.max_table_chars), reference.pairs)
            for completion, reference in zip(completions, references, strict=True)
        ]
        if self.reader == "extractive":
            for paper in papers:
                if paper.written.table is not None:
                    read = ExtractiveReader(paper.written.table)
                    paper.answers = [read.answer(pair.question) for pair in paper.pairs]
        return papers

    def _sheets(self, papers: Sequence[_Paper]) -> list[_Sheet]:
        """What is asked in one request: questions of one table and one language."""
        sheets = []
        for paper in papers:
            if paper.written.problem:
                continue
            languages: dict[bool, list[int]] = {}
            for number, pair in enumerate(paper.pairs):
                languages.setdefault(self.questions_per_request > 1 and is_chinese(pair.question), []).append(number)
            for numbers in languages.values():
                sheets += [_Sheet(paper, part) for part in _parts(numbers, self.questions_per_request)]
        return sheets

    def _request(self, sheet: _Sheet, *, again: bool) -> ChatRequest:
        sampling, count = self.sampling, len(sheet.numbers)
        questions = [sheet.paper.pairs[number].question for number in sheet.numbers]
        limit = sampling.token_limit
        if limit is not None:
            sampling = sampling.with_token_limit(limit * count * (LONGER if again else 1))
        if count == 1 and self.answer_format == "tags":
            asked = messages(sheet.paper.written.html, questions[0])
        else:
            asked = messages_of_several(sheet.paper.written.html, questions, self.answer_format)
        if self.answer_format == "json":
            sampling = dataclasses.replace(sampling, json_schema=schema_of_answers(count))
        return ChatRequest(asked, sampling, sample=int(again), tag=f"qa_f1:{VERSION}")

    def _fill_in(self, sheets: Sequence[_Sheet], replies: Sequence[ChatReply]) -> list[_Sheet]:
        """Write the answers down; return the questions without one that may have one when they are asked again."""
        left = []
        for sheet, reply in zip(sheets, replies, strict=True):
            if reply.failed:
                sheet.paper.error = reply.error
                continue
            answers, problem = self._read(sheet, reply)
            for number, answer in zip(sheet.numbers, answers, strict=True):
                sheet.paper.answers[number] = answer
                if answer is None:
                    sheet.paper.error = f"the reader's reply held no answer: {problem}"
                    if not reply.empty or reply.truncated:
                        left.append(_Sheet(sheet.paper, (number,)))
        return left

    def _read(self, sheet: _Sheet, reply: ChatReply) -> tuple[Sequence[str | None], str]:
        if len(sheet.numbers) == 1 and self.answer_format == "tags":
            answer, problem = self._rules.read_answer(reply)
            return [answer], problem
        return read_answers(reply, len(sheet.numbers), self.answer_format)

    def _mark(self, paper: _Paper) -> Judgement:
        if paper.written.problem:
            parts = (0.0, 0.0, float(paper.written.cut_off), 0.0)
            return Judgement(0.0, parts, UNPARSED, paper.written.problem)
        prices = self._prices(paper)
        found = [
            (*self._rules.mark(answer, pair.answer), price)
            for answer, pair, price in zip(paper.answers, paper.pairs, prices, strict=True)
            if answer is not None
        ]
        missing = len(paper.pairs) - len(found)
        notes = [
            f"{missing} of {len(paper.pairs)} questions unscored: {paper.error}" if missing else paper.written.note
        ]
        if not found or len(found) < self.min_scored * len(paper.pairs):
            return Judgement(NAN, (NAN,) * len(self.parts), UNSCORED, notes[0])
        count = len(found)
        value = sum(f1 * price for f1, _, price in found) / count
        structure = sum(price for _, _, price in found) / count
        if structure < 1.0:
            notes.append(f"structure {structure:.2f}: answers stand in one cell with what the questions name")
        parts = (sum(f1 for f1, _, _ in found) / count, sum(said for _, said, _ in found) / count, 0.0, structure)
        return Judgement(value, parts, SCORED, "; ".join(filter(None, notes)))

    def _prices(self, paper: _Paper) -> list[float]:
        """What each pair's F1 is multiplied with."""
        if not self.price_structure or paper.written.table is None:
            return [1.0] * len(paper.pairs)
        structure = Structure(paper.written.table)
        return [structure.of(pair.question, pair.answer) for pair in paper.pairs]


@dataclass(frozen=True, slots=True)
class _Rules:
    """What differs between the profiles."""

    table_of: Callable[[str, int], WrittenTable]
    read_answer: Callable[[ChatReply], tuple[str | None, str]]
    mark: Callable[[str, str], tuple[float, bool]]
    sampling: Mapping[str, Any]
    prices_structure: bool


def _rules(profile: Profile) -> _Rules:
    if profile == "released":
        require_jieba()
        return _Rules(released.table_of, released.read_answer, released.mark, released.SAMPLING, False)
    return _Rules(marks.table_of, read_answer, marks.mark, marks.SAMPLING, True)


@dataclass(slots=True)
class _Paper:
    """The questions of one sample and the answers so far; None where there is none."""

    written: WrittenTable
    pairs: tuple[QAPair, ...]
    answers: list[str | None] = field(init=False)
    error: str = ""

    def __post_init__(self) -> None:
        self.answers = [None] * len(self.pairs)


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """The questions of a paper, by number, that one request asks."""

    paper: _Paper
    numbers: tuple[int, ...]


def _parts(numbers: Sequence[int], most: int) -> list[tuple[int, ...]]:
    """As few and as even parts as ``most`` allows.

    >>> _parts(range(7), 3)
    [(0, 1, 2), (3, 4), (5, 6)]
    """
    count = -(-len(numbers) // most)
    short, longer = divmod(len(numbers), count)
    parts, at = [], 0
    for part in range(count):
        size = short + (part < longer)
        parts.append(tuple(numbers[at : at + size]))
        at += size
    return parts
