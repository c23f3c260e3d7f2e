"""TEDS against its peers: whole pairs with parsing, by size of the table, and the batch of a GRPO step. One process.

    python benchmarks/bench_teds.py               # a minute; the published code up to 450 cells
    python benchmarks/bench_teds.py --full        # some five minutes; the published code up to 1,000 cells

CPU time, the best of several runs. Peers that are not installed are left out with a line: docling-metrics-table,
table_recognition_metric, numba (for a compiled kernel).
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from figures import left_out, table
from table_rewards.rewards.table_similarity import TEDS
from table_rewards.rewards.table_similarity import base as table_reward
from table_rewards.tables.formats.find import find_tables
from table_rewards.tables.table import Table
from table_rewards.tables.tree_distance.similarity import similarity
from table_rewards.tables.trees.normalisation import tree_of
from table_variants import real_tables, variants
from teds_published_way import published_teds

Pair = tuple[str, str]
SIZES = (40, 100, 200, 400, 1_000, 1_450)
KINDS = ("light_typos", "dropped_rows", "wrong_spans", "split_rows")
OURS = "table_rewards"
PUBLISHED = "the published code (apted)"
COMPILED = "compiled kernel (numba)"


def ours(pairs: Sequence[Pair]) -> list[float]:
    """Through the public entry point, with the structure part, the reference parsed anew."""
    table_reward.first_table.cache_clear()
    reward = TEDS(normalisation="omnidocbench", denominator="pubtabnet")
    return reward([p for p, _ in pairs], [r for _, r in pairs]).values.tolist()


def published(pairs: Sequence[Pair]) -> list[float]:
    return [max(0.0, published_teds(*pair)) for pair in pairs]


def compiled(pairs: Sequence[Pair]) -> list[float]:
    """The compiled kernel behind our parser; equal completions once, references parsed once."""
    from teds_compiled import compiled_distance

    references: dict[str, Any] = {}
    known: dict[Pair, float] = {}
    for prediction, reference in pairs:
        if reference not in references:
            references[reference] = tree_of(find_tables(reference)[0], "omnidocbench")
        if (prediction, reference) in known:
            continue
        found = find_tables(prediction)
        one = tree_of(found[0], "omnidocbench") if found else None
        two = references[reference]
        score = 0.0
        if one is not None:
            distance = 0.0 if one == two else compiled_distance(one, two)
            score = max(0.0, similarity(distance, one, two, "pubtabnet"))
        known[prediction, reference] = score
    return [known[pair] for pair in pairs]


def docling(pairs: Sequence[Pair]) -> list[float]:
    """Another metric: two cell texts are equal or not."""
    from docling_metrics_table import TableMetric
    from docling_metrics_table import TableMetricHTMLInputSample as Sample
    from docling_metrics_table.docling_metrics_table import TableMetricKind

    metric = TableMetric([TableMetricKind.TEDS])
    scores = []
    for number, (prediction, reference) in enumerate(pairs):
        sample = Sample(id=str(number), html_a=prediction, html_b=reference)
        scores.append(float(metric.evaluate_sample(sample).teds.teds))
    return scores


def recognition_metric(pairs: Sequence[Pair]) -> list[float]:
    from table_recognition_metric import TEDS as Peer

    metric = Peer()
    return [float(metric(f"<html><body>{r}</body></html>", f"<html><body>{p}</body></html>")) for p, r in pairs]


PEERS: dict[str, tuple[str | None, Callable[[Sequence[Pair]], list[float]], int]] = {
    # name: (module that it needs, scores, largest table in cells that it is given)
    OURS: (None, ours, 10**9),
    PUBLISHED: (None, published, 450),
    COMPILED: ("numba", compiled, 10**9),
    "docling-metrics-table (C++, texts equal or not)": ("docling_metrics_table", docling, 10**9),
    "table_recognition_metric (apted)": ("table_recognition_metric", recognition_metric, 250),
}


def cpu_ms(scores: Callable[[Sequence[Pair]], list[float]], pairs: Sequence[Pair], repeat: int) -> float:
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        scores(pairs)
        best = min(best, time.process_time() - start)
        if best > 1.0:
            break
    return best * 1_000


def installed() -> dict[str, tuple[Callable[[Sequence[Pair]], list[float]], int]]:
    found = {}
    for name, (module, scores, limit) in PEERS.items():
        if module is not None and importlib.util.find_spec(module) is None:
            left_out(name, "it is not installed here")
            continue
        try:
            scores([("<table><tr><td>a</td></tr></table>", "<table><tr><td>b</td></tr></table>")])
        except Exception as error:  # a peer's interface has changed: say so, measure the others
            if name == OURS:
                raise
            left_out(name, f"{type(error).__name__}: {error}")
            continue
        found[name] = (scores, limit)
    return found


def pairs_of_size(cells: int, tables: Sequence[Table]) -> list[Pair]:
    nearest = sorted(tables, key=lambda one: abs(one.size - cells))[: 2 if cells < 900 else 1]
    pairs = []
    for seed, one in enumerate(nearest):
        made = variants(one, seed)
        pairs += [(made[kind], made["identical"]) for kind in (KINDS if cells < 300 else KINDS[seed::2])]
    return pairs[: 8 if cells < 300 else 4 if cells < 900 else 1]


def by_size(peers: dict[str, Any], full: bool) -> None:
    tables = [one for _, one in real_tables("wikitablequestions")]
    rows = []
    for size in SIZES:
        pairs = pairs_of_size(size, tables)
        cells = round(sum(reference.count("<t") - reference.count("<tr") - 1 for _, reference in pairs) / len(pairs))
        row: dict[str, float | None] = {"cells of the table": cells}
        for name, (scores, limit) in peers.items():
            if full and name == PUBLISHED:
                limit = 1_100
            row[name] = cpu_ms(scores, pairs, 7) / len(pairs) if cells <= limit else None
        published = row[PUBLISHED]
        row["published / ours"] = None if published is None else published / row[OURS]
        rows.append(row)
        print(f"  {cells:,} cells done", flush=True)
    columns = list(rows[0])
    table(
        "One pair of tables, parsing included",
        columns,
        [list(row.values()) for row in rows],
        formats=["{:,}", *["{:,.2f} ms"] * (len(columns) - 2), "{:,.0f}x"],
        note="CPU milliseconds a pair, the mean over damaged real tables. Ours gives S-TEDS, too",
        plot={
            "kind": "lines", "x": "cells of the table", "y": [*peers], "log": True,
            "label": "CPU milliseconds a pair",
        },
    )  # fmt: skip


def batch(low: int, high: int, seed: int) -> list[Pair]:
    """8 prompts x 8 completions: damaged tables, one right, one twice."""
    rng = random.Random(seed)
    pool = [t for _, t in real_tables("wikitablequestions", "pubtabnet") if low <= t.size < high]
    pairs = []
    for one in rng.sample(pool, 8):
        made = variants(one, rng.randrange(1_000), [other for other in pool if other is not one])
        kinds = rng.sample([kind for kind in made if kind != "identical"], 6)
        pairs += [(made[kind], made["identical"]) for kind in ("identical", *kinds, rng.choice(kinds))]
    return pairs


def differences(pairs: Sequence[Pair]) -> str:
    """How far our scores are from the published code's, and whether that is what docs/rewards/teds.md says it is."""
    scores = ours(pairs)
    mended = [max(0.0, published_teds(*pair, mended=True)) for pair in pairs]
    released = max(abs(a - b) for a, b in zip(scores, published(pairs), strict=True))
    left = max(abs(a - b) for a, b in zip(scores, mended, strict=True))
    return f"largest difference {released:.1e}; {left:.1e} once entities are resolved once and cut tags dropped there"


