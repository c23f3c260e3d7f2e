"""How hard a sample is for a model, which samples are kept for that, and answers that become supervised data.

The published difficulty counts outputs that contain the result anywhere, so that ``12`` finds a gold ``1``; here the
answer is read (``counting="substring"`` is the published one).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from table_rewards.core.completion import read_completion
from table_rewards.core.errors import ScorerFailed, one_of
from table_rewards.core.scores import UNSCORED
from table_rewards.datasets.exec_verify import prompts
from table_rewards.datasets.exec_verify.questions import Questions
from table_rewards.datasets.exec_verify.replies import Reply
from table_rewards.datasets.exec_verify.rows import MAX_OI_RESULT, Call
from table_rewards.datasets.exec_verify.templates import Template
from table_rewards.llm import Sampling
from table_rewards.rewards.white_box import WhiteBox
from table_rewards.text.blocks import PYTHON, fenced_blocks, last_tagged

COUNTINGS: Final = ("answer", "substring")
MODES: Final = ("io", "oi")
JUDGED: Final = Sampling(temperature=1.0, top_p=0.9, max_tokens=4_096)
REASONED: Final = Sampling(temperature=0.6, top_p=0.9, max_tokens=12_288)
MAX_PASS: Final = 3


def prompt(call: Call, result: str, mode: str, template: Template | None = None) -> str:
    """The prompt that asks for the output of a call, or for an input with a result."""
    if template is not None:
        return template.fill(code=call.code, function=call.function, arguments=call.arguments, result=result)
    if mode == "oi":
        return prompts.input_prompt(call.code, call.function, result)
    return prompts.output_prompt(call.code, call.function, call.arguments, Questions())


def answer_text(reply: str) -> str:
    """What a reply answers: inside its last ``<answer>``, else all of it behind the thoughts."""
    behind = read_completion(reply).answer
    found = last_tagged(behind, "answer")
    return (behind if found is None else found).strip()


def published_turn(reply: str) -> str:
    """A reply as the published supervised turns have it: thoughts in ``<reasoning>``, the rest in ``<answer>``.

    >>> print(published_turn("<think>\\nso\\n</think>\\n\\nassert f(1) == 2"))
    <reasoning>
    so
    </reasoning>
    <answer>
    assert f(1) == 2
    </answer>
    """
    reading = read_completion(reply)
    thoughts, answer = reading.thoughts.strip(), reading.answer.strip()
    reasoned = last_tagged(answer, "reasoning")
    if not thoughts and reasoned is not None:
        thoughts = reasoned.strip()
    return f"<reasoning>\n{thoughts}\n</reasoning>\n<answer>\n{answer_text(reply)}\n</answer>"


def right(calls: Sequence[Call], results: Sequence[str], replies: Sequence[str], mode: str) -> list[bool]:
    """Whether each reply is right: the whole answer as the reward reads it, or the assertion in its last block.

    Raises:
        ScorerFailed: the sandbox failed.
    """
    asked, references, owners = [], [], []
    for index, (call, result, reply) in enumerate(zip(calls, results, replies, strict=True)):
        reference = {"func_str": call.code, "func_name": call.function, "result": result}
        kind = {"type": "oi"} if mode == "oi" else {"func_args": call.arguments}
        answer = answer_text(reply)
        blocks = fenced_blocks(answer, *PYTHON) or fenced_blocks(answer)
        for text in dict.fromkeys([answer, *blocks[-1:]]):
            asked.append(f"<answer>\n{text}\n</answer>")
            references.append({**reference, **kind})
            owners.append(index)
    found = [False] * len(calls)
    for index, score in zip(owners, WhiteBox()(asked, references), strict=True):
        if score.status == UNSCORED:
            raise ScorerFailed(score.note)
        found[index] |= score.value == 1.0
    return found


def pass_counts(
    rows: Sequence[Mapping[str, Any]], replies: Sequence[Sequence[Reply]], counting: str = "answer"
) -> list[int]:
    """How many replies to each row state its result.

    >>> row = {"func_str": "def f(a):\\n    return a - 9", "func_name": "f", "func_args": "10", "result": "1"}
    >>> twelve = [[Reply("<answer>assert f(10) == 12</answer>")] * 10]
    >>> pass_counts([row], twelve), pass_counts([row], twelve, "substring")
    ([0], [10])

    Raises:
        UnknownName: there is no such counting.
        BadReference: a row is no sample.
    """
    one_of("counting", counting, COUNTINGS)
    if counting == "substring":
        return [
            sum(str(row["result"]) in reply.text for reply in told) for row, told in zip(rows, replies, strict=True)
        ]
    calls, results, texts, owners = [], [], [], []
    for index, (row, told) in enumerate(zip(rows, replies, strict=True)):
        call = Call.of(row, index)
        for reply in told:
            calls.append(call)
            results.append(str(row["result"]))
            texts.append("" if reply.cut_off else reply.text)
            owners.append(index)
    found = [0] * len(rows)
    for index, passed in zip(owners, right(calls, results, texts, "io"), strict=True):
        found[index] += passed
    return found


def combine(
    files: Iterable[Iterable[Mapping[str, Any]]], seed: int | None, counts: Counter[str], most: int = MAX_PASS
) -> list[dict[str, Any]]:
    """The rows that a model gets right at most ``most`` times, each sample once; mixed, or in order with seed None.

    >>> counts = Counter()
    >>> rows = [{"func_str": "a", "func_args": str(n), "pass_cnt": n} for n in (0, 3, 4)]
    >>> [row["pass_cnt"] for row in combine([rows, rows], None, counts)], dict(counts)
    ([0, 3], {'kept': 2, 'too easy': 2, 'the same sample again': 2})
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for rows in files:
        for row in rows:
            passed, key = row.get("pass_cnt"), (str(row.get("func_str")), str(row.get("func_args")))
            if not isinstance(passed, int) or isinstance(passed, bool):
                counts["no pass_cnt"] += 1
            elif passed > most:
                counts["too easy"] += 1
            elif key in found:
                counts["the same sample again"] += 1
            else:
                counts["kept"] += 1
                found[key] = dict(row)
    kept = list(found.values())
    if seed is not None:
        random.Random(seed).shuffle(kept)
    return kept


