"""The faces round each vertex, its star, and which of them are seen to meet nowhere but where they share an edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-6
"""Of the sine of the angle between a face and the direction of sight, and of a projected angle: well above rounding."""


class Stars:
    """The stars of a mesh's vertices.

    Args:
        faces: (F, 3) integer, counted from 0.
        vertices: their number V.
    """

    def __init__(self, faces: NDArray[np.int64], vertices: int) -> None:
        self._size = np.bincount(faces.ravel(), minlength=vertices)
        self._closed = _closed(faces, vertices)

    def flat(self, triangles: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Vertices (V,) of which some direction sees all faces of the star beside each other, so that none meet.

        Each face is seen from its front, and the angles of the star add up to one turn. A closed star makes whole turns
        only; so rounding cannot make two of one. Some that are flat may be missed, as are those at a border.

        Args:
            triangles: (N, 3, 3), the corners of some faces, any frame.
            faces: (N, 3), which these are: a star of which one is left out counts as not flat.
        """
        corners = triangles.transpose(1, 2, 0)  # (corner, axis, face)
        edges = np.roll(corners, -1, axis=0) - corners  # from each corner to the next
        normals = _cross(edges[0], edges[1])
        lengths = np.sqrt((normals * normals).sum(0))
        with np.errstate(divide="ignore", invalid="ignore"):
            normals = np.nan_to_num(normals / lengths)
        count = len(self._size)
        ends = faces.T
        sight = np.stack([sum(np.bincount(end, axis, count) for end in ends) for axis in normals])
        sight = sight / np.maximum(np.sqrt((sight * sight).sum(0)), np.finfo(np.float64).tiny)
        turn, seen = np.zeros(count), np.zeros(count)
        for corner, end in enumerate(ends):
            towards = sight[:, end]
            first, second = edges[corner], -edges[corner - 1]
            height, other = (first * towards).sum(0), (second * towards).sum(0)
            front = (normals * towards).sum(0)
            angle = np.arctan2(front * lengths, (first * second).sum(0) - height * other)
            turn += np.bincount(end, angle, count)
            seen += np.bincount(end, (front > LEAST) & (angle > LEAST), count)
        return self._closed & (seen == self._size) & (turn < 3 * np.pi)


def _closed(faces: NDArray[np.int64], vertices: int) -> NDArray[np.bool_]:
    """Vertices (V,) at which every edge is of two faces, once in either sense."""
    ends = np.concatenate([faces, np.roll(faces, -1, axis=1)]).reshape(2, -1)
    there, back = np.sort(ends[0] * vertices + ends[1]), np.sort(ends[1] * vertices + ends[0])
    closed = np.ones(vertices, dtype=bool)
    for edges, others in ((there, back), (back, there)):
        found = np.searchsorted(others, edges)
        alone = others[np.minimum(found, len(others) - 1)] != edges if len(others) else np.zeros(0, dtype=bool)
        alone[1:] |= edges[1:] == edges[:-1]  # once more in one sense
        alone[:-1] |= edges[1:] == edges[:-1]
        for end in np.divmod(edges[alone], vertices):
            closed[end] = False
    return closed


def _cross(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Of vectors (3, N)."""
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
