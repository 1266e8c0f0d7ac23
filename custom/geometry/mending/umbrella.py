"""The umbrella operator, the Laplacian of a mesh whose edges all weigh the same."""

from __future__ import annotations

import torch
from torch import Tensor


def edges_of(faces: Tensor) -> Tensor:
    """(3 F, 2) int64, the edges of a closed mesh's faces (F, 3), every one in both senses."""
    return torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def umbrella(vertices: Tensor, edges: Tensor) -> Tensor:
    """From every vertex of meshes (N, V, 3) of one connectivity to the mean of its neighbours, (N, V, 3).

    Args:
        vertices: (N, V, 3) floating point.
        edges: (E, 2) int64, every edge in both senses; each vertex has one.
    """
    here, there = edges.unbind(1)
    planes = vertices.permute(2, 0, 1)  # (3, N, V): sums of rows of three take a CPU five times as long
    total = torch.zeros_like(planes).index_add(2, here, planes[:, :, there])
    return (total / torch.bincount(here, minlength=vertices.shape[1]) - planes).permute(1, 2, 0)
