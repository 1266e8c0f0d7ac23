"""The queue: one folder with studies, their results, and a SQLite database of how far each is.

A kill or a power cut at any moment loses nothing: a file is written elsewhere, synchronised and renamed, and then one
transaction (`synchronous=FULL`) says that it is there. A result is made once and keeps its SOP Instance UID, so that
whatever is sent again after a cut is the same object, which a PACS holds once.

A process that works on a study owns it: by its number in the database, and a lock on a file of that number which the
system lets go of when the process ends, however it does. So several processes can share one folder of one machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import NamedTuple
from uuid import uuid4

from filelock import FileLock, Timeout

STATES = ("receiving", "sending", "done", "aside")
CUT_OFF = "part of it was cut off or refused, and did not come later: send the study again"
OLD_OWNER = 3600.0
"""Seconds after which the file of a process that owns nothing is looked at: a new one may not have locked its yet."""
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


class Study(NamedTuple):
    """A study that this process owns."""

    uid: str
    id: str
    """Names its folders and stands for it in logs: a hash of its UID."""
    attempts: int
    """Times that it was begun, this one included."""
    content: str
    """A hash of which instances it had when it was claimed."""


class Queue:
    """The queue in `folder`, made if need be; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("studies", "results", "owners", "work", "parts"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        self._lock = RLock()
        self._database = sqlite3.connect(
            folder / "queue.sqlite", timeout=60, isolation_level=None, check_same_thread=False
        )
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_SCHEMA)
        self.owner = uuid4().hex
        self._alive = FileLock(folder / "owners" / self.owner)
        self._alive.acquire(blocking=False)

    def close(self) -> None:
        """Let go of all that this process owns."""
        with self._transaction() as database:
            database.execute("UPDATE studies SET owner = NULL WHERE owner = ?", (self.owner,))
        self._alive.release()
        (self.folder / "owners" / self.owner).unlink(missing_ok=True)
        self._database.close()

    # ---- what comes in

    def store(self, study: str, instance: str, content: bytes) -> bool:
        """Keep an instance of a study; False if it is there already. On return it is safe on disk."""
        now = time.time()
        if self._one("SELECT 1 FROM instances WHERE uid = ?", instance) is None:
            self._write(self.study_folder(study) / f"{_id(instance)}.dcm", content)
        with self._transaction() as database:
            inserted = database.execute(
                "INSERT OR IGNORE INTO instances VALUES (?, ?, ?)", (instance, study, len(content))
            ).rowcount
            database.execute(
                "INSERT OR IGNORE INTO studies (uid, id, state, arrived, changed) VALUES (?, ?, 'receiving', ?, ?)",
                (study, _id(study), now, now),
            )
            again = "state IN ('done', 'aside')" if inserted else f"state = 'aside' AND reason = '{CUT_OFF}'"
            database.execute(
                "UPDATE studies SET state = 'receiving', attempts = 0, not_before = 0, reason = '', changed = ? "
                f"WHERE uid = ? AND {again}",
                (now, study),
            )
            database.execute(
                "UPDATE studies SET arrived = ?, open = 1 WHERE uid = ? AND state IN ('receiving', 'sending')",
                (now, study),
            )
            _count(database, "instances" if inserted else "duplicates")
        return bool(inserted)

    def delivered(self, studies: Iterable[str], whole: bool) -> None:
        """A delivery to these studies has ended: in order (`whole`), or cut off."""
        with self._transaction() as database:
            for study in studies:
                database.execute("UPDATE studies SET open = ? WHERE uid = ? AND state != 'done'", (not whole, study))

    def is_own(self, instance: str) -> bool:
        """Whether an instance is a result of this queue."""
        return self._one("SELECT 1 FROM results WHERE uid = ?", instance) is not None

    def size_of(self, study: str) -> tuple[int, int]:
        """Instances and bytes of a study."""
        row = self._one("SELECT count(*), coalesce(sum(bytes), 0) FROM instances WHERE study = ?", study)
        return row[0], row[1]

    def fetched(self, study: str) -> str:
        """What `set_fetched` was last told of a study."""
        row = self._one("SELECT content FROM fetched WHERE study = ?", study)
        return row["content"] if row else ""

    def set_fetched(self, study: str, content: str) -> None:
        """Remember which content of a study was fetched whole."""
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO fetched VALUES (?, ?)", (study, content))

    # ---- what is done with it

    def claim(self, state: str, quiet_s: float = 0.0) -> Study | None:
        """Own the study that has waited longest in `state`; None if there is none.

        Of those being received, one to which no delivery is open and nothing came for `quiet_s`.
        """
        now = time.time()
        with self._transaction() as database:
            row = database.execute(
                "SELECT * FROM studies WHERE state = ? AND owner IS NULL AND not_before <= ? "
                "AND (state != 'receiving' OR (open = 0 AND arrived <= ?)) ORDER BY arrived LIMIT 1",
                (state, now, now - quiet_s),
            ).fetchone()
            if row is None:
                return None
            database.execute(
                "UPDATE studies SET owner = ?, attempts = attempts + 1, changed = ? WHERE uid = ?",
                (self.owner, now, row["uid"]),
            )
            return Study(row["uid"], row["id"], row["attempts"] + 1, _content(database, row["uid"]))

    def is_repeated(self, study: Study) -> bool:
        """Whether the study was done before with the same instances."""
        return self._one("SELECT digest FROM studies WHERE uid = ?", study.uid)["digest"] == study.content

    def put_results(self, study: Study, results: Mapping[str, Path], seconds: float) -> None:
        """Keep the results of a study (SOP Instance UID to file), to be sent from now on."""
        folder = self.results_folder(study)
        shutil.rmtree(folder, ignore_errors=True)
        for uid, path in results.items():
            self._write(folder / f"{_id(uid)}.dcm", path.read_bytes())
        with self._transaction() as database:
            for uid in results:
                database.execute("INSERT INTO results VALUES (?, ?, ?)", (uid, study.uid, study.content))
            self._move(database, study, "sending", digest=study.content, seconds=seconds)

    def to_send(self, study: Study, destination: str) -> dict[str, Path]:
        """The results of a study that a destination has not confirmed: SOP Instance UID to file."""
        rows = self._all(
            "SELECT results.uid FROM results JOIN studies ON studies.uid = study AND digest = round WHERE study = ? "
            "AND NOT EXISTS (SELECT 1 FROM deliveries WHERE result = results.uid AND destination = ?) "
            "ORDER BY results.uid",
            study.uid,
            destination,
        )
        return {row["uid"]: self.results_folder(study) / f"{_id(row['uid'])}.dcm" for row in rows}

    def confirm(self, result: str, destination: str) -> None:
        """A destination has a result."""
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO deliveries VALUES (?, ?)", (result, destination))
            _count(database, "results_sent")

    def finish(self, study: Study) -> None:
        """All is sent. A study to which instances have come meanwhile goes back to be received."""
        with self._transaction() as database:
            row = database.execute("SELECT digest FROM studies WHERE uid = ?", (study.uid,)).fetchone()
            unchanged = row["digest"] == _content(database, study.uid)
            self._move(database, study, "done" if unchanged else "receiving")
            _count(database, "studies_done")
        shutil.rmtree(self.results_folder(study), ignore_errors=True)

    def drop_repeated(self, study: Study) -> None:
        """The study was done before as it is: nothing is made or sent anew."""
        with self._transaction() as database:
            self._move(database, study, "done")
            _count(database, "studies_repeated")

    def postpone(self, study: Study, seconds: float, reason: str) -> None:
        """Try again after `seconds`."""
        with self._transaction() as database:
            database.execute(
                "UPDATE studies SET owner = NULL, not_before = ?, reason = ? WHERE uid = ?",
                (time.time() + seconds, reason, study.uid),
            )
            _count(database, "retries")

    def give_back(self, study: Study) -> None:
        """As if it had not been claimed."""
        with self._transaction() as database:
            database.execute("UPDATE studies SET owner = NULL, attempts = attempts - 1 WHERE uid = ?", (study.uid,))

    def put_aside(self, study: Study, reason: str) -> None:
        """Do no more with a study until somebody has looked at it."""
        with self._transaction() as database:
            self._move(database, study, "aside", reason=reason)
            _count(database, "studies_aside")

    def retry(self, id: str) -> bool:
        """Put a study that is aside back to where it was; False if there is none of this id with its files."""
        with self._transaction() as database:
            row = database.execute("SELECT * FROM studies WHERE id = ? AND state = 'aside'", (id,)).fetchone()
            if row is None:
                return False
            held = database.execute("SELECT 1 FROM instances WHERE study = ?", (row["uid"],)).fetchone()
            if held is None:
                return False
            state = "sending" if row["digest"] == _content(database, row["uid"]) else "receiving"
            database.execute(
                "UPDATE studies SET state = ?, attempts = 0, not_before = 0, reason = '', open = 0, changed = ? "
                "WHERE uid = ?",
                (state, time.time(), row["uid"]),
            )
            return True

    # ---- housekeeping

    def recover(self) -> int:
        """Free what processes own that are no longer there; returns how many studies that were."""
        freed = 0
        owners = {row["owner"] for row in self._all("SELECT DISTINCT owner FROM studies WHERE owner IS NOT NULL")}
        old = time.time() - OLD_OWNER
        owners |= {path.name for path in (self.folder / "owners").iterdir() if path.stat().st_mtime < old}
        for owner in owners - {self.owner}:
            path = self.folder / "owners" / owner
            lock = FileLock(path)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            with self._transaction() as database:
                freed += database.execute("UPDATE studies SET owner = NULL WHERE owner = ?", (owner,)).rowcount
            lock.release()
            path.unlink(missing_ok=True)
        return freed

    def clean(self) -> None:
        """Remove files that no transaction tells of. Only while nothing else receives into this folder."""
        for path in (self.folder / "parts").iterdir():
            path.unlink()
        for folder in (self.folder / "studies").iterdir():
            row = self._one("SELECT uid FROM studies WHERE id = ?", folder.name)
            known = row and {_id(uid) for (uid,) in self._all("SELECT uid FROM instances WHERE study = ?", row["uid"])}
            for path in folder.iterdir():
                if path.stem not in (known or ()):
                    path.unlink()
            if not known:
                folder.rmdir()

    def abandon(self, after_s: float) -> int:
        """Put aside studies whose delivery was cut off more than `after_s` ago; returns how many."""
        now = time.time()
        with self._transaction() as database:
            count = database.execute(
                "UPDATE studies SET state = 'aside', reason = ?, changed = ? "
                "WHERE state = 'receiving' AND owner IS NULL AND open = 1 AND arrived < ?",
                (CUT_OFF, now, now - after_s),
            ).rowcount
            _count(database, "studies_aside", count)
        return count

    def purge(self, state: str, after_s: float) -> None:
        """Remove the received files of studies that are in `state`, `done` or `aside`, for more than `after_s`.

        What stays is a row, by which the study is recognised if it comes again.
        """
        rows = self._all(
            "SELECT uid, id FROM studies WHERE state = ? AND owner IS NULL AND changed < ? "
            "AND EXISTS (SELECT 1 FROM instances WHERE study = studies.uid)",
            state,
            time.time() - after_s,
        )
        for row in rows:
            with self._transaction() as database:
                database.execute("DELETE FROM instances WHERE study = ?", (row["uid"],))
            shutil.rmtree(self.folder / "studies" / row["id"], ignore_errors=True)
            shutil.rmtree(self.folder / "results" / row["id"], ignore_errors=True)

    def count(self, name: str) -> None:
        """Add one to a counter."""
        with self._transaction() as database:
            _count(database, name)

    def figures(self) -> dict[str, object]:
        """Numbers of the queue, without UIDs: studies by state, the age of what waits, counters."""
        now = time.time()
        states = dict.fromkeys(STATES, 0)
        states |= {state: number for state, number in self._all("SELECT state, count(*) FROM studies GROUP BY state")}
        oldest = self._one("SELECT min(arrived) FROM studies WHERE state IN ('receiving', 'sending')")[0]
        last = self._one("SELECT seconds FROM studies WHERE seconds IS NOT NULL ORDER BY changed DESC LIMIT 1")
        return {
            "studies": states,
            "oldest_waiting_s": round(now - oldest, 1) if oldest else 0.0,
            "last_study_s": last["seconds"] if last else None,
            "counters": {name: number for name, number in self._all("SELECT * FROM counters ORDER BY name")},
        }

    def aside(self) -> list[dict[str, str]]:
        """The studies that are aside: `id`, `study_instance_uid`, `reason`."""
        rows = self._all("SELECT id, uid, reason FROM studies WHERE state = 'aside' ORDER BY changed")
        return [{"id": row["id"], "study_instance_uid": row["uid"], "reason": row["reason"]} for row in rows]

    def study_folder(self, study: str) -> Path:
        """Where the received files of a study lie."""
        return self.folder / "studies" / _id(study)

    def results_folder(self, study: Study) -> Path:
        """Where its results lie until they are sent."""
        return self.folder / "results" / study.id

    # ---- disk and database

    def _write(self, path: Path, content: bytes) -> None:
        """The whole file or none, on disk when this returns."""
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _synchronise(path.parent.parent)
        part = self.folder / "parts" / uuid4().hex
        with open(part, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
        _synchronise(path.parent)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _all(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        return next(iter(self._all(query, *values)), None)

    @staticmethod
    def _move(database: sqlite3.Connection, study: Study, state: str, **columns: object) -> None:
        """Into a state, owned by nobody."""
        columns = {"owner": None, "attempts": 0, "not_before": 0, "reason": "", **columns}
        columns |= {"state": state, "changed": time.time()}
        assignments = ", ".join(f"{name} = ?" for name in columns)
        database.execute(f"UPDATE studies SET {assignments} WHERE uid = ?", (*columns.values(), study.uid))


def _id(uid: str) -> str:
    """A name for files: no attribute of a file from outside decides a path."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def _content(database: sqlite3.Connection, study: str) -> str:
    rows = database.execute("SELECT uid FROM instances WHERE study = ? ORDER BY uid", (study,))
    return hashlib.sha256("\n".join(uid for (uid,) in rows).encode()).hexdigest()


def _count(database: sqlite3.Connection, name: str, number: int = 1) -> None:
    if number:
        database.execute(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",
            (name, number),
        )


def _synchronise(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
