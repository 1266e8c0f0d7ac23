"""Writing a case's files together: all of them or none, whatever happens meanwhile."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from filelock import FileLock
from isal import isal_zlib

from ...inputs import InputError
from ...label_map import LabelMap
from ...runtime.interruption import held
from ...runtime.small_files import is_foreign

Ours = Callable[[Path], set[str]]
"""From the last file of a group, as an earlier run left it at that path, to the names of all that it tells of, its own
included; none where there is no such file, or it is not ours."""
IN_THE_WAY = "in_the_way"
"""Outcome of what cannot be written for what stands in its place."""
TOO_LONG = "name_too_long"
"""Outcome of a name that no output can bear."""
LONGEST_WAIT = 600.0
"""Seconds that a run waits for another one to have written the same case."""
LONGEST_NAME = 255
"""Bytes of a file's name, where the system does not say."""
_GZIP = 16 + isal_zlib.MAX_WBITS  # that what is packed gets gzip's header
_PROBE = 4096
"""Bytes that a full disk does not take."""
_EARLIER = "earlier"
"""What the last file is called in the hidden folder, while those that it tells of are replaced."""
_REFUSALS = {
    errno.EACCES: ("no_permission", "may not be written to"),
    errno.EPERM: ("no_permission", "may not be written to"),
    errno.EROFS: ("read_only", "cannot be written to: its file system is read-only"),
    errno.ENOSPC: ("disk_full", "cannot take them: the disk is full"),
    errno.EDQUOT: ("disk_full", "cannot take them: the quota of its disk is used up"),
    errno.ENOENT: ("folder_gone", "has been removed while the run went on"),
    errno.ENOTDIR: ("no_folder", "is no folder, or lies below what is none"),
    errno.EEXIST: ("no_folder", "is no folder"),
}


def encode_nifti(labels: np.ndarray, affine: np.ndarray, remark: str = "") -> bytes:
    """A label map (D0, D1, D2) of integers and its voxel-to-RAS `affine` (4, 4) in mm as a compressed NIfTI file.

    The axes are perpendicular, or ITK does not open it; qform and sform both say where they lie.
    The same arguments give the same bytes: no name and no time is stored, and `remark` (at most 79 ASCII characters) as
    description.
    """
    return _packed(labels.shape, labels.dtype, affine, remark, [labels])


def encode_label_maps(label_maps: Sequence[LabelMap], affine: np.ndarray, remark: str = "") -> bytes:
    """As `encode_nifti`, of label maps on one grid; several are the volumes of one file."""
    shape = label_maps[0].shape if len(label_maps) == 1 else (*label_maps[0].shape, len(label_maps))
    planes = (plane for labels in label_maps for plane in labels.planes())
    return _packed(shape, np.dtype(np.uint8), affine, remark, planes)


def _packed(
    shape: tuple[int, ...], dtype: np.dtype, affine: np.ndarray, remark: str, parts: Iterable[np.ndarray]
) -> bytes:
    """A file of these parts, which follow each other along the last axis, each taken before the next is asked for."""
    header = nibabel.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header.set_qform(affine, "scanner")
    header.set_sform(affine, "scanner")
    header.set_xyzt_units("mm")
    header["descrip"], header["vox_offset"] = remark, header.single_vox_offset
    header["scl_slope"], header["scl_inter"] = 1, 0
    packer = gzip_packer()
    packed = [packer.compress(header.binaryblock.ljust(header.single_vox_offset, b"\0"))]
    packed += [packer.compress(np.asfortranarray(part).T) for part in parts]  # its memory, uncopied
    return b"".join([*packed, packer.flush()])


def gzip_packer() -> Any:
    """What packs label maps, with gzip's header: the fastest, for they pack well."""
    return isal_zlib.compressobj(1, isal_zlib.DEFLATED, _GZIP)


def told_by(keys: Collection[str], names: Collection[str]) -> Ours:
    """That all `names` are ours where the last of them is JSON of ours, told by one of `keys`."""

    def ours(path: Path) -> set[str]:
        return set(names) if os.path.lexists(path) and not is_foreign(path, keys) else set()

    return ours


