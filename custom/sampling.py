"""Reading volumes at points: the only module that knows ``grid_sample``'s reversed coordinate order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .frames import voxel_to_normalised, voxel_to_voxel

PARALLEL = 1e-4
"""Voxels that another grid's axes may lead away from the volume's own over their length, and still be parallel."""
SLAB = 1 << 23
"""Voxels of a volume that are in work at a time, about."""
CACHED = 1 << 21
"""The same where axes are parallel: as many as a processor's cache holds until the last axis has been interpolated."""


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


def sample_lines(volume: Tensor, starts: Tensor, ways: Tensor, distances: Tensor) -> Tensor:
    """Trilinear samples of a volume at places along lines, its outermost values going on beyond it.

    The eight voxels round a place are picked from the volume as it lies in memory, in its own dtype: no copy of it in
    floating point is made, which a scan at full resolution has no room for.

    Args:
        volume: (D0, D1, D2) of real numbers, on the CPU, two voxels or more along each axis.
        starts, ways: (P, 3) float64 voxel coordinates of each line's first place, and voxels that a unit of distance
            leads on.
        distances: (N,), the same along all lines.

    Returns:
        (P, N) float32.
    """
    order = sorted(range(3), key=lambda axis: -volume.stride(axis))
    laid = volume.permute(order).contiguous()  # a copy only where the volume has gaps
    flat, distances = laid.view(-1), distances.float()
    first, shares = 0, []  # of each place: the lowest of its eight voxels, and how far beyond it the place lies
    for axis, size, step in zip(order, laid.shape, laid.stride(), strict=True):
        place = torch.addcmul(starts[:, axis, None].float(), ways[:, axis, None].float(), distances)
        low = place.clamp_(0, size - 1).int().clamp_(max=size - 2)
        shares.append(place.sub_(low).view(-1))
        first = low.mul_(step) + first
    first, (slow, middle, _) = first.view(-1), laid.stride()

    def along_last(offset: int) -> Tensor:
        below, above = (flat[offset + next_one :].index_select(0, first).float() for next_one in (0, 1))
        return torch.lerp(below, above, shares[2])

    planes = (torch.lerp(along_last(at), along_last(at + middle), shares[1]) for at in (0, slow))
    return torch.lerp(*planes, shares[0]).view(len(starts), len(distances))


def regrid(volume: Tensor, affine: np.ndarray, shape: Sequence[int], target: np.ndarray, fill: float) -> Tensor:
    """A volume on another grid in the patient, trilinearly, `fill` outside.

    Where the grids' axes are parallel, one axis after the other is interpolated, between those planes alone that are
    needed; otherwise the grid is made in slabs, each of its part of the volume. So nothing of its size is copied.

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
    along = np.abs(matrix[:3, :3]).argmax(1)
    across = np.where(np.arange(3) == along[:, None], 0, np.abs(matrix[:3, :3])) @ np.array(shape)
    if len(set(along)) == 3 and across.max() < PARALLEL:
        places = [row[axis] * np.arange(shape[axis]) + row[3] for row, axis in zip(matrix[:3], along, strict=True)]
        return _by_axis(volume, places, fill).permute(0, *(1 + np.argsort(along))).contiguous()
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


def _by_axis(volume: Tensor, places: Sequence[np.ndarray], fill: float) -> Tensor:
    """Trilinear values (C, E0, E1, E2) of a volume (C, D0, D1, D2) where planes across its axes meet, at voxel
    coordinates (E0,), (E1,) and (E2,) along them."""
    slowest = max(range(3), key=lambda axis: volume.stride(axis + 1))
    read = [min(2 * len(place), np.ptp(place) + 2, size) for place, size in zip(places, volume.shape[1:], strict=True)]
    step = max(1, int(CACHED * len(places[slowest]) / (len(volume) * np.prod(read))))
    slabs = []
    for start in range(0, len(places[slowest]), step):
        some = list(places)
        some[slowest] = some[slowest][start : start + step]
        slabs.append(_slab_by_axis(volume, some, fill))
    return torch.cat(slabs, slowest + 1)


def _slab_by_axis(volume: Tensor, places: Sequence[np.ndarray], fill: float) -> Tensor:
    """`_by_axis` at once."""
    slowest_first = sorted(range(3), key=lambda axis: -volume.stride(axis + 1))  # what is copied then lies in a row
    values = volume.permute(0, *(axis + 1 for axis in slowest_first))
    weights = []  # of each axis: the planes on either side of each place, and what they count
    for axis, place in enumerate((places[axis] for axis in slowest_first), 1):
        size = values.shape[axis]
        low = np.floor(np.clip(place, -2, size)).astype(np.int64)
        sides = np.stack([low, low + 1])
        counted = np.stack([low + 1 - place, place - low]) * ((sides >= 0) & (sides < size))
        needed, among = np.unique(np.clip(sides, 0, size - 1), return_inverse=True)
        values = _planes(values, axis, needed)
        among = among.reshape(2, -1) if values.shape[axis] == len(needed) else np.clip(sides, 0, size - 1) - needed[0]
        weights.append((torch.from_numpy(among), torch.from_numpy(counted).float()))
    values = torch.from_numpy(values.numpy().astype(np.float32)).sub_(fill)  # numpy's memory comes in huge pages
    for axis, (sides, counted) in enumerate(weights[:2], 1):
        below, above = (values.index_select(axis, side) for side in sides)
        of_below, of_above = counted.view(2, *(-1 if dimension == axis else 1 for dimension in range(4)))
        values = below.mul_(of_below).addcmul_(above, of_above)
    sides, counted = weights[2]
    matrix = values.new_zeros(values.shape[3], sides.shape[1])  # to pick single numbers takes longer than a product
    matrix.index_put_((sides, torch.arange(sides.shape[1])), counted, accumulate=True)
    return torch.matmul(values, matrix).add_(fill).permute(0, *(1 + np.argsort(slowest_first)))


def _planes(volume: Tensor, axis: int, needed: np.ndarray) -> Tensor:
    """The planes across an axis with these ascending numbers; with all between them, uncopied, if they are most."""
    span = int(needed[-1] + 1 - needed[0])
    if 2 * len(needed) < span:
        return volume.index_select(axis, torch.from_numpy(needed))
    return volume.narrow(axis, int(needed[0]), span)


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
