"""What is left in a queue after a kill, a power cut or a delivery that was cut off, and what is no longer needed."""

from __future__ import annotations

import time

from .database import add_to
from .files import name_of
from .owners import ended, left
from .studies import CUT_OFF, Queue


def recover(queue: Queue) -> int:
    """Free what processes own that are no longer there; returns how many studies that were."""
    freed = 0
    owning = queue.database.all("SELECT DISTINCT owner FROM studies WHERE owner IS NOT NULL")
    for owner in {row["owner"] for row in owning} | left(queue.files.owners):
        if owner == queue.owner.name:
            continue
        with ended(queue.files.owners / owner) as gone:
            if gone:
                with queue.database.transaction() as database:
                    freed += database.execute("UPDATE studies SET owner = NULL WHERE owner = ?", (owner,)).rowcount
    return freed


def clean(queue: Queue) -> None:
    """Remove files that no transaction tells of. Only while nothing else receives into this folder."""
    for path in queue.files.parts.iterdir():
        path.unlink()
    for folder in queue.files.studies.iterdir():
        rows = queue.database.all(
            "SELECT instances.uid FROM instances JOIN studies ON studies.uid = study WHERE id = ?", folder.name
        )
        known = {name_of(row["uid"]) for row in rows}
        for path in folder.iterdir():
            if path.stem not in known:
                path.unlink()
        if not known:
            folder.rmdir()


def abandon(queue: Queue, after_s: float) -> int:
    """Put aside studies whose delivery was cut off more than `after_s` ago; returns how many."""
    now = time.time()
    with queue.database.transaction() as database:
        abandoned = database.execute(
            "UPDATE studies SET state = 'aside', reason = ?, changed = ? "
            "WHERE state = 'receiving' AND owner IS NULL AND open = 1 AND arrived < ?",
            (CUT_OFF, now, now - after_s),
        ).rowcount
        add_to(database, "studies_aside", abandoned)
    return abandoned


def purge(queue: Queue, state: str, after_s: float) -> None:
    """Remove the received files of studies that are in `state`, `done` or `aside`, for more than `after_s`.

    What stays is a row, by which the study is recognised if it comes again.
    """
    rows = queue.database.all(
        "SELECT uid, id FROM studies WHERE state = ? AND owner IS NULL AND changed < ? "
        "AND EXISTS (SELECT 1 FROM instances WHERE study = studies.uid)",
        state,
        time.time() - after_s,
    )
    for row in rows:
        with queue.database.transaction() as database:
            database.execute("DELETE FROM instances WHERE study = ?", (row["uid"],))
        queue.files.remove(row["id"])
