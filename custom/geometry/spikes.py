"""Spikes of a surface, drawn back into it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

ROUNDS = 30
"""Rounds before giving up; spikes of 30 mm take one or two."""
PASSES = 5
"""Smoothing passes a round."""
RINGS = 2
"""Neighbours of a spike's vertices that are smoothed with it, so that it leaves no pit."""


def withdraw_spikes(vertices: ArrayLike, faces: ArrayLike, longest: float) -> NDArray[np.float64]:
    """Vertices of a triangle mesh without edges far longer than the others.

    A flow that pulls a few vertices far out, where an image is like none it has learnt, leaves long thin triangles. The
    vertices of edges that are too long, with their neighbours, are moved to the mean of theirs a few times (uniform
    Laplacian smoothing), until no edge is.

    Args:
        vertices: (V, 3) floating point, any frame with equal units along its axes.
        faces: (F, 3) integer, of a closed mesh.
        longest: that an edge may be, median edge lengths of the mesh as it comes.

    Returns:
        (V, 3): equal to ``vertices`` where no edge was too long.
    """
    vertices, faces = np.array(vertices, dtype=np.float64), np.asarray(faces)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])  # closed: each edge in both senses
    adjacent = sparse.csr_array((np.ones(len(edges)), tuple(edges.T)), shape=(len(vertices),) * 2)
    degree = adjacent.sum(1)[:, None]
    limit = longest * np.median(_lengths(vertices, edges))
    for _ in range(ROUNDS):
        long = _lengths(vertices, edges) > limit
        if not long.any():
            break
        patch = np.zeros(len(vertices), dtype=bool)
        patch[edges[long].ravel()] = True
        for _ in range(RINGS):
            patch |= adjacent @ patch > 0
        for _ in range(PASSES):
            vertices[patch] = (adjacent @ vertices / degree)[patch]
    return vertices


def _lengths(vertices: NDArray, edges: NDArray) -> NDArray[np.float64]:
    return np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
