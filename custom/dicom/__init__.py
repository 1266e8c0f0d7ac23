"""DICOM in: the CT series below a folder, chosen, placed and decoded.

`headers` finds the files, `slices` reads where each slice lies, `series` chooses among series, `phases` among slices
at one place, `placing` checks the geometry, and `pixels` makes HU of what
`decoding` decodes.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from ..inputs import Findings
from .headers import find_headers, holds_dicom, is_dicom, quiet, read_header
from .phases import one_phase
from .pixels import hounsfield
from .placing import place
from .series import choose_stack

__all__ = ["holds_dicom", "is_dicom", "read_header", "read_series"]


def read_series(
    folder: str | PathLike, findings: Findings, series_uid: str | None = None, phase: str | float | None = None
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """The CT volume of a DICOM folder.

    Args:
        folder: holds the series at any depth, other objects beside them.
        findings: gets the warnings.
        series_uid: the SeriesInstanceUID to read; None chooses by the rules of `custom.dicom.series`.
        phase: the phase to read of a series of several.

    Returns:
        (columns, rows, slices) float32 in HU; its affine (4, 4) float64, voxel to RAS mm, sheared by a gantry tilt; and
        the choice for the report.

    Raises:
        InputError: the folder holds no CT series, or one that cannot be trusted, as the parts of this package say.
        OSError: a file or folder cannot be read.
    """
    with quiet():
        stack, choice = choose_stack(find_headers(folder), series_uid, findings)
        slices, affine = place(one_phase(stack.slices, phase, findings), findings)
        return hounsfield(slices, findings), affine, choice
