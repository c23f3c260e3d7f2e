"""The one contract: what a reward is, and what its base class does for it.

A subclass says what a reference is and how to judge one completion against one reference. The base class does the rest:
it reads references from whatever form they come in, judges equal pairs once, keeps a poisoned sample from touching its
neighbours, and turns a failure of ours into *unscored* instead of a wrong answer.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, TypeVar

from table_rewards.core.completion import THOUGHT_TAGS, completion_text
from table_rewards.core.errors import (
    BadReference,
    ConfigurationError,
    MissingReference,
    ScorerFailed,
    UnreadableCompletion,
    one_of,
)
from table_rewards.core.explanation.data import Working
from table_rewards.core.rows import Row, as_mapping, plain
from table_rewards.core.scores import SCORED, STATUSES, UNPARSED, Judgement, Scores
from table_rewards.core.signature import signature

if TYPE_CHECKING:
    from table_rewards.core.explanation.explanation import Explanation

ReferenceT = TypeVar("ReferenceT")
Profile = Literal["corrected", "released"]
PROFILES: Final = ("corrected", "released")

UNUSABLE: Final = "reference unusable: "
"""How the note of a sample begins whose reference could not be read."""

logger = logging.getLogger("table_rewards")


class Reward(ABC, Generic[ReferenceT]):
    """A batched reward: completions and references in, :class:`~table_rewards.core.scores.Scores` out.

    Attributes:
        name: the registry name, lower_snake_case; a subclass sets it, and the next ones where they differ.
        reference_type: the frozen, hashable dataclass of its references. Pairs with equal completion and equal
            reference are judged once, so the dataclass must hold everything that the judgement depends on.
        floor: the value of a completion that holds no answer.
        waits: True when judging waits on an LLM or a sandbox; adapters then overlap calls instead of batching them.
        runs_programs: True when judging some samples runs a program or waits otherwise; `may_wait` says which.
        gains_from_batches: True when samples are judged much faster together than one by one.
        reference_keys: names in a row that belong to the reference alone. A row that holds none of a reward's keys is
            inapplicable; needed only where the reference has keys besides the one that is looked for first.
        accuracy_range: what the accuracy is worst and best at; frameworks show it from 0 to 1.
        deduplicates: False for the rare reward whose samples are not independent.
        for_training: options that price what a blind policy earns, for training; `verl-args` and the recipes set them.
        thought_tags: the tags that hold thoughts in this reward's format; an explanation marks what stands in them.

    Every option is keyword-only and validated in the constructor, never later. Instances are picklable, hold no open
    resource and may be called from any thread, process or event loop.
    """

    name: ClassVar[str]
    reference_type: ClassVar[type[Any]]
    floor: ClassVar[float] = 0.0
    waits: bool = False
    runs_programs: ClassVar[bool] = False
    gains_from_batches: ClassVar[bool] = False
    reference_keys: ClassVar[tuple[str, ...]] = ()
    accuracy_range: tuple[float, float] = (0.0, 1.0)
    deduplicates: ClassVar[bool] = True
    for_training: ClassVar[Mapping[str, Any]] = {}
    thought_tags: ClassVar[tuple[str, ...]] = THOUGHT_TAGS

    parts: tuple[str, ...] = ()
    """The names in ``Scores.parts``, fixed by the options."""

    headline: tuple[str, ...] = ()
    """At most two of ``parts``, the ones a trainer's log should carry."""

    accuracy: str = ""
    """The one of ``parts`` that validation should show as accuracy; empty for the value itself."""

    def __init__(self, *, profile: Profile = "corrected") -> None:
        self.profile: Profile = one_of("profile", profile, PROFILES)  # type: ignore[assignment]

    # -- what a subclass provides -------------------------------------------------------------------------------------

    @abstractmethod
    def reference(self, row: Mapping[str, Any]) -> ReferenceT:
        """Read the reference from a dataset row (verl's keys or swift's columns).

        Raises:
            BadReference: a key is missing or its value is unusable; the message names it.
        """

    @abstractmethod
    def natural(self, value: Any) -> ReferenceT:
        """Make a reference from its natural value, such as the gold answer alone.

        Raises:
            BadReference: the value cannot be a reference.
        """

    @abstractmethod
    def judge(self, completion: str, reference: ReferenceT, step: int | None) -> Judgement:
        """Judge one completion. May raise :class:`ScorerFailed`; must not raise for anything the model wrote."""

    def judge_all(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> Sequence[Judgement]:
        """Judge a batch of distinct pairs. Override where columns are faster than a loop, or work can be overlapped."""
        return [self._judge_safely(c, r, step) for c, r in zip(completions, references, strict=True)]

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> Sequence[Judgement]:
        """The same without blocking the loop. Override where the work is waiting rather than computing."""
        return await asyncio.to_thread(self.judge_all, completions, references, step)

    def working(self, completion: str, reference: ReferenceT, judgement: Judgement, step: int | None) -> Working:
        """Tell how a judgement came about, for :meth:`explain`. Override it; without, the reference is shown.

        Whatever number a section comes to (``gives``) is compared with the judgement before anybody sees it.
        """
        return Working()

    def judge_telling(
        self, completions: Sequence[str], reference: ReferenceT, step: int | None, row: Mapping[str, Any] | None
    ) -> tuple[Judgement, Working]:
        """Judge the first of some completions of one prompt and tell how it came about.

        Override it instead of :meth:`working` where the work can be told only while it is done, since a program ran or
        a model was asked. The others are there for rewards that judge the completions of a prompt together; ``row`` is
        what the reference was read from, where that was a row.
        """
        judged = self.judge_pairs(completions, [reference] * len(completions), step)[0]
        return judged, self.working(completions[0], reference, judged, step)

    def options(self) -> dict[str, object]:
        """The options that the signature pins; a subclass adds its own before ``profile``."""
        return {"profile": self.profile}

    # -- what everyone calls ------------------------------------------------------------------------------------------

    def __call__(self, completions: Sequence[Any], references: Sequence[Any], *, step: int | None = None) -> Scores:
        """Score a batch.

        Args:
            completions: n completions, each in any shape that
                :func:`~table_rewards.core.completion.completion_text` reads: text, chat messages, server outputs. One
                of another shape is unscored, with a note that names the shape.
            references: n references, each a :attr:`reference_type`, its natural value, or a row mapping.
            step: the training step, for rewards with a schedule.

        Raises:
            ConfigurationError: the two lengths differ, one text was given where a sequence is meant, or no completion
                has a shape that is known.
        """
        batch = _Batch(self, completions, references)
        if not batch.texts:
            return batch.scores([])
        scores = batch.scores(self.judge_pairs(batch.texts, batch.references, step))
        self._tell_swapped(scores, completions, references, step)
        return scores

    async def score(self, completions: Sequence[Any], references: Sequence[Any], *, step: int | None = None) -> Scores:
        """The same as calling the reward, without blocking the running event loop."""
        batch = _Batch(self, completions, references)
        if not batch.texts:
            return batch.scores([])
        return batch.scores(await self.judge_pairs_async(batch.texts, batch.references, step))

    def explain(
        self, completion: Any, reference: Any, *, step: int | None = None, peers: Sequence[Any] = ()
    ) -> Explanation:
        """Score one completion and show the work behind the score.

        The score is the reward's own. Working that does not come to it is left out, and a remark says so: an
        explanation never disagrees with the score.

        Args:
            completion: one completion, in any shape that scoring takes.
            reference: its reference, its natural value, or a row mapping.
            step: the training step, for rewards with a schedule.
            peers: the other completions of its prompt, for rewards that judge them together.

        Raises:
            ConfigurationError: a completion has no shape that is known.

        >>> from table_rewards import TableBench
        >>> told = TableBench().explain("Final Answer: 8", "7")
        >>> told.value, told.parts["em"], told.status, told.passages[-1].text
        (0.0, 0.0, 'scored', '8')
        """
        from table_rewards.core.explanation.assembling import explained

        return explained(self, completion, reference, step, peers)

    def read_reference(self, reference: Any) -> ReferenceT | Judgement:
        """Return a reference as its :attr:`reference_type`, or what its sample gets when it cannot be read."""
        try:
            try:
                return self.coerce(reference)
            except MissingReference as error:
                if self._holds_nothing(reference, error):
                    return Judgement.inapplicable(f"not for this reward: {error}", len(self.parts))
                raise
        except BadReference as error:
            return self.unscored(f"{UNUSABLE}{error}")
        except Exception as error:  # a reference type of ours broke on strange data
            logger.exception("%s could not read a reference", self.signature)
            return self.unscored(f"{UNUSABLE}{type(error).__name__}: {error}")

    def judge_pairs(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> Sequence[Judgement]:
        """Judge texts against references that are read; what breaks is unscored and breaks nothing else.

        Raises:
            ConfigurationError: the reward gave what is no judgement, or not one for each pair.
        """
        try:
            judged = self.judge_all(completions, references, step)
        except Exception as error:  # a batch path of ours broke: find the sample that broke it, spare the others
            self._report(error)
            judged = [self._judge_safely(c, r, step) for c, r in zip(completions, references, strict=True)]
        return self._checked(judged, len(completions))

    async def judge_pairs_async(
        self, completions: Sequence[str], references: Sequence[ReferenceT], step: int | None
    ) -> Sequence[Judgement]:
        """The same without blocking the loop."""
        try:
            judged = await self.judge_all_async(completions, references, step)
        except Exception as error:
            self._report(error)
            judged = await asyncio.to_thread(
                lambda: [self._judge_safely(c, r, step) for c, r in zip(completions, references, strict=True)]
            )
        return self._checked(judged, len(completions))

    def _checked(self, judged: Any, pairs: int) -> list[Judgement]:
        if not isinstance(judged, Sequence) or isinstance(judged, (str, bytes)):
            raise ConfigurationError(
                f"{self} judged a batch as {_shown(judged)}; one Judgement for each pair is wanted"
            )
        if len(judged) != pairs:
            raise ConfigurationError(f"{self} gave {len(judged)} judgements for {pairs} pairs")
        seen: dict[int, Judgement] = {}  # a reward may give many samples one and the same judgement
        return [seen.get(id(one)) or seen.setdefault(id(one), _checked(self, one)) for one in judged]

    def may_wait(self, reference: ReferenceT) -> bool:
        """Whether judging against this reference may run a program or wait for a model."""
        return self.waits

    @property
    def signature(self) -> str:
        """Reward, options and version in one line: ``teds:structure=no,...|v0.1.0``."""
        return signature(self.name, self.options())

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """The constructor's keyword options, for messages and for the adapters.

        >>> from table_rewards import TableBench
        >>> "metric" in TableBench.option_names()
        True
        """
        parameters = inspect.signature(cls.__init__).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.signature}>"

    # -- inside -------------------------------------------------------------------------------------------------------

    def coerce(self, value: Any) -> ReferenceT:
        """Return ``value`` as a reference: itself, read from a row, or made from its natural value.

        Raises:
            BadReference: the value is None, or cannot be made a reference.
        """
        if isinstance(value, self.reference_type):
            return value  # type: ignore[no-any-return]
        if value is None:
            raise BadReference("the reference is None")
        if isinstance(value, (dict, Mapping)):
            return self.reference(value)
        return self.natural(value if type(value) is str else plain(value))

    def row_answer(self, row: Mapping[str, Any], *names: str) -> tuple[Row, Any]:
        """Shorthand for subclasses: the row wrapped, and its gold answer."""
        wrapped = Row(row)
        return wrapped, wrapped.answer(*names)

    def unscored(self, note: str) -> Judgement:
        """A judgement that says: this could not be scored."""
        return Judgement.unscored(note, len(self.parts))

    def _judge_safely(self, completion: str, reference: ReferenceT, step: int | None) -> Judgement:
        try:
            return self.judge(completion, reference, step)
        except (ScorerFailed, BadReference) as failure:
            return self.unscored(str(failure))
        except Exception as error:  # our bug: loud, unscored, and no other sample's business
            self._report(error)
            return self.unscored(f"internal error: {type(error).__name__}: {error}")

    def _tell_swapped(self, scores: Scores, completions: Any, references: Any, step: int | None) -> None:
        """Log it when no completion holds an answer and every reference, taken for a completion, does."""
        if self.waits or not len(scores) or any(status != UNPARSED for status in scores.status.tolist()):
            return
        if not all(isinstance(one, str) for one in (*completions, *references)):
            return
        try:
            pairs = zip(references, completions, strict=True)
            turned = [self.judge(one, self.coerce(other), step) for one, other in islice(pairs, 4)]
        except Exception:
            return
        if all(one.status == SCORED for one in turned) and any(one.value > self.floor for one in turned):
            logger.warning("%s: completions and references look swapped; the completions come first", self.name)

    def _holds_nothing(self, row: Any, error: MissingReference) -> bool:
        """Whether a row lacks every key of the reference, not only the one that was looked for."""
        wrapped = Row(row) if isinstance(row, Mapping) else None
        if wrapped is None or error.partial:
            return False
        truth = plain(wrapped.ground_truth)
        if truth == "":  # there, and empty
            return False
        if error.looked_in is not row and plain(error.looked_in) != as_mapping(truth):
            return False  # within a reference that is there
        return all(wrapped.find(name, default=None) is None for name in self.reference_keys)

    def _report(self, error: Exception) -> None:
        told = f"{type(error).__name__}: {error}".removesuffix(": ")
        logger.exception("%s failed on a sample; it will be unscored: %s", self.signature, told)


class _Batch(Generic[ReferenceT]):
    """A batch reduced to its distinct (completion, reference) pairs, and the way back."""

    __slots__ = ("bad", "owner", "references", "texts", "where")

    def __init__(self, owner: Reward[ReferenceT], completions: Any, references: Any) -> None:
        kind = owner.reference_type
        kinds = isinstance(completions, (list, tuple)) and completions and all(isinstance(c, kind) for c in completions)
        if kinds and not issubclass(str, kind):  # a reward of one's own may have plain texts as references
            raise ConfigurationError("completions and references are swapped: the completions come first")
        if completions is None or references is None:
            which = "completions" if completions is None else "references"
            raise ConfigurationError(f"{which} is None; give a sequence, one for each sample")
        texts, unreadable = _texts(_listed(completions))
        references = _listed(references)
        if isinstance(references, (str, bytes, Mapping)):
            raise ConfigurationError("references must be a sequence, one for each completion, not a single reference")
        raw = list(references)
        if len(texts) != len(raw):
            raise ConfigurationError(f"{len(texts)} completions but {len(raw)} references; give one for each")
        self.owner = owner
        self.texts: list[str] = []
        self.references: list[ReferenceT] = []
        self.where: list[int] = []  # sample -> index of its pair, or -1 - (index into bad)
        self.bad: list[Judgement] = []
        self._pair_up(texts, raw, unreadable)

    def _pair_up(self, texts: list[str], raw: list[Any], unreadable: Mapping[int, str]) -> None:
        read, deduplicates = self.owner.read_reference, self.owner.deduplicates
        seen: dict[Any, int | Judgement] = {}  # raw reference -> its number, or what its samples get
        known: dict[Any, int] = {}  # reference by value -> its number
        distinct: list[ReferenceT] = []  # by number: equal references become one object, which rewards may cache by id
        pairs: dict[tuple[str, int], int] = {}
        for index, (text, value) in enumerate(zip(texts, raw, strict=True)):
            if unreadable and index in unreadable:
                self.bad.append(self.owner.unscored(unreadable[index]))
                self.where.append(-len(self.bad))
                continue
            handle = (str, value) if type(value) is str else id(value)
            entry = seen.get(handle)
            if entry is None:
                reference = read(value)
                entry = reference if isinstance(reference, Judgement) else _number(known, distinct, reference)
                seen[handle] = entry
            if isinstance(entry, Judgement):
                self.bad.append(entry)
                self.where.append(-len(self.bad))
                continue
            pair = pairs.setdefault((text, entry), len(self.texts)) if deduplicates else len(self.texts)
            if pair == len(self.texts):
                self.texts.append(text)
                self.references.append(distinct[entry])
            self.where.append(pair)

    def scores(self, judged: Sequence[Judgement]) -> Scores:
        rows: Iterable[Judgement] = (judged[i] if i >= 0 else self.bad[-i - 1] for i in self.where)
        return Scores.of(rows, self.owner.parts, self.owner.signature)


def _checked(owner: Reward[Any], judged: Any) -> Judgement:
    """The judgement, when it is one; a value that is no finite number is unscored and logged."""
    parts = owner.parts
    if type(judged) is not Judgement:
        raise ConfigurationError(
            f"{type(owner).__name__} returned {_shown(judged)} for a sample; return Judgement(value, parts), with "
            + (f"one number for each of {', '.join(parts)}" if parts else "no parts, since it promises none")
        )
    value: Any = judged.value
    numbers: Any = judged.parts
    status = judged.status
    if not isinstance(numbers, (tuple, list)) or len(numbers) != len(parts):
        raise ConfigurationError(
            f"{type(owner).__name__} returned the parts {numbers!r}; its `parts` promise "
            + (f"{len(parts)} numbers in a tuple: {', '.join(parts)}" if parts else "none: set `parts` to their names")
        )
    if status not in STATUSES:
        raise ConfigurationError(f"{type(owner).__name__} returned the status {status!r}; known: {', '.join(STATUSES)}")
    if status in (SCORED, UNPARSED):
        if not isinstance(value, (int, float)) and not hasattr(value, "__float__"):
            raise ConfigurationError(f"{type(owner).__name__} returned the value {value!r}, which is no number")
        if not isfinite(value):
            note = f"internal error: judged as {float(value):g}, no finite number: return self.unscored(why)"
            logger.error("%s: a sample was %s", owner.signature, note)
            return owner.unscored(note)
    return judged


def _shown(value: Any) -> str:
    kinds = {dict: "a dict of parts", float: "a float", int: "an int", bool: "a truth value", type(None): "None"}
    name = kinds.get(type(value), f"a {type(value).__name__}")
    return f"{name} ({value!r:.60})" if value is not None else "None"


def _number(known: dict[Any, int], distinct: list[ReferenceT], reference: ReferenceT) -> int:
    try:
        number = known.setdefault(reference, len(distinct))
    except TypeError:  # unhashable: it counts as its own
        number = len(distinct)
    if number == len(distinct):
        distinct.append(reference)
    return number


def _listed(values: Any) -> Any:
    """Columns of Arrow and pandas as lists, tables of them as lists of rows."""
    if hasattr(values, "to_pylist"):  # arrays, chunked arrays and tables of Arrow
        return values.to_pylist()
    if hasattr(values, "columns") and hasattr(values, "to_dict"):  # a data frame
        return values.to_dict("records")
    return values.tolist() if hasattr(values, "tolist") and getattr(values, "ndim", 0) == 1 else values


def _texts(completions: Sequence[Any]) -> tuple[list[str], dict[int, str]]:
    """The texts of the completions, and of those that have none what is wrong, by index."""
    if isinstance(completions, (str, bytes)):
        raise ConfigurationError("completions must be a sequence of texts, not a single text")
    if isinstance(completions, Mapping):
        raise ConfigurationError("completions must be a sequence, one for each reference, not a single mapping")
    texts: list[str] = []
    unreadable: dict[int, str] = {}
    for index, completion in enumerate(completions):
        if type(completion) is str:
            texts.append(completion)
            continue
        try:
            texts.append(completion_text(completion))
        except UnreadableCompletion as error:
            texts.append("")
            unreadable[index] = str(error)
    if unreadable and len(unreadable) == len(texts):
        raise UnreadableCompletion(unreadable[0])
    return texts, unreadable
