"""Answers kept in an SQLite file that survives kill -9 and many writers.

WAL mode: readers never wait for writers. One writer thread a process puts many answers into one transaction, so the
event loop never waits for a disk. Failures, empty and cut-off replies are never kept. JSON text, no pickle.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import random
import sqlite3
import threading
import time

from table_rewards.core.errors import ConfigurationError
from table_rewards.llm.types import ChatReply, TokenLogprob

SCHEMA = 1
BUSY_S = 30.0
EVICT_EVERY = 500
EVICT_TO = 0.9

_CREATE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, created REAL NOT NULL, size INTEGER NOT NULL, reply TEXT NOT NULL
) WITHOUT ROWID
"""

logger = logging.getLogger("table_rewards.llm")


class AnswerCache:
    """Replies by key. ``get`` and ``put`` never raise and never wait for a writer; trouble is counted in ``errors``."""

    def __init__(self, path: str, ttl_s: float | None, max_bytes: float) -> None:
        self.path, self.ttl_s, self.max_bytes = path, ttl_s, max_bytes
        self.errors = 0
        self._reader = open_checked(path)
        self._queue: queue.SimpleQueue[tuple[str, float, str] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="table-rewards-llm-cache", daemon=True)
        self._writer.start()

    def get(self, key: str) -> ChatReply | None:
        try:
            row = self._reader.execute("SELECT created, reply FROM answers WHERE key = ?", (key,)).fetchone()
            if row is None or (self.ttl_s is not None and time.time() - row[0] > self.ttl_s):
                return None
            reply = _read(row[1])
            # A row of an earlier version, or of a hand, may hold what is no answer: it is asked again.
            return reply if reply.ok else None
        except (sqlite3.Error, ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
            self._trouble("read", error)
            return None

    def put(self, key: str, reply: ChatReply) -> None:
        if not reply.ok:
            return
        kept = {
            "text": reply.text,
            "finish_reason": reply.finish_reason,
            "model": reply.model,
            "endpoint": reply.endpoint,
            "usage": dict(reply.usage),
            "reasoning": reply.reasoning,
            "logprobs": reply.logprobs,
        }
        self._queue.put((key, time.time(), json.dumps(kept)))

    def close(self) -> None:
        """Write what is queued and close."""
        self._queue.put(None)
        self._writer.join(timeout=5)
        self._reader.close()

    def _write_all(self) -> None:
        connection = connect(self.path)
        since_eviction = EVICT_EVERY
        while True:
            item = self._queue.get()
            batch = []
            while item is not None:
                batch.append(item)
                if len(batch) >= 1000 or self._queue.empty():
                    break
                item = self._queue.get()
            try:
                if batch:
                    self._write(connection, batch)
                    since_eviction += len(batch)
                if since_eviction >= EVICT_EVERY:
                    self._evict(connection)
                    since_eviction = 0
            except sqlite3.Error as error:
                self._trouble("write", error)
            if item is None:
                connection.close()
                return

    @staticmethod
    def _write(connection: sqlite3.Connection, batch: list[tuple[str, float, str]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", [(k, t, len(r), r) for k, t, r in batch]
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def _evict(self, connection: sqlite3.Connection) -> None:
        if self.ttl_s is not None:
            connection.execute("DELETE FROM answers WHERE created < ?", (time.time() - self.ttl_s,))
        count, size = connection.execute("SELECT COUNT(*), TOTAL(size) FROM answers").fetchone()
        if count and size > self.max_bytes:
            surplus = max(1, int(count * (1 - EVICT_TO * self.max_bytes / size)))
            connection.execute(
                "DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY created LIMIT ?)", (surplus,)
            )

    def _trouble(self, what: str, error: Exception) -> None:
        self.errors += 1
        if self.errors == 1:
            logger.warning("the answer cache %s: %s failed: %s", self.path, what, error)


def _read(row: str) -> ChatReply:
    kept = json.loads(row)
    texts = {name: kept.get(name) or "" for name in ("text", "finish_reason", "model", "endpoint", "reasoning")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a row that is no answer")
    usage = kept.get("usage")
    logprobs = tuple(
        TokenLogprob(str(token), float(logprob), tuple((str(name), float(value)) for name, value in top))
        for token, logprob, top in kept.get("logprobs") or ()
    )
    return ChatReply(
        text=texts["text"],
        reasoning=texts["reasoning"],
        finish_reason=texts["finish_reason"],
        model=texts["model"],
        endpoint=texts["endpoint"],
        usage=dict(usage) if isinstance(usage, dict) else {},
        logprobs=logprobs,
        cached=True,
    )


def connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def open_checked(path: str) -> sqlite3.Connection:
    """Open or create the file. Raises ``ConfigurationError`` when it can't be this cache."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            return _open(path)
        except (sqlite3.Error, OSError) as error:
            # While another process turns the new file to WAL mode, SQLite says "locked" at once instead of waiting.
            if "locked" not in str(error) or time.monotonic() > deadline:
                text = f"cache {path} can't be used: {error}; name another path on a local disk"
                raise ConfigurationError(text) from None
            time.sleep(random.uniform(0.005, 0.05))


def _open(path: str) -> sqlite3.Connection:
    connection = connect(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == SCHEMA:
            return connection
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version != 0 or tables - {"answers"}:
            raise ConfigurationError(
                f"cache {path} is an SQLite file of another kind or version ({version}); name another path"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_CREATE)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection
