"""How far along the great vessels a surface is scored: to where MM-WHS ends them.

The aorta ends at the upper level of the atria, the pulmonary artery at its bifurcation (Zhuang et al., Med Image Anal
2019). Label maps run on in places, and no image shows either end, so what lies beyond it counts neither for nor against
a surface.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import binary_dilation, label
from skimage.graph import MCP_Geometric

from ..chambers import LABELS
from ..frames import UP, box_around, spacing_of, voxel_to_ras, voxels_along

STEP = 2.0
"""mm along the vessel from one cross-section to the next."""
TRUNK = 10.0
"""mm from the valve within which a vessel does not divide: there its label may touch the ventricle in two places."""
BRANCH = 0.2
"""Of a cross-section's voxels, that a branch has at least."""
WHOLE = 0.98
"""Of the voxels by their distance from the valve, where the vessel ends that does not divide."""
DIRECTION = 10.0
"""mm before its end along which the vessel's direction is taken."""
MARGIN = 2.0
"""mm before the end up to which surfaces are measured: there the truth may be closed by a plane."""


class Range(NamedTuple):
    """The half-space in which a vessel is scored."""

    end: np.ndarray
    """(3,) RAS mm, a point of the plane where it ends."""
    away: np.ndarray
    """(3,) unit, across the plane, out of what is scored."""

    def holds(self, points: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Which of points (..., 3), RAS mm, lie in it, further than a margin in mm from its plane: bool (...)."""
        return (points - self.end) @ self.away <= -margin

    def mask(self, shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
        """Which voxels (D0, D1, D2) of a grid, voxel to RAS mm, lie in it."""
        return voxels_along(self.away, shape, affine) <= self.away @ self.end


def scored_range(structure: str, classes: np.ndarray, affine: np.ndarray) -> Range | None:
    """Where a structure is scored; None for everywhere: a chamber, or a vessel beside which the truth lacks what tells
    its end (an atrium, or the right ventricle).

    Args:
        structure: of `custom.chambers.STRUCTURES`.
        classes: (D0, D1, D2), of `custom.chambers.LABELS`.
        affine: (4, 4) voxel to RAS mm.
    """
    if structure == "AO":
        atria = np.argwhere(np.isin(classes, [LABELS["LA"], LABELS["RA"]]))
        return Range(max(voxel_to_ras(atria, affine), key=lambda point: point[2]), UP) if len(atria) else None
    if structure == "PA":
        return _to_bifurcation(classes == LABELS["PA"], classes == LABELS["RV"], affine)
    return None


def _to_bifurcation(vessel: np.ndarray, ventricle: np.ndarray, affine: np.ndarray) -> Range | None:
    """To the first cross-section, of voxels equally far from the ventricle within the vessel, beyond which there are
    two branches. That a section itself is of two pieces says nothing: near the valve it can have a hole."""
    if not vessel.any():
        return None
    box, affine = box_around(voxel_to_ras(np.argwhere(vessel), affine), vessel.shape, affine)
    vessel, ventricle = vessel[box], ventricle[box]
    valve = np.argwhere(vessel & binary_dilation(ventricle, np.ones((3, 3, 3), dtype=bool)))
    if not len(valve):
        return None
    along, _ = MCP_Geometric(np.where(vessel, 1.0, -1.0), sampling=tuple(spacing_of(affine))).find_costs(valve)
    along[~vessel] = np.inf
    length = np.quantile(along[np.isfinite(along)], WHOLE)
    end = length
    for start in np.arange(TRUNK, length, STEP):
        branches = label((along >= start) & vessel, np.ones((3, 3, 3)))[0]
        sizes = np.sort(np.bincount(branches[(along >= start) & (along < start + STEP)])[1:])
        if len(sizes) > 1 and sizes[-2] >= BRANCH * sizes.sum():
            end = start
            break
    sections = (along >= end - STEP) & (along <= end), (along >= end - DIRECTION) & (along < end - DIRECTION + STEP)
    if not all(section.any() for section in sections):
        return None
    last, before = (voxel_to_ras(np.argwhere(section), affine).mean(0) for section in sections)
    return Range(last, (last - before) / np.linalg.norm(last - before))
