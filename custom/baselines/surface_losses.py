"""How far a mesh is from a target surface, and how regular it is: what both mesh systems' losses are made of."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..geometry.mending.umbrella import umbrella
from ..geometry.pairs import nearest
from ..geometry.subdivision import Edges


def pick(values: Tensor, index: Tensor) -> Tensor:
    """Rows (N, P, C) of the `values` (N, Q, C) at an `index` (N, P)."""
    return values.gather(1, index.unsqueeze(-1).expand(-1, -1, values.shape[-1]))


def chamfer(points: Tensor, targets: Tensor) -> Tensor:
    """Mean squared distance to the nearest of the others, in both directions, summed: (N,).

    Args:
        points: (N, P, 3).
        targets: (N, Q, 3).
    """
    there = points - pick(targets, nearest(points, targets))
    back = targets - pick(points, nearest(targets, points))
    return there.square().sum(-1).mean(1) + back.square().sum(-1).mean(1)


def squared_edge_lengths(vertices: Tensor, edges: Edges) -> Tensor:
    """(N, E) squared lengths of the edges of meshes (N, V, 3) of one connectivity."""
    ends = vertices[:, edges.ends]
    return (ends[:, :, 1] - ends[:, :, 0]).square().sum(-1)


def laplacian(vertices: Tensor, edges: Edges) -> Tensor:
    """From every vertex of meshes (N, V, 3) of one connectivity to the mean of its neighbours, (N, V, 3)."""
    return umbrella(vertices, torch.cat([edges.ends, edges.ends.flip(1)]))


def bending(vertices: Tensor, faces: Tensor, edges: Edges) -> Tensor:
    """(N, E) one minus the cosine of the angle between the normals of the two faces at every edge.

    Args:
        vertices: (N, V, 3).
        faces: (F, 3) int64 of all meshes.
        edges: of `faces`.
    """
    corners = vertices[:, faces]
    normals = torch.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0], dim=-1)
    sides = F.normalize(normals, dim=-1, eps=1e-12)[:, edges.faces]
    return 1 - (sides[:, :, 0] * sides[:, :, 1]).sum(-1)
