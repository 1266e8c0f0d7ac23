"""One case read: the right reader for what it is, and a refusal where the result could not be trusted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..inputs import Damaged, Findings, InputError
from .archives import opened
from .hounsfield import check_hounsfield
from .kinds import ITK_SUFFIXES, NIFTI_SUFFIXES
from .meta_image import read_meta_image
from .nifti import read_nifti, volume_ms
from .nrrd import read_nrrd
from .phase_files import phase_files
from .voxels import SeveralVolumes


def read_ct(
    path: str,
    findings: Findings,
    series_uid: str | None = None,
    phase: str | float | None = None,
    hu_offset: float = 0.0,
    places: Sequence[tuple[str, int]] | None = None,
    file: str | None = None,
) -> tuple[dict[str, Any], np.ndarray]:
    """What `custom.inference.LoadCTd` tells of a CT, and its values (D2, D1, D0) int16 or float32 in HU.

    Args:
        path: a file, a DICOM folder, or a zip of one of these.
        findings: gets the warnings.
        series_uid, phase, hu_offset: as `LoadCTd` takes them.
        places: of DICOM, the slices to read as `list_phases` tells them; None chooses.
        file: of a beat of several files, the name of the one to read, as `list_phases` tells it.

    Returns:
        `affine` (4 lists of 4, voxel to RAS mm), `series` and `places`; and the values, axes in reversed order.

    Raises InputError whatever is wrong with it, but MemoryError where the memory does not suffice.
    """
    image = Path(path)
    with _named(image, findings), opened(image) as inside:
        inside = inside if file is None else inside.with_name(file)
        if _is_volume_file(inside):
            (values, affine), series, places = _read_file(inside, findings, phase), None, []
        else:
            values, affine, series, places = _read_dicom(inside, findings, series_uid, phase, places)
    if hu_offset:
        values = values.astype(np.float32)
        values += np.float32(hu_offset)
        findings.warn("hu_offset", f"{hu_offset:+g} was added to the values, as asked")
    values = check_hounsfield(values, findings)
    return {"affine": affine.tolist(), "series": series, "places": places}, values.T


def list_phases(path: str, findings: Findings, series_uid: str | None = None) -> tuple[dict[str, Any], np.ndarray]:
    """The phases of a heart beat in an image: `phases`, one dictionary each in their order; and an empty volume.

    Each holds `percent` of the cardiac cycle, from 0 up to 100, `series`, and the `arguments` with which `read_ct`
    reads it.

    Raises InputError as `read_ct` does, or where it holds no beat.
    """
    image = Path(path)
    with _named(image, findings), opened(image) as inside:
        if _is_volume_file(inside):
            phases = [
                {"percent": phase.percent, "arguments": {"file": phase.path.name}, "series": None}
                for phase in phase_files(inside)
            ] or _count_volumes(inside, findings)
        else:
            from ..dicom import list_phases as phases_in

            folder, series_uid = _series_at(inside, series_uid)
            phases = [
                {
                    "percent": percent,
                    "arguments": {"places": [(os.path.relpath(file, inside.parent), frame) for file, frame in places]},
                    "series": choice,
                }
                for percent, places, choice in phases_in(folder, findings, series_uid)
            ]
    return {"phases": phases}, np.zeros((1, 1, 1), dtype=np.int16)


def _count_volumes(path: Path, findings: Findings) -> list[dict[str, Any]]:
    from ..dicom.beat import check_beat, even

    try:
        _read_file(path, findings, None)
    except SeveralVolumes as found:
        if path.name.lower().endswith(NIFTI_SUFFIXES):
            check_beat(found.count * volume_ms(path), findings)
        percents = even(found.count, findings)
        return [
            {"percent": percent, "arguments": {"phase": index + 1}, "series": None}
            for index, percent in enumerate(percents)
        ]
    raise InputError("the file holds one volume, no beat: leave out `phase`", "one_phase")


def read_volume(path: str, findings: Findings) -> tuple[dict[str, Any], np.ndarray]:
    """As `read_ct`, of a NIfTI, NRRD or MHA file whose values may be anything: `affine`, and the values."""
    with _named(Path(path), findings):
        values, affine = _read_file(Path(path), findings, None)
    return {"affine": affine.tolist()}, values.T


@contextmanager
def _named(image: Path, findings: Findings) -> Iterator[None]:
    """Make a refusal by name of whatever is raised, here or by the end of the process."""
    findings.begin(f"{image.name} cannot be read", "unreadable")
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Damaged as error:
        raise InputError(f"{image.name} cannot be read: {error}", "unreadable") from error
    except OSError as error:
        raise InputError(f"{image.name} cannot be read: {error.strerror or 'it is damaged'}", "unreadable") from error
    except Exception as error:  # whatever a reader raises on a damaged file
        message = f"{image.name} cannot be read: it is damaged ({type(error).__name__})"
        raise InputError(message, "unreadable") from error


def _is_volume_file(path: Path) -> bool:
    return path.name.lower().endswith(NIFTI_SUFFIXES + ITK_SUFFIXES) and path.is_file()


def _read_file(path: Path, findings: Findings, phase: str | float | None) -> tuple[np.ndarray, np.ndarray]:
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty", "empty_file")
    readers = {".nrrd": read_nrrd, ".nhdr": read_nrrd, ".mha": read_meta_image, ".mhd": read_meta_image}
    return readers.get(path.suffix.lower(), read_nifti)(path, findings, phase)


def _read_dicom(
    path: Path,
    findings: Findings,
    series_uid: str | None,
    phase: str | float | None,
    chosen: Sequence[tuple[str, int]] | None,
) -> tuple[np.ndarray, np.ndarray, dict[str, Any], list[tuple[str, int]]]:
    # Only here, because pydicom takes longer to import than all else that reads a file.
    from ..dicom import read_series, read_slices

    if chosen is not None:
        slices = [(str(path.parent / file), frame) for file, frame in chosen]
        values, affine, series, places = read_slices(slices, {}, findings)
    else:
        folder, series_uid = _series_at(path, series_uid)
        values, affine, series, places = read_series(folder, findings, series_uid, phase)
    return values, affine, series, [(os.path.relpath(file, path.parent), frame) for file, frame in places]


def _series_at(path: Path, series_uid: str | None) -> tuple[Path, str | None]:
    """The folder of DICOM at a path, and the series to read; a DICOM file stands for its series."""
    from ..dicom import read_header
    from ..dicom.headers import series_of

    if not path.is_file():
        return path, series_uid
    header = read_header(path)
    if header is None or not series_of(header):
        raise InputError(f"{path.name} belongs to no DICOM series", "unreadable")
    return path.absolute().parent, series_uid or series_of(header)
