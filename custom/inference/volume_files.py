"""NIfTI, NRRD and MHA: one volume of one number a voxel, and where it lies."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import BinaryIO

import nibabel
import numpy as np

from ..apart import arrays_apart
from ..frames import affine_of_lps, apply_affine, spacing_of
from ..inputs import (
    LARGEST_COMPRESSION,
    LARGEST_SPACING,
    SMALLEST_SPACING,
    Findings,
    InputError,
    check_affine,
    check_claim,
)
from . import itk_program

AFFINE_TOLERANCE = 0.5
"""mm between where sform and qform put a corner of the volume, from which they are in conflict."""
LARGEST_NUMBER = 8
"""Bytes of a number in an NRRD or MHA file at most."""
_MILLIMETRES = {"meter": 1e3, "micron": 1e-3}
_PIECE = 2**20  # bytes that are unpacked at a time
_HEADER = 65536  # bytes of an NRRD or MHA file that hold its header
_COMPRESSED = re.compile(rb"^(?:encoding: *gz|CompressedData *= *[t1])", re.MULTILINE | re.IGNORECASE)
_LAST_LINE = re.compile(rb"\r?\n$|ElementDataFile *= *LOCAL\b", re.IGNORECASE)
_DATA_FILE = re.compile(rb"^[ \t]*(?:data ?file:|ElementDataFile *=)[ \t]*([^\r\n]*)", re.MULTILINE | re.IGNORECASE)


def read_nifti(path: Path, findings: Findings, phase: str | float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The volume (D0, D1, D2) float32 of a NIfTI file, and its affine (4, 4) float64, voxel to RAS mm.

    The sform places it, or the qform where there is none.

    Args:
        path: a .nii or .nii.gz file.
        findings: gets the warnings.
        phase: which volume of a file of several to read, counted from 1.

    Raises:
        InputError: colour, complex values, several volumes and no `phase`, a header that claims more than the file can
            hold, no orientation, sform and qform that contradict each other, or units that cannot be right.
        Exception: whatever nibabel raises on a damaged file.
    """
    with open(path, "rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    if path.name.lower().endswith(".gz") and not zipped:
        raise InputError(f"{path.name} is no gzip file, though its name ends in .gz: rename it", "not_gzip")
    image = nibabel.load(path, mmap=False)  # a map would end this process where the file is cut meanwhile
    kind = image.get_data_dtype()
    _check_kind(kind.fields is None, kind.kind in "iuf")
    check_claim(image.shape, kind.itemsize, path.stat().st_size * (LARGEST_COMPRESSION if zipped else 1.0))
    which = _which(image.shape, phase, findings)
    affine = _in_millimetres(_nifti_affine(image, findings), image.header.get_xyzt_units()[0], findings)
    if image.ndim == 3:
        return image.get_fdata(caching="unchanged", dtype=np.float32), affine
    return np.asarray(image.dataobj[(..., *which)], dtype=np.float32), affine


def read_itk(path: Path, findings: Findings, phase: str | float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The volume (D0, D1, D2) float32 of an NRRD or MHA file, and its affine (4, 4) float64, voxel to RAS mm.

    Arguments as for `read_nifti`.

    Raises:
        InputError: colour or other vectors, complex values, several volumes and no `phase`, a header that claims more
            than the file can hold or names a file that is not read, compressed voxels that are damaged, or an NRRD
            file that does not say in which space it lies.
        RuntimeError: SimpleITK gives up on a damaged file.
    """
    there = sum(part.stat().st_size for part in {path, *_data_files(path)})
    parts = arrays_apart(itk_program.__file__, "read", str(path), size=there)
    try:
        *shape, components = next(parts).tolist() or (0,)
        if not shape:
            raise InputError(f"{path.name} is not of the kind that its name says", "unreadable")
        _check_kind(components == 1, True)
        check_claim(shape, 1, there * LARGEST_COMPRESSION)
        _check_compression(path, LARGEST_NUMBER * prod(shape))
        which = _which(shape, phase, findings)
        if path.suffix.lower() in (".nrrd", ".nhdr"):
            _check_space(path, findings)
        affine = affine_of_lps(next(parts), next(parts))
        check_affine(affine)
        return next(parts).T[(..., *which)].astype(np.float32), affine
    except TimeoutError as error:
        raise InputError(f"{path.name} cannot be read: {error}", "reader_time") from error
    finally:
        parts.close()


def _check_kind(single: bool, real: bool) -> None:
    if not single:
        raise InputError("the image has several values a voxel (colour or vectors): HU are needed", "colour")
    if not real:
        raise InputError("the image's values are not real numbers: HU are needed", "complex")


def _which(shape: Sequence[int], phase: str | float | None, findings: Findings) -> tuple[int, ...]:
    """The index along the axes beyond the third."""
    if len(shape) < 3 or min(shape[:3]) < 2:
        raise InputError(f"the image of {'x'.join(map(str, shape))} voxels is too flat for a volume", "too_flat")
    extra = tuple(shape[3:])
    count = prod(extra)
    if count == 1:
        return (0,) * len(extra)
    listed = f"set `phase` to one of 1 to {count}"
    if phase is None:
        raise InputError(f"the file holds {count} volumes: {listed}", "phases")
    number = re.fullmatch(r"\d+", str(phase))
    if number is None or not 1 <= int(phase) <= count:
        raise InputError(f"the file holds no volume {phase}: {listed}", "no_phase")
    findings.warn("phase", f"volume {phase} of {count} was read")
    return tuple(int(index) for index in np.unravel_index(int(phase) - 1, extra, order="F"))


def _nifti_affine(image: nibabel.Nifti1Image, findings: Findings) -> np.ndarray:
    sform, qform = image.get_sform(coded=True)[0], image.get_qform(coded=True)[0]
    if sform is None and qform is None:
        findings.refuse("no_orientation", "the header does not say how the patient lies: left and right may be swapped")
    affine = np.asarray(image.affine, dtype=np.float64)
    if sform is not None and qform is not None:
        corners = np.array(list(product(*((0, size - 1) for size in image.shape[:3]))))
        distance = np.linalg.norm(apply_affine(sform, corners) - apply_affine(qform, corners), axis=1).max()
        if nibabel.aff2axcodes(sform) != nibabel.aff2axcodes(qform):
            findings.refuse(
                "sform_qform", "sform and qform contradict each other on how the patient lies; sform is read"
            )
        elif not distance <= AFFINE_TOLERANCE:
            findings.warn("sform_qform", f"sform and qform differ by up to {distance:.1f} mm: placed by the sform")
    return affine


def _in_millimetres(affine: np.ndarray, unit: str, findings: Findings) -> np.ndarray:
    """The affine in mm, where the header's unit is another one and says so rightly."""
    factor = _MILLIMETRES.get(unit, 1.0)
    converted = np.diag([factor, factor, factor, 1.0]) @ affine
    if factor != 1.0:
        spacing = spacing_of(converted)
        if SMALLEST_SPACING <= spacing.min() and spacing.max() <= LARGEST_SPACING:
            findings.warn("units", f"the header is in {unit}s: converted to mm")
        else:
            findings.warn("units", f"the header says {unit}s, which cannot be: read as mm")
            converted = affine
    check_affine(converted)
    return converted


def _data_files(path: Path) -> list[Path]:
    """The files beside an NRRD or MHA header that hold its voxels; none where it holds them itself.

    Raises InputError where one is missing, or lies outside the header's folder: no file says what else is opened.
    """
    names = [match[1].strip().decode(errors="replace") for match in _DATA_FILE.finditer(_header(path))]
    folder = path.absolute().parent
    files = [Path(os.path.normpath(folder / name)) for name in names if name.upper() != "LOCAL"]
    if not all(file.is_relative_to(folder) for file in files):
        raise InputError(f"{path.name} names a file outside its folder: put its voxels beside it", "outside")
    if not all(file.is_file() for file in files):
        raise InputError(f"{path.name} names one file or several that are not beside it, or not by name", "no_voxels")
    return files


def _check_compression(path: Path, largest: int) -> None:
    """Refuse compressed voxels that are damaged, or more than `largest` bytes: ITK reads on, or never ends."""
    if not _COMPRESSED.search(_header(path)):
        return
    for file in _data_files(path) or [path]:
        with open(file, "rb") as stream:
            if file == path:
                next((line for line in stream if _LAST_LINE.match(line)), None)
            if not _unpacks(stream, largest):
                raise InputError(f"{path.name}: its compressed voxels are damaged: is it complete?", "damaged")


def _unpacks(stream: BinaryIO, largest: int) -> bool:
    """Whether a zlib or gzip stream is whole, of the right checksum, and of at most `largest` bytes."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    packed, unpacked = stream.read(_PIECE), 0
    try:
        while packed and not unpacker.eof and unpacked <= largest:
            unpacked += len(unpacker.decompress(packed, _PIECE))
            packed = unpacker.unconsumed_tail or stream.read(_PIECE)
    except zlib.error:
        return False
    return unpacker.eof and unpacked <= largest


def _check_space(path: Path, findings: Findings) -> None:
    if not re.search(rb"^space: *\S*(left|right|scanner|LPS|RAS|LAS)", _header(path), re.MULTILINE | re.IGNORECASE):
        findings.refuse("no_orientation", "the header does not say in which space it is: left and right may be swapped")


def _header(path: Path) -> bytes:
    """The text before the voxels, and of an MHA file some of these."""
    with open(path, "rb") as stream:
        return stream.read(_HEADER).split(b"\n\n")[0].split(b"\r\n\r\n")[0]
