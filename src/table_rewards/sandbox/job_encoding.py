"""Jobs as the bytes that a supervisor and a child read, and their answers as outcomes."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from table_rewards.sandbox.jobs import Job
from table_rewards.sandbox.outcomes import ItemStatus, Outcome, Status, TestResult
from table_rewards.sandbox.values import Value, missing
from table_rewards.sandbox.worker import wire

MB = 1 << 20
SEAL: Final = secrets.token_bytes(16)  # what the tests' process signs its verdicts with; no code ever holds it
MAX_RESULT = 256 * MB
ONE_BY_ONE = ("stdins", "calls", "exprs", "tests")
DATA_MODULES = ("pandas", "numpy", "scipy")
CHART_MODULES = ("matplotlib", "seaborn", "pylab", "plotly")


def flavour_of(job: Job) -> str:
    """The warm interpreter for a job: by the modules that its code mentions. Cheap, and a wrong guess is harmless."""
    if job.flavour != "auto" and (job.flavour != "bare" or job.kind != "tests"):
        return job.flavour
    text = job.code if job.kind != "tests" else f"{job.code}\n{job.entry}"
    if job.flavour == "auto" and any(name in text for name in CHART_MODULES):
        return "charts"
    if job.flavour == "auto" and any(name in text for name in DATA_MODULES):
        return "data"
    if job.kind != "tests":
        return "bare"
    return "pairs" if json.loads(job.entry)["framework"] == "statements" else "tests"


def encode_job(job: Job, number: int) -> bytes:
    """The header for the supervisor, then one payload for the child (``Job.tests``: two, for two children)."""
    limits = job.limits
    out, result = limits.out_bytes, limits.result_bytes
    if job.kind == "stdins":
        result = min(MAX_RESULT, max(result, min(32 * MB, job.count * (out + 1024))))
    header = {
        "id": number,
        "kind": job.kind,
        "count": job.count,
        "items": job.count if job.kind in ONE_BY_ONE else 0,
        "cpu": limits.cpu_s,
        "wall": limits.wall,
        "mem": limits.mem_mb * MB,
        "out": out,
        "res": result,
        "file": limits.file_mb * MB,
        "disk": limits.disk_mb * MB,
        "threads": limits.threads,
        "recursion": limits.recursion,
    }
    return wire.message(header, *payloads(job))


def one_process_payload(job: Job) -> bytes:
    """The job for a process that runs alone; ``Job.tests`` then has its tests beside the code, which can forge them."""
    if job.kind != "tests":
        return payloads(job)[0]
    parts = [job.code.encode("utf-8", "surrogatepass"), *(data for _, data in job.files)]
    files = [(name, 1 + i) for i, (name, _) in enumerate(job.files)]
    return wire.message({**_tests(job), "kind": "tests", "files": files}, *parts)


def _tests(job: Job) -> dict[str, Any]:
    return {"items": job.items, **json.loads(job.entry), "seal": SEAL.hex()}


def payloads(job: Job) -> list[bytes]:
    """What the child reads (``Job.tests``: the code's and the tester's)."""
    parts = [job.code.encode("utf-8", "surrogatepass"), *(data for _, data in job.files)]
    spec: dict[str, Any] = {"kind": job.kind, "files": [(name, 1 + i) for i, (name, _) in enumerate(job.files)]}
    if job.kind == "script":
        spec["stdin"] = len(parts)
        return [wire.message(spec, *parts, *job.inputs)]
    if job.kind == "stdins":
        spec["stdins"] = [(index, len(parts) + index) for index in range(len(job.inputs))]
        spec["out"] = job.limits.out_bytes
        return [wire.message(spec, *parts, *job.inputs)]
    if job.kind == "tests":
        tester = {"kind": "tester", **_tests(job)}
        return [wire.message({**spec, "kind": "candidate"}, *parts), wire.message(tester)]
    return [wire.message({**spec, "entry": job.entry, "items": job.items}, *parts)]


def decode_outcome(job: Job, header: dict[str, Any], parts: list[bytes]) -> Outcome:
    """What a supervisor reported about a job."""
    stderr = parts[1].decode("utf-8", "replace")
    status = header["status"]
    note = header["note"]
    if status == "error" and not note:
        note = last_line(stderr) or f"exit code {header['code']}"
    results: tuple[TestResult, ...] = ()
    values: tuple[Value, ...] = ()
    frames: list[bytes] = []
    if job.kind != "script":
        frames = wire.frames(parts[2])[0]
        if job.kind in ("stdins", "tests"):
            if job.kind == "tests":
                frames = [frame[:1] + frame[17:] for frame in frames if frame[1:17] == SEAL]
            results = _results(job, frames, status, note)
        else:
            values = _values(job, frames, status, note)
    return Outcome(
        status=status,
        stdout=parts[0].decode("utf-8", "replace"),
        stderr=stderr,
        returncode=header["code"] if status in ("ok", "error", "signal") else None,
        cpu_s=header["cpu"],
        wall_s=header["wall"],
        max_rss=header["rss"],
        note=note,
        results=results,
        values=values,
        fault=next((frame[1:].decode("utf-8", "replace") for frame in frames if frame[:1] == wire.FAULT), ""),
    )


def failed(job: Job, note: str, status: Any = "sandbox_error") -> Outcome:
    """The outcome of a job that was not run to an end of its own."""
    if job.kind in ("stdins", "tests"):
        return Outcome(status, note=note, results=(TestResult(status, error=note),) * job.count)
    count = 0 if job.kind == "script" else job.count
    return Outcome(status, note=note, values=tuple(missing(note or status) for _ in range(count)))


def last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2].strip()[:200]


def _values(job: Job, frames: list[bytes], status: str, note: str) -> tuple[Value, ...]:
    """The first claim for each item."""
    found: list[Value | None] = [None] * job.count
    for frame in frames:
        if frame[:1] == wire.VALUE and len(frame) > 5:
            (index,) = wire.LENGTH.unpack_from(frame, 1)
            if index < job.count and found[index] is None:
                found[index] = Value(frame[5:])
    why = note if status == "error" else status if status != "ok" else "no value"
    return tuple(missing(why) if value is None else value for value in found)


def _results(job: Job, frames: list[bytes], status: Status, note: str) -> tuple[TestResult, ...]:
    found: list[TestResult | None] = [None] * job.count
    for frame in frames:
        if frame[:1] == wire.TEST:
            index, result = _result(frame)
            if 0 <= index < job.count and found[index] is None:
                found[index] = result
    unfinished: ItemStatus = "not_run" if status == "ok" else status
    stopped_here = TestResult(unfinished, error=note)
    complete = []
    for one in found:
        complete.append(one or stopped_here)
        if one is None:
            stopped_here = TestResult("not_run", error="an earlier test ended the run")
    return tuple(complete)


def _result(frame: bytes) -> tuple[int, TestResult]:
    """``T, u32 index, status letter, u32 length of the error, error, stdout``; -1 when it is torn."""
    statuses: dict[bytes, ItemStatus] = {b"K": "ok", b"E": "error", b"L": "output_limit", b"S": "skipped"}
    if len(frame) < 10 or frame[5:6] not in statuses:
        return -1, TestResult("error")
    (index,), (size,) = wire.LENGTH.unpack_from(frame, 1), wire.LENGTH.unpack_from(frame, 6)
    error = frame[10 : 10 + size].decode("utf-8", "replace")
    return index, TestResult(statuses[frame[5:6]], frame[10 + size :].decode("utf-8", "replace"), error)
