"""NIfTI: its header by nibabel, and what in a header can be trusted."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np

if _alone := "pydicom" not in sys.modules:
    sys.modules["pydicom"] = None  # nibabel would import it, which takes longer than all else here, and not need it
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import aff2axcodes
from nibabel.spatialimages import HeaderDataError

if _alone:
    del sys.modules["pydicom"]

from ..frames import apply_affine, spacing_of
from ..inputs import (
    CUT_OFF,
    LARGEST_SPACING,
    SMALLEST_SPACING,
    Damaged,
    Findings,
    InputError,
    check_affine,
    spans_volume,
)
from .contents import START, refuse_content
from .voxels import Layout, Source, read_volume

AFFINE_TOLERANCE = 0.5
"""mm between where sform and qform put a corner of the volume, from which they are in conflict."""
QUATERNION_TOLERANCE = 1e-3
"""Of a quaternion's length beyond 1: more than what rounding makes of a turn by 180 degrees."""
_UNITS = {1: ("meters", 1e3), 2: ("millimeters", 1.0), 3: ("microns", 1e-3)}
_MILLISECONDS = {8: 1e3, 16: 1.0, 24: 1e-3}
_HEADERS = {348: Nifti1Header, 540: Nifti2Header}
_PAIRS = (b"ni1\0", b"ni2\0")
_CIFTI = range(3000, 3100)
_SURFACES = (1008, 1009)
_VECTORS = (1004, 1005, 1006, 1007, 1010, 2003, 2004)


