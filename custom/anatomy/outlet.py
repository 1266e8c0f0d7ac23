"""The ventricle's outlet, where the scan shows it: blood goes on beyond the surface there, into the aorta.

Everywhere else muscle, fat or lung lies outside a ventricle, but for the atrium behind the mitral valve. So the part of
the base that has blood 3 to 8 mm outside, and no atrium, is the outlet. Values were chosen on 38 generated patients
with contrast (900600 to 900659); none of them is critical.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..profiles import Scan, along_normals
from .planes import Plane, Surface, unit
from .valves import estimated_aortic_annulus, facing_no_atrium

INSIDE, OUTSIDE = np.arange(-6.0, -2.0), np.arange(3.0, 9.0)
"""mm along the outward normal where blood is, and where it goes on at an outlet."""
TISSUE, LEAST_STEP = 50.0, 60.0
"""HU of what is no blood, and by which blood exceeds it at least: without contrast no outlet is seen."""
OPEN = (0.35, 0.7)
"""Of that step: where what lies outside begins to count as blood, and where it does wholly."""
WIDE, NEAR = 21.0, 14.0
"""mm round the outlet's middle from which vertices count less and less, and in which they are to be so many:"""
LEAST_MM2 = 60.0
"""of the surface that is open, below which nothing is said."""
USUAL_PLACE, USUAL_TILT, ROUNDS = 0.15, 0.4, 8
"""Weights of the estimate by shape in where the outlet lies and how it is turned; and how often it is sought anew."""


def blood_beyond(ventricle: Surface, scan: Scan) -> NDArray[np.float64]:
    """(V,) from 0 to 1, how much of what lies outside each vertex is blood as inside: the least along its normal.

    Args:
        ventricle: the surface.
        scan: with it in it, HU.
    """
    surface = ventricle.vertices, ventricle.normals
    inside, outside = (along_normals(scan, *surface, distances) for distances in (INSIDE, OUTSIDE))
    share = (outside.min(1) - TISSUE) / max(float(np.median(inside)) - TISSUE, LEAST_STEP)
    return np.clip((share.astype(np.float64) - OPEN[0]) / (OPEN[1] - OPEN[0]), 0, 1)


def find_outlet(
    atrium: Surface, ventricle: Surface, mitral: Plane, axis: NDArray, scan: Scan | None = None
) -> Plane | None:
    """The aortic annulus' plane, its normal out of the ventricle, as nearly as both surfaces and the blood beyond them
    tell; its rim is not seen. None where the base has no part without an atrium.

    Args:
        atrium, ventricle: the surfaces.
        mitral: the annulus.
        axis: (3,) unit, from the ventricle's base to the apex.
        scan: with the surfaces in it, HU; None: shape alone tells.
    """
    free = facing_no_atrium(atrium, ventricle)
    estimated = estimated_aortic_annulus(free, ventricle, mitral, axis)
    if estimated is None or scan is None:
        return estimated
    return seen_outlet(estimated, free, ventricle, scan) or estimated


def seen_outlet(start: Plane, free: NDArray, ventricle: Surface, scan: Scan) -> Plane | None:
    """The aortic annulus' plane, its normal out of the ventricle; None where the scan shows too little of an outlet.

    Args:
        start: what the surfaces alone tell of it (`custom.anatomy.valves.estimated_aortic_annulus`).
        free: (V,) of the ventricle's vertices, as `custom.anatomy.valves.facing_no_atrium` says.
        ventricle: the surface.
        scan: with it in it, HU.
    """
    beyond = blood_beyond(ventricle, scan)
    chosen = free & (beyond > 0)
    points, normals, weights = ventricle.vertices[chosen], ventricle.normals[chosen], (ventricle.areas * beyond)[chosen]
    centre = start.centre
    for _ in range(ROUNDS):
        near = weights * np.clip(1 - np.square(points - centre).sum(axis=1) / WIDE**2, 0, None)
        if near.sum() == 0:
            return None
        centre = np.average(points, axis=0, weights=near)
    if weights[np.linalg.norm(points - centre, axis=1) < NEAR].sum() < LEAST_MM2:
        return None
    normal = unit(unit(near @ normals) + USUAL_TILT * start.normal)
    return Plane(centre + USUAL_PLACE * (start.centre - centre), normal, None)