def make_folder(folder: str | PathLike, permissions: int = 0o777) -> None:
    """Make a folder, and what it lies in, with those of its usual `permissions` that are given.

    Raises InputError where it cannot be made.
    """
    place, missing = Path(folder).absolute(), []
    with _refusals():
        while not os.path.lexists(place):
            missing.append(place)
            place = place.parent
        for new in reversed(missing):
            new.mkdir(0o777 & permissions, exist_ok=True)
        if not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def write_together(
    folder: str | PathLike,
    group: str,
    files: Mapping[str, bytes],
    ours: Ours,
    permissions: int = 0o777,
    overwrite: bool = False,
) -> None:
    """Write `files` (name to content) into `folder`, which is there: each appears whole, or not at all.

    All are written to the hidden folder `.GROUP.part` first and then renamed. The last, which tells of the others (a
    case's report), goes before the first new file comes and comes after all others, so that it stands beside what it
    tells of or not at all, also where the process is killed; a signal waits until it does. Files that the earlier one
    tells of and that are not written anew are removed. Runs that write the same group wait for each other.

    Args:
        folder: of all files.
        group: what they belong to: the name of a case, or of a summary.
        files: the last one tells of the others.
        ours: which files an earlier one tells of.
        permissions: the files get those of the usual ones that are among them.
        overwrite: replace also what no run has written.

    Raises InputError, with all files as they were, where the folder cannot be written, a name is too long, or `ours`
    does not know what stands under a name.
    """
    folder = Path(folder)
    parts, last = _parts(folder, group), list(files)[-1]

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags, 0o666 & permissions)

    with _refusals(), alone(folder, group):
        earlier = _check(folder, group, files, ours, overwrite)
        try:
            parts.mkdir(0o700)
            for name, content in files.items():
                with open(parts / name, "wb", opener=opener) as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
        except BaseException:
            shutil.rmtree(parts, ignore_errors=True)
            raise
        with held():
            with suppress(FileNotFoundError):
                os.replace(folder / last, parts / _EARLIER)
            for name in earlier - set(files):
                (folder / name).unlink(missing_ok=True)
            for name in files:
                os.replace(parts / name, folder / name)
            shutil.rmtree(parts, ignore_errors=True)


def check_place(folder: str | PathLike, group: str, names: Sequence[str], ours: Ours, overwrite: bool = False) -> None:
    """Refuse as `write_together` would, with InputError, files of these `names`; what a killed run left is removed."""
    folder = Path(folder)
    with _refusals():
        _check_lengths(folder, group, names)
        if any(os.path.lexists(folder / name) for name in (*names, _parts(folder, group).name)):
            with alone(folder, group):
                _check(folder, group, names, ours, overwrite)


def _check(folder: Path, group: str, names: Collection[str], ours: Ours, overwrite: bool) -> set[str]:
    """`ours` of what stands in the folder, once it is clear that nothing else is in the way."""
    _check_lengths(folder, group, names)
    last, parts = list(names)[-1], _parts(folder, group)
    if not os.path.lexists(folder / last):  # a run may have been killed between the first and the last renaming
        renamed = {name for name in ours(parts / last) if not os.path.lexists(parts / name)}
        for name in renamed | ours(parts / _EARLIER):
            (folder / name).unlink(missing_ok=True)
    shutil.rmtree(parts, ignore_errors=True)
    known = ours(folder / last)
    for name in (last, *names):
        path = folder / name
        if path.is_dir() or (os.path.lexists(path) and name not in known and not overwrite):
            raise InputError(
                f"{name} stands there already, and no earlier run tells of it: move it, set `output_dir` to another "
                "folder, or `overwrite` to True",
                IN_THE_WAY,
            )
    return known


def _check_lengths(folder: Path, group: str, names: Collection[str]) -> None:
    try:
        most = os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, or no such folder yet
        most = LONGEST_NAME
    longest = max(len(os.fsencode(name)) for name in (*names, _parts(folder, group).name))
    if longest > most:
        raise InputError(
            f"the name is {longest - most} bytes too long for those of the outputs to be made of it: rename the input",
            TOO_LONG,
        )


def _parts(folder: Path, group: str) -> Path:
    """The hidden folder of a group; the lock's name is as long."""
    return folder / f".{group}.part"


def check_writable(folder: str | PathLike) -> None:
    """Refuse, with InputError, a folder that nothing can be written into, or made in; nothing is left there."""
    place = Path(folder).absolute()
    with _refusals():
        while not os.path.lexists(place):
            place = place.parent
        with tempfile.TemporaryFile(dir=place) as stream:
            stream.write(bytes(_PROBE))


@contextmanager
def alone(folder: Path, group: str) -> Iterator[None]:
    """Hold a group's lock file, which is gone afterwards; one that a killed process left holds nobody up."""
    if not folder.exists():  # which the lock would make anew
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    path = folder / f".{group}.lock"
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
