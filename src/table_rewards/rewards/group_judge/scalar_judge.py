"""Scalar judge: a model scores each completion on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.options import finite, positive_whole, value_range
from table_rewards.core.reward import Profile
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.llm import ChatReply, ChatRequest
from table_rewards.llm.quoting import without_control_tokens
from table_rewards.rewards.endpoint_options import EndpointOptions, takes_endpoint_options
from table_rewards.rewards.group_judge.lengths import length_in
from table_rewards.rewards.group_judge.overlong import Overlong
from table_rewards.rewards.group_judge.reference import (
    CANDIDATES,
    GroupReference,
    candidate_of,
    reference_of_row,
    reference_of_value,
)
from table_rewards.rewards.llm_reward import LLMReward, Rounds, said_in, unwrapped
from table_rewards.rewards.ranking.prompts import QUALITY_VERSION, quality_prompt
from table_rewards.rewards.ranking.scalar_quality import score_in_range
from table_rewards.rewards.ranking.template import template_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

WAITS = {"deadline_s": 300.0, "timeout_s": 120.0}
LONGER = 2  # a reply that was cut off is asked for once more with so many times the tokens


class ScalarJudge(LLMReward[GroupReference]):
    """The score that a judge model gives a completion, seen alone (scalar quality, SQM).

    ::

        value = scale * score - overlong penalty        score: the judge's, 0 to 10
        value = unparseable                             a completion that holds no candidate

    Equal candidates of one prompt are asked about once. The judge's last line is the score, and nothing else; a reply
    that cannot be read is asked for once more, and when none can be had or read the completion is *unscored*: that is
    the judge's failure. Thoughts of the judge are not read. Control tokens of chat templates are broken up before a
    judge sees them.

    Source: GRRM, arXiv 2602.14028, ``RewardModelProcessor``; its recipe's constants are the defaults here, with lengths
    in characters unless a ``tokenizer`` is named. Differences: an unreadable judge is unscored and not
    ``unparseable``. There is no released profile.

    Args:
        candidate: what of a completion is judged: all of it outside of thoughts, the one ``code_block`` at its end, or
            its ``last_line``.
        scale: reward of one point.
        unparseable: value of a completion without a candidate.
        score_range: lowest and highest score; a reply outside of it cannot be read.
        max_length, overlong_buffer, overlong_penalty: behind ``max_length - overlong_buffer`` of a completion's length
            the penalty grows linearly up to ``overlong_penalty``. None: no penalty. GRRM's recipe: 4096, 2048 and 0.04,
            in tokens.
        tokenizer: a ``tokenizer.json`` or a checkpoint's folder, to measure lengths in tokens; None: in characters.
        max_candidate_characters: longer candidates are not shown to the judge and count as unparseable.
        temperature, max_tokens: how the judge samples.
        prompt_file: a prompt of the user's own with placeholders
            (:class:`table_rewards.rewards.ranking.template.PromptTemplate`, kind ``single``), such as the one that a
            published judge was trained on.
        prompt_fingerprint: ``#hash/length`` that the prompt must have.
        asking: where the judge is and how it is asked:
            :class:`table_rewards.rewards.endpoint_options.EndpointOptions`; an attempt may take ``timeout_s=120``
            seconds, a reply ``deadline_s=300``.

    Raises:
        ConfigurationError: an option cannot work, or no endpoint is named anywhere.

    Parts: ``judge_score`` (0 to 10) and ``overlong`` (penalty taken).

    >>> from table_rewards.testing.chat_server import ChatServer
    >>> with ChatServer(reply="Fluent, one slip.\\n\\n7") as server:
    ...     judge = ScalarJudge(endpoints=server.url, model="judge", max_length=40, overlong_buffer=20)
    ...     scores = judge(["Salut.", "?", "Salut, " * 4 + "oh"], [{"prompt": "Say hello in French."}] * 3)
    >>> scores.values.round(4).tolist(), scores.status.tolist()
    ([0.07, -0.04, 0.05], ['scored', 'unparsed', 'scored'])
    """

    name: ClassVar[str] = "scalar_judge"
    reference_type: ClassVar[type[Any]] = GroupReference
    parts = ("judge_score", "overlong")
    headline = ("judge_score", "overlong")
    accuracy = "judge_score"

    @takes_endpoint_options(**WAITS)
    def __init__(
        self,
        *,
        candidate: Literal["text", "code_block", "last_line"] = "text",
        scale: float = 0.01,
        unparseable: float = -0.04,
        score_range: Sequence[float] = (0, 10),
        max_length: int | None = None,
        overlong_buffer: int = 0,
        overlong_penalty: float = 0.04,
        tokenizer: str | None = None,
        max_candidate_characters: int = 20_000,
        temperature: float = 0.0,
        max_tokens: int = 4096,
        prompt_file: str | None = None,
        prompt_fingerprint: str | None = None,
        profile: Profile = "corrected",
        **asking: Unpack[EndpointOptions],
    ) -> None:
        super().__init__(profile=profile)
        if profile == "released":
            raise ConfigurationError(
                "ScalarJudge has no released profile: the release samples its judge inside its fork of verl. The "
                "constants of its recipe are the defaults here"
            )
        self.candidate = one_of("candidate", candidate, CANDIDATES)
        self.scale, self.unparseable = finite("scale", scale), finite("unparseable", unparseable)
        self.floor = self.unparseable  # type: ignore[misc]
        self.score_range = value_range("score_range", score_range)
        self.accuracy_range = self.score_range
        self.overlong = Overlong(max_length, overlong_buffer, overlong_penalty, limit=max_length or 1)
        self.tokenizer = tokenizer
        self._length = length_in(tokenizer)
        self.longest = positive_whole("max_candidate_characters", max_candidate_characters)
        self.template = template_of(prompt_file, prompt_fingerprint, "single")
        self.connect(asking, WAITS, max_tokens=max_tokens, temperature=temperature)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_length"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._length = length_in(self.tokenizer)

    def reference(self, row: Mapping[str, Any]) -> GroupReference:
        return reference_of_row(row)

    def natural(self, value: Any) -> GroupReference:
        """The reference of a bare value: the prompt as text.

        Raises:
            BadReference: the value is no text.
        """
        return reference_of_value(value)

    def options(self) -> dict[str, object]:
        low, high = self.score_range
        return {
            "model": self.served,
            "prompts": QUALITY_VERSION if self.template is None else self.template.fingerprint,
            "temperature": self.sampling.temperature,
            "tokens": self.sampling.token_limit,
            "candidate": self.candidate,
            "scale": self.scale,
            "unparseable": self.unparseable,
            "range": f"{low:g}..{high:g}",
            "overlong": str(self.overlong),
            "length": "characters" if self.tokenizer is None else "tokens",
            "shown": self.longest,
            **self.sampling_signature(),
            **super().options(),
        }

    def rounds(self, completions: Sequence[str], references: Sequence[GroupReference]) -> Rounds[list[Judgement]]:
        found = [self._candidate(completion) for completion in completions]
        asked = {(r, text): "" for r, (text, problem) in zip(references, found, strict=True) if not problem}
        scores: dict[tuple[GroupReference, str], float] = {}
        cut_off: set[tuple[GroupReference, str]] = set()
        for attempt in range(2):
            keys = [key for key in asked if key not in scores]
            replies = yield [self._request(*key, attempt, key in cut_off) for key in keys]
            for key, reply in zip(keys, replies, strict=True):
                score, asked[key] = self._read(reply)
                if score is not None:
                    scores[key] = score
                elif reply.truncated:
                    cut_off.add(key)
        judged = []
        for completion, reference, (text, problem) in zip(completions, references, found, strict=True):
            key = reference, text
            if problem:
                judged.append(Judgement(self.unparseable, (0.0, 0.0), UNPARSED, problem))
            elif key not in scores:
                judged.append(self.unscored(asked[key]))
            else:
                penalty = self.overlong.of(self._length(completion)) if self.overlong.most is not None else 0.0
                judged.append(Judgement(self.scale * scores[key] - penalty, (scores[key], penalty), SCORED, ""))
        return judged

    def _candidate(self, completion: str) -> tuple[str, str]:
        text, problem = candidate_of(completion, self.candidate)
        if len(text) > self.longest:
            return "", f"a candidate of {len(text):,} characters; {self.longest:,} are shown to a judge"
        return text, problem

    def _request(self, reference: GroupReference, text: str, attempt: int, longer: bool) -> ChatRequest:
        source, candidate, source_language, target_language = map(
            without_control_tokens, (reference.prompt, text, reference.source_language, reference.target_language)
        )
        languages = {"source_language": source_language, "target_language": target_language}
        if self.template is not None:
            prompt = self.template.fill(source, [candidate], **languages)
        else:
            prompt = quality_prompt(source, candidate, **languages)
        limit = self.sampling.token_limit
        sampling = self.sampling.with_token_limit(None if limit is None else LONGER * limit if longer else limit)
        return ChatRequest(prompt, sampling, sample=attempt, tag=f"scalar_judge:{QUALITY_VERSION}")

    def _read(self, reply: ChatReply) -> tuple[float | None, str]:
        """The score, or None and why there is none."""
        if reply.failed:
            return None, f"no judge: {reply.error}"
        said = said_in(reply)
        if not said.text:
            return None, f"the judge's reply cannot be read: {said.problem}"
        score, problem = score_in_range(unwrapped(said.text), *self.score_range)
        return score, f"the judge's reply cannot be read: {problem}" if score is None else ""
