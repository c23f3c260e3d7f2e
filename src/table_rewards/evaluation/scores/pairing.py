"""Two score files compared, completion by completion of the same prompts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from table_rewards.evaluation.scores.distribution import NAN
from table_rewards.evaluation.scores.score_files import ScoreFile, score_rows

SHOWN: Final = 24
MAX_RANKED: Final = 64

Matches = Mapping[Any, list[float]]


class Asked(NamedTuple):
    """What joins two files where ids do not: the digests of what was asked and of the reference, and the step."""

    content: str
    step: Any


class Change(NamedTuple):
    """A completion that two files score differently.

    Attributes:
        prompt: its prompt's identity, as text.
        sample: its number among the completions of the prompt.
        first: its score in the first file.
        second: its score in the second file.
        key: what joined the two.
    """

    prompt: str
    sample: int
    first: float
    second: float
    key: Any = None

    def to_dict(self) -> dict[str, Any]:
        return {"prompt": self.prompt, "sample": self.sample, "first": self.first, "second": self.second}


@dataclass
class Pairing:
    """Two score files, joined on the prompt and on the sample's number within it.

    ``difference`` is the mean of (second - first) over the completions that both scored, ``error`` its standard error;
    completions of one prompt count as dependent.

    Attributes:
        rows: the completions that both files hold and scored.
        prompts: the prompts that both files hold.
        only_first: completions of the first file that the second does not hold.
        only_second: completions of the second file that the first does not hold.
        comparable: pairs of completions of one prompt that both files rank.
        flips: of these, those that the files rank the other way round.
        changed: the completions whose scores differ most.
    """

    first: str
    second: str
    rows: int = 0
    higher: int = 0
    lower: int = 0
    difference: float = NAN
    error: float = NAN
    prompts: int = 0
    only_first: int = 0
    only_second: int = 0
    comparable: int = 0
    flips: int = 0
    changed: list[Change] = field(default_factory=list)

    @property
    def equal(self) -> int:
        return self.rows - self.higher - self.lower

    @property
    def clear(self) -> bool:
        """Whether the difference is more than twice its standard error."""
        return self.rows > 1 and abs(self.difference) > 2 * self.error


def pair(first: ScoreFile, second: ScoreFile) -> Pairing | None:
    """Compare two files; None when they share no completion that both scored.

    Files are joined on the prompt's id; on what was asked where more prompts agree in that, as where every run draws
    ids of its own. Files of different training steps are joined on the prompt alone.
    """
    found = Pairing(first.name, second.name)
    mine, theirs, apart = _joined(first, second)
    sums = [0.0] * 5  # over prompts: count, s, s*s, n*s, n*n
    shared = 0
    for key, values in mine.items():
        others = theirs.get(key)
        if others is None or key in apart:
            continue
        found.prompts += 1
        shared += min(len(values), len(others))
        differences = [b - a for a, b in zip(values, others, strict=False) if a == a and b == b]
        found.rows += len(differences)
        found.higher += sum(1 for one in differences if one > 1e-9)
        found.lower += sum(1 for one in differences if one < -1e-9)
        _compare(found, key, values, others)
        if differences:
            n, s = len(differences), sum(differences)
            for i, value in enumerate((1, s, s * s, n * s, n * n)):
                sums[i] += value
    found.only_first = sum(map(len, mine.values())) - shared
    found.only_second = sum(map(len, theirs.values())) - shared
    if not found.rows:
        return None
    found.changed = sorted(found.changed, key=_size)[:SHOWN]
    count, total, squares, cross, sizes = sums
    mean = found.difference = total / found.rows
    spread = max(0.0, squares - 2 * mean * cross + mean * mean * sizes)
    found.error = math.sqrt(spread * count / max(1.0, count - 1)) / found.rows
    return found


def changed_rows(file: ScoreFile, changes: Iterable[Change]) -> Iterator[tuple[dict[str, Any], float]]:
    """The score rows of a file that changed, each with the difference."""
    wanted = {(change.key, change.sample): change.second - change.first for change in changes}
    steps = {key[1] if isinstance(key, tuple) and len(key) == 2 else None for key, _ in wanted}
    asked = any(isinstance(key, Asked) for key, _ in wanted)
    seen: dict[Any, int] = {}
    for row in score_rows(file):
        key: Any = Asked(str(row.get("content")), row.get("step") if steps != {None} else None)
        if not asked:
            key = file.key(row)
        if not asked and (key, 0) not in wanted and steps == {None} and key[1] is not None:
            key = key[0]  # joined on the prompt alone
        number = seen[key] = seen.get(key, -1) + 1
        if (key, number) in wanted:
            yield row, wanted[key, number]


def _compare(found: Pairing, key: Any, values: list[float], others: list[float]) -> None:
    """Count the pairs of one prompt that change their order, and keep what changed most."""
    both = [(i, a, b) for i, (a, b) in enumerate(zip(values, others, strict=False)) if a == a and b == b]
    for i, (_, a, b) in enumerate(both[:MAX_RANKED]):
        for _, c, d in both[i + 1 : MAX_RANKED]:
            if a != c and b != d:
                found.comparable += 1
                found.flips += (a < c) != (b < d)
    prompt = key[0] if isinstance(key, tuple) else key
    for i, a, b in both:
        if abs(a - b) > 1e-9:
            found.changed.append(Change(str(prompt), i, a, b, key))
    if len(found.changed) > 4 * SHOWN:
        found.changed = sorted(found.changed, key=_size)[:SHOWN]


def _size(change: Change) -> tuple[float, str, int]:
    return -abs(change.second - change.first), change.prompt, change.sample


def _joined(first: ScoreFile, second: ScoreFile) -> tuple[Matches, Matches, set[Any]]:
    """The prompts of both files under the keys that join them, and the keys that are equal by chance."""
    mine, theirs = _joinable(first.matches, second.matches)
    ours, other = _by_key(first, mine), _by_key(second, theirs)
    alike = sum(1 for key in mine if key in theirs and ours.get(key) and ours.get(key) == other.get(key))
    asked, told = _by_content(first.matches, first.contents), _by_content(second.matches, second.contents)
    if not any(key in told for key in asked):
        asked, told = _by_content(mine, ours), _by_content(theirs, other)
    if sum(1 for key in asked if key in told) > alike:
        return asked, told, set()
    return mine, theirs, _apart(mine, theirs, ours, other)


def _by_content(matches: Matches, contents: Mapping[Any, str]) -> Matches:
    """The same scores, by what was asked; prompts of which that is not known are left out."""
    found: dict[Any, list[float]] = {}
    for key, values in matches.items():
        content = contents.get(key, "")
        if content.partition("-")[0]:
            step = key[1] if isinstance(key, tuple) else None
            found.setdefault(Asked(content, step), []).extend(values)
    return found


def _joinable(first: Matches, second: Matches) -> tuple[Matches, Matches]:
    if any(key in second for key in first):
        return first, second
    steps = {key[1] for key in first} | {key[1] for key in second}
    return (first, second) if steps == {None} else (_without_steps(first), _without_steps(second))


def _by_key(file: ScoreFile, matches: Matches) -> Mapping[Any, str]:
    """What the keys of the comparison stand for in a file."""
    if all(key in matches for key in file.contents):
        return file.contents
    return {prompt: content for (prompt, _), content in file.contents.items()}


def _apart(mine: Matches, theirs: Matches, ours: Mapping[Any, str], other: Mapping[Any, str]) -> set[Any]:
    """The keys that are equal by chance, such as ids that are row numbers of different data sets.

    Where most prompts that share a key ask the same, those that do not are apart. Where most ask something else, the
    runs differ in how they ask, if the references agree (then those that do not are apart), or in what: all are apart.
    """
    shared = [key for key in mine if key in theirs and ours.get(key) and other.get(key)]
    halves = {key: (ours[key].split("-"), other[key].split("-")) for key in shared}
    for half, enough in ((0, 0.5), (1, 0.9)):
        known = [key for key in shared if halves[key][0][half] and halves[key][1][half]]
        apart = {key for key in known if halves[key][0][half] != halves[key][1][half]}
        if known and len(known) - len(apart) >= enough * len(known):
            return apart
    return set(shared)


def _without_steps(matches: Matches) -> Matches:
    joined: dict[Any, list[float]] = {}
    for (prompt, _), values in matches.items():
        joined.setdefault(prompt, []).extend(values)
    return joined
