"""The project's central type: a closed surface in the patient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Mesh(NamedTuple):
    """A closed triangle mesh whose faces wind outward."""

    name: str
    """Of the structure, see `custom.chambers`."""
    vertices: np.ndarray
    """(V, 3) float64, RAS mm."""
    faces: np.ndarray
    """(F, 3) int64."""
    regions: np.ndarray | None = None
    """(V,) int32, what part of the chamber each vertex is of, values of `custom.anatomy.regions.REGIONS`."""
    expected_error_mm: np.ndarray | None = None
    """(V,) float32, how far each vertex is expected to be from the truth, mm."""

    @property
    def volume_ml(self) -> float:
        """What it encloses: the sum of the tetrahedra from the origin to its faces, negative where it winds inward."""
        first, second, third = self.vertices[self.faces].transpose(1, 0, 2)
        return float(np.einsum("ij,ij->", first, np.cross(second, third))) / 6e3


def triangle_areas(triangles: np.ndarray) -> np.ndarray:
    """(F,) mm² of triangles (F, 3, 3), corner by coordinate, mm."""
    edges = triangles[:, 1:] - triangles[:, :1]
    return np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) / 2
