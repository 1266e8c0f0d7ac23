"""What part of its chamber each vertex belongs to."""

from __future__ import annotations

import numpy as np

from ..terms import WALLS
from .appendage import appendage_of
from .planes import Plane, Surface
from .ventricle import segments

UNKNOWN, ATRIUM, APPENDAGE, ATRIAL_SIDE, VENTRICULAR_SIDE, OUTLET, FIRST_SEGMENT = 0, 1, 2, 4, 6, 7, 11
REGIONS = {
    UNKNOWN: "unknown",
    ATRIUM: "LA body and veins",
    APPENDAGE: "LA appendage",
    ATRIAL_SIDE: "LA mitral side",
    VENTRICULAR_SIDE: "LV mitral side",
    OUTLET: "LV aortic outlet",
    **{FIRST_SEGMENT + place: f"LV {place + 1} {wall}" for place, wall in enumerate(WALLS)},
}
"""By value. Where generated patients have the same regions, they have the same values (`synthesis.truth.REGIONS`)."""

NEAR_VALVE = 5.0
"""mm from an annulus' plane within which a chamber belongs to its valve's side."""


RIM = 2.0
"""mm beyond the contour up to which an atrium is of the mitral side: appendage and veins reach as low as the valve."""


def atrial_regions(atrium: Surface, faces: np.ndarray, mitral: Plane) -> np.ndarray:
    """Regions (V,) int32 of the atrium's vertices; faces (F, 3) are its triangles."""
    points = atrium.vertices
    body = np.where(appendage_of(atrium, faces, mitral), APPENDAGE, ATRIUM)
    side = (mitral.height(points) > -NEAR_VALVE) & (mitral.beyond_rim(points) < RIM)
    return np.where(side, ATRIAL_SIDE, body).astype(np.int32)


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
