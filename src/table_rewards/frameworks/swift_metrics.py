"""What ms-swift does not log: parts of rewards, unscored shares, and how the reader fares.

``record`` is called by our swift rewards with each batch of scores; it costs microseconds and needs no swift.
``install`` registers a callback that puts the numbers since the last log into swift's own, so that they reach
logging.jsonl and every reporter. On ms-swift 3.x the plugin file is enough; on 4.x also say
``--callbacks table_rewards``.

Logged, for the rewards of the process that logs (rank 0):
    table_rewards/<reward>/<part>      mean of a part over the scored samples
    table_rewards/<reward>/unscored    share of samples that could not be scored
    table_rewards/<reward>/unparsed    share of samples without an answer
    table_rewards/llm/<counter>        requests, retries, failures, cache_hits ... since the last log
    table_rewards/llm/latency_p50_s    and p90, p99, of the last 4,096 replies
"""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from table_rewards.core.scores import UNPARSED, UNSCORED, Scores

PREFIX: Final = "table_rewards"
CALLBACK: Final = "table_rewards"
_GAUGES: Final = ("latency_", "peak_", "in_flight", "endpoints")


class Tally:
    """Sums since the last ``drain``. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[str, float] = defaultdict(float)
        self._counts: dict[str, int] = defaultdict(int)
        self._before: dict[str, float] = {}

    def record(self, reward: str, scores: Scores) -> None:
        """Add a batch.

        >>> from table_rewards.core.scores import Judgement
        >>> tally = Tally()
        >>> tally.record("qa_f1", Scores.of([Judgement(1.0, (0.5,)), Judgement.unscored("down", 1)], ("answered",)))
        >>> tally.drain()
        {'table_rewards/qa_f1/answered': 0.5, 'table_rewards/qa_f1/unscored': 0.5, 'table_rewards/qa_f1/unparsed': 0.0}
        """
        with self._lock:
            for part, column in scores.parts.items():
                known = column[~np.isnan(column)]
                self._add(f"{reward}/{part}", float(known.sum()), known.size)
            for status in (UNSCORED, UNPARSED):
                self._add(f"{reward}/{status}", float(scores.counts[status]), len(scores))

    def drain(self, usage: Mapping[str, float] | None = None) -> dict[str, float]:
        """Means since the last call, and the growth of the LLM's counters in ``usage`` since then."""
        with self._lock:
            numbers = {f"{PREFIX}/{name}": self._sums[name] / n for name, n in self._counts.items() if n}
            self._sums.clear()
            self._counts.clear()
            for name, value in (usage or {}).items():
                gauge = name.startswith(_GAUGES)
                numbers[f"{PREFIX}/llm/{name}"] = value if gauge else value - self._before.get(name, 0.0)
            self._before = dict(usage or self._before)
        return numbers

    def _add(self, name: str, value: float, count: int) -> None:
        self._sums[name] += value
        self._counts[name] += count


TALLY: Final = Tally()
record = TALLY.record


def llm_usage() -> dict[str, float]:
    """The usage of this process's pools; empty when no reward has asked a model."""
    pool = sys.modules.get("table_rewards.llm.pool")
    usage: dict[str, float] = pool.process_usage() if pool is not None else {}
    return usage if usage.get("requests") else {}


def install() -> None:
    """Register the callback with the swift that is installed, 3.x or 4.x; a second call does nothing."""
    from transformers import TrainerCallback

    class TableRewardsMetrics(TrainerCallback):  # type: ignore[misc]
        def __init__(self, *_: Any) -> None:  # 4.x passes (args, trainer)
            pass

        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any
        ) -> None:
            if logs is not None and "reward" in logs:
                logs.update(TALLY.drain(llm_usage()))

    try:
        from swift.callbacks import callbacks_map
    except ImportError:
        from swift.plugin.callback import extra_callbacks

        if not any(type(callback).__name__ == TableRewardsMetrics.__name__ for callback in extra_callbacks):
            extra_callbacks.append(TableRewardsMetrics())
    else:
        callbacks_map.setdefault(CALLBACK, TableRewardsMetrics)
