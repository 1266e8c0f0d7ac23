"""The way of a study through the queue: received, then its results sent, then done, or aside with a reason.

Each step is one transaction, after the files that it tells of are safe on disk. A process that works on a study owns
it; nobody else takes it meanwhile.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from .database import Database, add_to, content_of
from .files import Files, name_of
from .owners import Owner

STATES = ("receiving", "sending", "done", "aside")
CUT_OFF = "part of it was cut off or refused, and did not come later: send the study again"


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
        self.files = Files(folder)
        self.database = Database(self.files.database)
        self.owner = Owner(self.files.owners)

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.files.folder

    def close(self) -> None:
        """Let go of all that this process owns."""
        with self.database.transaction() as database:
            database.execute("UPDATE studies SET owner = NULL WHERE owner = ?", (self.owner.name,))
        self.owner.release()
        self.database.close()

    # ---- what comes in

    def store(self, study: str, instance: str, content: bytes) -> bool:
        """Keep an instance of a study; False if it is there already. On return it is safe on disk."""
        now = time.time()
        if self.database.one("SELECT 1 FROM instances WHERE uid = ?", instance) is None:
            self.files.write(self.files.received(study, instance), content)
        with self.database.transaction() as database:
            inserted = database.execute(
                "INSERT OR IGNORE INTO instances VALUES (?, ?, ?)", (instance, study, len(content))
            ).rowcount
            database.execute(
                "INSERT OR IGNORE INTO studies (uid, id, state, arrived, changed) VALUES (?, ?, 'receiving', ?, ?)",
                (study, name_of(study), now, now),
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
            add_to(database, "instances" if inserted else "duplicates")
        return bool(inserted)

    def delivered(self, studies: Iterable[str], whole: bool) -> None:
        """A delivery to these studies has ended: in order (`whole`), or cut off."""
        with self.database.transaction() as database:
            for study in studies:
                database.execute("UPDATE studies SET open = ? WHERE uid = ? AND state != 'done'", (not whole, study))

    def is_own(self, instance: str) -> bool:
        """Whether an instance is a result of this queue."""
        return self.database.one("SELECT 1 FROM results WHERE uid = ?", instance) is not None

    def size_of(self, study: str) -> tuple[int, int]:
        """Instances and bytes of a study."""
        row = self.database.one("SELECT count(*), coalesce(sum(bytes), 0) FROM instances WHERE study = ?", study)
        return row[0], row[1]

    def fetched(self, study: str) -> str:
        """What `set_fetched` was last told of a study."""
        row = self.database.one("SELECT content FROM fetched WHERE study = ?", study)
        return row["content"] if row else ""

    def set_fetched(self, study: str, content: str) -> None:
        """Remember which content of a study was fetched whole."""
        with self.database.transaction() as database:
            database.execute("INSERT OR REPLACE INTO fetched VALUES (?, ?)", (study, content))

    # ---- what is done with it

    def claim(self, state: str, quiet_s: float = 0.0) -> Study | None:
        """Own the study that has waited longest in `state`; None if there is none.

        Of those being received, one to which no delivery is open and nothing came for `quiet_s`.
        """
        now = time.time()
        with self.database.transaction() as database:
            row = database.execute(
                "SELECT * FROM studies WHERE state = ? AND owner IS NULL AND not_before <= ? "
                "AND (state != 'receiving' OR (open = 0 AND arrived <= ?)) ORDER BY arrived LIMIT 1",
                (state, now, now - quiet_s),
            ).fetchone()
            if row is None:
                return None
            database.execute(
                "UPDATE studies SET owner = ?, attempts = attempts + 1, changed = ? WHERE uid = ?",
                (self.owner.name, now, row["uid"]),
            )
            return Study(row["uid"], row["id"], row["attempts"] + 1, content_of(database, row["uid"]))

    def is_repeated(self, study: Study) -> bool:
        """Whether the study was done before with the same instances."""
        return self.database.one("SELECT digest FROM studies WHERE uid = ?", study.uid)["digest"] == study.content

    def put_results(self, study: Study, results: Mapping[str, Path], seconds: float) -> None:
        """Keep the results of a study (SOP Instance UID to file), to be sent from now on."""
        self.files.remove_results(study.id)
        for uid, path in results.items():
            self.files.write(self.files.result(study.id, uid), path.read_bytes())
        with self.database.transaction() as database:
            for uid in results:
                database.execute("INSERT INTO results VALUES (?, ?, ?)", (uid, study.uid, study.content))
            self._move(database, study, "sending", digest=study.content, seconds=seconds)

    def to_send(self, study: Study, destination: str) -> dict[str, Path]:
        """The results of a study that a destination has not confirmed: SOP Instance UID to file."""
        rows = self.database.all(
            "SELECT results.uid FROM results JOIN studies ON studies.uid = study AND digest = round WHERE study = ? "
            "AND NOT EXISTS (SELECT 1 FROM deliveries WHERE result = results.uid AND destination = ?) "
            "ORDER BY results.uid",
            study.uid,
            destination,
        )
        return {row["uid"]: self.files.result(study.id, row["uid"]) for row in rows}

    def confirm(self, result: str, destination: str) -> None:
        """A destination has a result."""
        with self.database.transaction() as database:
            database.execute("INSERT OR IGNORE INTO deliveries VALUES (?, ?)", (result, destination))
            add_to(database, "results_sent")

    def finish(self, study: Study) -> None:
        """All is sent. A study to which instances have come meanwhile goes back to be received."""
        with self.database.transaction() as database:
            row = database.execute("SELECT digest FROM studies WHERE uid = ?", (study.uid,)).fetchone()
            unchanged = row["digest"] == content_of(database, study.uid)
            self._move(database, study, "done" if unchanged else "receiving")
            add_to(database, "studies_done")
        self.files.remove_results(study.id)

    def drop_repeated(self, study: Study) -> None:
        """The study was done before as it is: nothing is made or sent anew."""
        with self.database.transaction() as database:
            self._move(database, study, "done")
            add_to(database, "studies_repeated")

    def postpone(self, study: Study, seconds: float, reason: str) -> None:
        """Try again after `seconds`."""
        with self.database.transaction() as database:
            database.execute(
                "UPDATE studies SET owner = NULL, not_before = ?, reason = ? WHERE uid = ?",
                (time.time() + seconds, reason, study.uid),
            )
            add_to(database, "retries")

    def give_back(self, study: Study) -> None:
        """As if it had not been claimed."""
        with self.database.transaction() as database:
            database.execute("UPDATE studies SET owner = NULL, attempts = attempts - 1 WHERE uid = ?", (study.uid,))

    def put_aside(self, study: Study, reason: str) -> None:
        """Do no more with a study until somebody has looked at it."""
        with self.database.transaction() as database:
            self._move(database, study, "aside", reason=reason)
            add_to(database, "studies_aside")

    def retry(self, id: str) -> bool:
        """Put a study that is aside back to where it was; False if there is none of this id with its files."""
        with self.database.transaction() as database:
            row = database.execute("SELECT * FROM studies WHERE id = ? AND state = 'aside'", (id,)).fetchone()
            if row is None:
                return False
            held = database.execute("SELECT 1 FROM instances WHERE study = ?", (row["uid"],)).fetchone()
            if held is None:
                return False
            state = "sending" if row["digest"] == content_of(database, row["uid"]) else "receiving"
            database.execute(
                "UPDATE studies SET state = ?, attempts = 0, not_before = 0, reason = '', open = 0, changed = ? "
                "WHERE uid = ?",
                (state, time.time(), row["uid"]),
            )
            return True

    # ---- what is told of it

    def count(self, name: str) -> None:
        """Add one to a counter."""
        with self.database.transaction() as database:
            add_to(database, name)

    def figures(self) -> dict[str, object]:
        """Numbers of the queue, without UIDs: studies by state, the age of what waits, counters."""
        now = time.time()
        states = dict.fromkeys(STATES, 0)
        states |= {
            state: number for state, number in self.database.all("SELECT state, count(*) FROM studies GROUP BY state")
        }
        oldest = self.database.one("SELECT min(arrived) FROM studies WHERE state IN ('receiving', 'sending')")[0]
        last = self.database.one("SELECT seconds FROM studies WHERE seconds IS NOT NULL ORDER BY changed DESC LIMIT 1")
        return {
            "studies": states,
            "oldest_waiting_s": round(now - oldest, 1) if oldest else 0.0,
            "last_study_s": last["seconds"] if last else None,
            "counters": {name: number for name, number in self.database.all("SELECT * FROM counters ORDER BY name")},
        }

    def aside(self) -> list[dict[str, str]]:
        """The studies that are aside: `id`, `study_instance_uid`, `reason`."""
        rows = self.database.all("SELECT id, uid, reason FROM studies WHERE state = 'aside' ORDER BY changed")
        return [{"id": row["id"], "study_instance_uid": row["uid"], "reason": row["reason"]} for row in rows]

    def study_folder(self, study: str) -> Path:
        """Where the received files of a study lie."""
        return self.files.studies / name_of(study)

    @staticmethod
    def _move(database: sqlite3.Connection, study: Study, state: str, **columns: object) -> None:
        """Into a state, owned by nobody."""
        columns = {"owner": None, "attempts": 0, "not_before": 0, "reason": "", **columns}
        columns |= {"state": state, "changed": time.time()}
        assignments = ", ".join(f"{name} = ?" for name in columns)
        database.execute(f"UPDATE studies SET {assignments} WHERE uid = ?", (*columns.values(), study.uid))
