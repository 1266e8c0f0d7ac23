"""What the steps share: a surface with what is known of its vertices, planes, and outlines in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..mesh import Mesh, triangle_areas
from ..profiles import normals_of

OUTLINE = 48
"""Points of a contour."""


class Surface(NamedTuple):
    """A mesh, its vertices' outward normals and the area that belongs to each, a third of its faces'."""

    vertices: np.ndarray
    """(V, 3) float64, RAS mm."""
    normals: np.ndarray
    """(V, 3), unit."""
    areas: np.ndarray
    """(V,) mm². Vertices crowd where a surface is drawn together: what is averaged is weighted by them."""
    centre: np.ndarray
    """(3,) of the volume, RAS mm."""
    volume_ml: float

    @classmethod
    def of(cls, mesh: Mesh) -> Surface:
        middle = mesh.vertices.mean(axis=0)  # tetrahedra from here lose no digits
        triangles = (mesh.vertices - middle)[mesh.faces]
        thirds = np.repeat(triangle_areas(triangles) / 3, 3)
        areas = np.bincount(mesh.faces.ravel(), thirds, minlength=len(mesh.vertices))
        first, second, third = triangles.transpose(1, 0, 2)
        volumes = np.einsum("fk,fk->f", first, np.cross(second, third)) / 6
        centre = middle + volumes @ (first + second + third) / (4 * volumes.sum())
        return cls(mesh.vertices, normals_of(mesh.vertices, mesh.faces), areas, centre, float(volumes.sum()) / 1e3)


class Plane(NamedTuple):
    """A valve's annulus."""

    centre: np.ndarray
    """(3,) RAS mm; of its contour, where there is one."""
    normal: np.ndarray
    """(3,) unit, along the blood's flow."""
    contour: np.ndarray | None
    """(OUTLINE, 3) RAS mm, closed, in turn; None where the rim cannot be seen."""

    def height(self, points: np.ndarray) -> np.ndarray:
        """Distance (...,) in mm of points (..., 3) from the plane, positive downstream."""
        return (points - self.centre) @ self.normal

    def beyond_rim(self, points: np.ndarray) -> np.ndarray:
        """How far (P,) in mm points (P, 3) lie outside the contour, seen along the normal; negative within."""
        rim, radius = (polar(places, self.centre, self.normal) for places in (self.contour, points))
        order = np.argsort(rim[1])
        return radius[0] - np.interp(radius[1], rim[1][order], rim[0][order], period=2 * np.pi)


def unit(vector: np.ndarray) -> np.ndarray:
    """The vector (..., 3) at length 1."""
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def across(vector: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Unit direction (3,) of what of a vector is perpendicular to a unit axis."""
    return unit(vector - axis * (vector @ axis))


def fit_plane(points: np.ndarray, weights: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre (3,) and normal (3,), on the side of `along` (3,), of points (P, 3): weighted total least squares."""
    centre = np.average(points, axis=0, weights=weights)
    normal = np.linalg.svd((points - centre) * np.sqrt(weights)[:, None], full_matrices=False)[2][2]
    return centre, normal * (1.0 if normal @ along >= 0 else -1.0)


def axes_of(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors (3,) that span the plane of a normal, right-handed with it."""
    first = unit(np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))]))
    return first, np.cross(normal, first)


def outline(points: np.ndarray, centre: np.ndarray, normal: np.ndarray, share: float = 0.95) -> np.ndarray:
    """The contour (OUTLINE, 3) of a patch of a surface, seen along a normal from its centre.

    Its radius in each direction is the `share` quantile of the radii within 15 degrees, of those of the lowest
    frequencies: a patch of a mesh has a ragged rim.

    Args:
        points: (P, 3) mm, of the patch.
        centre, normal: (3,), of the plane.
    """
    first, second = axes_of(normal)
    radius, angle = polar(points, centre, normal)
    z = (points - centre) @ normal
    grid = np.linspace(-np.pi, np.pi, OUTLINE, endpoint=False)
    near = np.abs((angle[None] - grid[:, None] + np.pi) % (2 * np.pi) - np.pi) < np.pi / 12
    radii, heights = np.full(OUTLINE, np.nan), np.full(OUTLINE, np.nan)
    for place, chosen in enumerate(near):
        if chosen.any():
            radii[place] = np.quantile(radius[chosen], share)
            rim = chosen & (radius >= 0.8 * radii[place])
            heights[place] = z[rim].mean()
    radii, heights = (_smooth(values) for values in (radii, heights))
    return (
        centre
        + (radii * np.cos(grid))[:, None] * first
        + (radii * np.sin(grid))[:, None] * second
        + heights[:, None] * normal
    )


def polar(points: np.ndarray, centre: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radius (P,) in mm and angle (P,) of points (P, 3) round a centre (3,), seen along a normal (3,)."""
    x, y = ((points - centre) @ axis for axis in axes_of(normal))
    return np.hypot(x, y), np.arctan2(y, x)


def _smooth(values: np.ndarray) -> np.ndarray:
    """A periodic row (OUTLINE,) with gaps filled, of frequencies up to four."""
    places, known = np.arange(OUTLINE), np.isfinite(values)
    filled = np.interp(places, places[known], values[known], period=OUTLINE)
    spectrum = np.fft.rfft(filled)
    spectrum[5:] = 0
    return np.fft.irfft(spectrum, OUTLINE)


def polygon_area(contour: np.ndarray, normal: np.ndarray) -> float:
    """Area in mm² of a closed contour (P, 3), projected along a unit normal (3,)."""
    centred = contour - contour.mean(axis=0)
    return float(abs(np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0) @ normal) / 2)


def perimeter(contour: np.ndarray) -> float:
    """Length in mm of a closed contour (P, 3)."""
    return float(np.linalg.norm(contour - np.roll(contour, -1, axis=0), axis=1).sum())


def widths(contour: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Extent (D,) in mm of a contour (P, 3) along unit directions (D, 3)."""
    return np.ptp(contour @ directions.T, axis=0)


def widest_and_narrowest(points: np.ndarray, normal: np.ndarray) -> tuple[float, float]:
    """Largest and smallest extent in mm of points (P, 3) across a unit normal (3,), over directions 2 degrees apart."""
    angles = np.linspace(0, np.pi, 90, endpoint=False)
    extents = widths(points, np.stack([np.cos(angles), np.sin(angles)], axis=1) @ np.stack(axes_of(normal)))
    return float(extents.max()), float(extents.min())
