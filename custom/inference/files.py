"""Writing a case's files together: all of them or none, whatever happens meanwhile."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from filelock import FileLock

from ..inputs import InputError

REPORT_ENDING = "_report.json"
LONGEST_WAIT = 600.0
"""Seconds that a run waits for another one to have written the same case."""
_PROBE = 4096
"""Bytes that a full disk does not take."""
_REFUSALS = {
    errno.EACCES: ("no_permission", "may not be written to"),
    errno.EPERM: ("no_permission", "may not be written to"),
    errno.EROFS: ("read_only", "cannot be written to: its file system is read-only"),
    errno.ENOSPC: ("disk_full", "cannot take them: the disk is full"),
    errno.EDQUOT: ("disk_full", "cannot take them: the quota of its disk is used up"),
    errno.ENOTDIR: ("no_folder", "is no folder, or lies below what is none"),
    errno.EEXIST: ("no_folder", "is no folder"),
}


def encode_nifti(labels: np.ndarray, affine: np.ndarray, remark: str = "") -> bytes:
    """A label map (D0, D1, D2) of integers and its voxel-to-RAS `affine` (4, 4) in mm as a compressed NIfTI file.

    The axes are perpendicular, or ITK does not open it; qform and sform both say where they lie.
    The same arguments give the same bytes: no name and no time is stored, and `remark` (at most 79 ASCII characters) as
    description.
    """
    image = nibabel.Nifti1Image(labels, affine)
    image.set_qform(affine, "scanner")
    image.set_sform(affine, "scanner")
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = remark
    return gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)


def write_together(folder: str | PathLike, case: str, files: Mapping[str, bytes]) -> None:
    """Write `files` (name to content) of a case into `folder`, made if need be: each appears whole, or not at all.

    All are written to the hidden folder `.CASE.part` first and then renamed. The last, the case's report, goes before
    the first new file comes and comes after all others, so that a report stands beside what it lists or not at all,
    also where the process is killed. Files that the earlier report lists and that are not written anew are removed.
    Runs that write the same case wait for each other, and what a killed one left in `.CASE.part` is removed.

    Raises InputError where the folder cannot be written: its files are as they were.
    """
    folder = Path(folder)
    parts, report = folder / f".{case}.part", list(files)[-1]
    with _refusals():
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f".{case}.lock"):
            shutil.rmtree(parts, ignore_errors=True)
            try:
                parts.mkdir()
                for name, content in files.items():
                    with open(parts / name, "wb") as stream:
                        stream.write(content)
                        stream.flush()
                        os.fsync(stream.fileno())
                earlier = read_report(folder, case).get("files", [])
                (folder / report).unlink(missing_ok=True)
                for name in earlier:
                    if name not in files and name == Path(name).name and name.startswith(f"{case}_"):
                        (folder / name).unlink(missing_ok=True)
                for name in files:
                    os.replace(parts / name, folder / name)
            finally:
                shutil.rmtree(parts, ignore_errors=True)


def check_writable(folder: str | PathLike) -> None:
    """Refuse, with InputError, a folder that nothing can be written into, or made in; nothing is left there."""
    place = Path(folder).absolute()
    with _refusals():
        while not os.path.lexists(place):
            place = place.parent
        with tempfile.TemporaryFile(dir=place) as stream:
            stream.write(bytes(_PROBE))


def read_report(folder: str | PathLike, case: str) -> dict[str, Any]:
    """The report that an earlier run left of a case; empty where there is none that can be read."""
    try:
        report = json.loads((Path(folder) / f"{case}{REPORT_ENDING}").read_bytes())
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which is gone afterwards; one that a killed process left holds nobody up."""
    with FileLock(path, timeout=LONGEST_WAIT):
        try:
            yield
        finally:
            # While it is held: who waits for it sees that it is gone, and makes a new one.
            with suppress(OSError):
                path.unlink(missing_ok=True)


@contextmanager
def _refusals() -> Iterator[None]:
    """Say what an OSError means without the path that it quotes."""
    try:
        yield
    except OSError as error:
        outcome, what = _REFUSALS.get(error.errno, ("unwritable", f"cannot be written to ({error.strerror or 'busy'})"))
        raise InputError(f"the folder for the outputs {what}; set `output_dir` to another one", outcome) from error
