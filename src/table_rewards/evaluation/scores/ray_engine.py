"""Scoring files on a Ray cluster: the rows of :func:`~table_rewards.evaluation.scores.scoring.score_file`, in parts.

The driver cuts the rows into blocks and hands them to a pool of actors through Ray Data. An actor reads its block,
scores it and writes ``part-000007.parquet`` in one step, so a block that is scored twice, because an actor, a node or
the driver died, is the same file again: nothing is lost and nothing is doubled. The same command goes on with the
blocks that have no part yet. The parts in order hold the rows in the order of the file.
"""

from __future__ import annotations

import atexit
import json
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from table_rewards.core.cpus import CPUS
from table_rewards.core.errors import ConfigurationError, TableRewardsError
from table_rewards.core.registry import create
from table_rewards.core.reward import Reward
from table_rewards.core.scores import UNSCORED
from table_rewards.datasets.files import RowSource, UnusableFile
from table_rewards.datasets.files.locations import STANDARD_INPUT
from table_rewards.datasets.files.remote import is_address, shown
from table_rewards.datasets.files.source import Index
from table_rewards.evaluation.scores.layout import Plan, plan
from table_rewards.evaluation.scores.parts import Parts
from table_rewards.evaluation.scores.scoring import score_block
from table_rewards.frameworks.ray_cluster import join_cluster
from table_rewards.llm.settings import WORKERS

BLOCK: Final = 8_192
BLOCKS_AN_ACTOR: Final = 4
MARK: Final = 4_096
"""Rows from one noted beginning of a row to the next in files of lines."""


@dataclass(frozen=True)
class Work:
    """What every actor needs to score a block as the driver would.

    Attributes:
        places: files, folders, patterns or addresses; every node sees them under the same names.
        reward: the registry name, or what a reward of one's own is called.
        options: of the reward.
        completion, reference, prompt, keep: the columns, as in :func:`~table_rewards.evaluation.scores.layout.plan`.
        step: the training step.
        out: the folder of the parts, which every node sees; a path or an address.
        batch_size: rows that are scored at once.
    """

    places: tuple[str, ...]
    reward: str
    options: Mapping[str, Any]
    out: str
    completion: str | None = None
    reference: str | None = None
    prompt: str | None = None
    keep: tuple[str, ...] = ()
    step: int | None = None
    batch_size: int = 1024

    def plan(self, parts: Sequence[str]) -> Plan:
        """How the rows are read; the same on every node."""
        return plan(
            RowSource(*self.places),
            completion=self.completion,
            reference=self.reference,
            prompt=self.prompt,
            keep=self.keep,
            parts=parts,
        )

    def absolute(self) -> Work:
        """The same with whole paths, since the processes of a cluster have other working directories.

        Raises:
            ConfigurationError: standard input is among the places, which other processes do not have.
        """
        if any(place == STANDARD_INPUT or (not is_address(place) and Path(place).is_fifo()) for place in self.places):
            raise ConfigurationError("--engine ray reads files, not standard input nor pipes")
        places = tuple(place if is_address(place) else os.path.abspath(place) for place in self.places)
        return replace(self, places=places, out=self.out if is_address(self.out) else os.path.abspath(self.out))


@dataclass(frozen=True)
class Cluster:
    """Where the work runs.

    Attributes:
        address: of a Ray cluster; None starts one on this machine.
        concurrency: actors; None for one a CPU, or one a node for rewards that run programs or ask models.
        cpus: CPUs that an actor reserves; None for 1, or all of a node.
    """

    address: str | None = None
    concurrency: int | None = None
    cpus: float | None = None


