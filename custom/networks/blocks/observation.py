"""What a vertex sees of the segmentation around it, besides the features sampled at its position."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...geometry.normals import vertex_normals
from ...nesting import enclosed, inner_places
from ...sampling import sample

PROFILE = (-9.0, -6.0, -4.0, -2.0, -1.0, 1.0, 2.0, 4.0, 6.0)
"""Positions along the outward normal where a chamber's own probability is read, in segmentation voxels."""
BLURS = (2, 4, 8)
"""Pooling factors at which the gradient of the own probability is read; the widest shows strays the way home."""


class NoObservation(nn.Module):
    """The paper's vertices see sampled features alone."""

    def __init__(self) -> None:
        super().__init__()
        self.channels = 0

    def forward(self, vertices: Tensor, faces: Tensor, logits: Tensor) -> Tensor:
        """(B, S, V, 3) to (B * S, V, 0)."""
        return vertices.flatten(0, 1)[:, :, :0]


class SegmentationObservation(nn.Module):
    """Position, class probabilities, and where along and around the normal the own probability falls.

    The segmentation is read detached: with the mesh loss flowing into it, it got worse. Positions are detached too.

    Args:
        structures: S.
        stride: total stride of the segmentation's level.
    """

    def __init__(self, structures: int, stride: int) -> None:
        super().__init__()
        self.structures = structures
        self.stride = stride
        self.channels = 3 + structures + 1 + len(PROFILE) + 3 * len(BLURS)
        self.inner = inner_places(structures)
        self.register_buffer("profile", torch.tensor(PROFILE), persistent=False)
        self.blurs = list(BLURS)

    def forward(self, vertices: Tensor, faces: Tensor, logits: Tensor) -> Tensor:
        """Observes.

        Args:
            vertices: (B, S, V, 3) normalised.
            faces: (F, 3) int64.
            logits: (B, S + 1, D0, D1, D2) class logits of the segmentation's level.

        Returns:
            (B * S, V, channels) float32.
        """
        vertices = vertices.detach()
        n, v = vertices.shape[0] * vertices.shape[1], vertices.shape[2]
        points = vertices.flatten(0, 1)
        probability = logits.detach().softmax(1)
        own = enclosed(probability[:, 1:], self.inner).flatten(0, 1).unsqueeze(1)
        classes = sample(probability, vertices.flatten(1, 2), self.stride).reshape(n, v, -1)
        voxel = 2.0 * self.stride / (logits.shape[2] * self.stride - 1)
        normals = vertex_normals(points, faces)
        along = points.unsqueeze(2) + (voxel * self.profile).view(1, 1, -1, 1) * normals.unsqueeze(2)
        profile = sample(own, along.flatten(1, 2), self.stride).view(n, v, -1)
        seen = [points, classes, profile]
        for blur in self.blurs:
            pooled = F.avg_pool3d(own, blur)
            step = voxel * blur * torch.eye(3, device=points.device, dtype=points.dtype)
            middle = 0.5 * (blur - 1) * voxel  # pooled voxels lie between those they were made of
            around = points.unsqueeze(2) - middle + torch.cat([step, -step]).view(1, 1, 6, 3)
            values = sample(pooled, around.flatten(1, 2), self.stride * blur).view(n, v, 6)
            seen.append(F.normalize(values[:, :, :3] - values[:, :, 3:], dim=-1, eps=1e-2))
        return torch.cat(seen, dim=-1)
