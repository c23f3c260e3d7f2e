"""Group judge: a model ranks the completions of one prompt together, and each earns its score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from table_rewards.core.completion import answer_of
from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.core.explanation.data import Section
from table_rewards.core.options import finite, not_negative, positive_whole
from table_rewards.core.reward import Profile
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.llm import ChatReply, ChatRequest, Sampling
from table_rewards.llm.quoting import without_control_tokens
from table_rewards.rewards.endpoint_options import EndpointOptions, takes_endpoint_options
from table_rewards.rewards.group_judge.explain import candidates_section
from table_rewards.rewards.group_judge.gathering import gather, gather_async
from table_rewards.rewards.group_judge.grouping import Seat, Seating
from table_rewards.rewards.group_judge.overlong import Overlong
from table_rewards.rewards.group_judge.panel import Panel, settle
from table_rewards.rewards.group_judge.reference import CANDIDATES, GroupReference, reference_of_row, reference_of_value
from table_rewards.rewards.llm_reward import LLMReward, Rounds
from table_rewards.rewards.log_probabilities import ALTERNATIVES
from table_rewards.rewards.ranking.prompts import VERSION, ranking_prompt
from table_rewards.rewards.ranking.template import template_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

WAITS = {"deadline_s": 300.0, "timeout_s": 120.0}
LONGER = 2  # a reply that was cut off is asked for once more with so many times the tokens
SCORES = ("written", "expected")
LONE = ("judge", "default")


class GroupJudge(LLMReward[GroupReference]):
    """Scores that a judge model gives the completions of one prompt, seen together.

    ::

        value = scale * score - overlong penalty        score: the judge's, 0 to 10, averaged over the orders asked
        value = unparseable                             a completion that holds no candidate

    The completions of a group are reduced to their distinct candidates; the judge is asked once a group (``orders``
    times with the candidates in another order), to compare, rank and score them; equal candidates earn equal rewards.
    A reply whose ranking contradicts its scores, that names other candidates, that was cut off at its token limit or
    whose thoughts never end is asked for again; when no reply can be had or read the group is *unscored*: that is the
    judge's failure and no candidate's. Drafts in the judge's thoughts are not read. Control tokens of chat templates in
    the prompt or in a candidate are broken up before a judge sees them.

    Which order the candidates stand in depends on their texts alone, so neither the order of the batch nor its split
    into whole groups changes a value. **A part of a group** (a rank that sees half of it) is judged by itself: it costs
    a request a part, and scores of different parts are less comparable, since each judge's reply has a scale of its
    own; part ``candidates`` says how many were seen together. ``group_size`` lets the calls of one process wait for
    each other instead.

    Source: GRRM, arXiv 2602.14028, ``GroupRewardModelProcessor``; the defaults are its constants. Differences: an
    unreadable judge is unscored, not -0.0004 (M4), a lone candidate is judged (M4), the reply is checked (M6). There
    is no released profile.

    Args:
        group_by: ``auto``: equal prompt and, where rows have one, equal uid (or verl's ``extra_info.index``);
            ``prompt``: equal prompt; a number n: every n samples on end are a group, as trainers lay out a batch.
        candidate: what of a completion is judged: ``text`` (all behind ``</think>``), ``code_block`` (the one block
            that ends it) or ``last_line``.
        scale: reward of one point.
        unparseable: value of a completion without a candidate.
        lone: a single distinct candidate: ``judge`` asks for its score, ``default`` gives ``unparseable``, as released.
        orders: how often a group is judged, each time in another order; the scores are averaged. With 2 or more the
            part ``position_bias`` says how many points standing first is worth.
        max_characters, overlong_buffer, overlong_penalty: behind ``max_characters - overlong_buffer`` characters
            outside of thoughts the penalty grows linearly, is ``overlong_penalty`` at ``max_characters`` and twice that
            at ``max_candidate_characters``. ``overlong_buffer=None``: half of ``max_characters``.
            ``max_characters=None``: no penalty, as released.
        max_candidate_characters: longer candidates are not shown to the judge and count as unparseable.
        max_candidates: most candidates in one request; a larger group is judged in parts.
        group_size: completions of a whole group. A call that brings fewer waits up to ``gather_s`` seconds for other
            calls of this process to bring the rest. For trainers that score one completion a call, in threads or
            tasks; None never waits.
        temperature, max_tokens: how the judge samples.
        prompt_file: a prompt of the user's own with placeholders
            (:class:`table_rewards.rewards.ranking.template.PromptTemplate`, kind ``group``), such as the one that a
            published judge was trained on. What it puts round the candidates is its own affair: code fences of a fixed
            length can be closed by a candidate. A lone candidate is asked about with it, too.
        prompt_fingerprint: ``#hash/length`` that the prompt must have.
        scores: ``"written"``, or ``"expected"``: a score is the mean over what the judge might have written in its
            place, from the log-probabilities that its server must send.
        asking: where the judge is and how it is asked:
            :class:`table_rewards.rewards.endpoint_options.EndpointOptions`; an attempt may take ``timeout_s=120``
            seconds, a reply ``deadline_s=300``.

    Raises:
        ConfigurationError: an option cannot work, or no endpoint is named anywhere.

    Parts: ``judge_score`` (0 to 10), ``candidates`` (distinct candidates judged together), ``overlong`` (penalty taken)
    and ``position_bias`` (points; 0 with one order).

    >>> from table_rewards.testing.chat_server import ChatServer
    >>> with ChatServer(reply="B says it best.\\n\\nB > A\\n\\nB: 9, A: 4") as server:
    ...     judge = GroupJudge(endpoints=server.url, model="judge")
    ...     scores = judge(["Salut.", "Bonjour.", "Salut.", "?"], [{"prompt": "Say hello in French.", "uid": "7"}] * 4)
    >>> len(server.received), sorted(scores.values.tolist()), scores.parts["candidates"].tolist()
    (1, [-0.04, 0.04, 0.04, 0.09], [2.0, 2.0, 2.0, 0.0])
    """

    name: ClassVar[str] = "group_judge"
    reference_type: ClassVar[type[Any]] = GroupReference
    deduplicates: ClassVar[bool] = False
    parts = ("judge_score", "candidates", "overlong", "position_bias")
    headline = ("judge_score", "candidates")
    accuracy = "judge_score"
    accuracy_range = (0.0, 10.0)

    @takes_endpoint_options(**WAITS)
    def __init__(
        self,
        *,
        group_by: Literal["auto", "prompt"] | int = "auto",
        candidate: Literal["text", "code_block", "last_line"] = "text",
        scale: float = 0.01,
        unparseable: float = -0.04,
        lone: Literal["judge", "default"] = "judge",
        orders: int = 1,
        max_characters: int | None = 16_000,
        overlong_buffer: int | None = None,
        overlong_penalty: float = 0.04,
        max_candidate_characters: int = 20_000,
        max_candidates: int = 26,
        group_size: int | None = None,
        gather_s: float = 30.0,
        temperature: float = 0.0,
        max_tokens: int = 4096,
        prompt_file: str | None = None,
        prompt_fingerprint: str | None = None,
        scores: Literal["written", "expected"] = "written",
        profile: Profile = "corrected",
        **asking: Unpack[EndpointOptions],
    ) -> None:
        super().__init__(profile=profile)
        if profile == "released":
            raise ConfigurationError(
                "GroupJudge has no released profile: the release samples its judge inside its fork of verl. Its "
                "constants are the defaults here; lone='default' gives a lone candidate what it gave"
            )
        if group_by not in ("auto", "prompt"):
            positive_whole("group_by, if not 'auto' or 'prompt',", group_by)
        self.group_by = group_by
        self.candidate = one_of("candidate", candidate, CANDIDATES)
        self.scale, self.unparseable = finite("scale", scale), finite("unparseable", unparseable)
        self.floor = self.unparseable  # type: ignore[misc]
        self.lone = one_of("lone", lone, LONE)
        longest = positive_whole("max_candidate_characters", max_candidate_characters)
        if overlong_buffer is None:  # the second half, as of the default
            overlong_buffer = max_characters // 2 if isinstance(max_characters, int) else 0
        self.overlong = Overlong(max_characters, overlong_buffer, overlong_penalty, longest)
        self.seating = Seating(
            group_by,
            self.candidate,
            longest=longest,
            most=positive_whole("max_candidates", max_candidates),
            orders=positive_whole("orders", orders),
            judges_lone=self.lone == "judge",
        )
        self.group_size = None if group_size is None else positive_whole("group_size", group_size)
        self.gather_s = not_negative("gather_s", gather_s)
        if group_size is not None and isinstance(group_by, int):
            raise ConfigurationError("group_size waits for other calls, which group_by=<number> can't tell apart")
        self.scores = one_of("scores", scores, SCORES)
        self.template = template_of(prompt_file, prompt_fingerprint, "group")
        top = ALTERNATIVES if self.scores == "expected" else None
        self.connect(asking, WAITS, max_tokens=max_tokens, temperature=temperature, top_logprobs=top)

    def reference(self, row: Mapping[str, Any]) -> GroupReference:
        return reference_of_row(row)

    def natural(self, value: Any) -> GroupReference:
        """The reference of a bare value: the group's prompt as text.

        Raises:
            BadReference: the value is no text.
        """
        return reference_of_value(value)

    def options(self) -> dict[str, object]:
        return {
            "model": self.served,
            "prompts": VERSION,
            "temperature": self.sampling.temperature,
            "tokens": self.sampling.token_limit,
            "group_by": self.group_by,
            "candidate": self.candidate,
            "scale": self.scale,
            "unparseable": self.unparseable,
            "lone": self.lone,
            "orders": self.seating.orders,
            "overlong": str(self.overlong),
            "shown": f"{self.seating.most}x{self.seating.longest}",
            "size": self.group_size,
            **({} if self.template is None else {"prompt": self.template.fingerprint}),
            **({} if self.scores == "written" else {"scores": self.scores}),
            **self.sampling_signature(),
            **super().options(),
        }

    # -- judging ------------------------------------------------------------------------------------------------------

    def judge_all(
        self, completions: Sequence[str], references: Sequence[GroupReference], step: int | None
    ) -> Sequence[Judgement]:
        if self.group_size is None:
            return self.judge_together(completions, references)
        return gather(self, self.seating.keys(references), completions, references)

    async def judge_all_async(
        self, completions: Sequence[str], references: Sequence[GroupReference], step: int | None
    ) -> Sequence[Judgement]:
        if self.group_size is None:
            return await self.judge_together_async(completions, references)
        return await gather_async(self, self.seating.keys(references), completions, references)

    def rounds(self, completions: Sequence[str], references: Sequence[GroupReference]) -> Rounds[list[Judgement]]:
        """Judge what is here, without waiting for the rest of any group; what could not be read is asked again."""
        return (yield from self.rounds_telling(completions, references))[0]

    def rounds_telling(
        self, completions: Sequence[str], references: Sequence[GroupReference]
    ) -> Rounds[tuple[list[Judgement], list[Section]]]:
        """The same, and the candidates of the first completion with their scores."""
        seats, asked = self.seating.seated(completions, references)
        again = self._unread(asked, (yield [self._request(*one, 0, self.sampling) for one in asked]))
        self._unread(
            [one for one, _ in again],
            (yield [self._request(*one, 1, self._longer if cut_off else self.sampling) for one, cut_off in again]),
        )
        judged = self._paid(completions, seats)
        panel, text, _ = seats[0] if seats else Seat(None, "", "")
        return judged, [candidates_section(panel, text, judged[0], self.scale)] if judged else []

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _longer(self) -> Sampling:
        limit = self.sampling.token_limit
        return self.sampling.with_token_limit(None if limit is None else LONGER * limit)

    def _request(self, panel: Panel, number: int, sample: int, sampling: Sampling) -> ChatRequest:
        ask = ranking_prompt if self.template is None else self.template.fill
        prompt = ask(
            without_control_tokens(panel.reference.prompt),
            [without_control_tokens(text) for text in panel.shown(number)],
            source_language=without_control_tokens(panel.reference.source_language),
            target_language=without_control_tokens(panel.reference.target_language),
        )
        return ChatRequest(prompt, sampling, sample=sample, tag=f"group_judge:{VERSION}")

    def _paid(self, completions: Sequence[str], seats: Sequence[Seat]) -> list[Judgement]:
        judged = []
        for completion, (panel, text, problem) in zip(completions, seats, strict=True):
            if panel is None:
                judged.append(Judgement(self.unparseable, (0.0, 0.0, 0.0, 0.0), UNPARSED, problem))
            elif panel.lone:
                note = "the group's only candidate"
                judged.append(Judgement(self.unparseable, (0.0, 1.0, 0.0, 0.0), SCORED, note))
            elif not panel.scores:
                judged.append(self.unscored(panel.problem))
            else:
                score, overlong = panel.means[text], self.overlong.of(len(answer_of(completion)))
                parts = (score, float(len(panel.candidates)), overlong, panel.position_bias)
                judged.append(Judgement(self.scale * score - overlong, parts, SCORED, panel.problem))
        return judged

    def _unread(
        self, asked: Sequence[tuple[Panel, int]], replies: Sequence[ChatReply]
    ) -> list[tuple[tuple[Panel, int], bool]]:
        """Write the scores down; return what to ask again, and whether it was cut off: what came and was not read."""
        again = []
        for (panel, number), reply in zip(asked, replies, strict=True):
            if not settle(panel, number, reply, expected=self.scores == "expected") and not reply.failed:
                again.append(((panel, number), reply.truncated))
        return again
