"""Sums over a wide Gaussian kernel by a grid: a Gaussian is the convolution of two narrower ones.

exp(-|x - y|² / 2w²) is, up to a factor, the sum over the nodes g of a grid of exp(-|x - g|² / w²) exp(-|y - g|² / w²):
the trapezoidal rule, whose error falls as exp(-π² w² / 2h²) with the spacing h. The values go to the grid and the sums
come from it a patch of points at a time, in products of matrices, since the kernel is a product of its axes'. The work
grows with the points, not with their pairs.
"""

from __future__ import annotations

import torch
from torch import Tensor

SPACING = 0.6
"""Of the grid, in widths: an error of 2e-6."""
REACH = 3.3
"""Widths from a point beyond which nodes are left out: exp(-REACH²) is 2e-5, and what they add to a sum far less."""

ELEMENTS = 1 << 18
"""Of what is between values and grid at a time, which stay in cache: one MiB."""


def side_and_nodes(low: Tensor, high: Tensor, width: float) -> tuple[float, float]:
    """For patches' boxes, (N, 3) each, how many nodes along an axis one reaches at most, and how many there are.

    Not a number where a coordinate is none.
    """
    reached = 2 * REACH / SPACING + 2
    extent = high.amax(0) - low.amin(0)
    longest = float((high - low).max())
    return longest / (SPACING * width) + reached, float((extent / (SPACING * width) + reached + 2).prod())


def grid_sums(x: Tensor, y: Tensor, values: Tensor, width: float) -> Tensor:
    """sum_j K(x_i - y_j) values_j with K(d) = exp(-|d|² / (2 width²)); no gradient.

    Args:
        x: (P, A, 3) float32, points in patches; the smaller a patch's box, the less work.
        y: (Q, B, 3), likewise.
        values: (Q, B, C), zero for points that do not count.
        width: of the kernel, in the points' unit.

    Returns:
        (P, A, C).
    """
    channels = values.shape[2]
    low, high = _ends(x, y)
    spacing = SPACING * width
    origin = low - (REACH / SPACING + 1) * spacing
    x, y = (x - origin) / spacing, (y - origin) / spacing
    first_x, first_y = _first(x), _first(y)
    side = max(_side(x, first_x), _side(y, first_y))
    shape = (((high - low) / spacing).ceil().long() + int(2 * REACH / SPACING) + side + 3).tolist()

    grid = values.new_zeros(shape[0] * shape[1] * shape[2] * channels)
    some = max(1, ELEMENTS // (side**3 * channels))
    line = torch.arange(side * channels)
    for points, first, given in zip(y.split(some), first_y.split(some), values.split(some), strict=True):
        across, along = _weights(points, first, side)
        spread = torch.bmm(across.transpose(1, 2), (along.unsqueeze(3) * given.unsqueeze(2)).flatten(2))
        lines = _lines(first, side, shape) * channels
        grid.index_add_(0, (lines.unsqueeze(2) + line).flatten(), spread.flatten())

    sums = []
    for points, first in zip(x.split(some), first_x.split(some), strict=True):
        across, along = _weights(points, first, side)
        lines = _lines(first, side, shape) * channels
        taken = torch.bmm(across, grid[lines.unsqueeze(2) + line]).unflatten(2, (side, channels))
        sums.append((taken * along.unsqueeze(3)).sum(2))
    return torch.cat(sums) * (2 / torch.pi) ** 1.5 * SPACING**3


def _ends(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest and the highest coordinates (3,) of both."""
    points = x.flatten(0, 1), y.flatten(0, 1)
    return torch.minimum(*(p.amin(0) for p in points)), torch.maximum(*(p.amax(0) for p in points))


def _first(points: Tensor) -> Tensor:
    """The first nodes (P, 3) that patches of points, in units of the grid, reach."""
    return (points.amin(1) - REACH / SPACING).ceil().long()


def _side(points: Tensor, first: Tensor) -> int:
    """Nodes along an axis that any patch reaches at most."""
    return int(((points.amax(1) + REACH / SPACING).floor() - first).max()) + 1


def _weights(points: Tensor, first: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The kernel of each point at its patch's nodes: across two axes (P, A, side²), along the third (P, A, side)."""
    offsets = points.unsqueeze(3) - (first.view(-1, 1, 3, 1) + torch.arange(side))
    weights = offsets.square_().mul_(-(SPACING**2)).exp_()
    return (weights[:, :, 0].unsqueeze(3) * weights[:, :, 1].unsqueeze(2)).flatten(2), weights[:, :, 2]


def _lines(first: Tensor, side: int, shape: list[int]) -> Tensor:
    """Where in the grid the lines of nodes along the third axis begin that a patch reaches: (P, side²)."""
    steps = torch.arange(side)
    rows = (first[:, 0, None, None] + steps.view(-1, 1)) * shape[1] + first[:, 1, None, None] + steps
    return (rows * shape[2] + first[:, 2, None, None]).flatten(1)
