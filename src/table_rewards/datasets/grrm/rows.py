"""Training data for ranking models from groups of scored candidates (GRRM, arXiv 2602.14028).

A source row holds a text, its candidate translations (or answers), their scores and, for fine-tuning, an analysis::

    {"src_text": ..., "src_lang": "en", "trg_lang": "zh", "mt_texts": [...], "scores": [...], "analysis": ...}

It becomes one conversation for supervised fine-tuning, or verl rows for reinforcement learning, with augmentations that
are all distinct and depend on the seed and the row's number alone.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError, one_of
from table_rewards.datasets.grrm.groups import Columns, Group, Skipped, UnusableRow, read_group
from table_rewards.rewards.ranking.parse import MODES, Form, read_ranking
from table_rewards.rewards.ranking.prompts import ranking_answer
from table_rewards.rewards.ranking.reference import named, order_of
from table_rewards.rewards.ranking.template import PromptTemplate

SOURCE: Final = "TowerBlocks-MT-Ranking"
SEED: Final = 114514
REPEATED: Final = "an earlier row has the same prompt and other scores"


def sft_rows(
    rows: Iterable[Mapping[str, Any]],
    *,
    columns: Columns | None = None,
    mode: str = "ranking_score",
    example: bool = False,
    template: PromptTemplate | None = None,
    skipped: Skipped | None = None,
) -> Iterator[dict[str, Any]]:
    """One conversation a source row: the prompt, and the analysis with the reference ranking and scores behind it.

    An analysis that already ends with the right answer is left as it is. A row whose equal candidates have different
    scores is left out, since its analysis names them by their letters; so is a later row whose prompt is an earlier
    one's and whose scores are others.
    """
    one_of("prompt type", mode, MODES)
    truths: dict[bytes, Any] = {}
    for number, row in enumerate(rows):
        group = _usable(row, columns, number, skipped)
        if group is None:
            continue
        if not group.analysis.strip():
            _skip(skipped, "no analysis to learn from", number)
            continue
        if len(group.uncontested()) < len(group.candidates):
            _skip(skipped, "equal candidates of different scores", number)
            continue
        scores = named(group.scores)
        reply = _reply(group.analysis, scores, mode)
        if reply is None:
            _skip(skipped, "the analysis ends with another ranking than the scores", number)
            continue
        prompt = group.prompt(mode, example=example, template=template)
        truth = order_of(scores) if mode == "ranking" else tuple(scores.values())
        if truths.setdefault(_digest(prompt), truth) != truth:
            if skipped is not None:
                skipped.add(REPEATED, number)
            continue
        yield {
            "messages": [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": reply},
            ]
        }


def rl_rows(
    rows: Iterable[Mapping[str, Any]],
    *,
    columns: Columns | None = None,
    mode: str = "ranking_score",
    subgroups: int = 0,
    shuffles: int = 0,
    seed: int = SEED,
    source: str = SOURCE,
    template: PromptTemplate | None = None,
    skipped: Skipped | None = None,
) -> Iterator[dict[str, Any]]:
    """verl rows: every group, ``subgroups`` smaller groups out of it, and of each ``shuffles`` other orders.

    Equal candidates whose scores differ are left out of their group, all of them: no answer about them is right. So is
    a later row whose prompt is an earlier one's and whose scores are others.

    Fewer where there are no more: three candidates have three subgroups. ``extra_info`` keeps the candidates
    (``mt_texts``) on every row, which of the source row's candidates they are (``candidate_indices``), and the order
    within the subgroup (``shuffle_indices``).

    Raises:
        ConfigurationError: a count of augmentations is negative.
    """
    one_of("prompt type", mode, MODES)
    if min(subgroups, shuffles) < 0:
        raise ConfigurationError("subgroup and shuffle augmentations are counts of 0 or more")
    index = itertools.count()
    truths: dict[bytes, bytes] = {}
    for number, row in enumerate(rows):
        group = _usable(row, columns, number, skipped)
        if group is None:
            continue
        kept = group.uncontested()
        if len(kept) < len(group.candidates):
            if len(kept) < 2:
                _skip(skipped, "equal candidates of different scores, and fewer than two others", number)
                continue
            if skipped is not None:
                skipped.add("used without candidates of equal text and different scores", number)
        whole = group.pick(kept)
        rng = random.Random(f"{seed}:{number}")
        for members in (tuple(range(len(kept))), *_subgroups(whole, subgroups, rng)):
            for order in _orders(whole.pick(members), shuffles, rng):
                indices = [kept[members[i]] for i in order]
                made = _verl_row(group.pick(indices), mode, source, template, number, indices, list(order))
                truth = _digest(made["reward_model"]["ground_truth"])
                if truths.setdefault(_digest(made["prompt"][0]["content"]), truth) != truth:
                    if skipped is not None:
                        skipped.add(REPEATED, number)
                    continue
                made["extra_info"]["index"] = next(index)
                yield made


def shuffled(rows: Iterable[dict[str, Any]], buffer: int, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """Mix a stream: each row leaves at random from among the last ``buffer``; 0 keeps the order.

    >>> sorted(shuffled(range(5), 3)) == list(range(5)), list(shuffled(range(3), 0))
    (True, [0, 1, 2])
    """
    rng, held = random.Random(seed), []
    for row in rows:
        if buffer < 1:
            yield row
            continue
        held.append(row)
        if len(held) > buffer:
            at = rng.randrange(len(held))
            held[at], held[-1] = held[-1], held[at]
            yield held.pop()
    rng.shuffle(held)
    yield from held


def _usable(row: Mapping[str, Any], columns: Columns | None, number: int, skipped: Skipped | None) -> Group | None:
    try:
        return read_group(row, columns)
    except UnusableRow as error:
        _skip(skipped, str(error), number)
        return None


def _reply(analysis: str, scores: Mapping[str, float], mode: str) -> str | None:
    """The analysis with the answer behind it; as it is when it ends with it; None when it ends with another."""
    read = read_ranking(analysis, tuple(scores), Form(mode, "optional", -math.inf, math.inf))
    if read.scores is None:
        return ranking_answer(analysis, scores, mode)
    written = dict(zip(scores, read.scores, strict=True))
    same = order_of(written) == order_of(scores) if mode == "ranking" else written == scores
    return analysis if same else None


def _skip(skipped: Skipped | None, reason: str, number: int) -> None:
    if skipped is None:
        raise UnusableRow(f"row {number:,}: {reason}")
    skipped.add(reason, number)


def _verl_row(
    group: Group,
    mode: str,
    source: str,
    template: PromptTemplate | None,
    row: int,
    indices: list[int],
    order: list[int],
) -> dict[str, Any]:
    scores = {name: int(s) if s.is_integer() else s for name, s in named(group.scores).items()}
    truth = order_of(scores) if mode == "ranking" else json.dumps(scores)
    return {
        "data_source": f"{source}.{mode}",
        "prompt": [{"role": "user", "content": group.prompt(mode, template=template)}],
        "ability": "ranking",
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": {
            "index": 0,
            "source_row": row,
            "src_lang": group.source_language,
            "trg_lang": group.target_language,
            "analysis": group.analysis,
            "mt_texts": list(group.candidates),
            "candidate_indices": indices,
            "shuffle_indices": order,
        },
    }


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def _subgroups(group: Group, count: int, rng: random.Random) -> list[tuple[int, ...]]:
    """Distinct subsets of 2 to n-1 candidates, uniformly among all; distinct in what they hold, too."""
    n = len(group.candidates)
    possible = 2**n - n - 2  # without the empty set, the whole, and the singles
    held: set[tuple[Any, ...]] = set()
    chosen: list[tuple[int, ...]] = []
    if count <= 0 or possible <= 0:
        return chosen
    if possible <= 4096:
        candidates = [c for size in range(2, n) for c in itertools.combinations(range(n), size)]
        rng.shuffle(candidates)
        drawn: Iterator[tuple[int, ...]] = iter(candidates)
    else:
        drawn = (tuple(i for i in range(n) if bits >> i & 1) for bits in iter(lambda: rng.getrandbits(n), None))
        drawn = itertools.islice((c for c in drawn if 2 <= len(c) < n), 64 * count)
    for members in drawn:
        part = group.pick(members)
        key = (part.candidates, part.scores)
        if key not in held:
            held.add(key)
            chosen.append(members)
            if len(chosen) == count:
                break
    return chosen


def _orders(group: Group, count: int, rng: random.Random) -> list[tuple[int, ...]]:
    """The order as it is and ``count`` others, distinct in what they show: equal candidates may swap unseen."""
    items = list(zip(group.candidates, group.scores, strict=True))
    possible = math.factorial(len(items))
    for times in Counter(items).values():
        possible //= math.factorial(times)
    orders = [tuple(range(len(items)))]
    shown = {tuple(items)}
    while len(orders) < min(count + 1, possible):
        order = rng.sample(range(len(items)), len(items))
        key = tuple(items[i] for i in order)
        if key not in shown:
            shown.add(key)
            orders.append(tuple(order))
    return orders
