"""One group before its judge: the orders that its candidates are shown in, and what the judge said of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from table_rewards.llm import ChatReply
from table_rewards.rewards.group_judge.reference import GroupReference
from table_rewards.rewards.llm_reward import said_in, unwrapped
from table_rewards.rewards.log_probabilities import expected_scores
from table_rewards.rewards.ranking.parse import Form, read_ranking
from table_rewards.rewards.ranking.reference import label

_FORM = Form(mode="ranking_score", reasoning="optional")
_LONE_FORM = Form(mode="score", reasoning="optional")


@dataclass(eq=False)
class Panel:
    """Distinct candidates and the orders (indices, first shown first) in which a judge sees them."""

    reference: GroupReference
    candidates: tuple[str, ...]
    orders: tuple[tuple[int, ...], ...]
    scores: dict[int, list[float]] = field(default_factory=dict)  # order -> score of each candidate
    unread: set[int] = field(default_factory=set)  # orders whose first reply could not be read
    problem: str = ""
    lone: bool = False

    def order(self, number: int) -> tuple[int, ...]:
        """An order; reversed once its first reply was unreadable, so that the judge reads something else."""
        return self.orders[number][::-1] if number in self.unread else self.orders[number]

    def shown(self, number: int) -> list[str]:
        """The candidates in an order."""
        return [self.candidates[i] for i in self.order(number)]

    def write(self, number: int, scores: Sequence[float]) -> None:
        """Take down the scores of the candidates as they were shown."""
        mapped = [0.0] * len(self.candidates)
        for place, score in zip(self.order(number), scores, strict=True):
            mapped[place] = score
        self.scores[number] = mapped

    @property
    def means(self) -> dict[str, float]:
        """Each candidate's score, averaged over the orders that were judged."""
        columns = zip(*self.scores.values(), strict=True)
        return {text: sum(c) / len(c) for text, c in zip(self.candidates, columns, strict=True)}

    @property
    def position_bias(self) -> float:
        """How many points more a candidate gets when it is shown first than on average over the orders."""
        if len(self.scores) < 2:
            return 0.0
        means = self.means
        firsts = [(self.order(number)[0], scores) for number, scores in self.scores.items()]
        return sum(scores[i] - means[self.candidates[i]] for i, scores in firsts) / len(firsts)


def panels(reference: GroupReference, ranked: Sequence[str], most: int, orders: int) -> Iterator[Panel]:
    """Split distinct candidates, in their order by hash, into as few and as even panels as ``most`` allows.

    >>> [len(p.candidates) for p in panels(GroupReference("?"), "abcdefg", most=3, orders=1)]
    [3, 2, 2]
    """
    count = -(-len(ranked) // most)
    for part in range(count):
        members = tuple(ranked[part::count])
        yield Panel(reference, members, tuple(_orders(len(members), orders)))


def _orders(n: int, count: int) -> Iterator[tuple[int, ...]]:
    """Rotations, so that every candidate comes to stand in different places; then rotations of the reverse.

    >>> list(_orders(3, 4))
    [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    """
    straight = tuple(range(n))
    forward = min(n, count)
    for number in range(forward):
        at = number * n // forward
        yield straight[at:] + straight[:at]
    if n > 2:
        backward = min(n, count - forward)
        for number in range(backward):
            at = number * n // backward
            yield (straight[::-1])[at:] + (straight[::-1])[:at]


def settle(panel: Panel, number: int, reply: ChatReply, *, expected: bool = False) -> bool:
    """Read a reply into its panel; False when there is nothing to read. ``expected``: by its log-probabilities."""
    if reply.failed:
        panel.problem = f"no judge: {reply.error}"
        return False
    said = said_in(reply)
    names = tuple(label(i) for i in range(len(panel.candidates)))
    scores, problem = None, said.problem
    if said.text:
        scores, problem = read_ranking(unwrapped(said.text), names, _FORM if len(names) > 1 else _LONE_FORM)
    if scores is not None and expected:
        scores = expected_scores(reply.logprobs, names)
        problem = "its server sent no log-probabilities of the scores; scores='written' needs none"
    if scores is None:
        panel.problem = f"the judge's reply cannot be read: {problem}"
        panel.unread.add(number)
        return False
    panel.write(number, scores)
    if len(panel.scores) == len(panel.orders):
        panel.problem = ""
    return True
