"""Replies of an endpoint to many requests, in a file that survives a kill: the same command goes on where it stopped.

The file has a line for each reply that came, ``{"row", "sample", "text", "cut_off"}``. What no endpoint answered is not
in it and is asked again by the next run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from table_rewards.datasets.files.resume import ResumableOutput
from table_rewards.llm import ChatPool, ChatReply, ChatRequest, Sampling


class Reply(NamedTuple):
    """What a model wrote; its thoughts, if the server sends them apart, stand in front in their tags."""

    text: str
    cut_off: bool = False


class Replies(NamedTuple):
    """The replies to each prompt, those that came; and how many are missing."""

    of: list[list[Reply]]
    missing: int


def ask_all(
    prompts: Sequence[Sequence[Mapping[str, str]]],
    pool: ChatPool,
    sampling: Sampling,
    path: Path,
    *,
    command: str,
    samples: int = 1,
    overwrite: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Replies:
    """Ask ``samples`` times for each prompt, and keep every reply in ``path`` (``.jsonl``).

    Every request has a seed of its own, so that equal prompts are different draws.

    Raises:
        ConfigurationError: the file holds replies to other prompts or of other sampling.
    """
    requests = {
        (row, sample): ChatRequest(list(messages), sampling, row * samples + sample)
        for row, messages in enumerate(prompts)
        for sample in range(samples)
    }
    digest = hashlib.sha256()
    for request in requests.values():
        digest.update(request.key(pool.settings.model or "").encode())
    identity = {"command": command, "requests": digest.hexdigest()[:16], "samples": samples}
    found: dict[tuple[int, int], Reply] = {}

    def seen(line: Mapping[str, Any]) -> None:
        found[_key(line)] = Reply(line["text"], line["cut_off"])

    with ResumableOutput(path, identity, key=_key, overwrite=overwrite) as output:
        output.replay(seen)
        left = [key for key in requests if key not in found]
        for done, (index, reply) in enumerate(pool.stream([requests[key] for key in left]), 1):
            progress(done)
            if reply.failed:
                continue
            row, sample = left[index]
            found[row, sample] = told = _reply(reply)
            output.append([{"row": row, "sample": sample, "text": told.text, "cut_off": told.cut_off}])
        output.finish()
    of = [[found[row, sample] for sample in range(samples) if (row, sample) in found] for row, _ in enumerate(prompts)]
    return Replies(of, len(requests) - len(found))


def _reply(reply: ChatReply) -> Reply:
    thoughts = f"<think>\n{reply.reasoning}\n</think>\n" if reply.reasoning else ""
    return Reply(thoughts + reply.text, reply.truncated)


def _key(line: Mapping[str, Any]) -> tuple[int, int]:
    return int(line["row"]), int(line["sample"])