def batches(peers: dict[str, Any], full: bool) -> None:
    rows = []
    for low, high, seed in ((20, 150, 1), (40, 200, 2), (20, 300, 3), (500, 1_500, 4)):
        pairs = batch(low, high, seed)
        took = cpu_ms(ours, pairs, 9)
        kernel = cpu_ms(compiled, pairs, 9) if COMPILED in peers else None
        plain = cpu_ms(published, pairs, 1) if low < 500 and (full or seed == 1) else None
        said = differences(pairs) if full and plain is not None else ""
        ratio = None if plain is None else plain / took
        rows.append([f"{low} to {high}", took, kernel, plain, ratio, *([said] if full else [])])
        print(f"  tables of {low} to {high} cells done", flush=True)
    table(
        "A GRPO batch: 8 prompts x 8 completions",
        ["cells", OURS, COMPILED, PUBLISHED, "published / ours", *(["scores"] if full else [])],
        rows,
        formats=["{}", *["{:,.1f} ms"] * 3, "{:,.0f}x"],
        note="CPU milliseconds a batch",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--full", action="store_true", help="give the published code tables of 1,000 cells, and every batch"
    )
    options = parser.parse_args()
    peers = installed()
    by_size(peers, options.full)
    batches(peers, options.full)


if __name__ == "__main__":
    main()
