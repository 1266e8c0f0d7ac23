"""The vertices of a closed triangle mesh as a graph: neighbourhoods, and smoothing inside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg, splu

TOLERANCE, MOST_STEPS = 1e-4, 500
"""Of conjugate gradients: relative residual, and steps."""


class VertexGraph:
    """Vertices joined by the edges of a mesh.

    Args:
        faces: (F, 3) integer, of closed pieces: each edge in both senses.
        vertices: their number V.

    Attributes:
        edges: (3 F, 2) ends of every edge, once in either sense.
    """

    def __init__(self, faces: NDArray, vertices: int) -> None:
        self.edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        ones = np.ones(len(self.edges))
        self._adjacent = sparse.csr_array((ones, tuple(self.edges.T)), shape=(vertices, vertices))
        self._degree = np.maximum(self._adjacent.sum(1), 1)[:, None]  # a vertex of no face has no neighbours

    def pieces(self, chosen: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.int32]:
        """Which connected piece each vertex belongs to, (V,); or each of those chosen, (V,), joined by these alone."""
        return connected_components(self._adjacent[chosen][:, chosen], directed=False)[1]

    def edge_lengths(self, vertices: NDArray) -> NDArray[np.float64]:
        """(3 F,) lengths of ``edges``, of vertices (V, 3), in their unit."""
        return np.linalg.norm(vertices[self.edges[:, 0]] - vertices[self.edges[:, 1]], axis=1)

    def around(self, corners: NDArray, rings: int) -> NDArray[np.bool_]:
        """Which vertices are among ``corners``, indices of any shape, or within so many rings of them: (V,)."""
        patch = np.zeros(len(self._degree), dtype=bool)
        patch[corners.ravel()] = True
        for _ in range(rings):
            patch |= self._adjacent @ patch > 0
        return patch

    def around_each(self, values: NDArray) -> NDArray:
        """The means (V, ...) of the neighbours' values, (V,) or (V, N)."""
        return self._adjacent @ values / self._degree.reshape(-1, *[1] * (values.ndim - 1))

    def averaged(self, values: NDArray, passes: int) -> NDArray:
        """Values (V,) or (V, N) as means of each vertex and its neighbours, so many times."""
        count = (self._degree + 1).reshape(-1, *[1] * (values.ndim - 1))
        for _ in range(passes):
            values = (values + self._adjacent @ values) / count
        return values

    def regularised(self, values: NDArray, weights: NDArray, stiffness: float) -> NDArray[np.float64]:
        """The field x (V,) that keeps to `values` (V,) where their weights are large, and even where they are not.

        It has the least sum of ``weights * (x - values)**2`` over vertices and of ``stiffness * (x_i - x_j)**2`` over
        edges (Tikhonov regularisation by the graph's Laplacian).

        Args:
            values: (V,).
            weights: (V,), from 0; above 0 somewhere in every piece.
            stiffness: from 0.
        """
        system = sparse.csr_array(sparse.diags_array(weights) + stiffness * self._laplacian())
        scale = sparse.diags_array(1 / system.diagonal())
        return cg(system, weights * values, x0=values, rtol=TOLERANCE, maxiter=MOST_STEPS, M=scale)[0]

    def evened(self, values: NDArray, stiffness: float) -> NDArray[np.float64]:
        """The fields (V, N) that have the least sum of squared distances to `values` (V, N) over vertices and of
        ``stiffness`` times those over edges: details of less than about its root in edges are gone."""
        return splu(sparse.csc_array(sparse.eye_array(len(values)) + stiffness * self._laplacian())).solve(values)

    def smooth(self, vertices: NDArray[np.float64], patch: NDArray[np.bool_], passes: int) -> None:
        """Move the vertices (V, 3) of a patch (V,) to the mean of their neighbours, so many times, in place."""
        adjacent, degree = self._adjacent[patch], self._degree[patch]
        for _ in range(passes):
            vertices[patch] = adjacent @ vertices / degree

    def _laplacian(self) -> sparse.sparray:
        """(V, V): each vertex' degree, less 1 for each neighbour."""
        return sparse.diags_array(self._degree[:, 0]) - self._adjacent
