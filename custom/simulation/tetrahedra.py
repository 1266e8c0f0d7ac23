"""Closed surfaces filled with tetrahedra by fTetWild (Hu et al., SIGGRAPH 2020), and how good these are."""

from __future__ import annotations

from contextlib import chdir
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pytetwild

_SIDES = ((1, 2, 3), (0, 3, 2), (0, 1, 3), (0, 2, 1))  # of a tetrahedron, opposite to each corner, seen from outside


class Settings(NamedTuple):
    """What fTetWild is asked for."""

    edge_mm: float
    """Length of edges that it aims at; where a surface bends they are shorter."""
    tolerance_mm: float
    """How far the volume's boundary may lie from the surface."""
    energy: float
    """AMIPS energy of the worst tetrahedron at which it stops, 3 for a regular one: the lower, the wider the least
    angle, and the longer it takes."""


class Tetrahedra(NamedTuple):
    """A volume."""

    points: np.ndarray
    """(P, 3) float64, RAS mm."""
    cells: np.ndarray
    """(T, 4) int64, wound as VTK has it: the fourth corner lies on the side to which the first three turn right-handed.
    """

    def volumes(self) -> np.ndarray:
        """(T,) mm³, negative where a cell is inverted."""
        first, *others = (self.points[self.cells[:, corner]] for corner in range(4))
        a, b, c = (other - first for other in others)
        return np.einsum("ij,ij->i", np.cross(a, b), c) / 6

    def least_angles(self) -> np.ndarray:
        """(T,) degrees, the least of the six dihedral angles of each cell."""
        corners = self.points[self.cells]
        normals = [np.cross(corners[:, b] - corners[:, a], corners[:, c] - corners[:, a]) for a, b, c in _SIDES]
        normals = [normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30) for normal in normals]
        pairs = [(one, other) for one in range(4) for other in range(one)]
        cosines = np.stack([-np.einsum("ij,ij->i", normals[one], normals[other]) for one, other in pairs])
        return np.degrees(np.arccos(np.clip(cosines.max(axis=0), -1, 1)))

    def boundary(self) -> np.ndarray:
        """(B, 3) int64, the triangles that belong to one cell, wound outward."""
        triangles = np.concatenate([self.cells[:, side] for side in _SIDES])
        _, first, count = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True, return_counts=True)
        return triangles[np.sort(first[count == 1])]


def fill(vertices: np.ndarray, faces: np.ndarray, settings: Settings) -> Tetrahedra:
    """The volume inside a closed surface; a cavity's is wound inward.

    fTetWild draws at random: the next call gives another volume of the same quality. Meanwhile the process' working
    directory is another one, since it leaves a file there.

    Args:
        vertices: (V, 3) mm.
        faces: (F, 3).
        settings: for fTetWild.
    """
    diagonal = float(np.linalg.norm(np.ptp(vertices, axis=0)))
    with TemporaryDirectory() as folder, chdir(folder):
        points, cells = pytetwild.tetrahedralize(
            np.ascontiguousarray(vertices, dtype=np.float64),
            np.ascontiguousarray(faces, dtype=np.int32),
            edge_length_abs=settings.edge_mm,
            epsilon=settings.tolerance_mm / diagonal,
            stop_energy=settings.energy,
            num_threads=1,
            vtk_ordering=True,
        )
    return Tetrahedra(points, cells.astype(np.int64))
