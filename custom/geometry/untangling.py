"""Surfaces that cross themselves or each other, smoothed and drawn apart where they do until nothing crosses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intersections import self_intersections
from .vertex_graph import VertexGraph

ROUNDS = 30
"""Rounds before giving up: by then a patch reaches over half an icosphere of four subdivisions."""
PASSES = 5
"""Smoothing passes a round; they straighten a fold of two or three triangles."""
RETREAT = 0.3
"""How far a piece draws back from another a round, mean edge lengths: smoothing alone can chase one into the other."""


def untangle(vertices: ArrayLike, faces: ArrayLike) -> NDArray[np.float64]:
    """Vertices of a triangle mesh without intersections, moved only round the faces that met.

    Each round takes the vertices of the faces that meet, grown by as many rings of neighbours as there were rounds
    before, and moves them to the mean of their neighbours a few times (uniform Laplacian smoothing). A mesh of several
    pieces is freed of their intersections with one another as well: where two pieces meet, both also step inward.

    Args:
        vertices: (V, 3) floating point, any frame with equal units along its axes.
        faces: (F, 3) integer, of closed pieces, normals pointing outward.

    Returns:
        (V, 3): equal to ``vertices`` where nothing had to move.

    Raises:
        ValueError: a vertex is not finite, or faces still meet after the last round.
    """
    vertices, faces = np.array(vertices, dtype=np.float64), np.asarray(faces)
    graph = VertexGraph(faces, len(vertices))
    piece, edge_length = graph.pieces(), graph.edge_lengths(vertices).mean()
    for rings in range(ROUNDS):
        pairs = self_intersections(vertices, faces)
        if len(pairs) == 0:
            return vertices
        graph.smooth(vertices, graph.around(faces[pairs], rings), PASSES)
        pieces = piece[faces[pairs, 0]]
        patch = graph.around(faces[pairs[pieces[:, 0] != pieces[:, 1]]], rings)
        vertices[patch] -= RETREAT * edge_length * _normals(vertices, faces)[patch]
    raise ValueError(f"the surface still crosses itself at {len(pairs)} pairs of faces after {ROUNDS} rounds")


def _normals(vertices: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """Unit normals of the vertices (V, 3), those of their faces weighted by area."""
    a, b, c = vertices[faces].swapaxes(0, 1)
    sums = np.zeros_like(vertices)
    np.add.at(sums, faces, np.cross(b - a, c - a)[:, None])
    return sums / np.linalg.norm(sums, axis=1, keepdims=True).clip(np.finfo(np.float64).tiny)
