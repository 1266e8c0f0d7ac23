"""DICOM in: the CT series below a folder, chosen, placed and decoded. DICOM out: surfaces and label map of its study.

`headers` finds the files, `slices` reads where each slice lies, `series` chooses among the series by the rules of
`stack`, `phases` among slices at one place, `stacking` checks the geometry, and `pixels` makes HU of what `decoding`
decodes. `wholeness` and `patients` see what is absent or does not belong together, `values` reads what a header says
without trusting it. The room `objects` writes: SEG, Encapsulated STL, SR, secondary capture.
"""

from __future__ import annotations

from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import pydicom

from ..inputs import Findings, InputError
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
    "read_header",
    "read_series",
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
    if int(pydicom.__version__.split(".")[0]) < 3:
        raise InputError(
            f"DICOM is read with pydicom 3, and here is {pydicom.__version__}: give the series as NIfTI", "pydicom"
        )
    with quiet():
        stack, choice = choose_stack(find_headers(folder), series_uid, findings)
        slices, affine = place(one_phase(stack.slices, phase, findings), findings)
        places = [(str(part.path), part.frame) for part in slices]
        return Volume(hounsfield(slices, findings), affine, choice, places)
