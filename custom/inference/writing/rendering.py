"""Surfaces as the reader sees them from one side, in the axes of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import TriMesh
from matplotlib.colors import to_rgb
from matplotlib.tri import Triangulation

from ...chambers import CHAMBERS
from ...mesh import Mesh
from ...profiles import normals_of

_AMBIENT = 0.35  # share of its colour that a surface shows where no light falls
_MARGIN = 1.1  # of half the picture, round what is drawn


class View(NamedTuple):
    """A parallel projection of RAS mm."""

    azimuth: float
    """Degrees; 90 is straight from the front, more is from the patient's left."""
    elevation: float
    """Degrees from which it is seen from above."""

    @property
    def axes(self) -> np.ndarray:
        """(3, 3): unit vectors across, up, and towards the reader."""
        azimuth, elevation = np.radians([self.azimuth, self.elevation])
        across = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
        towards = np.array(
            [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
        )
        return np.stack([across, np.cross(towards, across), towards])

    def place(self, points: np.ndarray) -> np.ndarray:
        """(P, 3) RAS mm to (P, 3) mm across, up, and towards the reader."""
        return points @ self.axes.T


def draw_surfaces(axes: Axes, meshes: Sequence[Mesh], view: View) -> None:
    """Draw meshes in RAS mm, in their structures' colours, lit from above the reader; the nearest covers the others."""
    placed = [view.place(mesh.vertices) for mesh in meshes]
    starts = np.cumsum([0, *(len(points) for points in placed[:-1])])
    across, up, towards = np.concatenate(placed).T
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)])
    colours = np.concatenate([_shaded(mesh, points) for mesh, points in zip(meshes, placed, strict=True)])
    corners = np.stack([across, up], axis=1)[faces]
    sides = corners[:, 1:] - corners[:, :1]
    faces = faces[sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0] > 0]  # what faces the reader
    faces = faces[towards[faces].sum(axis=1).argsort()]
    surface = TriMesh(Triangulation(across, up, faces))
    surface.set_facecolor(colours)
    axes.add_collection(surface, autolim=False)
    axes.set_axis_off()
    middle = [(values.max() + values.min()) / 2 for values in (across, up)]
    half = _MARGIN * max(np.ptp(across), np.ptp(up)) / 2
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half), aspect="equal")


def _shaded(mesh: Mesh, placed: np.ndarray) -> np.ndarray:
    """(V, 3) colours of vertices (V, 3) across, up, and towards the reader."""
    light = np.array([0.0, 1.0, 1.0]) / np.sqrt(2)
    shade = _AMBIENT + (1 - _AMBIENT) * np.clip(normals_of(placed, mesh.faces) @ light, 0, 1)
    return shade[:, None] * np.array([to_rgb(CHAMBERS[mesh.name].colour)])
