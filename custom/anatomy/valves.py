"""The mitral and the aortic annulus, from the surfaces.

Atrium and ventricle touch where the mitral valve is, each with a patch that faces the other's; the plane is fitted to
the sheet between both. The ventricle's other opening is in the part of its base that faces no atrium: its plane can be
found, but not its rim, since outflow tract and ventricle go over into each other. Where the aorta's surface is at hand,
the plane is that of the sheet between both.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from .planes import Plane, Surface, across, fit_plane, outline, unit

MITRAL_GAP, AORTIC_GAP = 3.0, 5.0
"""mm between two surfaces up to which they can belong to the valve. Beyond the mitral hinges atrium and ventricle face
each other too, across the fat of the groove: of 20 generated hearts 3 mm give an area without bias, 5 mm 9 % more."""
OPPOSED = -0.5
"""Cosine between their normals up to which they face each other."""
LEAST_MM2 = 200.0
"""Of the patch where they do, below which nothing is said: a mitral annulus has 500 mm² or more, an aortic one 300."""
SADDLE = 4.0
"""mm from its plane within which an annulus lies."""
BASAL = 0.3
"""Cosine between a normal of the ventricle and its axis, turned round, from which on it is of the base."""
ACROSS, ALONG, TILT = 24.0, 13.0, 57.0
"""Where the aortic annulus is sought: mm from the mitral centre across the ventricle's axis and along it, and degrees
between its normal and the axis. Means of 39 generated hearts; no more than a start."""
USUAL = np.array([0.28, 0.71, 0.65])
"""Direction from the mitral centre to the aortic annulus, across the axis, RAS: the mean of the same hearts, which all,
mirrored ones too, lie within 51 degrees of it. The annulus is sought on this half of the base."""
REACH, ALIKE = 20.0, 0.75
"""mm round this place from which vertices count, and the cosine between their normals and the plane's from which on."""
USUAL_PLACE, USUAL_TILT, ROUNDS = 0.4, 0.4, 8
"""Weights of the start in where it is found to lie and in how it is turned, and how often it is sought anew. Chosen, as
`REACH` and `ALIKE` were, on 20 generated hearts."""


def valve_between(upstream: Surface, downstream: Surface, gap: float) -> Plane | None:
    """The annulus between two chambers, its normal along the flow; None where the surfaces hardly face each other.

    Args:
        upstream, downstream: the surfaces.
        gap: mm between them, at most.
    """
    distance, partner = KDTree(downstream.vertices).query(upstream.vertices, distance_upper_bound=gap)
    chosen = np.flatnonzero(np.isfinite(distance))
    facing = np.einsum("ij,ij->i", upstream.normals[chosen], downstream.normals[partner[chosen]])
    chosen = chosen[facing < OPPOSED]
    if upstream.areas[chosen].sum() < LEAST_MM2:
        return None
    points = (upstream.vertices[chosen] + downstream.vertices[partner[chosen]]) / 2
    areas, along = upstream.areas[chosen], downstream.centre - upstream.centre
    centre, normal = fit_plane(points, areas, along)
    for _ in range(2):
        kept = np.abs((points - centre) @ normal) < SADDLE
        if areas[kept].sum() < LEAST_MM2:
            return None
        centre, normal = fit_plane(points[kept], areas[kept], along)
    for _ in range(2):
        contour = outline(points[kept], centre, normal)
        centre = contour.mean(axis=0)
    return Plane(centre, normal, contour)


def facing_no_atrium(atrium: Surface, ventricle: Surface) -> np.ndarray:
    """(V,) bool, which of the ventricle's vertices are further from the atrium than the two can be at their valve."""
    distance, _ = KDTree(atrium.vertices).query(ventricle.vertices, distance_upper_bound=AORTIC_GAP)
    return np.isinf(distance)


def estimated_aortic_annulus(free: np.ndarray, ventricle: Surface, mitral: Plane, axis: np.ndarray) -> Plane | None:
    """The aortic annulus' plane, its normal out of the ventricle; None where the base has no part without an atrium.

    Args:
        free: (V,) of the ventricle's vertices, as `facing_no_atrium` says.
        ventricle: the surface.
        mitral: the annulus.
        axis: (3,) unit, from the ventricle's base to the apex.
    """
    points, normals, areas = ventricle.vertices[free], ventricle.normals[free], ventricle.areas[free]
    basal = (normals @ -axis > BASAL) & ((points - mitral.centre) @ across(USUAL, axis) > 0)
    if not basal.any():
        return None
    aside = across(np.average(points[basal] - mitral.centre, axis=0, weights=areas[basal]), axis)
    usual = centre = mitral.centre + ACROSS * aside + ALONG * axis
    expected = np.sin(np.radians(TILT)) * aside - np.cos(np.radians(TILT)) * axis
    normal = expected
    for _ in range(ROUNDS):
        near = np.clip(1 - np.square(points - centre).sum(axis=1) / REACH**2, 0, None)
        weights = near * areas * np.clip(normals @ normal - ALIKE, 0, None)
        if weights.sum() == 0:
            return None
        centre = np.average(points, axis=0, weights=weights)
        normal = unit(unit(weights @ normals) + USUAL_TILT * expected)
    return Plane(centre + USUAL_PLACE * (usual - centre), normal, None)
