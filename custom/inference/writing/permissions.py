"""Who may read what is written: nobody who may not read what it was made of."""

from __future__ import annotations

import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

OWNER, CLASSES = 0o700, (0o070, 0o007)


def permissions_of(inputs: Iterable[str | PathLike]) -> int:
    """The permission bits that files and folders made of `inputs` may have at most.

    Those of the owner, and all of the group and of the others as far as these may read each input, the folder that it
    lies in, and of a DICOM folder one of its files. Links count as what they lead to.
    """
    allowed = 0o777
    for path in inputs:
        for place in _places(Path(path).resolve()):
            try:
                mode = place.stat().st_mode
            except OSError:  # the input is gone
                mode = 0
            allowed &= OWNER | sum(bits for bits in CLASSES if mode & bits & 0o444)
    return allowed


def _places(path: Path) -> list[Path]:
    places = [path.parent, path]
    if path.is_dir():
        try:
            with os.scandir(path) as entries:
                places += [Path(entry.path) for entry in entries if entry.is_file()][:1]
        except OSError:
            pass
    return places
