"""Normals of triangle meshes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Area-weighted unit vertex normals, outward for outward-wound faces.

    Args:
        vertices: (N, V, 3).
        faces: (F, 3) int64.

    Returns:
        (N, V, 3); zero where the faces have no area.
    """
    corners = vertices[:, faces]
    face = torch.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0], dim=-1)
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals = normals.index_add(1, faces[:, corner], face)
    return F.normalize(normals, dim=-1, eps=1e-30)
