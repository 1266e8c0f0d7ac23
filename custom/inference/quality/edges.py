"""How far a surface lies from the edge of blood that the scan itself shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from monai.transforms import Transform
from scipy.spatial import KDTree

from ...chambers import CHAMBERS
from ...mesh import Mesh
from ...profiles import Scan, along_normals, normals_of
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ..record import Record

REACH, STEP = 6.0, 0.25
"""mm along a vertex's normal, inward and outward, that are looked at, and between two looks."""
BLOOD = (-6.0, -2.0)
"""mm along the outward normal where blood is taken to lie: its median is its value."""
OUTSIDE = (1.0, 6.0)
"""mm where something else does: the lower quartile, since a wall may be thin."""
WALL = 50.0
"""HU that what lies outside counts as at least: next to blood is a wall, however thin, and not the fat or lung behind
it, whose edge lies further out. With it the true surfaces of generated patients lie at the edges' mean place."""
LEAST_STEP = 90.0
"""HU between them from which on there is an edge to speak of."""
APART = 6.0
"""mm from another chamber's surface, from where on a vertex lies on a wall: between two chambers is a valve's plane,
which no scan shows."""
LEAST_SHARE = 0.5
"""Of the walls' vertices, with an edge, from which on their distance is told: few are noise more often than edges."""


class Edges(NamedTuple):
    """Of each vertex of a mesh."""

    offset: np.ndarray
    """(V,) mm from the vertex outward to the edge nearest to it; NaN where there is none."""
    step: np.ndarray
    """(V,) HU that blood lies above what is outside."""


class FindEdgesd(Transform):
    """The record's `meshes` to its `edges`, where there is a `scan`."""

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        if "scan" in record:
            with timed(record["seconds"], "quality"):
                meshes = record["meshes"]
                found = side_by_side([partial(find_edges, mesh, record["scan"]) for mesh in meshes])
                record["edges"] = {mesh.name: of for mesh, of in zip(meshes, found, strict=True)}
        return record


def find_edges(mesh: Mesh, scan: Scan) -> Edges:
    """Where the values along each vertex's normal cross the middle between blood and what lies outside."""
    distances = np.arange(-REACH, REACH + STEP / 2, STEP)
    profiles = along_normals(scan, mesh.vertices, normals_of(mesh.vertices, mesh.faces), distances)
    blood = np.median(profiles[:, _between(distances, BLOOD)], axis=1)
    outside = np.quantile(profiles[:, _between(distances, OUTSIDE)], 0.25, axis=1)
    step = blood - np.maximum(outside, WALL)
    return Edges(_nearest_crossing(profiles - (blood - step / 2)[:, None], distances, step >= LEAST_STEP), step)


def on_wall(mesh: Mesh, meshes: Sequence[Mesh]) -> np.ndarray:
    """(V,) bool, which of a mesh's vertices are `APART` from all other chambers among `meshes`."""
    others = [other.vertices for other in meshes if other.name != mesh.name and CHAMBERS[other.name].around is None]
    if not others:
        return np.ones(len(mesh.vertices), dtype=bool)
    return KDTree(np.concatenate(others)).query(mesh.vertices, distance_upper_bound=APART)[0] > APART


def edge_distance(mesh: Mesh, meshes: Sequence[Mesh], edges: Edges) -> dict[str, float | None]:
    """How far the walls of a chamber, one of `meshes`, lie from `edges`, what was found of it.

    Returns:
        `edge_mm`, the mean distance, None where less than `LEAST_SHARE` of the walls' vertices have an edge; and that
        part, `edge_share`. None for both of a muscle, whose outer edge is none of blood, or where there is no wall.
    """
    wall = on_wall(mesh, meshes)
    if CHAMBERS[mesh.name].around is not None or not wall.any():
        return {"edge_mm": None, "edge_share": None}
    offset = edges.offset[wall]
    there = np.isfinite(offset)
    share = float(there.mean())
    return {"edge_mm": float(np.abs(offset[there]).mean()) if share >= LEAST_SHARE else None, "edge_share": share}


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
