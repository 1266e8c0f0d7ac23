"""The template surface: an icosphere, and the fixed sparse operators of its vertex graph.

Everything about the template is known before the first image is seen, so the operators are built once, in float64,
and kept as plain tensors (networks register them as buffers).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import trimesh
from torch import Tensor


class GraphOperator(NamedTuple):
    """A symmetric sparse (V, V) matrix as padded rows: row i is sum_k weights[i, k] * x[neighbours[i, k]].

    An icosphere's vertices have five or six neighbours, so padding (weight 0, pointing at the row itself) wastes
    next to nothing and every row has the same length: one regular gather instead of a general sparse product.

    Attributes:
        neighbours: (V, K) int64 column indices.
        weights: (V, K) floating point entries.
    """

    neighbours: Tensor
    weights: Tensor


def icosphere(subdivisions: int) -> tuple[Tensor, Tensor]:
    """Unit icosphere with ``10 * 4**subdivisions + 2`` vertices.

    The vertices of every coarser icosphere are the first ones of a finer one (tested), so a coarse control mesh and
    the fine mesh it carries share their indices.

    Returns:
        vertices (V, 3) float64 on the unit sphere and faces (F, 3) int64, wound so that normals point outward.
    """
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions, radius=1.0)
    return torch.tensor(sphere.vertices, dtype=torch.float64), torch.tensor(sphere.faces, dtype=torch.int64)


def neighbour_table(faces: Tensor) -> tuple[Tensor, Tensor]:
    """Neighbours of every vertex, padded with the vertex itself.

    Args:
        faces: (F, 3) int64 of a closed mesh.

    Returns:
        neighbours (V, K) int64 and mask (V, K) bool, False where padded; K is the largest degree.
    """
    directed = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    directed = torch.unique(torch.cat([directed, directed.flip(1)]), dim=0)  # sorted by source vertex
    degree = torch.bincount(directed[:, 0])
    slot = torch.arange(len(directed)) - (degree.cumsum(0) - degree)[directed[:, 0]]
    neighbours = torch.arange(len(degree)).unsqueeze(1).repeat(1, int(degree.max()))
    neighbours[directed[:, 0], slot] = directed[:, 1]
    return neighbours, torch.arange(neighbours.shape[1]) < degree.unsqueeze(1)


def chebyshev_operator(faces: Tensor) -> GraphOperator:
    """Scaled symmetric normalised Laplacian 2 L / lambda_max - I with lambda_max = 2, that is -D^(-1/2) A D^(-1/2).

    It is what torch-geometric's ``ChebConv(normalization="sym")`` propagates with (Defferrard et al., NeurIPS 2016).
    """
    neighbours, mask = neighbour_table(faces)
    scale = mask.sum(1).double().rsqrt()
    return GraphOperator(neighbours, -(scale.unsqueeze(1) * scale[neighbours] * mask))


def gcn_operator(faces: Tensor) -> GraphOperator:
    """Renormalised adjacency D~^(-1/2) (A + I) D~^(-1/2), as in ``GCNConv`` (Kipf and Welling, ICLR 2017)."""
    neighbours, mask = neighbour_table(faces)
    neighbours = torch.cat([torch.arange(len(neighbours)).unsqueeze(1), neighbours], dim=1)
    mask = torch.cat([torch.ones(len(mask), 1, dtype=torch.bool), mask], dim=1)
    scale = mask.sum(1).double().rsqrt()
    return GraphOperator(neighbours, scale.unsqueeze(1) * scale[neighbours] * mask)
