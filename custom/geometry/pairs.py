"""All pairs of two sets of points, a block of rows at a time: differences summed axis by axis.

`torch.cdist` without matrix products gives CUDA a block of threads for every single distance, and a CPU three times the
work; with them it loses the small distances. Blocks keep what is between in a processor's cache, or fill a GPU.
"""

from __future__ import annotations

import torch
from scipy.spatial import KDTree
from torch import Tensor


def rows_per_block(x: Tensor, y: Tensor) -> int:
    """How many of the rows of `x` (B, N, 3) are paired at a time with all of `y` (B, M, 3)."""
    elements = 1 << 25 if x.is_cuda else 1 << 17
    return max(1, elements // max(1, x.shape[0] * y.shape[1]))


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """(B, N, 3) and (B, M, 3) to (B, N, M), exact to rounding, also for points that nearly coincide; no gradient."""
    rows, columns = x.detach().transpose(1, 2).unsqueeze(3), y.detach().transpose(1, 2).contiguous().unsqueeze(2)
    difference = rows[:, 0] - columns[:, 0]
    total = difference * difference
    for axis in (1, 2):
        torch.sub(rows[:, axis], columns[:, axis], out=difference)
        total.addcmul_(difference, difference)
    return total


def nearest(points: Tensor, others: Tensor) -> Tensor:
    """Index (N, P) int64 of the nearest of the `others` (N, Q, 3) to each of the `points` (N, P, 3), no gradient."""
    points, others = points.detach(), others.detach()
    if points.device.type == "cpu":
        found = [KDTree(other.numpy()).query(some.numpy())[1] for some, other in zip(points, others, strict=True)]
        return torch.stack([torch.from_numpy(index).long() for index in found])
    blocks = points.split(rows_per_block(points, others), 1)
    return torch.cat([squared_distances(some, others).argmin(-1) for some in blocks], 1)
