"""Grid feature projection: vertex features splatted into a grid, the exact adjoint of :func:`custom.sampling.sample`.

One ``index_add`` serves all vertices, corners and meshes of a batch. Autograd would keep the eight weighted copies of
every feature for the way back; the backward pass here gathers from the gradient instead and keeps the features alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...frames import normalised_to_voxel


def project(features: Tensor, points: Tensor, shape: Sequence[int]) -> Tensor:
    """Adds every vertex's features to the eight voxels around it, with its trilinear weights.

    For every volume u: <project(features, points), u> = <features, sample(u, points)>. Points beyond the grid go to
    its border, as they read from there.

    Args:
        features: (N, V, C) floating point; computed in the points' dtype.
        points: (N, V, 3) normalised coordinates of the grid, component k along tensor axis k.
        shape: (D0, D1, D2) of the grid, whose first and last voxel centres lie on -1 and +1; two voxels or more each.

    Returns:
        (N, C, D0, D1, D2), channels last in memory; differentiable once in both arguments.
    """
    weights, index = trilinear_corners(points, shape)
    rows = [x.flatten(0, 1) for x in (features.to(points.dtype), weights, index)]
    flat = _Splat.apply(*rows, len(points) * math.prod(shape))
    return flat.view(len(points), *shape, -1).permute(0, 4, 1, 2, 3)


def trilinear_corners(points: Tensor, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Weights (N, V, 8), differentiable in the points, of the eight voxels around each of the points (N, V, 3).

    The second tensor (N, V, 8) int64 holds the voxels' rows in a grid (N, D0, D1, D2) flattened.
    """
    limit = torch.tensor([size - 1 for size in shape], device=points.device, dtype=points.dtype)
    voxel = torch.minimum(normalised_to_voxel(points, shape).clamp(min=0), limit)
    low = torch.minimum(voxel.detach().floor(), limit - 1)
    a, b, c = torch.stack([1 - voxel + low, voxel - low], dim=-1).unbind(2)  # of the lower and the upper neighbour
    weights = a[..., :, None, None] * b[..., None, :, None] * c[..., None, None, :]
    i, j, k = (low.long().unsqueeze(2) + torch.cartesian_prod(*[torch.arange(2, device=points.device)] * 3)).unbind(-1)
    mesh = torch.arange(len(points), device=points.device).view(-1, 1, 1)
    return weights.flatten(2), ((mesh * shape[0] + i) * shape[1] + j) * shape[2] + k


class _Splat(torch.autograd.Function):
    """Features (M, C), weights (M, 8), rows (M, 8) and their number R to sums (R, C)."""

    @staticmethod
    def forward(ctx, features: Tensor, weights: Tensor, index: Tensor, rows: int) -> Tensor:
        ctx.save_for_backward(features, weights, index)
        spread = (features.unsqueeze(1) * weights.unsqueeze(2)).flatten(0, 1)
        return features.new_zeros(rows, features.shape[1]).index_add_(0, index.flatten(), spread)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        features, weights, index = ctx.saved_tensors
        around = gradient.index_select(0, index.flatten()).view(*index.shape, -1)  # (M, 8, C)
        to_features = torch.einsum("mkc,mk->mc", around, weights) if ctx.needs_input_grad[0] else None
        to_weights = torch.einsum("mkc,mc->mk", around, features) if ctx.needs_input_grad[1] else None
        return to_features, to_weights, None, None
