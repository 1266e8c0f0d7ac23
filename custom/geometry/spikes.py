"""Spikes of a surface, drawn back into it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .vertex_graph import VertexGraph

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
    graph = VertexGraph(faces, len(vertices))
    limit = longest * np.median(graph.edge_lengths(vertices))
    for _ in range(ROUNDS):
        long = graph.edge_lengths(vertices) > limit
        if not long.any():
            break
        graph.smooth(vertices, graph.around(graph.edges[long], RINGS), PASSES)
    return vertices
