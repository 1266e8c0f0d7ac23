"""Which vertices of the left atrium are its appendage's."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ..frames import centred_affine, ras_to_voxel
from ..geometry.winding import voxelise_in_image
from .planes import Plane, Surface

SPACING = 2.0
"""mm of the grid on which the atrium is opened."""
BALL = 0.75
"""Radius of the ball that the body is opened with, of the largest that fits into the atrium."""
BEYOND = 3.0
"""mm outside the opened body from which on a vertex is of a branch."""
VESTIBULE = (4.0, 0.35)
"""What is never of a branch, the way to the valve: so many mm beyond the annulus' rim, and up to this share of the
atrium's height above it."""
LEAST_MM2 = 100.0
"""Of a branch: smaller ones are unevenness."""
LOW = 0.5
"""Share of the atrium's height above the mitral plane below which the appendage lies, and above which veins do."""


def appendage_of(atrium: Surface, faces: np.ndarray, mitral: Plane) -> np.ndarray:
    """(V,) bool, True for the appendage's vertices; all False where there is no such branch.

    The body is what the morphological opening of the atrium by a large ball leaves. What sticks out of it are branches:
    the largest of those that lie low, beside the valve, is the appendage; veins lie high.

    Args:
        atrium: the surface.
        faces: (F, 3) of it.
        mitral: the annulus.
    """
    low, high = atrium.vertices.min(axis=0) - 3 * SPACING, atrium.vertices.max(axis=0) + 3 * SPACING
    shape = tuple(int(size) for size in np.ceil((high - low) / SPACING))
    affine = centred_affine(shape, (SPACING,) * 3, (low + high) / 2)
    depth = SPACING * distance_transform_edt(voxelise_in_image(atrium.vertices, faces, affine, shape).numpy())
    radius = BALL * depth.max()
    outside = SPACING * distance_transform_edt(depth < radius) - radius
    distance = map_coordinates(outside, ras_to_voxel(atrium.vertices, affine).T, order=1, mode="nearest")
    height = -mitral.height(atrium.vertices)
    vestibule = (mitral.beyond_rim(atrium.vertices) < VESTIBULE[0]) & (height < VESTIBULE[1] * height.max())
    chosen = np.zeros(len(height), dtype=bool)
    branches = [
        branch
        for branch in _pieces((distance > BEYOND) & ~vestibule, faces)
        if atrium.areas[branch].sum() > LEAST_MM2
        and np.average(height[branch], weights=atrium.areas[branch]) < LOW * height.max()
    ]
    if branches:
        chosen[max(branches, key=lambda branch: atrium.areas[branch].sum())] = True
    return chosen


def _pieces(chosen: np.ndarray, faces: np.ndarray) -> list[np.ndarray]:
    """Indices of the vertices of each connected piece of what of a mesh is chosen, (V,) bool."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    first, second = edges[chosen[edges].all(axis=1)].T
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(len(chosen),) * 2)
    _, labels = connected_components(graph, directed=False)
    return [np.flatnonzero(chosen & (labels == label)) for label in np.unique(labels[chosen])]
