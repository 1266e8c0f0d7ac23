"""Reading volumes at points: the only module that knows ``grid_sample``'s reversed coordinate order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .frames import voxel_to_normalised, voxel_to_voxel

SLAB = 1 << 23
"""Voxels of a volume that are in work at a time, about."""


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


def regrid(volume: Tensor, affine: np.ndarray, shape: Sequence[int], target: np.ndarray, fill: float) -> Tensor:
    """A volume on another grid in the patient, trilinearly, `fill` outside.

    Made in slabs, each of that part alone of the volume which it needs, so that nothing of its size is copied.

    Args:
        volume: (C, D0, D1, D2) of real numbers, on the CPU, two voxels or more along each axis.
        affine: (4, 4) voxel to RAS mm of the volume.
        shape: (E0, E1, E2) of the other grid.
        target: (4, 4) voxel to RAS mm of it.
        fill: fades in over the voxel beyond the outermost centres.

    Returns:
        (C, E0, E1, E2) float32.
    """
    matrix = voxel_to_voxel(target, affine)
    result = torch.empty(len(volume), *shape)
    extent = np.abs(matrix[:3, :3]) @ (np.array([1, *shape[1:]]) - 1) + 3  # voxels of a slab of one plane
    grown = extent + np.abs(matrix[:3, 0])
    planes = 1
    while planes < shape[0] and np.prod(np.minimum(grown, volume.shape[1:])) < SLAB:
        planes, grown = planes + 1, grown + np.abs(matrix[:3, 0])
    index = [torch.arange(size, dtype=torch.float64) for size in shape]
    for start in range(0, shape[0], planes):
        first, second, third = index[0][start : start + planes].view(-1, 1, 1), index[1].view(-1, 1), index[2]
        places = [row[0] * first + row[1] * second + (row[2] * third + row[3]) for row in matrix[:3].tolist()]
        box, begin = [slice(None)], []
        for place, size in zip(places, volume.shape[1:], strict=True):
            low, high = (int(end.clamp(-1, size).floor()) for end in (place.min(), place.max()))
            begin.append(min(max(low, 0), size - 2))
            box.append(slice(begin[-1], max(high + 2, begin[-1] + 2)))
        part = volume[tuple(box)].float() - fill
        voxels = torch.stack([place - low for place, low in zip(places, begin, strict=True)], -1)
        grid = voxel_to_normalised(voxels, part.shape[1:]).float()
        result[:, start : start + planes] = resample(part, grid, "bilinear") + fill
    return result


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
