"""Sums over a wide Gaussian kernel by a grid: a Gaussian is the convolution of two narrower ones.

exp(-|x - y|² / 2w²) is, up to a factor, the sum over the nodes g of a grid of exp(-|x - g|² / w²) exp(-|y - g|² / w²):
the trapezoidal rule, whose error falls as exp(-π² w² / 2h²) with the spacing h. The values go to the grid and the sums
come from it a cell of points at a time, in products of matrices, since the kernel is a product of its axes'. The work
grows with the points and with the cells that hold any, not with the pairs of points.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

SPACING = 0.6
"""Of the grid, in widths: an error of 2e-6."""
CELL = 5
"""Spacings along a side of a cell: smaller ones are more of them, larger ones reach more nodes."""
REACH = 5
"""Whole spacings from a point, at least, up to which nodes count, which is 3 widths: exp(-9) is 1e-4, and what the
nodes beyond add to a sum is far less."""
SIDE = CELL + 2 * REACH + 1
"""Nodes along an axis that the points of a cell reach."""


class Cells(NamedTuple):
    """Points sorted by the cell they lie in."""

    order: Tensor
    """(N,) int64, the points of a cell together."""
    places: Tensor
    """(N, 3) of the points in this order, in spacings from the first node that their cell reaches."""
    first: Tensor
    """(K, 3) int64 that node, of each cell that holds a point."""
    counts: Tensor
    """(K,) int64, how many it holds."""

    def each(self) -> Iterator[tuple[list[int], Tensor, Tensor]]:
        """First node, kernel across two axes (n, SIDE²) and along the third (n, 1, SIDE) of every cell."""
        kernel = (self.places.unsqueeze(2) - torch.arange(SIDE)).square_().mul_(-(SPACING**2)).exp_()
        for first, own in zip(self.first.tolist(), kernel.split(self.counts.tolist()), strict=True):
            yield first, (own[:, 0].unsqueeze(2) * own[:, 1].unsqueeze(1)).flatten(1), own[:, 2:]


class Grid:
    """A grid over two sets of points.

    Args:
        x: (N, 3) float, where sums are wanted.
        y: (M, 3), what is summed over.
        width: of the kernel K(d) = exp(-|d|² / (2 width²)), in the points' unit.
    """

    def __init__(self, x: Tensor, y: Tensor, width: float) -> None:
        self._origin, cells = _extent(x, y, width)
        self._spacing = SPACING * width
        self._cells = cells.long()
        self._nodes = ((self._cells - 1) * CELL + SIDE).tolist()
        self._x, self._y = self._sorted(x), self._sorted(y)
        self.visits = len(self._x.counts) + len(self._y.counts)
        """How often a cell's nodes are read or written."""

    @staticmethod
    def nodes(x: Tensor, y: Tensor, width: float) -> float:
        """How many it would have; not a number where a coordinate is none."""
        return float(((_extent(x, y, width)[1] - 1) * CELL + SIDE).prod())

    def _sorted(self, points: Tensor) -> Cells:
        scaled = (points - self._origin) / self._spacing
        cell = (scaled / CELL).floor()
        numbers, order = _row_major(cell.long(), self._cells).sort()
        found, counts = torch.unique_consecutive(numbers, return_counts=True)
        first = torch.stack(torch.unravel_index(found, self._cells.tolist()), 1) * CELL
        return Cells(order, (scaled - cell * CELL)[order] + REACH, first, counts)

    def sums(self, values: Tensor) -> Tensor:
        """sum_j K(x_i - y_j) values_j, values (M, C) to (N, C); no gradient."""
        channels = values.shape[1]
        nodes = values.new_zeros(*self._nodes[:2], channels, self._nodes[2])
        given = values[self._y.order].split(self._y.counts.tolist())
        for (first, across, along), some in zip(self._y.each(), given, strict=True):
            spread = across.T @ (some.unsqueeze(2) * along).flatten(1)
            _block(nodes, first).add_(spread.view(SIDE, SIDE, channels, SIDE))
        taken = [
            (across @ _block(nodes, first).reshape(SIDE**2, -1)).view(-1, channels, SIDE).mul_(along).sum(2)
            for first, across, along in self._x.each()
        ]
        sums = values.new_empty(len(self._x.order), channels)
        sums[self._x.order] = torch.cat(taken)
        return sums.mul_((2 / torch.pi) ** 1.5 * SPACING**3)


def _extent(x: Tensor, y: Tensor, width: float) -> tuple[Tensor, Tensor]:
    """The lowest coordinates (3,) of both, and how many cells there are along the axes (3,), as floats."""
    low, high = torch.minimum(x.amin(0), y.amin(0)), torch.maximum(x.amax(0), y.amax(0))
    return low, ((high - low) / (SPACING * width) / CELL).floor() + 1


def _row_major(index: Tensor, shape: Tensor) -> Tensor:
    """(N, 3) int64 to (N,)."""
    return (index[:, 0] * shape[1] + index[:, 1]) * shape[2] + index[:, 2]


def _block(nodes: Tensor, first: list[int]) -> Tensor:
    """The view (SIDE, SIDE, C, SIDE) of nodes (X, Y, C, Z) that a cell reaches."""
    x, y, z = first
    return nodes[x : x + SIDE, y : y + SIDE, :, z : z + SIDE]
