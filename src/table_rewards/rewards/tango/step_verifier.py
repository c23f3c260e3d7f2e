"""A process reward from an endpoint: a model that is not being trained verifies the solution, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from table_rewards.core.completion import without_end_tokens
from table_rewards.core.errors import BadReference, ConfigurationError, one_of
from table_rewards.core.explanation.data import Section
from table_rewards.core.options import fraction, truth
from table_rewards.core.reward import Profile
from table_rewards.core.rows import Row
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.llm import ChatReply, ChatRequest
from table_rewards.rewards.endpoint_options import EndpointOptions, takes_endpoint_options
from table_rewards.rewards.llm_reward import LLMReward, Rounds, answered
from table_rewards.rewards.log_probabilities import ALTERNATIVES, verdict_probabilities
from table_rewards.rewards.mathematics.answers import find_answer
from table_rewards.rewards.tango.explain import mixed_section, steps_section
from table_rewards.rewards.tango.format import Verification
from table_rewards.rewards.tango.generator import StepReward
from table_rewards.rewards.tango.step_credit import STEP_CREDITS, StepCredit, counted_weights, share_right
from table_rewards.rewards.tango.step_verifier_prompt import MAX_SOLUTION, MAX_STEPS, VERSION, messages, read_reply
from table_rewards.rewards.tango.steps import split_steps

if TYPE_CHECKING:
    from typing_extensions import Unpack

WAITS = {"deadline_s": 300.0, "timeout_s": 120.0}
VERDICTS = ("words", "probabilities")
LONGER = 2  # a reply that was cut off is asked for once more with so many times the tokens


@dataclass(frozen=True, slots=True)
class Question:
    """The problem that a solution is meant to solve."""

    text: str


class StepVerifier(LLMReward[Question]):
    r"""Share of the steps that a verifier behind an endpoint finds right, mixed with its verdict on the whole.

    ::

        value = w * final + (1 - w) * (steps judged CORRECT / steps)

    For those who train RL Tango's generator alone, with a verifier that is served and does not change. The solution's
    ``<step>`` elements (without any, the paragraphs of its answer) are shown with their numbers, each in a fence that
    it cannot close, with tags and verdicts of their own taken out and control tokens of chat templates broken up, so
    that a solution cannot answer in the verifier's place. A reply that does not judge every step and the whole, that
    was cut off before its last tag or whose thoughts never end is asked for once more, then the sample is unscored; so
    it is when no endpoint answers. Drafts in the verifier's thoughts are not read.

    A verifier can be wrong. Mix it with the outcome, or gate it by the outcome, see docs/rewards/verification.md::

        WeightedSum({"outcome": Mathematics(), "steps": StepVerifier(...)}, weights={"outcome": 1.0, "steps": 0.2})

    Source: RL Tango, arXiv 2505.15034, whose verifier format this is.

    Args:
        final_weight: w in [0, 1].
        step_credit: how the steps add up: ``share``, published; ``text``, ``first_wrong`` or ``weakest``, so that
            padding does not pay, see :mod:`table_rewards.rewards.tango.step_credit`.
        max_tokens: most tokens of a verification.
        verdicts: ``"words"``: a step is right or wrong; ``"probabilities"``: it counts with the probability that the
            verifier gave CORRECT against INCORRECT, which its server must send (log-probabilities).
        thoughts_opened: the prompt ends with ``<think>``: a completion that never closes it is all thought and has no
            steps.
        asking: where the verifier is and how it is asked:
            :class:`table_rewards.rewards.endpoint_options.EndpointOptions`; an attempt may take ``timeout_s=120``
            seconds, a reply ``deadline_s=300``.

    Parts: ``steps`` (share judged CORRECT), ``final``, ``count`` (number of steps). A solution without text scores 0,
    is *unparsed* and nothing is asked. References: the problem's text, or a row with ``question`` (or ``problem``,
    ``prompt``).

    Raises:
        ConfigurationError: an option cannot work, or no endpoint is named anywhere.
    """

    name: ClassVar[str] = "step_verifier"
    for_training: ClassVar[Mapping[str, Any]] = {"step_credit": "weakest"}
    reference_type: ClassVar[type[Any]] = Question
    parts = ("steps", "final", "count")
    headline = ("steps", "final")

    @takes_endpoint_options(**WAITS)
    def __init__(
        self,
        *,
        final_weight: float = 0.5,
        step_credit: StepCredit = "share",
        max_tokens: int = 4096,
        verdicts: Literal["words", "probabilities"] = "words",
        thoughts_opened: bool = False,
        profile: Profile = "corrected",
        **asking: Unpack[EndpointOptions],
    ) -> None:
        super().__init__(profile=profile)
        if profile == "released":
            raise ConfigurationError(
                "StepVerifier has no released profile: RL Tango trains its verifier and asks no endpoint"
            )
        self.final_weight = fraction("final_weight", final_weight)
        self.step_credit = one_of("step_credit", step_credit, STEP_CREDITS)
        self.thoughts_opened = truth("thoughts_opened", thoughts_opened)
        self.verdicts = one_of("verdicts", verdicts, VERDICTS)
        top = ALTERNATIVES if self.verdicts == "probabilities" else None
        self.connect(asking, WAITS, max_tokens=max_tokens, top_logprobs=top)

    def reference(self, row: Mapping[str, Any]) -> Question:
        wrapped = Row(row)
        found = wrapped.find("question", "problem", default=None)
        if found is None:
            found = wrapped.find("prompt", "raw_prompt", "messages", "question")
        if isinstance(found, list):
            said = [m.get("content") for m in found if isinstance(m, Mapping) and m.get("role") == "user"]
            found = said[-1] if said else None
        return self.natural(found)

    def natural(self, value: Any) -> Question:
        """The reference of a bare value: the question as text.

        Raises:
            BadReference: the value is no text.
        """
        if not isinstance(value, str) or not value.strip():
            raise BadReference(f"a question is text, not {type(value).__name__}: {str(value)[:60]!r}")
        return Question(value)

    def options(self) -> dict[str, object]:
        return {
            "model": self.served,
            "prompt": VERSION,
            "final": self.final_weight,
            "tokens": self.sampling.token_limit,
            **({} if self.verdicts == "words" else {"verdicts": self.verdicts}),
            **({} if self.step_credit == "share" else {"step_credit": self.step_credit}),
            **({"thoughts_opened": True} if self.thoughts_opened else {}),
            **self.sampling_signature(),
            **super().options(),
        }

    def rounds(self, completions: Sequence[str], references: Sequence[Question]) -> Rounds[list[Judgement]]:
        papers = yield from self._verified(completions, references)
        return [self._judgement(paper) for paper in papers]

    def rounds_telling(
        self, completions: Sequence[str], references: Sequence[Question]
    ) -> Rounds[tuple[list[Judgement], list[Section]]]:
        papers = yield from self._verified(completions, references)
        judged, paper = [self._judgement(one) for one in papers], papers[0]
        texts = [step.text for step in paper.steps]
        if paper.said is None:
            return judged, [steps_section(texts, ())]
        return judged, [
            steps_section(texts, paper.said.steps),
            mixed_section(self._share(paper), paper.sure[-1], self.final_weight),
        ]

    def step_rewards(self, completions: Sequence[str], references: Sequence[Any]) -> list[tuple[StepReward, ...]]:
        """The rewards of every solution's steps with their places, +1/K and -1/K, by ``step_credit`` other weights than
        1/K; empty where it is unscored."""
        papers = answered(self.pool, self._verified(completions, [self.coerce(r) for r in references]))
        return [
            tuple(
                StepReward(step.start, step.end, weight if verdict else -weight)
                for step, verdict, weight in zip(paper.steps, paper.said.steps, self._weights(paper), strict=True)
            )
            if paper.said is not None
            else ()
            for paper in papers
        ]

    def _share(self, paper: _Paper) -> float:
        return share_right(paper.sure[:-1], [step.text for step in paper.steps], self.step_credit)

    def _weights(self, paper: _Paper) -> list[float]:
        assert paper.said is not None
        sure = [float(bool(verdict)) for verdict in paper.said.steps]
        return counted_weights(sure, [step.text for step in paper.steps], self.step_credit)

    def _verified(self, completions: Sequence[str], references: Sequence[Question]) -> Rounds[list[_Paper]]:
        papers = [_Paper(c, r.text, self.thoughts_opened) for c, r in zip(completions, references, strict=True)]
        for sample in (0, 1):
            open_ = [paper for paper in papers if paper.open]
            self._mark(open_, (yield [self._request(paper, sample) for paper in open_]))
        return papers

    def _request(self, paper: _Paper, sample: int) -> ChatRequest:
        # The second draw must differ from the first, which the format proved useless.
        sampling = self.sampling
        if sample and sampling.temperature == 0:
            sampling = replace(sampling, temperature=0.7, top_p=None if sampling.top_p is None else 0.95)
        if paper.cut_off and sampling.token_limit is not None:
            sampling = sampling.with_token_limit(LONGER * sampling.token_limit)
        shown = messages(paper.question, [step.text for step in paper.steps], paper.answer)
        return ChatRequest(shown, sampling, sample=sample, tag=f"step_verifier:{VERSION}")

    def _mark(self, papers: Sequence[_Paper], replies: Sequence[ChatReply]) -> None:
        """Take down what the replies say; a paper stays open where they say nothing that counts."""
        for paper, reply in zip(papers, replies, strict=True):
            if reply.failed:
                paper.error, paper.failed = reply.error, True
                continue
            paper.cut_off = reply.truncated
            said, paper.error = read_reply(reply, len(paper.steps))
            if said is None:
                continue
            sure = [float(bool(verdict)) for verdict in (*said.steps, said.final)]
            if self.verdicts == "probabilities":
                found = verdict_probabilities(reply.logprobs, len(sure))
                if found is None:
                    paper.error = "the server sent no log-probabilities of the verdicts; verdicts='words' needs none"
                    continue
                sure = found
            paper.said, paper.sure = said, sure

    def _judgement(self, paper: _Paper) -> Judgement:
        if paper.problem:
            return Judgement(0.0, (0.0, 0.0, 0.0), UNPARSED, paper.problem)
        if paper.said is None:
            return self.unscored(paper.error)
        share, final = self._share(paper), paper.sure[-1]
        value = self.final_weight * final + (1 - self.final_weight) * share
        return Judgement(value, (share, final, float(len(paper.steps))), SCORED)


class _Paper:
    """One solution on its way through the verifier."""

    __slots__ = ("answer", "cut_off", "error", "failed", "problem", "question", "said", "steps", "sure")

    def __init__(self, completion: str, question: str, thoughts_opened: bool) -> None:
        completion = without_end_tokens(completion)
        self.question = question
        self.steps = split_steps(completion, thoughts_opened=thoughts_opened)
        self.answer = find_answer(completion).text
        self.said: Verification | None = None
        self.sure: list[float] = []
        self.error = ""
        self.failed = self.cut_off = False
        self.problem = ""
        if not self.steps:
            self.problem = "no steps"
        elif len(self.steps) > MAX_STEPS:
            self.problem = f"{len(self.steps)} steps; at most {MAX_STEPS} are verified"
        elif sum(len(step.text) for step in self.steps) > MAX_SOLUTION:
            self.problem = f"a solution of more than {MAX_SOLUTION:,} characters is not verified"

    @property
    def open(self) -> bool:
        return not self.problem and self.said is None and not self.failed
