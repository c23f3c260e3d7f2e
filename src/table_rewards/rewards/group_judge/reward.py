"""Group judge: a model ranks the completions of one prompt together, and each earns its score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from table_rewards.core.errors import BadReference, ConfigurationError, one_of
from table_rewards.core.reward import Profile
from table_rewards.core.scores import SCORED, UNPARSED, Judgement
from table_rewards.llm import ChatReply, ChatRequest
from table_rewards.rewards.group_judge.gathering import gather, gather_async
from table_rewards.rewards.group_judge.grouping import Seat, Seating
from table_rewards.rewards.group_judge.overlong import Overlong, finite, positive_whole
from table_rewards.rewards.group_judge.panel import Panel, settle
from table_rewards.rewards.group_judge.reference import CANDIDATES, GroupReference, reference_of_row
from table_rewards.rewards.llm_reward import AskingReward, Rounds, sampled
from table_rewards.rewards.ranking.prompts import VERSION, ranking_prompt

LONE = ("judge", "default")


class GroupJudge(AskingReward[GroupReference]):
    """Scores that a judge model gives the completions of one prompt, seen together.

    ::

        value = scale * score - overlong penalty        score: the judge's, 0 to 10, averaged over the orders asked
        value = unparseable                             a completion that holds no candidate

    The completions of a group are reduced to their distinct candidates; the judge is asked once a group (``orders``
    times with the candidates in another order), to compare, rank and score them; equal candidates earn equal rewards.
    A reply whose ranking contradicts its scores, or that names other candidates, is asked for again; when no reply can
    be had or read the group is *unscored*: that is the judge's failure and no candidate's.

    Which order the candidates stand in depends on their texts alone, so neither the order of the batch nor its split
    into whole groups changes a value. **A part of a group** (a rank that sees half of it) is judged by itself: it costs
    a request a part, and scores of different parts are less comparable, since each judge's reply has a scale of its
    own; part ``candidates`` says how many were seen together. ``group_size`` lets the calls of one process wait for
    each other instead.

    Source: GRRM, arXiv 2602.14028, ``GroupRewardModelProcessor``; the defaults are its constants. Differences: an
    unreadable judge is unscored, not -0.0004 (M4), a lone candidate is judged (M4), the reply is checked (M6). There
    is no released profile.

    Args:
        endpoints: OpenAI-compatible servers in any form; None reads the environment variable ``llm_serve_urls``.
        model: the served model's name; None asks ``/v1/models``.
        group_by: ``auto``: equal prompt and, where rows have one, equal uid; ``prompt``: equal prompt; a number n:
            every n samples on end are a group, as trainers lay out a batch.
        candidate: what of a completion is judged: ``text`` (all behind ``</think>``), ``code_block`` (the one block
            that ends it) or ``last_line``.
        scale: reward of one point.
        unparseable: value of a completion without a candidate.
        lone: a single distinct candidate: ``judge`` asks for its score, ``default`` gives ``unparseable``, as released.
        orders: how often a group is judged, each time in another order; the scores are averaged. With 2 or more the
            part ``position_bias`` says how many points standing first is worth.
        max_characters, overlong_buffer, overlong_penalty: behind ``max_characters - overlong_buffer`` characters of a
            completion the penalty grows linearly up to ``overlong_penalty``. None: no penalty.
        max_candidate_characters: longer candidates are not shown to the judge and count as unparseable.
        max_candidates: most candidates in one request; a larger group is judged in parts.
        group_size: completions of a whole group. A call that brings fewer waits up to ``gather_s`` seconds for other
            calls of this process to bring the rest. For trainers that score one completion a call, in threads or
            tasks; None never waits.
        thinking, temperature, max_tokens: how the judge samples.
        api_key_env, deadline_s, timeout_s, attempts, max_in_flight, cache: as in
            :class:`table_rewards.llm.PoolSettings`.

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

    def __init__(
        self,
        *,
        endpoints: str | Sequence[str] | None = None,
        model: str | None = None,
        api_key_env: str | None = None,
        group_by: Literal["auto", "prompt"] | int = "auto",
        candidate: Literal["text", "code_block", "last_line"] = "text",
        scale: float = 0.01,
        unparseable: float = -0.04,
        lone: Literal["judge", "default"] = "judge",
        orders: int = 1,
        max_characters: int | None = None,
        overlong_buffer: int = 0,
        overlong_penalty: float = 0.04,
        max_candidate_characters: int = 20_000,
        max_candidates: int = 26,
        group_size: int | None = None,
        gather_s: float = 30.0,
        thinking: bool | None = None,
        temperature: float = 0.0,
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
        self.overlong = Overlong(max_characters, overlong_buffer, overlong_penalty)
        self.seating = Seating(
            group_by,
            self.candidate,
            longest=positive_whole("max_candidate_characters", max_candidate_characters),
            most=positive_whole("max_candidates", max_candidates),
            orders=positive_whole("orders", orders),
            judges_lone=self.lone == "judge",
        )
        self.group_size = None if group_size is None else positive_whole("group_size", group_size)
        self.gather_s = finite("gather_s", gather_s)
        if group_size is not None and isinstance(group_by, int):
            raise ConfigurationError("group_size waits for other calls, which group_by=<number> can't tell apart")
        self._sampling = sampled(max_tokens, thinking, temperature=temperature)
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

    def reference(self, row: Mapping[str, Any]) -> GroupReference:
        return reference_of_row(row)

    def natural(self, value: Any) -> GroupReference:
        if not isinstance(value, str) or not value.strip():
            raise BadReference("a group's reference is its prompt, as text, or a row with one")
        return GroupReference(value)

    def options(self) -> dict[str, object]:
        return {
            "model": self.served,
            "prompts": VERSION,
            "temperature": self._sampling.temperature,
            "tokens": self._sampling.max_tokens,
            "group_by": self.group_by,
            "candidate": self.candidate,
            "scale": self.scale,
            "unparseable": self.unparseable,
            "lone": self.lone,
            "orders": self.seating.orders,
            "overlong": str(self.overlong),
            "shown": f"{self.seating.most}x{self.seating.longest}",
            "size": self.group_size,
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
        seats, asked = self.seating.seated(completions, references)
        again = _unread(asked, (yield self._requests(asked, 0)))
        _unread(again, (yield self._requests(again, 1)))
        return self._paid(completions, seats)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _requests(self, asked: Sequence[tuple[Panel, int]], sample: int) -> list[ChatRequest]:
        return [
            ChatRequest(
                ranking_prompt(
                    panel.reference.prompt,
                    panel.shown(number),
                    source_language=panel.reference.source_language,
                    target_language=panel.reference.target_language,
                ),
                self._sampling,
                sample=sample,
                tag=f"group_judge:{VERSION}",
            )
            for panel, number in asked
        ]

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
                score, overlong = panel.means[text], self.overlong.of(len(completion))
                parts = (score, float(len(panel.candidates)), overlong, panel.position_bias)
                judged.append(Judgement(self.scale * score - overlong, parts, SCORED, panel.problem))
        return judged


def _unread(asked: Sequence[tuple[Panel, int]], replies: Sequence[ChatReply]) -> list[tuple[Panel, int]]:
    """Write the scores down; return what to ask again: replies that came and could not be read."""
    again = []
    for (panel, number), reply in zip(asked, replies, strict=True):
        if not settle(panel, number, reply) and not reply.failed:
            again.append((panel, number))
    return again
