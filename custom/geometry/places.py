"""Points on a triangle mesh that go where its vertices go."""

from __future__ import annotations

from typing import NamedTuple

import igl
import numpy as np
import torch
from numpy.typing import NDArray

from .triangles import closest_point_weights


class Places(NamedTuple):
    """Each in one of the faces of a mesh."""

    corners: NDArray[np.int64]
    """(P, 3) vertices of the face."""
    weights: NDArray[np.float64]
    """(P, 3) of these, not negative, sum 1: barycentric coordinates."""

    def on(self, vertices: NDArray) -> NDArray[np.float64]:
        """(P, 3), where they are if the mesh has these vertices (V, 3)."""
        return np.einsum("pc,pcx->px", self.weights, vertices[self.corners])


def nearest_faces(points: NDArray, vertices: NDArray, faces: NDArray) -> NDArray[np.int64]:
    """(P,) the face (F, 3) of a mesh (V, 3) that is nearest to each point (P, 3)."""
    arrays = (np.ascontiguousarray(array, dtype=np.float64) for array in (points, vertices))
    return igl.point_mesh_squared_distance(*arrays, np.ascontiguousarray(faces, dtype=np.int64))[1]


def nearest_places(points: NDArray, vertices: NDArray, faces: NDArray) -> Places:
    """The place on a mesh with vertices (V, 3) and faces (F, 3) that is nearest to each point (P, 3)."""
    corners = faces[nearest_faces(points, vertices, faces)]
    weights = closest_point_weights(torch.from_numpy(points.astype(np.float64)), torch.from_numpy(vertices[corners]))
    return Places(corners, weights.numpy())
