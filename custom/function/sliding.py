"""Surfaces of a beat whose vertices keep to their places of the muscle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.mending.vertex_graph import VertexGraph
from ..profiles import normals_of

STIFFNESS = 100.0
"""Between neighbours in the motion along the surface: of 10,242 vertices on a ventricle it is even over some 15 mm."""


def without_sliding(vertices: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """The surfaces of all phases without motion along them that differs from place to place.

    What a phase shows is where a surface is, not where along it a vertex is. The displacement from the mean over the
    beat is therefore split: across the surface it stays as it is, along the surface it becomes that of an even field.

    Args:
        vertices: (P, V, 3) mm, of corresponding vertices.
        faces: (F, 3) int64, wound outward.

    Returns (P, V, 3) float64.
    """
    phases, count, _ = vertices.shape
    mean = vertices.mean(0)
    away = (vertices - mean).transpose(1, 0, 2).reshape(count, -1)
    even = VertexGraph(faces, count).evened(away, STIFFNESS).reshape(count, phases, 3).transpose(1, 0, 2)
    return moved_along(vertices, mean + even, faces)


def moved_along(vertices: NDArray, others: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """The surfaces of all phases (P, V, 3), mm, each vertex moved along its surface to where it is nearest to its place
    in `others` (P, V, 3); float64."""
    moves = others - vertices
    normals = np.stack([normals_of(each, faces) for each in vertices])
    return vertices + moves - (moves * normals).sum(-1, keepdims=True) * normals
