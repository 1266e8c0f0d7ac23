"""Sums over a narrow Gaussian kernel on the CPU, by what lies near.

The points are vertices of deformed templates. Vertices that are neighbours on the template stay neighbours, so a fixed
partition of each template into small patches is one into small boxes, whatever the shape. Of two patches farther apart
than `REACH` widths nothing is summed. The rest is computed a few patches of rows at a time, which stay in cache.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

REACH = 5.0
"""Widths beyond which the kernel, 4e-6 and less, counts as nothing."""
ROWS, COLUMNS = 64, 16
"""Vertices of a patch whose sums are made, and of one that is summed over."""
ELEMENTS = 1 << 19
"""Of the kernel that are in the cache at a time: two MiB."""


class Patches(NamedTuple):
    """A template's vertices in patches."""

    rows: Tensor
    """(P, ROWS) int64, the last of a patch repeated where it is short."""
    columns: Tensor
    """(Q, COLUMNS) int64, likewise."""
    present: Tensor
    """(Q, COLUMNS, 1), 0 for what is repeated."""


def patches_of(points: Tensor) -> Patches:
    """Patches of the points (V, 3) of a template."""
    rows, columns = (_halved(points.double(), torch.arange(len(points)), size) for size in (ROWS, COLUMNS))
    present = torch.stack([torch.arange(COLUMNS) < len(patch) for patch in columns])
    return Patches(_padded(rows, ROWS), _padded(columns, COLUMNS), present.unsqueeze(-1).float())


def _halved(points: Tensor, chosen: Tensor, size: int) -> list[Tensor]:
    """Patches of at most `size`, all but one of just that many, by halves across the longest side of their box."""
    if len(chosen) <= size:
        return [chosen]
    own = points[chosen]
    axis = int((own.amax(0) - own.amin(0)).argmax())
    order = chosen[own[:, axis].argsort(stable=True)]
    half = -(-len(chosen) // size) // 2 * size
    return _halved(points, order[:half], size) + _halved(points, order[half:], size)


def _padded(patches: list[Tensor], size: int) -> Tensor:
    return torch.stack([torch.cat([patch, patch[-1:].expand(size - len(patch))]) for patch in patches])


class NearSums:
    """Which patches of two sets of points lie near each other.

    Args:
        x: (S * V, 3), templates of S structures in a row, where sums are wanted.
        y: (S * W, 3), likewise, what is summed over.
        width: of the kernel K(d) = exp(-|d|² / (2 width²)), in the points' unit.
        of_x, of_y: patches of V and of W vertices.
    """

    def __init__(self, x: Tensor, y: Tensor, width: float, of_x: Patches, of_y: Patches) -> None:
        self._count = len(x)
        self._rows, self._columns = _for_all(of_x.rows, len(x)), _for_all(of_y.columns, len(y))
        self._present = of_y.present.repeat(len(self._columns) // len(of_y.present), 1, 1)
        self._x, self._y = x[self._rows] / width, y[self._columns] / width
        self._low, self._high = self._x.amin(1), self._x.amax(1)
        self._near = _box_distances(self._low, self._high, self._y.amin(1), self._y.amax(1)) < REACH**2
        self._counts = self._near.sum(1)
        self.pairs = int(self._counts.sum()) * ROWS * COLUMNS
        """Of points that are near."""

    def sums(self, values: Tensor) -> Tensor:
        """sum_j K(x_i - y_j) values_j, values (S * W, C) to (S * V, C); no gradient."""
        channels = values.shape[1]
        counts, order = self._counts.sort(descending=True)
        table = _table(self._near[order], counts)
        middle = ((self._low + self._high) / 2)[order]
        left = _lifted(self._x[order] - middle.unsqueeze(1))
        others = torch.cat([self._y, values[self._columns] * self._present], 2).permute(2, 0, 1)
        others = F.pad(others, (0, 0, 0, 1)).contiguous()  # (3 + C, Q + 1, COLUMNS): by axes, and a patch of nothing
        sums = values.new_empty(len(order), channels, ROWS)
        largest = counts.clamp(min=1).tolist()
        first = 0
        while first < len(order):
            most = largest[first]
            some = slice(first, first + max(1, ELEMENTS // (most * ROWS * COLUMNS)))
            chosen = table[some, :most]
            near = others.index_select(1, chosen.flatten()).view(3 + channels, len(chosen), -1)
            kernel = _kernel(left[some], near[:3] - middle[some].T.unsqueeze(2))
            torch.bmm(near[3:].transpose(0, 1), kernel.transpose(1, 2), out=sums[some])
            first = some.stop
        result = values.new_empty(self._count, channels)
        result[self._rows[order].flatten()] = sums.transpose(1, 2).flatten(0, 1)
        return result


def _for_all(patches: Tensor, count: int) -> Tensor:
    """Patches of one template to those of all, which stand in a row, `count` points together."""
    vertices = int(patches.max()) + 1
    starts = torch.arange(0, count, vertices).view(-1, 1, 1)
    return (patches + starts).flatten(0, 1)


def _box_distances(low: Tensor, high: Tensor, other_low: Tensor, other_high: Tensor) -> Tensor:
    """Squared distances (P, Q) of boxes (P, 3) from others (Q, 3)."""
    low, high, other_low, other_high = (ends.T.contiguous() for ends in (low, high, other_low, other_high))
    gaps = torch.maximum(low.unsqueeze(2) - other_high.unsqueeze(1), other_low.unsqueeze(1) - high.unsqueeze(2))
    return gaps.clamp_(min=0).square_().sum(0)


def _table(near: Tensor, counts: Tensor) -> Tensor:
    """The columns (P, largest count) of the true entries of each row of (P, Q), padded with Q."""
    place = near.cumsum(1) - 1
    row, column = near.nonzero(as_tuple=True)
    table = torch.full((len(near), max(1, int(counts.max()))), near.shape[1])
    table[row, place[row, column]] = column
    return table


def _lifted(points: Tensor) -> Tensor:
    """(N, A, 3) to (N, A, 5): the points, -|x|²/2 and 1, see `_kernel`."""
    halves = -0.5 * points.square().sum(-1, keepdim=True)
    return torch.cat([points, halves, torch.ones_like(halves)], -1)


def _kernel(left: Tensor, y: Tensor) -> Tensor:
    """exp(-|x - y|²/2), the more exact the nearer the origin, of lifted x (N, A, 5) and y (3, N, B): (N, A, B)."""
    halves = (y[0] * y[0]).addcmul_(y[1], y[1]).addcmul_(y[2], y[2]).mul_(-0.5)
    right = torch.stack([*y, torch.ones_like(halves), halves], 1)
    return exponential(torch.bmm(left, right))


def exponential(exponents: Tensor) -> Tensor:
    """In their place: exp(-90) is denormal, and sums of such numbers take a CPU five times as long."""
    return exponents.clamp_(min=-40.0, max=0.0).exp_()
