"""Surfaces that cross themselves or each other, smoothed and drawn apart where they do until nothing crosses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..intersections import IntersectionSearch, Tangled, self_intersections
from ..normals import vertex_normals
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
NEAR = 200
"""Pairs a face that a search tries, ten times as many as a sound surface has; one with more is smoothed as a whole."""


def untangle(vertices: ArrayLike, faces: ArrayLike, around: Sequence[tuple[int, int]] = ()) -> NDArray[np.float64]:
    """Vertices of a triangle mesh without intersections, moved only round the faces that met.

    Each round takes the vertices of the faces that meet, grown by one more ring of neighbours every second round, and
    moves them to the mean of their neighbours (uniform Laplacian smoothing), once more every second round while pieces
    meet only themselves. A mesh of several pieces is freed of their intersections with one another as well: where two
    pieces meet, both also step inward, and of two that lie one around the other the outer one steps outward.

    What crosses after the last round, or has no sound part to go by, is blended, as a whole, with its smoothed form.
    That always ends: smoothing brings an icosphere, whatever its shape, to an ellipsoid (its slowest eigenvectors are
    its coordinates) that shrinks to its centre, so pieces with different centres come apart.

    The work is bounded, whatever the vertices: at most ``ROUNDS + log2(MOST_PASSES) + BLENDS + 2`` searches for faces
    that meet, each of which tries at most ``NEAR`` pairs a face, and ``3 * MOST_PASSES`` passes of smoothing.

    Args:
        vertices: (V, 3) floating point, any frame with equal units along its axes.
        faces: (F, 3) integer, of closed pieces, normals pointing outward.
        around: pairs (outer, inner) of pieces that lie one around the other; pieces are counted by their first vertex.

    Returns:
        (V, 3): equal to ``vertices`` where nothing had to move.

    Raises:
        ValueError: a vertex is not finite, or pieces cannot come apart: they have the same centre, or are no spheres.
    """
    start, faces = np.array(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64)
    graph = VertexGraph(faces, len(start))
    freed = _freed_in_patches(start, faces, graph, around)
    return _blended_with_its_smoothed_form(start, faces, graph) if freed is None else freed


def _freed_in_patches(
    start: NDArray, faces: NDArray, graph: VertexGraph, around: Sequence[tuple[int, int]]
) -> NDArray[np.float64] | None:
    vertices, piece = start.copy(), graph.pieces()
    step = RETREAT * (graph.edge_lengths(start).sum() / max(len(graph.edges), 1))
    try:
        search = IntersectionSearch(vertices, faces, most=NEAR * len(faces))
        pairs = search.all()
        for done in range(ROUNDS):
            if len(pairs) == 0:
                return vertices
            smoothed = graph.around(faces[pairs], done // 2)
            pieces = piece[faces[pairs, 0]]
            meeting = (pieces[:, 0] != pieces[:, 1])[:, None]
            # Where pieces meet one pass: more would carry the wall of a hollow into what lies in it, which then had to
            # draw back in turn. What crosses itself and stays so is turned inside out; few passes only chase it round.
            graph.smooth(vertices, smoothed, passes=1 if meeting.any() else 1 + done // 2)
            outer = np.zeros(pairs.shape, dtype=bool)  # which face of a pair lies around the other
            for out, within in around:
                outer |= (pieces == out) & (pieces[:, ::-1] == within)
            inward, outward = (
                graph.around(faces[pairs[meeting & side]], min(done, RETREAT_RINGS)) for side in (~outer, outer)
            )
            patch = inward | outward
            vertices[patch] -= step * (1.0 * inward - outward)[patch, None] * _normals_of(patch, vertices, faces)
            moved = (smoothed | patch)[faces].any(1)  # all faces that met among them
            pairs = search.after(vertices, moved)
    except Tangled:
        pass
    return None


def _normals_of(patch: NDArray[np.bool_], vertices: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """Unit normals (P, 3) of the P vertices of a patch (V,): of few among many."""
    near, corners = np.unique(faces[patch[faces].any(1)], return_inverse=True)
    normals = vertex_normals(torch.from_numpy(vertices[near])[None], torch.from_numpy(corners.reshape(-1, 3)))
    return normals[0].numpy()[patch[near]]


def _blended_with_its_smoothed_form(vertices: NDArray, faces: NDArray, graph: VertexGraph) -> NDArray[np.float64]:
    smoothed, passes = vertices.copy(), 1
    while _crosses(smoothed, faces):
        if passes > MOST_PASSES:
            raise ValueError(
                "the surface still crosses itself when it is smoothed: pieces have the same centre, or are no spheres"
            )
        graph.smooth(smoothed, graph.around(faces, rings=0), passes)
        passes *= 2
    for weight in np.linspace(0, 1, BLENDS + 1)[1:-1]:
        blended = vertices + weight * (smoothed - vertices)
        if not _crosses(blended, faces):
            return blended
    return smoothed


def _crosses(vertices: NDArray, faces: NDArray) -> bool:
    try:
        return len(self_intersections(vertices, faces, most=NEAR * len(faces))) > 0
    except Tangled:
        return True