def reasoned_turns(
    rows: Sequence[Mapping[str, Any]],
    asked: Sequence[str],
    replies: Sequence[Sequence[Reply]],
    mode: str,
    counts: Counter[str],
) -> list[tuple[Mapping[str, Any], dict[str, Any]]]:
    """(row, conversation) for the rows whose reply is right and whole: every one earns full marks from the reward.

    Raises:
        ScorerFailed: the sandbox failed.
    """
    open_: list[tuple[int, str]] = []
    for index, told in enumerate(replies):
        if not told:
            counts["no reply"] += 1
        elif told[0].cut_off:
            counts["cut off"] += 1
        else:
            open_.append((index, published_turn(told[0].text)))
    calls = [Call.of(rows[index], index) for index, _ in open_]
    results = [str(rows[index]["result"]) for index, _ in open_]
    references = [
        {"func_str": call.code, "func_name": call.function, "result": result}
        | ({"type": "oi"} if mode == "oi" else {"func_args": call.arguments})
        for call, result in zip(calls, results, strict=True)
    ]
    kept = []
    for (index, turn), score in zip(open_, WhiteBox()([turn for _, turn in open_], references), strict=True):
        if score.status == UNSCORED:
            raise ScorerFailed(score.note)
        if score.value != 1.0:
            counts["wrong"] += 1
            continue
        counts["kept"] += 1
        turns = [{"from": "human", "value": asked[index]}, {"from": "gpt", "value": turn}]
        kept.append((rows[index], {"conversations": turns}))
    return kept


def fits(row: Mapping[str, Any], mode: str) -> bool:
    """Whether a row can be asked about in a mode: results to find an input for are short."""
    return mode == "io" or len(str(row["result"])) <= MAX_OI_RESULT
