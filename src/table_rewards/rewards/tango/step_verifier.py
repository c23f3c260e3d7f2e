"""A process reward from an endpoint: a model that is not being trained verifies the solution, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from table_rewards.core.errors import BadReference, ConfigurationError
from table_rewards.core.reward import Profile
from table_rewards.core.rows import Row
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.llm import ChatReply, ChatRequest
from table_rewards.rewards.llm_reward import AskingReward, Rounds, answered, sampled
from table_rewards.rewards.mathematics.answers import find_answer
from table_rewards.rewards.tango.format import Step, Verification, solution_steps
from table_rewards.rewards.tango.generator import StepReward
from table_rewards.rewards.tango.step_verifier_prompt import MAX_SOLUTION, MAX_STEPS, VERSION, messages, read_reply


@dataclass(frozen=True, slots=True)
class Question:
    """The problem that a solution is meant to solve."""

    text: str


class StepVerifier(AskingReward[Question]):
    r"""Share of the steps that a verifier behind an endpoint finds right, mixed with its verdict on the whole.

    ::

        value = w * final + (1 - w) * (steps judged CORRECT / steps)

    For those who train RL Tango's generator alone, with a verifier that is served and does not change. The solution's
    ``<step>`` elements (without any, its paragraphs) are shown with their numbers, with tags and verdicts of their own
    taken out, so that a solution cannot answer in the verifier's place. A reply that does not judge every step and the
    whole is asked for once more, then the sample is unscored; so it is when no endpoint answers.

    A verifier can be wrong. Mix it with the outcome, or gate it by the outcome, see docs/rewards/verification.md::

        WeightedSum({"outcome": Mathematics(), "steps": StepVerifier(...)}, weights={"outcome": 1.0, "steps": 0.2})

    Source: RL Tango, arXiv 2505.15034, whose verifier format this is.

    Args:
        endpoints: OpenAI-compatible servers in any form; None reads the environment variable ``llm_serve_urls``.
        model: the served model's name; None asks ``/v1/models``.
        final_weight: w in [0, 1].
        thinking: False or True is sent as ``chat_template_kwargs.enable_thinking``; None sends nothing.
        max_tokens: most tokens of a verification.
        api_key_env, deadline_s, timeout_s, attempts, max_in_flight, cache: as in
            :class:`table_rewards.llm.PoolSettings`.

    Parts: ``steps`` (share judged CORRECT), ``final``, ``count`` (number of steps). A solution without text scores 0,
    is *unparsed* and nothing is asked. References: the problem's text, or a row with ``question`` (or ``problem``,
    ``prompt``).

    Raises:
        ConfigurationError: an option cannot work, or no endpoint is named anywhere.
    """

    name: ClassVar[str] = "step_verifier"
    reference_type: ClassVar[type[Any]] = Question
    parts = ("steps", "final", "count")
    headline = ("steps", "final")

    def __init__(
        self,
        *,
        endpoints: str | Sequence[str] | None = None,
        model: str | None = None,
        final_weight: float = 0.5,
        api_key_env: str | None = None,
        thinking: bool | None = None,
        max_tokens: int = 4096,
        deadline_s: float = 300.0,
        timeout_s: float = 120.0,
        attempts: int = 8,
        max_in_flight: int = 256,
        cache: str | None = None,
        profile: Profile = "corrected",
    ) -> None:
        super().__init__(profile=profile)
        if profile == "released":
            raise ConfigurationError(
                "StepVerifier has no released profile: RL Tango trains its verifier and asks no endpoint"
            )
        if isinstance(final_weight, bool) or not 0 <= final_weight <= 1:
            raise ConfigurationError(f"final_weight is a share in [0, 1], not {final_weight!r}")
        self.final_weight = float(final_weight)
        self._sampling = sampled(max_tokens, thinking)
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
        if not isinstance(value, str) or not value.strip():
            raise BadReference(f"a question is text, not {type(value).__name__}: {str(value)[:60]!r}")
        return Question(value)

    def options(self) -> dict[str, object]:
        return {
            "model": self.served,
            "prompt": VERSION,
            "final": self.final_weight,
            "tokens": self._sampling.max_tokens,
            **super().options(),
        }

    def rounds(self, completions: Sequence[str], references: Sequence[Question]) -> Rounds[list[Judgement]]:
        papers = yield from self._verified(completions, references)
        return [self._judgement(paper) for paper in papers]

    def step_rewards(self, completions: Sequence[str], references: Sequence[Any]) -> list[tuple[StepReward, ...]]:
        """The rewards of every solution's steps, +1/K and -1/K with their places; empty where it is unscored."""
        papers = answered(self.pool, self._verified(completions, [self.coerce(r) for r in references]))
        return [
            tuple(
                StepReward(step.start, step.end, (1.0 if verdict else -1.0) / len(paper.steps))
                for step, verdict in zip(paper.steps, paper.said.steps, strict=True)
            )
            if paper.said is not None
            else ()
            for paper in papers
        ]

    def _verified(self, completions: Sequence[str], references: Sequence[Question]) -> Rounds[list[_Paper]]:
        papers = [_Paper(c, r.text) for c, r in zip(completions, references, strict=True)]
        for sample in (0, 1):
            open_ = [paper for paper in papers if paper.open]
            _mark(open_, (yield [self._request(paper, sample) for paper in open_]))
        return papers

    def _request(self, paper: _Paper, sample: int) -> ChatRequest:
        # The second draw must differ from the first, which the format proved useless.
        sampling = self._sampling if sample == 0 else replace(self._sampling, temperature=0.7, top_p=0.95)
        shown = messages(paper.question, [step.text for step in paper.steps], paper.answer)
        return ChatRequest(shown, sampling, sample=sample, tag=f"step_verifier:{VERSION}")

    def _judgement(self, paper: _Paper) -> Judgement:
        if paper.problem:
            return Judgement(0.0, (0.0, 0.0, 0.0), UNPARSED, paper.problem)
        if paper.said is None:
            return self.unscored(paper.error)
        share = sum(bool(verdict) for verdict in paper.said.steps) / len(paper.steps)
        final = float(bool(paper.said.final))
        value = self.final_weight * final + (1 - self.final_weight) * share
        return Judgement(value, (share, final, float(len(paper.steps))), SCORED)


class _Paper:
    """One solution on its way through the verifier."""

    __slots__ = ("answer", "error", "failed", "problem", "question", "said", "steps")

    def __init__(self, completion: str, question: str) -> None:
        self.question = question
        self.steps = _steps(completion)
        self.answer = find_answer(completion).text
        self.said: Verification | None = None
        self.error = ""
        self.failed = False
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


def _steps(completion: str) -> tuple[Step, ...]:
    """The steps as tagged; without tags the paragraphs."""
    tagged = tuple(step for step in solution_steps(completion) if step.text)
    if tagged:
        return tagged
    found, at = [], 0
    for paragraph in completion[: 2 * MAX_SOLUTION].split("\n\n"):
        if paragraph.strip():
            found.append(Step(paragraph.strip(), at, at + len(paragraph)))
        at += len(paragraph) + 2
    return tuple(found)


def _mark(papers: Sequence[_Paper], replies: Sequence[ChatReply]) -> None:
    for paper, reply in zip(papers, replies, strict=True):
        if reply.failed:
            paper.error, paper.failed = reply.error, True
            continue
        paper.said, paper.error = read_reply(reply.text, len(paper.steps))
        if paper.said is None and reply.truncated:
            paper.error += f" (cut off after {len(reply.text)} characters)"
