"""Who works on a study: a process, by its name in the database and a lock on a file of that name.

The system lets go of the lock when the process ends, however it does. So several processes can share one folder of one
machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

OLD = 3600.0
"""Seconds after which the file of a process that owns nothing is looked at: a new one may not have locked its yet."""


class Owner:
    """This process."""

    def __init__(self, folder: Path) -> None:
        self.name = uuid4().hex
        self._path = folder / self.name
        self._alive = FileLock(self._path)
        self._alive.acquire(blocking=False)

    def release(self) -> None:
        """It works on nothing any more."""
        self._alive.release()
        self._path.unlink(missing_ok=True)


def left(folder: Path) -> set[str]:
    """The names of processes of long ago."""
    old = time.time() - OLD
    return {path.name for path in folder.iterdir() if path.stat().st_mtime < old}


@contextmanager
def ended(path: Path) -> Iterator[bool]:
    """Whether the process of this file has ended; if so, nobody else may find that out within, and the file goes."""
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield False
        return
    yield True
    lock.release()
    path.unlink(missing_ok=True)
