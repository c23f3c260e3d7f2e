"""A reward service without Ray, for the suites of frameworks: our own form over plain HTTP, counting what it scores.

The Ray suite tries the service itself; here the client runs in real trainers, whose environments need no Ray Serve.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Service:
    """Where it is and how many completions it has scored."""

    address: str
    scored: int = 0


class Server(ThreadingHTTPServer):
    """Takes many connections at once; the library's own keeps five waiting, and others wait for seconds."""

    request_queue_size = 512


@contextmanager
def serving(reward: Any) -> Iterator[Service]:
    """Serve a reward on the loopback address until the block ends."""
    from table_rewards.frameworks.serving.forms import Answer, read_request, reply

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _send(self, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._send({"signature": reward.signature})

        def do_POST(self) -> None:
            batch = read_request("score", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            service.scored += len(batch.completions)
            self._send(reply("score", batch, Answer.of(reward(batch.completions, batch.rows, step=batch.step))))

        def log_message(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    service = Service(f"http://127.0.0.1:{server.server_address[1]}/{reward.name}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
