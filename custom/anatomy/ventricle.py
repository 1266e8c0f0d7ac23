"""The left ventricle's apex, and its wall in the 17 segments of the American Heart Association.

Cerqueira et al., Circulation 2002: along the long axis a third each is basal, mid-cavity and apical, the tip is segment
17. Round it the basal and the mid-cavity third have six segments of 60 degrees, anterior (1), anteroseptal,
inferoseptal, inferior, inferolateral, anterolateral; the apical third has four of 90, anterior (13), septal, inferior,
lateral.
"""

from __future__ import annotations

import numpy as np

from .planes import Plane, Surface, across, unit

TIP = 0.93
"""Share of the length from the centre beyond which a ventricle's surface is its tip."""
SEPTUM = 31.0
"""Degrees from the aortic annulus, as it is found without the aorta, to the middle of the septum, by the right-hand
rule round the axis, which runs to the apex: the mean of 19 generated hearts, their standard deviation 8. Mirrored
hearts (dextrocardia) have it on the other side."""
CAP = 0.95
"""Share of the length from which on the wall is segment 17: the surface is the cavity's, which ends before the wall."""


def apex_of(ventricle: Surface, mitral: Plane) -> np.ndarray:
    """The apex (3,), RAS mm: where the ventricle ends along the line from its centre to the middle of its tip."""
    axis = unit(ventricle.centre - mitral.centre)
    middle, _ = _tip(ventricle, mitral.centre, axis)
    axis = unit(middle - ventricle.centre)
    middle, length = _tip(ventricle, ventricle.centre, axis)
    return middle + axis * (length - (middle - ventricle.centre) @ axis)


def septum_of(aortic: Plane, mitral: Plane, axis: np.ndarray) -> np.ndarray:
    """Direction (3,) from the long axis to the middle of the septum, across the axis (3,), which runs to the apex."""
    return turned(across(aortic.centre - mitral.centre, axis), axis, SEPTUM)


def septum_towards(right: Surface, ventricle: Surface, axis: np.ndarray) -> np.ndarray:
    """The same from the right ventricle, whose middle lies beyond the septum's."""
    return across(right.centre - ventricle.centre, axis)


def segments(points: np.ndarray, base: np.ndarray, apex: np.ndarray, septum: np.ndarray) -> np.ndarray:
    """Segments (P,) int64, 1 to 17, of points (P, 3) of a ventricle's wall.

    Args:
        points: RAS mm.
        base, apex: (3,), the ends of the long axis, RAS mm.
        septum: (3,) unit, across the axis, towards the middle of the septum.
    """
    axis = unit(apex - base)
    share = (points - base) @ axis / np.linalg.norm(apex - base)
    # Counted from the middle of the anterior wall over the septum, which is 90 degrees from there.
    anterior = np.cross(septum, axis)
    angle = np.degrees(np.arctan2((points - base) @ septum, (points - base) @ anterior)) % 360
    six, four = (np.floor((angle + 30) % 360 / 60), np.floor((angle + 45) % 360 / 90))
    level = [share < 1 / 3, share < 2 / 3, share < CAP]
    return np.select(level, [1 + six, 7 + six, 13 + four], 17.0).astype(np.int64)


def turned(vector: np.ndarray, axis: np.ndarray, degrees: float) -> np.ndarray:
    """A vector (3,) perpendicular to a unit axis, turned round it by the right-hand rule."""
    angle = np.radians(degrees)
    return np.cos(angle) * vector + np.sin(angle) * np.cross(axis, vector)


def _tip(ventricle: Surface, start: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle (3,) of the tip, and how far the surface goes, mm, from a start along an axis."""
    heights = (ventricle.vertices - start) @ axis
    tip = heights > TIP * heights.max()
    return np.average(ventricle.vertices[tip], axis=0, weights=ventricle.areas[tip]), float(heights.max())
