"""Closed surfaces of probabilities on a voxel grid, by marching cubes (Lorensen and Cline, SIGGRAPH 1987)."""

from __future__ import annotations

import numpy as np
import torch
from monai.transforms.utils import get_largest_connected_component_mask
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from skimage.measure import marching_cubes

LEVEL = 0.5
"""Probability on the surface; classes that add up to 1 then never overlap."""
MARGIN = 1e-3
"""How far every voxel is from `LEVEL`: a surface through a voxel's centre would have triangles without area."""


def isosurface(probability: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The surface on which a probability is one half: one closed piece, around the largest one, without cavities.

    Voxels are of one piece where their faces touch. The surface is closed at the border of the grid.

    Args:
        probability: (D0, D1, D2) in [0, 1].

    Returns:
        (V, 3) voxel coordinates, and (F, 3) faces that wind outward in them.

    Raises:
        ValueError: no voxel exceeds one half, or one is not finite.
    """
    field = np.pad(np.asarray(probability, dtype=np.float32), 1)
    if not np.isfinite(field).all():
        raise ValueError("a voxel's probability is not finite")
    inside = field > LEVEL
    if not inside.any():
        raise ValueError("no voxel's probability exceeds one half: there is no surface")
    piece = get_largest_connected_component_mask(torch.from_numpy(inside), connectivity=1).numpy()
    piece = binary_fill_holes(piece)
    field = np.where(piece, np.maximum(field, LEVEL + MARGIN), np.minimum(field, LEVEL - MARGIN))
    vertices, faces, _, _ = marching_cubes(field, LEVEL, gradient_direction="ascent")  # which is outward
    return vertices.astype(np.float64) - 1, faces.astype(np.int64)
