"""The ring on which a valve hangs, hinge by hinge, and sections of a scan across it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..profiles import Scan, along_normals
from .planes import Plane, axes_of, fit_plane, polar

SECTIONS = 32
"""Half planes that begin at the valve's axis, at even angles round it."""
PIXELS, PITCH = 40, 0.8
"""A side of what is seen of each, with the ring in its middle, and mm."""
ANGLES = np.linspace(-np.pi, np.pi, SECTIONS, endpoint=False)
"""Of the sections, radians round the normal from the first of `axes_of` it."""
_PLACES = (np.arange(PIXELS) - (PIXELS - 1) / 2) * PITCH
_FINELY = 8
"""Points on each side of a contour that angles are looked up between."""


class Ring(NamedTuple):
    """A valve's annulus as a curve round its axis."""

    centre: NDArray
    """(3,) RAS mm."""
    normal: NDArray
    """(3,) unit, along the blood's flow."""
    radii: NDArray
    """(SECTIONS,) mm from the axis, at `ANGLES`."""
    heights: NDArray
    """(SECTIONS,) mm along the normal from the centre."""

    @classmethod
    def through(cls, contour: NDArray, centre: NDArray, normal: NDArray) -> Ring:
        """Of a closed contour (P, 3) that goes round the axis."""
        steps = np.arange(len(contour) * _FINELY) / _FINELY
        known = np.arange(len(contour) + 1)
        closed = np.concatenate([contour, contour[:1]])
        finely = np.stack([np.interp(steps, known, values) for values in closed.T], axis=1)
        radius, angle = polar(finely, centre, normal)
        order, height = np.argsort(angle), (finely - centre) @ normal
        radii, heights = (np.interp(ANGLES, angle[order], of[order], period=2 * np.pi) for of in (radius, height))
        return cls(np.asarray(centre), np.asarray(normal), radii, heights)

    @classmethod
    def of(cls, plane: Plane) -> Ring:
        """Of an annulus whose contour is known."""
        return cls.through(plane.contour, plane.centre, plane.normal)

    @classmethod
    def round(cls, plane: Plane, radius: float) -> Ring:
        """A circle of a radius in mm round a plane's centre."""
        return cls(plane.centre, plane.normal, np.full(SECTIONS, radius), np.zeros(SECTIONS))

    @property
    def plane(self) -> Plane:
        """The annulus, its contour of SECTIONS points."""
        return Plane(self.centre, self.normal, self.points)

    @property
    def outward(self) -> NDArray:
        """(SECTIONS, 3) unit, away from the axis."""
        first, second = axes_of(self.normal)
        return np.cos(ANGLES)[:, None] * first + np.sin(ANGLES)[:, None] * second

    @property
    def points(self) -> NDArray:
        """(SECTIONS, 3) RAS mm."""
        return self.centre + self.radii[:, None] * self.outward + self.heights[:, None] * self.normal

    def moved(self, aside: NDArray, along: NDArray) -> Ring:
        """With its points moved by mm (SECTIONS,) away from the axis and along the normal; round an axis of its own."""
        points = self._replace(radii=self.radii + aside, heights=self.heights + along).points
        return Ring.through(points, *fit_plane(points, np.ones(SECTIONS), self.normal))


def sections(scan: Scan, ring: Ring) -> NDArray[np.float32]:
    """Trilinear values (SECTIONS, PIXELS, PIXELS) of a scan in the half planes of a ring, its point in the middle of
    each: rows along the normal, columns away from the axis."""
    starts = ring.points[:, None] + _PLACES[:, None] * ring.normal
    ways = np.repeat(ring.outward, PIXELS, axis=0)
    return along_normals(scan, starts.reshape(-1, 3), ways, _PLACES).reshape(SECTIONS, PIXELS, PIXELS)
