"""Scoring files on a Ray cluster: the rows of :func:`~table_rewards.evaluation.scores.scoring.score_file`, in parts.

The driver cuts the rows into blocks and hands them to a pool of actors through Ray Data. An actor reads its block,
scores it and writes ``part-000007.parquet`` in one step, so a block that is scored twice, because an actor, a node or
the driver died, is the same file again: nothing is lost and nothing is doubled. The same command goes on with the
blocks that have no part yet. The parts in order hold the rows in the order of the file.
"""

from __future__ import annotations

import inspect
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from table_rewards.core.errors import ConfigurationError, TableRewardsError
from table_rewards.core.registry import create, find
from table_rewards.core.reward import Reward
from table_rewards.datasets.files import RowSource, RowWriter, UnusableFile, read_rows
from table_rewards.datasets.files.remote import is_address, local_copies
from table_rewards.evaluation.scores.layout import Plan, plan
from table_rewards.evaluation.scores.scoring import score_block

RECORD: Final = "_run.json"
BLOCK: Final = 8_192
BLOCKS_AN_ACTOR: Final = 4


@dataclass(frozen=True)
class Work:
    """What every actor needs to score a block as the driver would.

    Attributes:
        places: files, folders, patterns or addresses.
        reward: the registry name.
        options: of the reward.
        completion, reference, prompt, keep: the columns, as in :func:`~table_rewards.evaluation.scores.layout.plan`.
        step: the training step.
        out: the folder of the parts, which every node sees.
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
        source = RowSource(*_local(self.places))
        return plan(
            source,
            completion=self.completion,
            reference=self.reference,
            prompt=self.prompt,
            keep=self.keep,
            parts=parts,
        )


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

    Raises:
        ConfigurationError: ray is not installed, no cluster answers, or the folder holds another run's parts.
    """

    work: Work
    cluster: Cluster
    overwrite: bool = False
    total: int = field(init=False, default=0)
    done: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        reward = create(self.work.reward, **dict(self.work.options))
        self.plan = how = self.work.plan(reward.parts)
        self.reward = reward
        self.total = _count(how)
        self.folder = Path(self.work.out)
        identity = {
            **{key: value for key, value in asdict(self.work).items() if key not in ("out", "options", "batch_size")},
            "signature": reward.signature,
            "content": how.source.fingerprint(),
        }
        record = self._earlier(json.loads(json.dumps(identity)))
        self.block = record["block"] if record else self._block_size()
        if not record:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self.folder / RECORD, {**identity, "block": self.block, "rows": self.total})

    @property
    def blocks(self) -> int:
        return max(1, -(-self.total // self.block))

    def missing(self) -> list[int]:
        """The blocks that have no part yet."""
        return [number for number in range(self.blocks) if not _part(self.work.out, number).exists()]

    def __iter__(self) -> Iterator[int]:
        """Score what is missing; yield the rows of a block as it is done."""
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
        work = asdict(self.work) | {"options": _shared_out(self.work.reward, self.work.options, actors)}
        rows = ray.data.from_items(blocks, override_num_blocks=len(blocks)).map_batches(
            BlockScorer, fn_constructor_args=(work, cpus), batch_size=1, concurrency=actors, num_cpus=cpus
        )
        for batch in rows.iter_batches(batch_size=1, batch_format="numpy"):
            problem = str(batch["problem"][0])
            if problem:
                raise UnusableFile(self.plan.name, problem.removeprefix(f"{self.plan.name}: "))
            count = int(batch["rows"][0])
            self.done += count
            yield count

    def rows(self) -> Iterator[dict[str, Any]]:
        """All score rows, in the order of the file."""
        for number in range(self.blocks):
            yield from read_rows(_part(self.work.out, number))

    def _rows_of(self, number: int) -> int:
        return min(self.total, (number + 1) * self.block) - number * self.block

    def _block_size(self) -> int:
        """Blocks small enough that all actors have work, and no smaller than a few batches."""
        actors = self.cluster.concurrency or os.cpu_count() or 1
        return max(1, min(BLOCK, max(self.work.batch_size, -(-self.total // (BLOCKS_AN_ACTOR * actors)))))

    def _size(self, ray: Any, blocks: int) -> tuple[int, float]:
        nodes = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
        nodes = [count for count in nodes if count >= 1]
        alone = self.cluster.cpus is None and _has_own_workers(self.reward)
        cpus = self.cluster.cpus or (max(1.0, min(nodes, default=1.0) - 1) if alone else 1.0)
        # One CPU stays free for the tasks that hand out the blocks.
        room = max(1, int(sum(count // cpus for count in nodes) - (0 if alone else 1)))
        return min(self.cluster.concurrency or room, blocks), cpus

    def _earlier(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        record = self.folder / RECORD
        parts = sorted(self.folder.glob("part-*.parquet")) if self.folder.is_dir() else []
        if self.folder.exists() and not self.folder.is_dir():
            raise ConfigurationError(f"{self.folder} is a file; --engine ray writes a folder of parts")
        if self.overwrite:
            for path in (*parts, record):
                path.unlink(missing_ok=True)
            return None
        if not record.exists():
            if parts:
                raise ConfigurationError(
                    f"{self.folder} holds parts and nothing says how they were made; add --overwrite"
                )
            return None
        told: dict[str, Any] = json.loads(record.read_text("utf-8"))
        for key, value in identity.items():
            if told.get(key) != value:
                raise ConfigurationError(
                    f"{self.folder} was made with another {key} ({told.get(key)}, now {value}); name another --out or "
                    "add --overwrite"
                )
        return told


class BlockScorer:
    """An actor: scores one block after another and writes a part for each."""

    def __init__(self, work: Mapping[str, Any], cpus: float) -> None:
        os.environ.setdefault("TABLE_REWARDS_MATH_WORKERS", str(max(1, int(cpus))))
        self.work = Work(**work)
        self.reward = create(self.work.reward, **dict(self.work.options))
        self.floats = ("score", *self.reward.parts)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        counts, problems = [], []
        for number, start, stop in zip(*(batch[name].tolist() for name in ("number", "start", "stop")), strict=True):
            counts.append(stop - start)
            problems.append("")
            path = _part(self.work.out, number)
            if path.exists():  # written before the actor that had it died
                continue
            try:
                self._write(path, start, stop)
            except TableRewardsError as error:  # Ray would wrap it beyond recognition
                problems[-1] = str(error)
        return {"number": batch["number"], "rows": counts, "problem": problems}

    def _write(self, path: Path, start: int, stop: int) -> None:
        how = self.work.plan(self.reward.parts)
        with RowWriter(path) as writer:
            for scored in score_block(
                self.reward, how, start, stop, batch_size=self.work.batch_size, step=self.work.step
            ):
                for row in scored:
                    for name in self.floats:
                        row[name] = float("nan") if row[name] is None else float(row[name])
                writer.write(scored)


def _part(out: str, number: int) -> Path:
    return Path(out) / f"part-{number:06d}.parquet"


def _count(how: Plan) -> int:
    """The rows that scoring will see; columns of lists are counted as the rows they hold."""
    return sum(1 for _ in how.rows()) if how.unzips else how.source.count()


def _local(places: Sequence[str]) -> list[str]:
    found: list[str] = []
    for place in places:
        found += map(str, local_copies(place)) if is_address(place) else [place]
    return found


def _shared_out(name: str, options: Mapping[str, Any], actors: int) -> dict[str, Any]:
    """The options of one actor: what limits requests to endpoints is divided among them."""
    shared = dict(options)
    parameters = inspect.signature(find(name).__init__).parameters
    for limit in ("max_in_flight",):
        if limit in parameters:
            whole = int(options.get(limit) or parameters[limit].default)
            shared[limit] = max(1, whole // actors)
    return shared


def _has_own_workers(reward: Reward[Any]) -> bool:
    """Whether one instance uses a whole machine: it waits on models, or keeps a pool of processes of its own."""
    return reward.waits or bool(getattr(reward, "symbolic", False))


def _write(path: Path, record: Mapping[str, Any]) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(fresh, path)


def _ray(address: str | None) -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ConfigurationError(f"--engine ray needs Ray Data: pip install 'table-rewards[ray]' ({error})") from None
    if not ray.is_initialized():
        os.environ.setdefault("RAY_DEDUP_LOGS", "0")
        try:
            ray.init(
                address=address or "local",
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                **({} if address else {"_temp_dir": _temporary()}),
            )
        except (ConnectionError, ValueError) as error:
            raise ConfigurationError(f"no Ray cluster at {address}: {error}") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    return ray


def _temporary() -> str:
    return tempfile.mkdtemp(prefix="ray-")
