"""The queue's folder: which file lies where, and how it gets there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from uuid import uuid4


class Files:
    """The folder of a queue, made if need be.

    ============================ ============================================
    `studies/ID/INSTANCE.dcm`    what was received
    `results/ID/INSTANCE.dcm`    what was made of it, until it is sent
    `work/ID`                    where a study is being computed
    `parts`                      files that are being written
    `owners/NAME`                a lock of each process
    `queue.sqlite`               the database
    ============================ ============================================

    ID and INSTANCE are hashes of UIDs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.studies, self.results, self.parts, self.owners, self.work = (
            folder / name for name in ("studies", "results", "parts", "owners", "work")
        )
        for path in (self.studies, self.results, self.parts, self.owners, self.work):
            path.mkdir(mode=0o700, exist_ok=True)
        self.database = folder / "queue.sqlite"

    def received(self, study: str, instance: str) -> Path:
        """Where an instance of a study lies; both are UIDs."""
        return self.studies / name_of(study) / f"{name_of(instance)}.dcm"

    def result(self, id: str, instance: str) -> Path:
        """Where a result of the study with this id lies."""
        return self.results / id / f"{name_of(instance)}.dcm"

    def write(self, path: Path, content: bytes) -> None:
        """The whole file or none, on disk when this returns."""
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _synchronise(path.parent.parent)
        part = self.parts / uuid4().hex
        with open(part, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
        _synchronise(path.parent)

    def remove_results(self, id: str) -> None:
        """Remove the results of a study, if there are some."""
        shutil.rmtree(self.results / id, ignore_errors=True)

    def remove(self, id: str) -> None:
        """Remove all files of a study."""
        shutil.rmtree(self.studies / id, ignore_errors=True)
        self.remove_results(id)


def name_of(uid: str) -> str:
    """A name for files: no attribute of a file from outside decides a path."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def _synchronise(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
