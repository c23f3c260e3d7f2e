"""SandboxFusion: the same jobs on a server that speaks its HTTP API (``POST /run_code``).

The server isolates, or does not: with its default configuration a snippet sees the server's environment, files and
network. What stays ours is the verdict. Calls, expressions, charts and harnesses travel as a program that carries the
same worker code as the local backend and leaves its values in a file that is fetched: the comparison is the same.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import random
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from table_rewards.core.errors import ConfigurationError
from table_rewards.sandbox import job_encoding
from table_rewards.sandbox.backend import Sandbox
from table_rewards.sandbox.errors import SandboxUnavailable
from table_rewards.sandbox.jobs import Job
from table_rewards.sandbox.outcomes import Outcome, Status, TestResult
from table_rewards.sandbox.worker import standalone

DEFAULT_ENDPOINT = "http://localhost:8080"
WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker")
BUNDLED = (
    "encoding",
    "wire",
    "programs",
    "charts",
    "crossing",
    "mirrors",
    "world",
    "awaiting",
    "sides",
    "trusted_tests",
    "pytest_run",
    "runners",
    "child",
    "standalone",
)
ARCHIVE = "sandbox_worker.zip"
PROGRAM = f"""\
import os, sys
sys.path.insert(0, os.path.abspath({ARCHIVE!r}))
from sandbox_worker import standalone
standalone.main()
"""


class SandboxFusion(Sandbox):
    """Runs jobs on a SandboxFusion server.

    ``endpoint``
        The server, with or without ``/run_code``; ``$SANDBOX_FUSION_ENDPOINT`` when left out.
    ``max_concurrent``
        Requests in flight.
    ``attempts``
        How often a request is tried that the server or the network failed; after the last one the job is
        ``sandbox_error``.
    ``memory_limit_mb``
        Sent with each request; the job's own limit when left out.
    ``forgeable_tests``
        ``Job.tests`` needs two processes that talk, which this API has not. With ``True`` the tests run in the code's
        own process, where the code can forge them; otherwise such a job is refused.
    """

    name = "sandbox_fusion"
    trusted_tests = False

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        max_concurrent: int = 64,
        attempts: int = 4,
        memory_limit_mb: int | None = None,
        forgeable_tests: bool = False,
    ) -> None:
        url = endpoint or os.environ.get("SANDBOX_FUSION_ENDPOINT") or DEFAULT_ENDPOINT
        parsed = urllib.parse.urlsplit(url)
        if parsed.scheme not in ("http", "https") or not parsed.hostname:
            raise ConfigurationError(f"a SandboxFusion endpoint looks like {DEFAULT_ENDPOINT}, got {url!r}")
        if max_concurrent < 1 or attempts < 1:
            raise ConfigurationError("max_concurrent and attempts must be at least 1")
        self.url = parsed
        self.path = parsed.path.rstrip("/").removesuffix("/run_code") + "/run_code"
        self.max_concurrent, self.attempts = max_concurrent, attempts
        self.memory_limit_mb, self.forgeable_tests = memory_limit_mb, forgeable_tests
        self._closed = False
        self._lock = threading.Lock()
        self._threads: tuple[int, ThreadPoolExecutor] | None = None

    def submit(self, job: Job) -> Future[Outcome]:
        """Send a job to the server; the outcome comes with the future.

        Raises:
            ConfigurationError: the job brings tests, which the code could forge there, and ``forgeable_tests`` is off.
            SandboxUnavailable: the sandbox is closed.
        """
        if job.kind == "tests" and not self.forgeable_tests:
            raise ConfigurationError(
                "Job.tests needs the local sandbox: a SandboxFusion server runs tests in the code's own process, where "
                "the code can forge them; pass forgeable_tests=True to accept that"
            )
        with self._lock:
            if self._closed:
                raise SandboxUnavailable("this sandbox is closed; get_sandbox() makes a new one")
            if self._threads is None or self._threads[0] != os.getpid():
                pool = ThreadPoolExecutor(self.max_concurrent, thread_name_prefix="sandbox-fusion")
                self._threads = (os.getpid(), pool)
            return self._threads[1].submit(self._run, job)

    def describe(self) -> str:
        where = urllib.parse.urlunsplit((self.url.scheme, self.url.netloc, self.path, "", ""))
        return f"sandbox: sandbox_fusion {where} max_concurrent={self.max_concurrent} isolation=the server's own"

    def close(self) -> None:
        with self._lock:
            self._closed, threads, self._threads = True, self._threads, None
        if threads is not None and threads[0] == os.getpid():
            threads[1].shutdown(wait=False, cancel_futures=True)

    # -- one job, in a thread of ours

    def _run(self, job: Job) -> Outcome:
        try:
            if job.kind == "stdins":
                return self._stdins(job)
            if job.kind == "script":
                return self._script(job, job.inputs[0])
            files = {ARCHIVE: _bundle(), standalone.PAYLOAD: job_encoding.one_process_payload(job)}
            answer = self._ask(job, PROGRAM, b"", files, [standalone.RESULT])
            fetched = (answer.get("files") or {}).get(standalone.RESULT) or ""
            return _outcome(job, answer, base64.b64decode(fetched))
        except _Failed as error:
            return job_encoding.failed(job, str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return job_encoding.failed(job, f"the server's answer cannot be read: {error!r}"[:200])

    def _script(self, job: Job, stdin: bytes) -> Outcome:
        return _outcome(job, self._ask(job, job.code, stdin, dict(job.files), []), b"")

    def _stdins(self, job: Job) -> Outcome:
        """One request a test; the first timeout stops the rest."""
        results: list[TestResult] = []
        last = Outcome("ok")
        for stdin in job.inputs:
            last = self._script(job, stdin)
            results.append(TestResult(last.status, last.stdout, last.note))
            if last.status == "timeout_wall":
                break
        rest = [TestResult("not_run", error="an earlier test ended the run")] * (job.count - len(results))
        status: Status = "timeout_wall" if last.status == "timeout_wall" else "ok"
        return Outcome(status, results=(*results, *rest), note=last.note)

    def _ask(self, job: Job, code: str, stdin: bytes, files: dict[str, bytes], fetch: Sequence[str]) -> dict[str, Any]:
        seconds = job.limits.wall * (job.count if job.kind != "stdins" else 1)
        body = {
            "code": code,
            "language": "python",
            "stdin": stdin.decode("utf-8", "surrogateescape"),
            "compile_timeout": seconds,
            "run_timeout": seconds,
            "memory_limit_MB": self.memory_limit_mb or job.limits.mem_mb,
            "files": {name: base64.b64encode(data).decode() for name, data in files.items()},
            "fetch_files": list(fetch),
        }
        data = json.dumps(body).encode()
        problem = ""
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(min(8.0, 0.25 * 2**attempt) * (0.5 + random.random() / 2))
            try:
                answer = self._post(data, seconds + 30)
                said = (answer.get("run_result") or {}).get("status")
                if answer.get("status") != "SandboxError" and said in ("Finished", "TimeLimitExceeded"):
                    return answer
                problem = f"{answer.get('status')}: {answer.get('message') or said}"[:200]
            except _Refused as error:
                raise _Failed(str(error)) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = f"{type(error).__name__}: {error}"[:200]
            if self._closed:
                break
        raise _Failed(f"{self.url.netloc}, {self.attempts} attempts: {problem}")

    def _post(self, data: bytes, timeout: float) -> dict[str, Any]:
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.url.netloc, timeout=timeout)
        try:
            connection.request("POST", self.path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read(64 << 20)
            if response.status in (400, 404, 405, 413, 422):
                raise _Refused(f"HTTP {response.status}: {text[:200].decode('utf-8', 'replace')}")
            if response.status != 200:
                raise OSError(f"HTTP {response.status}")
            answer = json.loads(text)
        finally:
            connection.close()
        if not isinstance(answer, dict):
            raise ValueError("not a JSON object")
        return answer


class _Failed(Exception):
    """The last attempt failed."""


class _Refused(Exception):
    """The server does not want this request; asking again would not help."""


def _outcome(job: Job, answer: dict[str, Any], frames: bytes) -> Outcome:
    """The server's answer in our terms."""
    run = answer["run_result"]
    said, code = run["status"], run.get("return_code")
    status: Status
    if said == "TimeLimitExceeded":
        status = "timeout_wall"
    elif code is None:
        raise _Failed("the server's answer has no return code")
    else:
        status = "ok" if code == 0 else "signal" if code < 0 else "error"
    header = {
        "status": status,
        "note": "",
        "code": code,
        "cpu": 0.0,
        "wall": float(run.get("execution_time") or 0.0),
        "rss": 0,
    }
    texts = [str(run.get(name) or "").encode("utf-8", "surrogatepass") for name in ("stdout", "stderr")]
    return job_encoding.decode_outcome(job, header, [*(text[: 4 << 20] for text in texts), frames])


@lru_cache(maxsize=1)
def _bundle() -> bytes:
    """The worker's modules as an archive that the server's interpreter can import."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sandbox_worker/__init__.py", "")
        for name in BUNDLED:
            archive.write(os.path.join(WORKER, f"{name}.py"), f"sandbox_worker/{name}.py")
        for name in sorted(os.listdir(os.path.join(WORKER, "lockdown"))):
            if name.endswith(".py"):
                archive.write(os.path.join(WORKER, "lockdown", name), f"sandbox_worker/lockdown/{name}")
    return buffer.getvalue()
