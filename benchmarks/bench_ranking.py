"""Rankings of 8 candidates: arrays against loops over pairs, in one run, CPU time.

    python benchmarks/bench_ranking.py [--rankings N] [--candidates N] [--repeat N]

1. pairs: the agreement of parsed rankings with their references; the plain reference is one loop over the pairs.
2. reward: from texts to `Scores`; against the loop of the released functions, written anew: it looks both candidates
   of every pair up in the tiers of an order, for the order against the scores, the order against the reference and the
   margins. Texts have a short and a long analysis.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import time
from collections.abc import Callable

import numpy as np

from figures import table
from table_rewards import Ranking
from table_rewards.rewards.ranking.agreement import agreement
from table_rewards.rewards.ranking.agreement_plain import plain_agreement
from table_rewards.rewards.ranking.prompts import ranking_answer
from table_rewards.rewards.ranking.reference import named, order_of

ANALYSIS = "Translation A renders the idiom by what it means; **B** is literal, so it scores lower: 3 of 10.\n"


def best(repeat: int, work: Callable[[], object]) -> float:
    """Least CPU seconds of a few runs."""
    seconds = []
    for _ in range(repeat):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def tiers_loop(order: str, reference: str) -> float:
    """Share of equal relations, each pair looked up in the tiers."""
    here, there = ([{x.strip() for x in tier.split("=")} for tier in text.split(">")] for text in (order, reference))

    def relation(tiers: list[set[str]], x: str, y: str) -> int:
        for place, tier in enumerate(tiers):
            if x in tier:
                first = place
            if y in tier:
                second = place
        return (first > second) - (first < second)

    names = sorted(set().union(*here))
    pairs = list(itertools.combinations(names, 2))
    return sum(relation(here, x, y) == relation(there, x, y) for x, y in pairs) / len(pairs)


def released_way(text: str, truth: str) -> float:
    """One sample the released way: four last lines, order from scores, three loops over the pairs."""
    lines = [line for line in text.strip().split("\n") if line.strip()]
    if len(lines) < 5:
        return 0.0
    scores = {k.strip(): int(v) for k, v in (item.split(":") for item in lines[-1].split(","))}
    reference = json.loads(truth)
    implied = order_of(scores)
    if len(lines[-3]) != 4 * len(scores) - 3 or tiers_loop(lines[-3], implied) != 1:
        return 0.0
    credit = {0: 1.0, 1: 0.6, 2: 0.2}
    pairs = list(itertools.combinations(reference, 2))
    margin = sum(credit.get(abs(reference[x] - reference[y] - scores[x] + scores[y]), 0.0) for x, y in pairs)
    return tiers_loop(implied, order_of(reference)) + margin / len(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rankings", type=int, default=100_000)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    m, n, rng = options.rankings, options.candidates, random.Random(0)
    truths = [[rng.randint(0, 10) for _ in range(n)] for _ in range(m // 8)]
    references = [truth for truth in truths for _ in range(8)]  # 8 completions a prompt
    guesses = [[min(10, max(0, s + rng.randint(-2, 2))) for s in truth] for truth in references]
    predicted, reference = np.array(guesses, dtype=float), np.array(references, dtype=float)
    loop_s = best(1, lambda: [plain_agreement(a, b) for a, b in zip(guesses, references, strict=True)])
    arrays_s = best(options.repeat, lambda: agreement(predicted, reference))
    rows = [["agreement of parsed rankings", arrays_s, loop_s, loop_s / arrays_s]]

    truth_texts = [json.dumps(named(truth)) for truth in references]
    for size, analysis in (("100 characters", ANALYSIS), ("2,000 characters", ANALYSIS * 20)):
        texts = [ranking_answer(analysis, named(guess)) for guess in guesses]
        released_s = best(1, lambda: [released_way(a, b) for a, b in zip(texts, truth_texts, strict=True)])  # noqa: B023
        reward_s = best(options.repeat, lambda: Ranking()(texts, truth_texts))  # noqa: B023
        ours = Ranking()(texts, truth_texts).values
        theirs = np.array([released_way(a, b) for a, b in zip(texts[:1000], truth_texts[:1000], strict=True)])
        assert np.allclose(ours[:1000], theirs)
        rows.append([f"the reward, analysis of {size}", reward_s, released_s, released_s / reward_s])
    table(
        f"{len(guesses):,} rankings of {n} candidates, CPU seconds",
        ["work", "ours, arrays", "loops over pairs", "ratio"],
        rows,
        formats=["{}", "{:.3f}", "{:.2f}", "{:.1f}x"],
        note="The loops do what the released functions do, each pair looked up in the tiers of an order",
        plot={"kind": "bars", "x": "work", "y": ["ours, arrays", "loops over pairs"], "label": "CPU seconds"},
    )


if __name__ == "__main__":
    main()