@dataclass
class Run:
    """A run on a cluster: iterate over it to score; then read the rows.

    Attributes:
        work: what is scored.
        cluster: where.
        overwrite: begin anew where the folder holds parts.
        reward: a reward that is made already, for those that the registry does not know.
        total: rows in all.
        done: rows whose parts are there.
        scored, unscored, sum: of this run so far: samples with a value, without one, and the sum of the values.

    Raises:
        ConfigurationError: ray is not installed, no cluster answers, or the folder holds another run's parts.
    """

    work: Work
    cluster: Cluster
    overwrite: bool = False
    reward: Reward[Any] | None = None
    total: int = field(init=False, default=0)
    done: int = field(init=False, default=0)
    scored: int = field(init=False, default=0)
    unscored: int = field(init=False, default=0)
    sum: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.work = self.work.absolute()
        self.made = self.reward or create(self.work.reward, **dict(self.work.options))
        self.plan = self.work.plan(self.made.parts)
        self.content = self.plan.source.fingerprint()
        self.index = None if self.plan.unzips else self.plan.source.indexed(MARK)
        # Columns of lists are counted as the rows that they hold.
        self.total = sum(self.index.rows) if self.index else sum(1 for _ in self.plan.rows())
        self.parts = Parts(self.work.out)
        identity = {
            **{key: value for key, value in asdict(self.work).items() if key not in ("out", "options", "batch_size")},
            "places": [shown(place) if is_address(place) else place for place in self.work.places],
            "signature": self.made.signature,
            "content": self.content,
        }
        record = self._earlier(json.loads(json.dumps(identity)))
        self.block = record["block"] if record else self._block_size()
        if not record:
            self.parts.begin({**identity, "block": self.block, "rows": self.total})

    @property
    def blocks(self) -> int:
        return max(1, -(-self.total // self.block))

    def missing(self) -> list[int]:
        """The blocks that have no part yet."""
        there = self.parts.there()
        return [number for number in range(self.blocks) if number not in there]

    @property
    def mean(self) -> float:
        """Of what this run has scored so far; NaN for nothing."""
        return self.sum / self.scored if self.scored else math.nan

    def __iter__(self) -> Iterator[int]:
        """Score what is missing; yield the rows of a block as it is done.

        Raises:
            UnusableFile: the file has no references or completions that can be read, or differs on another node.
            ConfigurationError: an actor cannot work.
        """
        missing = self.missing()
        self.done = self.total - sum(self._rows_of(number) for number in missing)
        if not missing:
            return
        ray = _ray(self.cluster.address)
        actors, cpus = self._size(ray, len(missing))
        blocks = [
            {"number": number, "start": number * self.block, "stop": min(self.total, (number + 1) * self.block)}
            for number in missing
        ]
        limits = {WORKERS: str(actors)}
        if self.cluster.cpus is not None or not _has_own_workers(self.made):
            limits[CPUS] = str(max(1, int(cpus)))  # an actor that has a node for itself uses all of it
        rows = ray.data.from_items(blocks, override_num_blocks=len(blocks)).map_batches(
            BlockScorer,
            fn_constructor_args=(asdict(self.work), self.reward, self.content, self.index, limits),
            batch_size=1,
            concurrency=actors,
            num_cpus=cpus,
        )
        for batch in rows.iter_batches(batch_size=1, batch_format="numpy"):
            problem = str(batch["problem"][0])
            if problem:
                raise UnusableFile(self.plan.name, problem.removeprefix(f"{self.plan.name}: "))
            count = int(batch["rows"][0])
            self.done += count
            self.scored += int(batch["scored"][0])
            self.unscored += int(batch["unscored"][0])
            self.sum += float(batch["sum"][0])
            yield count
        self.parts.tidy()

    def rows(self) -> Iterator[dict[str, Any]]:
        """All score rows, in the order of the file."""
        for number in range(self.blocks):
            yield from self.parts.rows(number)

    def _rows_of(self, number: int) -> int:
        return min(self.total, (number + 1) * self.block) - number * self.block

    def _block_size(self) -> int:
        """Blocks small enough that all actors have work, and no smaller than a few batches."""
        actors = self.cluster.concurrency or os.cpu_count() or 1
        return max(1, min(BLOCK, max(self.work.batch_size, -(-self.total // (BLOCKS_AN_ACTOR * actors)))))

    def _size(self, ray: Any, blocks: int) -> tuple[int, float]:
        nodes = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
        actors, cpus = pool_size(
            [count for count in nodes if count >= 1], self.cluster.cpus, _has_own_workers(self.made)
        )
        return min(self.cluster.concurrency or actors, blocks), cpus

    def _earlier(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        if self.overwrite:
            self.parts.clear()
            return None
        told = self.parts.record()
        if told is None:
            if self.parts.there():
                raise ConfigurationError(
                    f"{self.parts.name} holds parts and nothing says how they were made; add --overwrite"
                )
            return None
        for key, value in identity.items():
            if told.get(key) != value:
                raise ConfigurationError(
                    f"{self.parts.name} was made with another {key} ({told.get(key)}, now {value}); name another --out "
                    "or add --overwrite"
                )
        return told


def pool_size(nodes: Sequence[float], cpus: float | None, own_workers: bool) -> tuple[int, float]:
    """How many actors a cluster takes, and how many CPUs each reserves.

    Args:
        nodes: the CPUs of each node.
        cpus: what the user wants an actor to have.
        own_workers: an actor keeps a pool of processes of its own or waits on models, so a node takes one.

    >>> pool_size([8, 8], None, False), pool_size([8, 8], 4, False)
    ((16, 1.0), (4, 4))
    >>> pool_size([64, 64], None, True), pool_size([2, 2], None, True), pool_size([4, 64], None, True)
    ((2, 63), (2, 2), (1, 33))
    """
    if not own_workers or cpus is not None:
        each = cpus or 1.0
        return max(1, int(sum(count // each for count in nodes))), each
    largest = max(nodes, default=1.0)
    each = max(largest // 2 + 1, min(nodes, default=1.0) - 1) if largest > 1 else 1.0
    return max(1, sum(count >= each for count in nodes)), each


class BlockScorer:
    """An actor: scores one block after another and writes a part for each.

    Args:
        work: what is scored, as a mapping.
        reward: one that is made already; None for the registry's.
        content: what the files hold, to notice others under the same names.
        index: where rows begin.
        limits: environment variables of this process: its share of the machine and of the limits of requests.
    """

    def __init__(
        self,
        work: Mapping[str, Any],
        reward: Reward[Any] | None,
        content: str,
        index: Index | None,
        limits: Mapping[str, str],
    ) -> None:
        for name, value in limits.items():
            os.environ.setdefault(name, value)
        self.work = Work(**work)
        self.reward = reward or create(self.work.reward, **dict(self.work.options))
        self.floats = ("score", *self.reward.parts)
        self.parts = Parts(self.work.out)
        self.content, self.index = content, index
        self._plan: Plan | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Score blocks; say how many rows each has and what went wrong, since Ray wraps errors beyond recognition."""
        told: dict[str, list[Any]] = {"rows": [], "problem": [], "scored": [], "unscored": [], "sum": []}
        there = self.parts.there()  # written before the actor that had them died
        for number, start, stop in zip(*(batch[name].tolist() for name in ("number", "start", "stop")), strict=True):
            counts, problem = (0, 0, 0.0), ""
            if number not in there:
                try:
                    counts = self._write(number, start, stop)
                except (TableRewardsError, OSError) as error:
                    problem = str(error) or type(error).__name__
            for name, value in zip(told, (stop - start, problem, *counts), strict=True):
                told[name].append(value)
        return {"number": batch["number"], **told}

    def _how(self) -> Plan:
        if self._plan is None:
            found = self.work.plan(self.reward.parts)
            if found.source.fingerprint() != self.content:
                raise UnusableFile(found.name, "holds something else here than where the command runs")
            found.source.index = self.index
            self._plan = found
        return self._plan

    def _write(self, number: int, start: int, stop: int) -> tuple[int, int, float]:
        scored = unscored = 0
        total = 0.0
        how = self._how()
        with self.parts.writing(number) as writer:
            for rows in score_block(
                self.reward, how, start, stop, batch_size=self.work.batch_size, step=self.work.step
            ):
                for row in rows:
                    if row["score"] is not None:
                        scored += 1
                        total += row["score"]
                    unscored += row["status"] == UNSCORED
                    for name in self.floats:
                        row[name] = float("nan") if row[name] is None else float(row[name])
                writer.write(rows)
        return scored, unscored, total


def _has_own_workers(reward: Reward[Any]) -> bool:
    """Whether one instance uses a whole machine: it waits on models, or keeps a pool of processes of its own."""
    return reward.waits or bool(getattr(reward, "symbolic", False))


def _ray(address: str | None) -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ConfigurationError(f"--engine ray needs Ray Data: pip install 'table-rewards[ray]' ({error})") from None
    if not ray.is_initialized():
        os.environ.setdefault("RAY_DEDUP_LOGS", "0")
        join_cluster(ray, address, **({} if address else {"_temp_dir": _temporary(ray)}))
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    return ray


def _temporary(ray: Any) -> str:
    """A folder for what Ray writes beside its work, gone when this process ends."""
    folder = tempfile.mkdtemp(prefix="ray-")

    def leave() -> None:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(leave)
    return folder
