"""What part of its chamber each vertex belongs to."""

from __future__ import annotations

import numpy as np

from .planes import Plane
from .ventricle import segments

WALLS = (
    *(f"basal {wall}" for wall in
      ("anterior", "anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral")),
    *(f"mid {wall}" for wall in
      ("anterior", "anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral")),
    *(f"apical {wall}" for wall in ("anterior", "septal", "inferior", "lateral")),
    "apex",
)  # fmt: skip
"""The 17 segments of the American Heart Association, in turn."""

UNKNOWN, ATRIUM, ATRIAL_SIDE, VENTRICULAR_SIDE, OUTLET, FIRST_SEGMENT = 0, 1, 4, 6, 7, 11
REGIONS = {
    UNKNOWN: "unknown",
    ATRIUM: "LA body, appendage and veins",
    ATRIAL_SIDE: "LA mitral side",
    VENTRICULAR_SIDE: "LV mitral side",
    OUTLET: "LV aortic outlet",
    **{FIRST_SEGMENT + place: f"LV {place + 1} {wall}" for place, wall in enumerate(WALLS)},
}
"""By value. Where generated patients have the same regions, they have the same values (`synthesis.truth.REGIONS`)."""

NEAR_VALVE = 5.0
"""mm from an annulus' plane within which a chamber belongs to its valve's side."""


def atrial_regions(points: np.ndarray, mitral: Plane) -> np.ndarray:
    """Regions (V,) int32 of the atrium's vertices (V, 3), RAS mm."""
    return np.where(mitral.height(points) > -NEAR_VALVE, ATRIAL_SIDE, ATRIUM).astype(np.int32)


def ventricular_regions(
    points: np.ndarray, mitral: Plane, apex: np.ndarray, aortic: Plane | None, septum: np.ndarray | None
) -> np.ndarray:
    """Regions (V,) int32 of the ventricle's vertices (V, 3), RAS mm.

    Without the aortic annulus, and so without the septum's direction, the wall is `UNKNOWN`.
    """
    wall = np.full(len(points), UNKNOWN)
    if septum is not None:
        wall = FIRST_SEGMENT - 1 + segments(points, mitral.centre, apex, septum)
    wall[mitral.height(points) < NEAR_VALVE] = VENTRICULAR_SIDE
    if aortic is not None:
        wall[aortic.height(points) >= -NEAR_VALVE] = OUTLET
    return wall.astype(np.int32)
