"""What part of its chamber each vertex belongs to."""

from __future__ import annotations

import numpy as np

from ..networks.atrial_parts import PARTS
from ..terms import WALLS
from .atrium import VEINS, Atrium
from .planes import Plane
from .ventricle import segments

UNKNOWN, ATRIUM, APPENDAGE, ATRIAL_VEINS, ATRIAL_SIDE, VENTRICULAR_SIDE, OUTLET, FIRST_SEGMENT = 0, 1, 2, 3, 4, 6, 7, 11
FIRST_VEIN = 31
REGIONS = {
    UNKNOWN: "unknown",
    ATRIUM: "LA body",
    APPENDAGE: "LA appendage",
    ATRIAL_VEINS: "LA veins",
    ATRIAL_SIDE: "LA mitral side",
    VENTRICULAR_SIDE: "LV mitral side",
    OUTLET: "LV aortic outlet",
    **{FIRST_SEGMENT + place: f"LV {place + 1} {wall}" for place, wall in enumerate(WALLS)},
    **{FIRST_VEIN + place: f"LA {name.replace('_', ' ')}" for place, name in enumerate(VEINS)},
}
"""By value. Where generated patients have the same regions, they have the same values (`synthesis.truth.REGIONS`); 3 is
what belongs to a vein whose ostium was not found."""

NEAR_VALVE = 5.0
"""mm from an annulus' plane within which a chamber belongs to its valve's side."""
RIM = 2.0
"""mm beyond the contour up to which an atrium is of the mitral side: appendage and veins reach as low as the valve."""
NEAR_OSTIUM = 25.0
"""mm from its ostium up to which a vertex can be of a vein; labels and surfaces end at 10."""


def atrial_regions(vertices: np.ndarray, atrium: Atrium, mitral: Plane) -> np.ndarray:
    """Regions (V,) int32 of the atrium's vertices (V, 3), RAS mm."""
    of_part = {"body": ATRIUM, "appendage": APPENDAGE, "vein": ATRIAL_VEINS}
    regions = np.array([of_part[part] for part in PARTS])[atrium.parts]
    for name, ostium in atrium.veins.items():
        nearest = atrium.nearest_vein(vertices) == name
        near = np.linalg.norm(vertices - ostium.plane.centre, axis=1) < NEAR_OSTIUM
        regions[(regions == ATRIAL_VEINS) & nearest & near] = FIRST_VEIN + VEINS.index(name)
    side = (mitral.height(vertices) > -NEAR_VALVE) & (mitral.beyond_rim(vertices) < RIM)
    return np.where(side, ATRIAL_SIDE, regions).astype(np.int32)


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
