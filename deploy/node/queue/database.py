"""The queue's database: how far each study is, what it holds, and what was sent where."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

_SCHEMA = """
CREATE TABLE IF NOT EXISTS studies (
    uid TEXT PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL, arrived REAL NOT NULL,
    open INTEGER NOT NULL DEFAULT 1,      -- a delivery has begun and not ended
    owner TEXT, attempts INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '', changed REAL NOT NULL, seconds REAL);
CREATE INDEX IF NOT EXISTS by_state ON studies (state, arrived);
CREATE UNIQUE INDEX IF NOT EXISTS by_id ON studies (id);
CREATE TABLE IF NOT EXISTS instances (uid TEXT PRIMARY KEY, study TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS of_study ON instances (study);
CREATE TABLE IF NOT EXISTS results (uid TEXT PRIMARY KEY, study TEXT NOT NULL, round TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS results_of_study ON results (study);
CREATE TABLE IF NOT EXISTS deliveries (result TEXT, destination TEXT, PRIMARY KEY (result, destination));
CREATE TABLE IF NOT EXISTS fetched (study TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, count INTEGER NOT NULL);
"""


class Database:
    """SQLite in a file, made if need be; threads take turns."""

    def __init__(self, path: Path) -> None:
        self._lock = RLock()
        self._connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """No more is asked."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is executed within happens, or nothing of it; on disk at the end."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """All rows that a query finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first of them, if any."""
        return next(iter(self.all(query, *values)), None)


def content_of(connection: sqlite3.Connection, study: str) -> str:
    """A hash of which instances a study has."""
    rows = connection.execute("SELECT uid FROM instances WHERE study = ? ORDER BY uid", (study,))
    return hashlib.sha256("\n".join(uid for (uid,) in rows).encode()).hexdigest()


def add_to(connection: sqlite3.Connection, name: str, number: int = 1) -> None:
    """Add to a counter."""
    if number:
        connection.execute(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",
            (name, number),
        )
