"""Vertices of a surface that strayed from the segmentation it was made with, drawn back into the surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from ...frames import ras_to_voxel, spacing_of
from ..region_distance import distance_up_to
from .vertex_graph import VertexGraph

ROUNDS = 40
"""Rounds before giving up; tongues of 30 mm take about ten."""
PASSES = 5
"""Smoothing passes a round."""
SPECK = 1.0
"""mL; smaller parts of the region do not count. An appendage can be a part of its own, where its neck is thin."""
RINGS = 2
"""Neighbours of strayed vertices that are smoothed with them, so that they leave no pit."""


def distance_outside(region: ArrayLike, affine: ArrayLike, furthest: float) -> NDArray[np.float32]:
    """How far each voxel's centre is from the nearest one of a region.

    Args:
        region: (D0, D1, D2) boolean; parts of it smaller than ``SPECK`` do not count.
        affine: (4, 4) voxel to RAS mm, its axes orthogonal.
        furthest: mm, up to which, between voxels too, distances are told apart.

    Returns:
        (D0, D1, D2) mm, 0 in the region; 0 everywhere if no part of it counts, for then nothing is known to be outside.
    """
    spacing = spacing_of(affine)
    parts, _ = ndimage.label(np.asarray(region))
    counted = np.bincount(parts.ravel(), minlength=1) * np.prod(spacing) / 1e3 >= SPECK
    counted[0] = False  # the outside
    if not counted.any():
        return np.zeros(parts.shape, dtype=np.float32)
    reach = furthest + float(np.linalg.norm(spacing))  # where one corner of a cell is beyond, all are beyond `furthest`
    return np.minimum(distance_up_to(reach, counted[parts], spacing), np.float32(reach))


def remove_outliers(
    vertices: ArrayLike, faces: ArrayLike, outside: ArrayLike, affine: ArrayLike, furthest: float
) -> NDArray[np.float64]:
    """Vertices of a triangle mesh without those that lie far outside a region.

    A flow that expects a part of a chamber where there is none, an appendage for instance, draws a thin tongue out of
    the surface, or a spike. Its vertices, with their neighbours, are moved to the mean of theirs a few times (uniform
    Laplacian smoothing), until none is too far out. Inside, and near the region, the surface is not the region's.

    Args:
        vertices: (V, 3) floating point, RAS mm.
        faces: (F, 3) integer, of a closed mesh.
        outside: (D0, D1, D2) :func:`distance_outside` of the region, as far as `furthest`; beyond the grid its border
            goes on.
        affine: (4, 4) its voxels to RAS mm.
        furthest: that a vertex may be from the centre of the nearest voxel of the region, mm.

    Returns:
        (V, 3): equal to ``vertices`` where none was too far out.

    Raises:
        ValueError: a vertex is not finite.
    """
    vertices = np.array(vertices, dtype=np.float64)
    if not np.isfinite(vertices).all():
        raise ValueError("vertices must be finite")
    graph = VertexGraph(np.asarray(faces), len(vertices))
    for _ in range(ROUNDS):
        far = ndimage.map_coordinates(outside, ras_to_voxel(vertices, affine).T, order=1, mode="nearest")
        strayed = np.flatnonzero(far > furthest)
        if len(strayed) == 0:
            break
        graph.smooth(vertices, graph.around(strayed, RINGS), PASSES)
    return vertices
