"""TEDS against its peers: whole pairs with parsing, by size of the table, and the batch of a GRPO step. One process.

    python benchmarks/bench_teds.py               # a minute; the published code up to 450 cells
    python benchmarks/bench_teds.py --full        # some five minutes; the published code up to 1,000 cells
    python benchmarks/bench_teds.py --plot        # also writes docs/images/teds_speed.svg

CPU time, the best of several runs. Peers that are not installed are left out with a line: docling-metrics-table,
table_recognition_metric, numba (for a compiled kernel).
"""

from __future__ import annotations

import argparse
import importlib.util
import pathlib
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

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
IMAGE = pathlib.Path(__file__).parent.parent / "docs" / "images" / "teds_speed.svg"
OURS = "table_rewards"
PUBLISHED = "the published code (apted)"
COMPILED = "compiled kernel (numba)"


def ours(pairs: Sequence[Pair]) -> list[float]:
    """Through the public entry point, with the structure part, the reference parsed anew."""
    table_reward._first_table.cache_clear()
    reward = TEDS(normalisation="omnidocbench", denominator="pubtabnet")
    return reward([p for p, _ in pairs], [r for _, r in pairs]).values.tolist()


def ours_alone(pairs: Sequence[Pair]) -> list[float]:
    """The same without S-TEDS, which no peer computes at the same time."""
    table_reward._first_table.cache_clear()
    reward = TEDS(normalisation="omnidocbench", denominator="pubtabnet")
    reward.parts = ("teds",)
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
            print(f"left out, not installed: {name}")
            continue
        try:
            scores([("<table><tr><td>a</td></tr></table>", "<table><tr><td>b</td></tr></table>")])
        except Exception as error:  # a peer's interface has changed: say so, measure the others
            print(f"left out: {name}: {type(error).__name__}: {error}")
            continue
        found[name] = (scores, limit)
    return found


def pairs_of_size(cells: int, tables: Sequence[Table]) -> list[Pair]:
    nearest = sorted(tables, key=lambda table: abs(table.size - cells))[: 2 if cells < 900 else 1]
    pairs = []
    for seed, table in enumerate(nearest):
        made = variants(table, seed)
        pairs += [(made[kind], made["identical"]) for kind in (KINDS if cells < 300 else KINDS[seed::2])]
    return pairs[: 8 if cells < 300 else 4 if cells < 900 else 1]


def by_size(peers: dict[str, Any], full: bool) -> dict[str, list[tuple[int, float]]]:
    tables = [table for _, table in real_tables("wikitablequestions")]
    curves: dict[str, list[tuple[int, float]]] = {name: [] for name in peers}
    print("\nOne pair, parsing included, CPU ms (mean over damaged real tables); x: the published code / ours")
    for size in SIZES:
        pairs = pairs_of_size(size, tables)
        cells = round(sum(reference.count("<t") - reference.count("<tr") - 1 for _, reference in pairs) / len(pairs))
        line = f"{cells:>6} cells"
        for name, (scores, limit) in peers.items():
            if full and name == PUBLISHED:
                limit = 1_100
            if cells <= limit:
                value = cpu_ms(scores, pairs, 7) / len(pairs)
                curves[name].append((cells, value))
                line += f" | {name.split(' (')[0]} {value:.2f}"
        if curves[PUBLISHED] and curves[PUBLISHED][-1][0] == cells:
            alone = cpu_ms(ours_alone, pairs, 7) / len(pairs)
            line += f" | x {curves[PUBLISHED][-1][1] / curves[OURS][-1][1]:.0f}"
            line += f", without S-TEDS {alone:.2f}, x {curves[PUBLISHED][-1][1] / alone:.0f}"
        print(line, flush=True)
    return curves


def batch(low: int, high: int, seed: int) -> list[Pair]:
    """8 prompts x 8 completions: damaged tables, one right, one twice."""
    rng = random.Random(seed)
    pool = [t for _, t in real_tables("wikitablequestions", "pubtabnet") if low <= t.size < high]
    pairs = []
    for table in rng.sample(pool, 8):
        made = variants(table, rng.randrange(1_000), [other for other in pool if other is not table])
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
    print("\nA GRPO batch, 8 prompts x 8 completions, CPU ms")
    for low, high, seed in ((20, 150, 1), (40, 200, 2), (20, 300, 3), (500, 1_500, 4)):
        pairs = batch(low, high, seed)
        took = {name: cpu_ms(peers[name][0], pairs, 9) for name in (OURS, COMPILED) if name in peers}
        alone = cpu_ms(ours_alone, pairs, 9)
        line = f"{low:>5} to {high} cells | ours {took[OURS]:.1f}, without S-TEDS {alone:.1f}"
        if COMPILED in took:
            ratios = took[OURS] / took[COMPILED], alone / took[COMPILED]
            line += f" | compiled {took[COMPILED]:.1f}, ours / compiled {ratios[0]:.2f} and {ratios[1]:.2f}"
        if low < 500 and (full or seed == 1):
            value = cpu_ms(published, pairs, 1)
            line += f" | the published code {value:,.0f}, x {value / took[OURS]:.0f}"
            line += f" ({differences(pairs)})" if full else ""
        print(line, flush=True)


def plot(curves: dict[str, list[tuple[int, float]]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "table-rewards"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 4.4))
    for name, points in curves.items():
        if points:
            width = 2.4 if name == OURS else 1.3
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3.5, linewidth=width, label=name)
    axes.set(
        xscale="log", yscale="log", xlabel="cells of the table", ylabel="CPU milliseconds a pair, parsing included"
    )
    axes.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
    axes.minorticks_off()
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(IMAGE, bbox_inches="tight", metadata={"Date": None})
    print(f"\nwrote {IMAGE}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--full", action="store_true", help="give the published code tables of 1,000 cells, and every batch"
    )
    parser.add_argument("--plot", action="store_true", help="write docs/images/teds_speed.svg")
    options = parser.parse_args()
    peers = installed()
    curves = by_size(peers, options.full)
    batches(peers, options.full)
    if options.plot:
        plot(curves)


if __name__ == "__main__":
    main()
