"""Response-consistency sampling: keep the tables on which a model neither fails nor has nothing left to learn.

    consistency = 2 / (K^2 - K) * sum over i < j of TEDS(response i, response j)

TRivia, arXiv 2512.01248: below 0.4 the responses share nothing that a reward could build on; above, tables are drawn
uniformly over consistency, so that the many easy ones don't crowd out the rest. A response without a table, or cut off
inside one, is similar to nothing.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError
from table_rewards.rewards.qa_f1.table import written_table
from table_rewards.rewards.table_similarity import TEDS
from table_rewards.tables.formats.html import render_html

LOW: Final = 0.4
HIGH: Final = 1.0
BIN: Final = 0.1
SEVERAL: Final = ("responses", "predictions")
"""Where a row may hold all responses to its prompt."""


def consistencies(groups: Sequence[Sequence[str]]) -> list[float]:
    """Mean pairwise TEDS of each group of responses, in [0, 1]; one response is consistent with itself (1.0).

    >>> a, b = "<fcel>x<fcel>1<nl>", "<fcel>x<fcel>2<nl>"
    >>> consistencies([[a, a, a], [a, a, b], ["no table", "none"]])
    [1.0, 0.7777777777777778, 0.0]
    """
    left: list[str] = []
    right: list[str] = []
    spans: list[tuple[int, float]] = []  # of each group: pairs compared, and pairs there are
    for group in groups:
        tables = [_table(response) for response in group]
        before = len(left)
        for one, other in combinations(tables, 2):
            if one and other:
                left.append(min(one, other))  # the same pair is compared once, whichever came first
                right.append(max(one, other))
        spans.append((len(left) - before, len(group) * (len(group) - 1) / 2))
    values = iter(TEDS()(left, right).values.tolist() if left else [])
    result = []
    for (compared, pairs), group in zip(spans, groups, strict=True):
        total = sum(next(values) for _ in range(compared))
        alone = float(bool(group) and bool(_table(group[0])))
        result.append(total / pairs if pairs else alone)
    return result


def sample(
    values: Sequence[float], *, low: float = LOW, high: float = HIGH, count: int | None = None, seed: int = 0
) -> list[int]:
    """Indices whose consistency lies in [low, high]; with ``count``, so many of them, uniformly over consistency.

    Every bin of 0.1 gives the same number as far as it has them; what a poor bin lacks the others make up for.

    Raises:
        ConfigurationError: the bounds are not 0 <= low <= high <= 1.

    >>> sample([0.2, 0.5, 0.9, 0.95, 1.0])
    [1, 2, 3, 4]
    >>> len(sample([0.45] * 100 + [0.95] * 900, count=100)), sample([0.45] + [0.95] * 9, count=2)[0]
    (100, 0)
    """
    if not 0 <= low <= high <= 1:
        raise ConfigurationError(f"the bounds must be 0 <= low <= high <= 1, not {low} and {high}")
    kept = [index for index, value in enumerate(values) if low <= value <= high]
    if count is None or count >= len(kept):
        return kept
    chance = random.Random(seed)
    bins: dict[int, list[int]] = defaultdict(list)
    for index in kept:
        bins[min(int((values[index] - low) / BIN + 1e-9), int((high - low) / BIN - 1e-9))].append(index)
    for members in bins.values():
        chance.shuffle(members)
    chosen: list[int] = []
    while len(chosen) < count:  # one from each bin in turn
        for name in sorted(bins):
            if bins[name] and len(chosen) < count:
                chosen.append(bins[name].pop())
    return sorted(chosen)


def grouped(rows: Iterable[Mapping[str, Any]], left_out: Counter[str]) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """The prompts of a predictions file and the responses to each, in the order of the file.

    A row is one response (``prediction``, as ``table-rewards generate`` writes) or all of a prompt (``responses``,
    ``predictions``); one without either, such as a failed one, is counted.

    Raises:
        ConfigurationError: no row has ``prediction`` or ``responses``.
    """
    prompts: dict[Hashable, dict[str, Any]] = {}
    responses: dict[Hashable, list[str]] = defaultdict(list)
    names: list[str] = []
    for number, row in enumerate(rows):
        names = names or list(map(str, row))
        several = next((row[name] for name in SEVERAL if isinstance(row.get(name), (list, tuple))), None)
        if several is not None:
            key: Hashable = ("row", number)
            texts = [text for text in several if isinstance(text, str)]
        elif isinstance(row.get("prediction"), str):
            mark = row.get("generation")
            if isinstance(mark, Mapping) and isinstance(mark.get("row"), int):
                key = mark["row"]
            else:  # every image is asked the same
                asked = (row.get("messages") or row.get("prompt"), row.get("images"))
                key = str(row["id"] if row.get("id") is not None else asked)
            texts = [row["prediction"]]
        else:
            left_out["no response"] += 1
            continue
        dropped = ("prediction", *SEVERAL, "generation", "model_name")
        prompts.setdefault(key, {name: value for name, value in row.items() if name not in dropped})
        responses[key].extend(texts)
    if not prompts:
        raise ConfigurationError(f"no row has a 'prediction' or 'responses'; there are {', '.join(names) or 'no rows'}")
    return list(prompts.values()), list(responses.values())


def _table(response: str) -> str:
    """The response's table as HTML, or nothing."""
    written = written_table(response, max_chars=10**7)
    return render_html(written.table) if written.table is not None else ""
