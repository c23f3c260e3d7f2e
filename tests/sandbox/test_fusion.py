"""The SandboxFusion backend against a server that speaks its API, well and badly."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from table_rewards.core.errors import ConfigurationError, UnknownName
from table_rewards.sandbox import Job, Limits, get_sandbox
from table_rewards.sandbox.fusion import SandboxFusion
from table_rewards.testing.sandbox.controls import control_failures


class FusionServer:
    """``POST /run_code`` as SandboxFusion answers it; it runs our own harmless programs only."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.requests: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append({"path": self.path, **body})
                fault = outer.faults.pop(0) if outer.faults else ""
                if fault == "reset":
                    self.connection.close()
                    return
                status, text = outer.answer(body, fault)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, body: dict[str, Any], fault: str) -> tuple[int, bytes]:
        if fault in ("500", "422"):
            return int(fault), json.dumps({"detail": [fault]}).encode()
        if fault == "garbage":
            return 200, b"<html>"
        if fault == "list":
            return 200, b"[]"
        result = self.run(body)
        if fault == "SandboxError":
            result.update(status="SandboxError", message="no space left", run_result=None)
        if fault == "Error":
            result["run_result"] = {"status": "Error", "execution_time": None, "return_code": None}
        return 200, json.dumps(result).encode()

    def run(self, body: dict[str, Any]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            for name, data in body["files"].items():
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(base64.b64decode(data))
            with open(os.path.join(folder, "main.py"), "w") as file:
                file.write(body["code"])
            run: dict[str, Any]
            try:
                done = subprocess.run(
                    [sys.executable, "main.py"],
                    cwd=folder,
                    input=body["stdin"] or "",
                    capture_output=True,
                    text=True,
                    timeout=body["run_timeout"],
                )
                run = {
                    "status": "Finished",
                    "return_code": done.returncode,
                    "stdout": done.stdout,
                    "stderr": done.stderr,
                }
            except subprocess.TimeoutExpired:
                run = {"status": "TimeLimitExceeded", "return_code": None, "stdout": "", "stderr": ""}
            run["execution_time"] = 0.01
            fetched = {}
            for name in body["fetch_files"]:
                path = os.path.join(folder, name)
                if os.path.exists(path):
                    with open(path, "rb") as file:
                        fetched[name] = base64.b64encode(file.read()).decode()
        success = run["return_code"] == 0
        return {"status": "Success" if success else "Failed", "message": "", "run_result": run, "files": fetched}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server() -> Iterator[FusionServer]:
    made = FusionServer()
    yield made
    made.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def test_every_kind_of_job_gives_what_the_local_backend_gives(server: FusionServer) -> None:
    with SandboxFusion(server.url, forgeable_tests=True) as sandbox:
        assert control_failures(sandbox, fast=True) == []
        tested = sandbox.run(Job.tests("def f(a):\n    return a + 1", ["assert f(1) == 2", "assert f(2) == 4"], ["f"]))
        assert [result.status for result in tested.results] == ["ok", "error"]


def test_requests_are_what_the_server_documents(server: FusionServer) -> None:
    with SandboxFusion(server.url + "/run_code", memory_limit_mb=77) as sandbox:
        assert sandbox.run(Job.script("print(open('a').read())", files={"a": "text"})).stdout == "text\n"
    asked = server.requests[0]
    assert asked["path"] == "/run_code"
    assert (asked["language"], asked["memory_limit_MB"], asked["stdin"]) == ("python", 77, "")
    assert base64.b64decode(asked["files"]["a"]) == b"text"
    assert asked["run_timeout"] == Limits().wall


def test_a_timeout_stops_the_rest_of_the_tests(server: FusionServer) -> None:
    code = "n = int(input())\nwhile n == 2: pass\nprint(n)"
    with SandboxFusion(server.url) as sandbox:
        outcome = sandbox.run(Job.stdins(code, ["1", "2", "3"], limits=Limits(wall_s=1.0)))
    assert [result.status for result in outcome.results] == ["ok", "timeout_wall", "not_run"]
    assert outcome.status == "timeout_wall"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", ["500", "reset", "garbage", "list", "SandboxError", "Error"])
def test_a_fault_is_tried_again(server: FusionServer, fault: str) -> None:
    server.faults = [fault, fault]
    with SandboxFusion(server.url) as sandbox:
        assert sandbox.run(Job.script("print(1)")).stdout == "1\n"
    assert len(server.requests) == 3


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", ["500", "reset", "garbage", "list", "SandboxError", "Error"])
def test_a_server_that_stays_down_is_ours_never_a_wrong_answer(server: FusionServer, fault: str) -> None:
    server.faults = [fault] * 9
    with SandboxFusion(server.url, attempts=3) as sandbox:
        outcomes = sandbox.run_batch([Job.script("print(1)"), Job.stdins("print(1)", ["a"])])
    assert [outcome.status for outcome in outcomes] == ["sandbox_error"] * 2
    assert "3 attempts" in outcomes[0].note
    assert outcomes[1].results[0].status == "sandbox_error"


@pytest.mark.usefixtures("quick")
def test_a_refused_request_is_not_repeated(server: FusionServer) -> None:
    server.faults = ["422"] * 5
    with SandboxFusion(server.url) as sandbox:
        assert "422" in sandbox.run(Job.script("1")).note
    assert len(server.requests) == 1


@pytest.mark.usefixtures("quick")
def test_nobody_listening_is_ours() -> None:
    with SandboxFusion("http://127.0.0.1:9", attempts=2) as sandbox:
        assert sandbox.run(Job.calls("def f(): return 1", "f", [()])).is_ours


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: get_sandbox("sandbox_fusion", endpoint="localhost:8080"), "looks like"),
        (lambda: get_sandbox("sandbox_fusion", max_concurrent=0), "at least 1"),
        (lambda: SandboxFusion("http://x").submit(Job.tests("", "assert f()", ["f"])), "forgeable_tests"),
    ],
)
def test_misconfiguration_raises_and_says_what_would_be_right(build: Callable[[], object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        build()


def test_an_unknown_backend_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="local, sandbox_fusion"):
        get_sandbox("docker")
