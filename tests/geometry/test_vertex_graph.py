"""Neighbourhoods of vertices on a strip that closes: an octahedron and a tetrahedron beside it."""

from __future__ import annotations

import numpy as np

from custom.geometry.mending.vertex_graph import VertexGraph

OCTAHEDRON = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
TETRAHEDRON = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]) + 6
GRAPH = VertexGraph(np.concatenate([OCTAHEDRON, TETRAHEDRON]), 11)
"""Vertices 0 and 1, 2 and 3, 4 and 5 lie opposite; 6 to 9 are the tetrahedron's, and 10 is of no face."""
VERTICES = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]] + [[5.0, 0, 0]] * 5)


def test_rings_grow_over_edges_and_within_a_piece():
    rings = [set(np.flatnonzero(GRAPH.around(np.array([[0]]), count))) for count in range(3)]
    assert rings == [{0}, {0, 2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}]
    assert set(np.flatnonzero(GRAPH.around(np.array([6, 10]), 1))) == {6, 7, 8, 9, 10}


def test_pieces_and_lengths():
    pieces = GRAPH.pieces()
    assert len(set(pieces[:6])) == len(set(pieces[6:10])) == 1 and len(set(pieces)) == 3
    lengths = GRAPH.edge_lengths(VERTICES)
    assert GRAPH.edges.shape == (36, 2)
    np.testing.assert_allclose(lengths, [2**0.5] * 8 + [0] * 4 + [2**0.5] * 8 + [0] * 4 + [2**0.5] * 8 + [0] * 4)


def test_smoothing_moves_a_patch_to_the_mean_of_its_neighbours():
    vertices, patch = VERTICES.copy(), np.zeros(11, dtype=bool)
    patch[[4, 10]] = True
    GRAPH.smooth(vertices, patch, 1)
    np.testing.assert_allclose(vertices[4], 0, atol=1e-12)
    np.testing.assert_array_equal(vertices[~patch], VERTICES[~patch])
    patch[:] = False
    patch[[0, 2]] = True
    vertices = VERTICES.copy()
    GRAPH.smooth(vertices, patch, 2)
    np.testing.assert_allclose(vertices[0], [0, -0.25, 0], atol=1e-12)  # mean of 2 as moved, 3, 4 and 5
    np.testing.assert_allclose(vertices[2], [-0.25, 0, 0], atol=1e-12)
