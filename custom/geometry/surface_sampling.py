"""Points drawn on triangle meshes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

TINY = 1e-30
"""An area that a triangle has at least, so that a mesh without any can be drawn from."""


def sample_surface(vertices: Tensor, faces: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Points drawn uniformly by area, with torch's generator.

    Args:
        vertices: (N, V, 3).
        faces: (N, F, 3) int64, of each mesh its own.
        count: points P per mesh.

    Returns:
        points (N, P, 3), differentiable in the vertices, and the unit normals (N, P, 3) of their faces.
    """
    meshes = torch.arange(len(vertices), device=vertices.device).view(-1, 1)
    corners = vertices[meshes.unsqueeze(2), faces]
    normals = torch.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0], dim=-1)
    chosen = torch.multinomial(normals.detach().norm(dim=-1).clamp_min(TINY), count, replacement=True)
    u, v = torch.rand(2, *chosen.shape, 1, device=vertices.device, dtype=vertices.dtype).unbind(0)
    u, v = torch.where(u + v > 1, 1 - u, u), torch.where(u + v > 1, 1 - v, v)  # fold the square into the triangle
    a, b, c = corners[meshes, chosen].unbind(2)
    return a + u * (b - a) + v * (c - a), F.normalize(normals[meshes, chosen], dim=-1, eps=1e-12)
