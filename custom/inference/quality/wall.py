"""What lies between two surfaces, one around the other: mass and thickness of the muscle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import igl
import numpy as np
import trimesh

from ...chambers import CHAMBERS
from ...mesh import Mesh
from .doubt import usable

DENSITY = 1.05
"""g/mL of myocardium (Schulz-Menger et al., J Cardiovasc Magn Reson 2020)."""
THINNEST = 2.0
"""mm; where the two are nearer, they end at a valve together, and there is no wall."""


def wall_between(outer: Mesh, inner: Mesh) -> dict[str, Any]:
    """The wall from one closed surface to another inside it, both RAS mm.

    Thickness is the distance from the inner surface to the nearest point of the outer one, weighted by the inner one's
    area, without what is thinner than ``THINNEST``.

    Returns:
        ``mass_g``, and ``thickness_mm`` with ``mean`` and ``largest`` (95th percentile), None where there is no wall.
    """
    within = trimesh.Trimesh(inner.vertices, inner.faces, process=False)
    volume = trimesh.Trimesh(outer.vertices, outer.faces, process=False).volume - within.volume
    squared, _, _ = igl.point_mesh_squared_distance(
        within.triangles_center, np.ascontiguousarray(outer.vertices), np.ascontiguousarray(outer.faces)
    )
    distance, area = np.sqrt(squared), within.area_faces
    wall = distance > THINNEST
    thickness = {"mean": None, "largest": None}
    if wall.any():
        order = np.argsort(distance[wall])
        share = np.cumsum(area[wall][order]) / area[wall].sum()
        largest = distance[wall][order][np.searchsorted(share, 0.95)]
        thickness = {"mean": float(np.average(distance[wall], weights=area[wall])), "largest": float(largest)}
    return {"mass_g": float(DENSITY * volume / 1e3), "thickness_mm": thickness}


def withhold_walls(structures: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The report's `structures` without the mass and thickness of a wall of which either surface is not to be used."""
    told = {}
    for name, checks in structures.items():
        sides = (checks, structures.get(CHAMBERS[name].around, checks))
        doubted = "mass_g" in checks and not all(usable(side) for side in sides)
        told[name] = {**checks, "mass_g": None, "thickness_mm": {"mean": None, "largest": None}} if doubted else checks
    return told
