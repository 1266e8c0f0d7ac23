"""Where a stack of slices lies: its order and its voxel-to-RAS affine, which a tilted gantry shears."""

from __future__ import annotations

import numpy as np

from ..frames import affine_of_lps
from ..inputs import Findings, InputError, check_affine
from .slices import Slice

POSITION_TOLERANCE = 0.2
"""mm, of a slice's position from where even spacing puts it; half the spacing where that is less."""
TILT_TOLERANCE = 0.1
"""Degrees between the stack's direction and the slices' normal from which a tilt is reported."""
LARGEST_TILT = 45.0
"""Degrees; no gantry tilts further."""


def place(slices: list[Slice], findings: Findings) -> tuple[list[Slice], np.ndarray]:
    """Order a stack along its normal and place it by DICOM PS3.3 C.7.6.2.1.1.

    Args:
        slices: of one stack, none at the place of another.
        findings: gets a warning where the slices are stacked askew, or name different frames of reference.

    Returns:
        The slices in order, and the affine (4, 4) float64 from voxels (column, row, slice) to RAS mm. Its third column
        is the step from slice to slice as the positions say, so a tilted gantry gives a sheared affine, which is exact.

    Raises:
        InputError: a single slice, implausible spacing, a missing slice, uneven spacing, or
            slices that are shifted against each other.
    """
    if len(slices) < 2:
        raise InputError("the series has a single slice: a volume is needed", "single_slice")
    first = slices[0]
    (along, down), normal = first.orientation, first.normal
    slices = sorted(slices, key=lambda part: part.position @ normal)
    positions = np.array([part.position for part in slices])
    _check_gaps(positions @ normal, findings.warnings.get("left_out"))
    step = (positions[-1] - positions[0]) / (len(slices) - 1)
    even = positions[0] + np.arange(len(slices))[:, None] * step
    strays = np.linalg.norm(positions - even, axis=1)
    if strays.max() > POSITION_TOLERANCE:
        raise InputError(
            f"slice {strays.argmax() + 1} of {len(slices)} lies {strays.max():.2f} mm off an even stack",
            "uneven_spacing",
        )
    _check_tilt(step, normal, findings)
    if len({part.frame_of_reference for part in slices}) > 1:  # as some anonymisers leave it
        findings.warn("frames_of_reference", "the slices name different frames of reference: taken as one")
    between_rows, between_columns = first.spacing
    affine = affine_of_lps(np.column_stack([along * between_columns, down * between_rows, step]), positions[0])
    check_affine(affine)
    return slices, affine


def _check_gaps(heights: np.ndarray, left_out: str | None) -> None:
    gaps = np.diff(heights)
    gap = float(np.median(gaps))
    worst = int(np.abs(gaps - gap).argmax())
    tolerance = min(POSITION_TOLERANCE, gap / 2)
    if abs(gaps[worst] - gap) <= tolerance:
        return
    where = f"{gaps[worst]:.2f} mm after slice {worst + 1} of {len(heights)}, {gap:.2f} mm elsewhere"
    where += f"; {left_out}" if left_out else ""
    missing = round(gaps[worst] / gap) - 1
    if missing >= 1 and abs(gaps[worst] - (missing + 1) * gap) <= tolerance:
        raise InputError(f"{missing} of the slices are missing: {where}", "missing_slice")
    raise InputError(f"the slices are not evenly spaced: {where}", "uneven_spacing")


def _check_tilt(step: np.ndarray, normal: np.ndarray, findings: Findings) -> None:
    tilt = float(np.degrees(np.arctan2(np.linalg.norm(np.cross(step, normal)), step @ normal)))
    if tilt > LARGEST_TILT:
        raise InputError(f"the slices are stacked at {tilt:.0f} degrees from their normal: implausible", "unplaced")
    if tilt > TILT_TOLERANCE:
        findings.warn("gantry_tilt", f"the gantry was tilted by {tilt:.1f} degrees: corrected by resampling")
