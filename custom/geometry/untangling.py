"""Surfaces that cross themselves or each other, smoothed and drawn apart where they do until nothing crosses."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from .intersections import self_intersections
from .normals import vertex_normals
from .vertex_graph import VertexGraph

ROUNDS = 60
"""Rounds before the whole surface is smoothed: by then a patch has 29 rings of neighbours."""
RETREAT = 0.1
"""How far a piece draws back from another a round, mean edge lengths: smoothing alone can chase one into the other."""
RETREAT_RINGS = 2
"""How wide it does at most, round where they meet: if all of a thin part draws back it turns inside out."""
MOST_PASSES = 4096
"""Of smoothing the whole surface: far more than leave nothing of an icosphere's shape but an ellipsoid."""
BLENDS = 10
"""Steps from the surface to its smoothed form, of which the first without intersections is taken."""


def untangle(vertices: ArrayLike, faces: ArrayLike) -> NDArray[np.float64]:
    """Vertices of a triangle mesh without intersections, moved only round the faces that met.

    Each round takes the vertices of the faces that meet, grown by one more ring of neighbours every second round, and
    moves them to the mean of their neighbours (uniform Laplacian smoothing). A mesh of several pieces is freed of their
    intersections with one another as well: where two pieces meet, both also step inward.

    What crosses after the last round is blended, as a whole, with its smoothed form. That always ends: smoothing brings
    an icosphere, whatever its shape, to an ellipsoid (its slowest eigenvectors are its coordinates) that shrinks to its
    centre, so pieces with different centres come apart.

    Args:
        vertices: (V, 3) floating point, any frame with equal units along its axes.
        faces: (F, 3) integer, of closed pieces, normals pointing outward.

    Returns:
        (V, 3): equal to ``vertices`` where nothing had to move.

    Raises:
        ValueError: a vertex is not finite, or pieces cannot come apart, for they have the same centre.
    """
    start, faces = np.array(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64)
    graph = VertexGraph(faces, len(start))
    piece, edge_length = graph.pieces(), graph.edge_lengths(start).mean()
    vertices = start.copy()
    pairs = self_intersections(vertices, faces)
    for done in range(ROUNDS):
        if len(pairs) == 0:
            return vertices
        # one pass: more would carry the wall of a hollow into what lies in it, which then had to draw back in turn
        smoothed = graph.around(faces[pairs], done // 2)
        graph.smooth(vertices, smoothed, passes=1)
        pieces = piece[faces[pairs, 0]]
        meeting = pairs[pieces[:, 0] != pieces[:, 1]]
        patch = graph.around(faces[meeting], min(done, RETREAT_RINGS))
        normals = vertex_normals(torch.from_numpy(vertices)[None], torch.from_numpy(faces))[0].numpy()
        vertices[patch] -= RETREAT * edge_length * normals[patch]
        moved = (smoothed | patch)[faces].any(1)
        pairs = np.concatenate([pairs[~moved[pairs].any(1)], self_intersections(vertices, faces, concerning=moved)])
    return _blended_with_its_smoothed_form(start, faces, graph)


def _blended_with_its_smoothed_form(vertices: NDArray, faces: NDArray, graph: VertexGraph) -> NDArray[np.float64]:
    smoothed, passes = vertices.copy(), 1
    while len(self_intersections(smoothed, faces)):
        if passes > MOST_PASSES:
            raise ValueError("the surface still crosses itself when it is smoothed: two pieces have the same centre")
        graph.smooth(smoothed, np.ones(len(vertices), dtype=bool), passes)
        passes *= 2
    for weight in np.linspace(0, 1, BLENDS + 1)[1:-1]:
        blended = vertices + weight * (smoothed - vertices)
        if len(self_intersections(blended, faces)) == 0:
            return blended
    return smoothed
