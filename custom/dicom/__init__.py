"""DICOM in: the CT series below a folder, chosen, placed and decoded. DICOM out: surfaces and label map of its study.

`headers` finds the files, `slices` reads where each slice lies, `series` chooses among the series by the rules of
`stack`, `phases` among slices at one place, `beat` sorts the phases of a heart beat, `stacking` checks the geometry,
and `pixels` makes HU of what `decoding` decodes. `wholeness` and `patients` see what is absent or does not belong
together, `values` reads what a header says without trusting it. The room `objects` writes: SEG, Encapsulated STL, SR,
secondary capture.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import pydicom

from ..inputs import Findings, InputError
from .beat import phases_of
from .headers import (
    SC_ENDING,
    SEG_ENDING,
    SR_ENDING,
    STL_ENDING,
    files_below,
    find_headers,
    holds_dicom,
    is_dicom,
    quiet,
    read_header,
)
from .phases import one_phase
from .pixels import hounsfield
from .series import choose_stack
from .slices import Slice, slices_of
from .stacking import place

__all__ = [
    "SC_ENDING",
    "SEG_ENDING",
    "SR_ENDING",
    "STL_ENDING",
    "Volume",
    "files_below",
    "holds_dicom",
    "is_dicom",
    "list_phases",
    "read_header",
    "read_series",
    "read_slices",
]


class Volume(NamedTuple):
    """A CT series as a volume."""

    values: np.ndarray
    """(columns, rows, slices) int16 or float32 in HU."""
    affine: np.ndarray
    """(4, 4) float64, voxel to RAS mm, sheared by a gantry tilt."""
    series: dict[str, Any]
    """The choice of the series, for the report."""
    places: list[tuple[str, int]]
    """File and frame of each slice, for `open_source`."""


def read_series(
    folder: str | PathLike, findings: Findings, series_uid: str | None = None, phase: str | float | None = None
) -> Volume:
    """The CT volume of a DICOM folder.

    Args:
        folder: holds the series at any depth, other objects beside them.
        findings: gets the warnings.
        series_uid: the SeriesInstanceUID to read; None chooses by the rules of `custom.dicom.stack`.
        phase: the phase to read of a series of several.

    Raises:
        InputError: the folder holds no CT series, or one that cannot be trusted, as the parts of this package say; or
            pydicom is older than 3, as beside MONAI Label, where all but DICOM works.
        OSError: a file or folder cannot be read.
    """
    _check_pydicom()
    with quiet():
        stack, _, choice = choose_stack(find_headers(folder), series_uid, findings)
        return _volume(one_phase(stack.slices, phase, findings), choice, findings)


def list_phases(
    folder: str | PathLike, findings: Findings, series_uid: str | None = None
) -> list[tuple[float, list[tuple[str, int]], dict[str, Any]]]:
    """The phases of a heart beat in a DICOM folder: percent of the cycle, file and frame of each slice, and the choice.

    Args:
        folder, findings, series_uid: as `read_series` takes them; without `series_uid` the phases may be several series
            of a study.

    Raises InputError and OSError as `read_series` does, and as `custom.dicom.beat.phases_of` says.
    """
    _check_pydicom()
    with quiet():
        best, others, choice = choose_stack(find_headers(folder), series_uid, findings)
        return [
            (percent, [(str(part.path), part.frame) for part in slices], {**choice, **stack.describe()})
            for percent, slices, stack in phases_of(best, others, findings)
        ]


def read_slices(places: Sequence[tuple[str, int]], choice: dict[str, Any], findings: Findings) -> Volume:
    """The volume of some slices of one stack, by the file and frame of each; `choice` goes into it as it is.

    Raises InputError and OSError as `read_series` does.
    """
    frames: dict[str, set[int]] = {}
    for file, frame in places:
        frames.setdefault(file, set()).add(frame)
    with quiet():
        slices = []
        for file, wanted in frames.items():
            header = read_header(file)
            if header is None:
                raise InputError("a slice was damaged while the run went on", "unreadable")
            slices += [part for part in slices_of(header) if part.frame in wanted]
        return _volume(slices, choice, findings)


def _volume(slices: list[Slice], choice: dict[str, Any], findings: Findings) -> Volume:
    slices, affine = place(slices, findings)
    places = [(str(part.path), part.frame) for part in slices]
    return Volume(hounsfield(slices, findings), affine, choice, places)


def _check_pydicom() -> None:
    if int(pydicom.__version__.split(".")[0]) < 3:
        raise InputError(
            f"DICOM is read with pydicom 3, and here is {pydicom.__version__}: give the series as NIfTI", "pydicom"
        )
