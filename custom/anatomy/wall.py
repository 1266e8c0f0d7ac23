"""What lies between two surfaces, one around the other: mass and thickness of the muscle, whole and by segment."""

from __future__ import annotations

from typing import Any

import igl
import numpy as np

from ..mesh import Mesh
from ..terms import WALLS
from .planes import Surface
from .regions import FIRST_SEGMENT

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
    within = Surface.of(inner)
    thickness = wall_thickness(outer, within)
    mean, largest = _mean_and_largest(thickness, within.areas)
    volume = Surface.of(outer).volume_ml - within.volume_ml
    return {"mass_g": DENSITY * volume, "thickness_mm": {"mean": mean, "largest": largest}}


def wall_thickness(outer: Mesh, inner: Surface) -> np.ndarray:
    """Distance (V,) in mm of the inner surface's vertices from the outer one; NaN where there is no wall."""
    squared, _, _ = igl.point_mesh_squared_distance(
        np.ascontiguousarray(inner.vertices, dtype=np.float64),
        np.ascontiguousarray(outer.vertices, dtype=np.float64),
        np.ascontiguousarray(outer.faces),
    )
    distance = np.sqrt(squared)
    return np.where(distance > THINNEST, distance, np.nan)


def measure_segments(outer: Mesh, inner: Surface, regions: np.ndarray) -> dict[str, float]:
    """Mean and largest thickness in mm, as in :func:`wall_between`, of each segment that the regions (V,) have."""
    thickness, found = wall_thickness(outer, inner), {}
    for place, name in enumerate(SEGMENTS):
        own = regions == FIRST_SEGMENT + place
        mean, largest = _mean_and_largest(thickness[own], inner.areas[own])
        if mean is not None:
            found |= {name: mean, f"{name}_largest": largest}
    return found


SEGMENTS = tuple(f"lv_wall_thickness_{number}" for number in range(1, len(WALLS) + 1))
"""The measurements' names, by the numbers of the American Heart Association."""


def _mean_and_largest(thickness: np.ndarray, areas: np.ndarray) -> tuple[float | None, float | None]:
    wall = ~np.isnan(thickness)
    if not wall.any():
        return None, None
    thickness, areas = thickness[wall], areas[wall]
    order = np.argsort(thickness)
    share = np.cumsum(areas[order]) / areas.sum()
    largest = thickness[order][min(int(np.searchsorted(share, 0.95)), len(order) - 1)]
    return float(np.average(thickness, weights=areas)), float(largest)
