"""Surfaces that cross themselves or each other, smoothed where they do until nothing crosses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from .intersections import self_intersections

ROUNDS = 30
"""Rounds before giving up: by then a patch reaches over half an icosphere of four subdivisions."""
PASSES = 5
"""Smoothing passes a round; they straighten a fold of two or three triangles."""


def untangle(vertices: ArrayLike, faces: ArrayLike) -> NDArray[np.float64]:
    """Vertices of a triangle mesh without intersections, moved only round the faces that met.

    Each round takes the vertices of the faces that meet, grown by as many rings of neighbours as there were rounds
    before, and moves them to the mean of their neighbours a few times (uniform Laplacian smoothing). A mesh of several
    pieces is freed of their intersections with one another as well.

    Args:
        vertices: (V, 3) floating point, any frame with equal units along its axes.
        faces: (F, 3) integer, of a closed mesh.

    Returns:
        (V, 3): equal to ``vertices`` where nothing had to move.

    Raises:
        ValueError: a vertex is not finite, or faces still meet after the last round.
    """
    vertices, faces = np.array(vertices, dtype=np.float64), np.asarray(faces)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])  # closed: each edge in both senses
    adjacent = sparse.csr_array((np.ones(len(edges)), tuple(edges.T)), shape=(len(vertices),) * 2)
    degree = adjacent.sum(1)[:, None]
    for rings in range(ROUNDS):
        pairs = self_intersections(vertices, faces)
        if len(pairs) == 0:
            return vertices
        patch = np.zeros(len(vertices), dtype=bool)
        patch[faces[pairs.ravel()].ravel()] = True
        for _ in range(rings):
            patch |= adjacent @ patch > 0
        for _ in range(PASSES):
            vertices[patch] = (adjacent @ vertices / degree)[patch]
    raise ValueError(f"the surface still crosses itself at {len(pairs)} pairs of faces after {ROUNDS} rounds")
