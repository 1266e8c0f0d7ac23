"""Reading volumes at points: the only module that knows ``grid_sample``'s reversed coordinate order."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def sample(volume: Tensor, points: Tensor, stride: int = 1) -> Tensor:
    """Trilinear samples of a feature volume at normalised points, clamped to the volume's border.

    A feature volume made by convolutions of total stride s has its voxel j on crop voxel s * j; the points are
    normalised to the *crop*, so the map to the feature volume depends on s and is exact for every level.

    Args:
        volume: (N, C, D0, D1, D2) features; computed in the points' dtype.
        points: (N, P, 3) normalised coordinates of the crop, component k along tensor axis k.
        stride: crop voxels per feature voxel; the crop has ``stride * D`` voxels per axis.

    Returns:
        (N, P, C), differentiable in both arguments.
    """
    size = torch.tensor(volume.shape[2:], device=points.device, dtype=points.dtype)
    level = (points + 1) * ((size * stride - 1) / (stride * (size - 1).clamp(min=1))) - 1
    grid = level.flip(-1).unsqueeze(1).unsqueeze(1)  # the order (x, y, z) = (axis 2, axis 1, axis 0)
    samples = F.grid_sample(volume.to(points.dtype), grid, mode="bilinear", padding_mode="border", align_corners=True)
    return samples.squeeze(2).squeeze(2).transpose(1, 2)


def resample(volume: Tensor, grid: Tensor, mode: str) -> Tensor:
    """Values of a volume on a new grid, zero outside the volume.

    Args:
        volume: (C, D0, D1, D2) floating point.
        grid: (E0, E1, E2, 3) normalised coordinates of the volume for every voxel of the new grid.
        mode: "bilinear" (trilinear) or "nearest".

    Returns:
        (C, E0, E1, E2).
    """
    order = grid.flip(-1).unsqueeze(0)
    return F.grid_sample(volume.unsqueeze(0), order, mode=mode, padding_mode="zeros", align_corners=True).squeeze(0)


def level_coordinates(volume: Tensor, stride: int) -> Tensor:
    """Normalised crop coordinates of every voxel of a feature volume of the given total stride.

    Args:
        volume: (N, C, D0, D1, D2); only its size, device and dtype matter.
        stride: crop voxels per feature voxel.

    Returns:
        (D0 * D1 * D2, 3) in the order of ``volume.flatten(2)``.
    """
    axes = [
        torch.arange(n, device=volume.device, dtype=volume.dtype).mul(2.0 * stride / (n * stride - 1)).sub(1.0)
        for n in volume.shape[2:]
    ]
    return torch.stack(torch.meshgrid(axes[0], axes[1], axes[2], indexing="ij"), dim=-1).flatten(0, 2)