def read_nifti(path: Path, findings: Findings, phase: str | float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The volume (D0, D1, D2), int16 or float32, of a NIfTI file, and its affine (4, 4) float64, voxel to RAS mm.

    The sform places it, or the qform where there is none, or none that can be right.

    Args:
        path: a .nii or .nii.gz file; gzip is known by its first bytes.
        findings: gets the warnings.
        phase: which volume of a file of several to read, counted from 1.

    Raises InputError: another kind of file, colour, complex values, several volumes and no `phase`, a header that
    claims more than the file holds, no orientation, or sform and qform that contradict each other.
    """
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        source = Source(stream, packed)
        start = source.read(START)
        if packed and len(start) < min(_HEADERS):
            raise Damaged(CUT_OFF)
        header = _header(path, start + source.read(540 - START))
        if path.name.lower().endswith(".gz") and not packed:
            raise InputError(f"{path.name} is no gzip file, though its name ends in .gz: rename it", "not_gzip")
        layout = _layout(header)
        affine = _affine(header, layout.shape, findings)
        stream.seek(0)
        source = Source(stream, packed)
        source.skip(_offset(header))
        return read_volume(source, layout, phase, findings), affine


def volume_ms(path: Path) -> float:
    """ms from one volume of a NIfTI file to the next; 0 where its header does not say so in a unit of time."""
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        header = _header(path, Source(stream, packed).read(540))
    step = float(header["pixdim"][4]) * _MILLISECONDS.get(int(header["xyzt_units"]) & 0x38, 0.0)
    return step if np.isfinite(step) and step > 0 else 0.0


def _header(path: Path, start: bytes) -> Nifti1Header:
    orders = {int.from_bytes(start[:4], order): order for order in ("little", "big")}
    size = next((size for size in _HEADERS if size in orders), None)
    if size is None:
        raise refuse_content(path, start[:START], "NIfTI")
    if len(start) < size:
        raise Damaged(CUT_OFF)
    header = _HEADERS[size](start[:size], endianness=orders[size], check=False)
    magic = header["magic"].item().ljust(4, b"\0")[:4]
    if magic in _PAIRS:
        raise InputError(f"{path.name} is the header of a pair of files: convert them to one .nii.gz", "no_voxels")
    if not magic.startswith(b"n+"):
        raise InputError(f"{path.name} is no NIfTI file but Analyze, or damaged: convert it to NIfTI", "other_kind")
    intent = int(header["intent_code"])
    if intent in _CIFTI or intent in _SURFACES:
        raise InputError(f"{path.name} holds values on surfaces or of a table, not a CT", "other_kind")
    if intent in _VECTORS:
        raise InputError("the image has several values a voxel (colour or vectors): HU are needed", "colour")
    return header


def _layout(header: Nifti1Header) -> Layout:
    axes = int(header["dim"][0])
    if not 1 <= axes <= 7:
        raise Damaged("its header tells no number of axes")
    shape = tuple(int(size) for size in header["dim"][1 : axes + 1])
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError):
        dtype = np.dtype("V")
    if dtype.fields is not None:
        raise InputError("the image has several values a voxel (colour or vectors): HU are needed", "colour")
    if dtype.kind == "c":
        raise InputError("the image's values are not real numbers: HU are needed", "complex")
    if dtype.kind not in "iuf":
        code = int(header["datatype"])
        raise InputError(f"the header tells of a type of numbers (code {code}) that is not read", "data_type")
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or (np.isnan(slope) and (np.isnan(intercept) or intercept == 0)):
        slope, intercept = 1.0, 0.0  # stored as they are
    if not np.isfinite([slope, intercept]).all():
        raise InputError(
            f"the header's scl_slope {slope:g} and scl_inter {intercept:g} give no values: export the image again",
            "damaged",
        )
    return Layout(shape, dtype, tuple(range(min(axes, 3))), slope, intercept)


def _offset(header: Nifti1Header) -> int:
    """Bytes before the voxels; 0 in old files, which have none but the header and its four bytes of extensions."""
    offset, least = float(header["vox_offset"]), header.sizeof_hdr + 4
    if offset == 0:
        return least
    if not least <= offset < 2**53:
        raise Damaged("its header does not tell where the voxels begin")
    return int(offset)


def _affine(header: Nifti1Header, shape: tuple[int, ...], findings: Findings) -> np.ndarray:
    sform, qform = _sform(header), _qform(header)
    coded = [form for form in (sform, qform) if form is not None]
    sound = [form for form in coded if spans_volume(form)]
    if not coded:
        findings.refuse("no_orientation", "the header does not say how the patient lies: left and right may be swapped")
        coded = [header.get_base_affine()]
    if len(sound) == 2:
        _check_agreement(sform, qform, shape, findings)
    elif sound and len(coded) == 2:
        names = ("sform", "qform") if sound[0] is qform else ("qform", "sform")
        findings.warn("sform_qform", "the {} is damaged: placed by the {}".format(*names))
    return _in_millimetres((sound or coded)[0], int(header["xyzt_units"]) & 7, findings)


def _sform(header: Nifti1Header) -> np.ndarray | None:
    return np.asarray(header.get_sform(), dtype=np.float64) if header["sform_code"] > 0 else None


def _qform(header: Nifti1Header) -> np.ndarray | None:
    """None where there is none; not finite where it is damaged."""
    if header["qform_code"] <= 0:
        return None
    header = header.copy()
    quaternion = np.array([header[f"quatern_{part}"] for part in "bcd"], dtype=np.float64)
    length = np.linalg.norm(quaternion)
    if 1 < length <= 1 + QUATERNION_TOLERANCE:
        # A turn by 180 degrees; to the float32 just below, so that no rounding makes it longer than 1.
        for part, value in zip("bcd", quaternion / length * (1 - 1e-7), strict=True):
            header[f"quatern_{part}"] = value
    if header["pixdim"][0] not in (-1, 1):
        header["pixdim"][0] = 1  # as the standard has it for 0
    try:
        return np.asarray(header.get_qform(), dtype=np.float64)
    except (HeaderDataError, ValueError):
        return np.full((4, 4), np.nan)


def _check_agreement(sform: np.ndarray, qform: np.ndarray, shape: tuple[int, ...], findings: Findings) -> None:
    corners = np.array(list(product(*((0, size - 1) for size in (*shape, 1, 1)[:3]))))
    distance = np.linalg.norm(apply_affine(sform, corners) - apply_affine(qform, corners), axis=1).max()
    if aff2axcodes(sform) != aff2axcodes(qform):
        findings.refuse("sform_qform", "sform and qform contradict each other on how the patient lies; sform is read")
    elif not distance <= AFFINE_TOLERANCE:
        findings.warn("sform_qform", f"sform and qform differ by up to {distance:.1f} mm: placed by the sform")


def _in_millimetres(affine: np.ndarray, code: int, findings: Findings) -> np.ndarray:
    """The affine in mm, where the header's unit is another one and says so rightly; 0 says none."""
    if code and code not in _UNITS:
        findings.warn("units", f"the header's unit of length (code {code}) is not known: read as mm")
    unit, factor = _UNITS.get(code, _UNITS[2])
    converted = np.diag([factor, factor, factor, 1.0]) @ affine
    if factor != 1.0:
        spacing = spacing_of(converted)
        if SMALLEST_SPACING <= spacing.min() and spacing.max() <= LARGEST_SPACING:
            findings.warn("units", f"the header is in {unit}: converted to mm")
        else:
            findings.warn("units", f"the header says {unit}, which cannot be: read as mm")
            converted = affine
    check_affine(converted)
    return converted
