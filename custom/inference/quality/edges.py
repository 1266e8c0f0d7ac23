"""How far a surface lies from the edge of blood that the scan itself shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from ...frames import ras_to_voxel, voxel_to_normalised
from ...geometry.normals import vertex_normals
from ...mesh import Mesh
from ...sampling import sample
from ..record import Grid

REACH, STEP = 6.0, 0.25
"""mm along a vertex's normal, inward and outward, that are looked at, and between two looks."""
BLOOD = (-6.0, -2.0)
"""mm along the outward normal where blood is taken to lie: its median is its value."""
OUTSIDE = (1.0, 6.0)
"""mm where something else does: the lower quartile, since a wall may be thin."""
LEAST_STEP = 90.0
"""HU between them from which on there is an edge to speak of."""


class Edges(NamedTuple):
    """Of each vertex of a mesh."""

    offset: np.ndarray
    """(V,) mm from the vertex outward to the edge nearest to it; NaN where there is none."""
    step: np.ndarray
    """(V,) HU that blood lies above what is outside."""


def find_edges(mesh: Mesh, volume: np.ndarray, grid: Grid) -> Edges:
    """Where the values along each vertex's normal cross the middle between blood and what lies outside.

    Args:
        mesh: in RAS mm, normals outward.
        volume: (D0, D1, D2) HU; beyond it, its outermost values go on.
        grid: of the volume.
    """
    vertices = torch.from_numpy(np.asarray(mesh.vertices, dtype=np.float64))
    normals = vertex_normals(vertices[None], torch.from_numpy(np.asarray(mesh.faces, dtype=np.int64)))[0]
    distances = np.arange(-REACH, REACH + STEP / 2, STEP)
    points = vertices[:, None] + torch.from_numpy(distances)[:, None] * normals[:, None]
    voxels = ras_to_voxel(points.numpy(), grid.affine)
    places = torch.from_numpy(voxel_to_normalised(voxels, grid.shape)).float().flatten(0, 1)
    values = sample(torch.from_numpy(np.ascontiguousarray(volume))[None, None].float(), places[None])
    profiles = values.view(len(vertices), len(distances)).numpy()
    blood = np.median(profiles[:, _between(distances, BLOOD)], axis=1)
    step = blood - np.quantile(profiles[:, _between(distances, OUTSIDE)], 0.25, axis=1)
    return Edges(_nearest_crossing(profiles - (blood - step / 2)[:, None], distances, step >= LEAST_STEP), step)


def _between(distances: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    return (distances >= ends[0]) & (distances <= ends[1])


def _nearest_crossing(above: np.ndarray, distances: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Of profiles (V, N), where each falls from above zero to below it nearest to distance 0; NaN where not."""
    before, after = above[:, :-1], above[:, 1:]
    falls = (before > 0) & (after <= 0) & there[:, None]
    share = np.divide(before, before - after, out=np.zeros_like(before), where=falls)
    crossing = np.where(falls, distances[:-1] + share * STEP, np.inf)
    nearest = np.abs(crossing).argmin(axis=1)
    found = crossing[np.arange(len(crossing)), nearest]
    return np.where(np.isfinite(found), found, np.nan)
