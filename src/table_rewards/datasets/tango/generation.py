"""Solutions for fine-tuning from an endpoint, kept when their answer is right: rejection by ``Mathematics``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from table_rewards.datasets.tango.problems import Problem, sft_row
from table_rewards.datasets.tango.prompts import generator_prompt
from table_rewards.llm import ChatPool, ChatRequest, Sampling
from table_rewards.rewards.mathematics import Mathematics
from table_rewards.rewards.tango.format import generator_format

CHUNK: Final = 256
TEMPERATURE: Final = 0.1
TOP_P: Final = 0.5


def accepted_solutions(
    source: Iterable[Problem],
    pool: ChatPool,
    sampling: Sampling,
    counts: Counter[str],
    *,
    attempts: int = 1,
    least_format: float = 1.0,
    scorer: Mathematics | None = None,
) -> Iterator[dict[str, Any]]:
    """Ask for a solution of each problem, at most ``attempts`` times, and yield those that are right and well formed.

    ``counts`` tells what became of all of them: accepted, wrong, malformed, cut off, unanswered (no endpoint replied,
    which says nothing about the problem) and unscored.
    """
    scorer = scorer or Mathematics()
    remaining = iter(enumerate(source))
    while chunk := list(islice(remaining, CHUNK)):
        last: dict[int, str] = {}
        open_ = dict(chunk)
        kept: dict[int, str] = {}
        for attempt in range(attempts):
            if not open_:
                break
            requests = [ChatRequest(generator_prompt(p.question), sampling, sample=attempt) for p in open_.values()]
            replies = pool.ask_many(requests)
            texts = [reply.text for reply in replies]
            scores = scorer(texts, [problem.answer for problem in open_.values()])
            for place, (index, reply) in enumerate(zip(list(open_), replies, strict=True)):
                if reply.failed:
                    last[index] = "unanswered"
                elif reply.truncated:
                    last[index] = "cut off"
                elif scores.status[place] == "unscored":
                    last[index] = "unscored"
                elif scores.values[place] < 1:
                    last[index] = "wrong"
                elif generator_format(reply.text) < least_format - 1e-9:
                    last[index] = "malformed"
                else:
                    kept[index] = reply.text
                    last[index] = "accepted"
                    del open_[index]
        counts.update(last.values())
        yield from (sft_row(problem, kept[index], index) for index, problem in chunk if index in kept)
