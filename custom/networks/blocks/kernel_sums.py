"""Sums over a Gaussian kernel, sum_j K(x_i - y_j) v_j, on the CPU by what lies near: the cost follows the work.

The points are vertices of deformed templates. Vertices that are neighbours on the template stay neighbours, so a fixed
partition of each template into small patches is one into small boxes, whatever the shape. Of two patches farther apart
than `REACH` widths nothing is summed. The rest is computed a few patches of rows at a time, which stay in cache. Where
far more is near than a patch reaches nodes of a grid, that takes the sums (`gauss_transform`); where nearly all is, and
on CUDA, all pairs are taken.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...geometry.pairs import rows_per_block, squared_distances
from .gauss_transform import grid_sums, side_and_nodes

REACH = 5.5
"""Widths beyond which the kernel, 3e-7 and less, counts as nothing."""
MOSTLY = 0.7
"""Share of all pairs that are near from which on all are taken: a plain block costs less a pair."""
NODES_A_POINT = 6.0
"""Nodes of a grid that patches may reach, of rows and of columns, for each point near to a patch of rows, that a grid
costs less."""
NODES = 1 << 21
"""Of such a grid at most."""
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


def kernel_sums(x: Tensor, y: Tensor, values: Tensor, width: float, of_x: Patches, of_y: Patches) -> Tensor:
    """sum_j K(x_i - y_j) values_j, differentiable in the values.

    Args:
        x: (B, S * V, 3), templates of S structures in a row; no gradient reaches it.
        y: (B, S * W, 3), likewise.
        values: (B, S * W, C).
        width: of the kernel exp(-d^2 / (2 width^2)).
        of_x, of_y: patches of V and of W vertices.

    Returns:
        (B, S * V, C).
    """
    if torch.jit.is_scripting():
        return all_sums(x, y, values, width)
    else:
        if torch.compiler.is_exporting() or torch.jit.is_tracing():  # which would unroll the blocks
            products = torch.bmm(x, y.transpose(1, 2))
            squared = x.square().sum(-1).unsqueeze(2) + y.square().sum(-1).unsqueeze(1) - 2.0 * products
            return torch.bmm(_gaussian(squared, width), values)
        if values.requires_grad:
            return _KernelSums.apply(x, y, values, width, of_x, of_y)
        return _sums(x, y, values, width, of_x, of_y)


class _KernelSums(torch.autograd.Function):
    """`_sums`, which makes the kernel once more for its gradient: kept, it is quadratic in memory."""

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, values: Tensor, width: float, of_x: Patches, of_y: Patches) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.rest = width, of_y, of_x
        return _sums(x, y, values, width, of_x, of_y)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        x, y = ctx.saved_tensors
        return None, None, _sums(y, x, gradient, *ctx.rest), None, None, None


def _sums(x: Tensor, y: Tensor, values: Tensor, width: float, of_x: Patches, of_y: Patches) -> Tensor:
    if x.device.type != "cpu":
        return all_sums(x, y, values, width)
    return torch.stack([_near_sums(*case, width, of_x, of_y) for case in zip(x, y, values, strict=True)])


def all_sums(x: Tensor, y: Tensor, values: Tensor, width: float) -> Tensor:
    """The same sums over all pairs, a block of rows at a time."""
    rows = values.transpose(1, 2).contiguous()  # of few channels: as columns they take a CPU five times as long
    sums: list[Tensor] = []
    for some in x.split(rows_per_block(x, y), 1):
        sums.append(torch.bmm(rows, _gaussian(squared_distances(some, y), width).transpose(1, 2)))
    return torch.cat(sums, 2).transpose(1, 2)


def _gaussian(squared: Tensor, width: float) -> Tensor:
    """exp(-d^2 / (2 width^2)) in the place of the squared distances d^2."""
    return _exponential(squared.mul_(-0.5 / width**2))


def _exponential(exponents: Tensor) -> Tensor:
    """In their place: exp(-90) is denormal, and sums of such numbers take a CPU five times as long."""
    return exponents.clamp_(min=-40.0, max=0.0).exp_()


def _near_sums(x: Tensor, y: Tensor, values: Tensor, width: float, of_x: Patches, of_y: Patches) -> Tensor:
    """Of one case: x (S * V, 3), y (S * W, 3), values (S * W, C) to (S * V, C)."""
    rows, columns = _for_all(of_x.rows, len(x)), _for_all(of_y.columns, len(y))
    points, others = x[rows], y[columns]  # (P, ROWS, 3) and (Q, COLUMNS, 3)
    (low, high), (other_low, other_high) = ((patches.amin(1), patches.amax(1)) for patches in (points, others))
    near = _box_distances(low, high, other_low, other_high) < (REACH * width) ** 2
    counts = near.sum(1)
    present = of_y.present.repeat(len(columns) // len(of_y.present), 1, 1)
    kept = values[columns] * present  # (Q, COLUMNS, C)
    result = values.new_empty(len(x), values.shape[1])
    side, nodes = side_and_nodes(torch.cat([low, other_low]), torch.cat([high, other_high]), width)
    pairs = int(counts.sum())
    if side**3 * (len(rows) + len(columns)) <= NODES_A_POINT * pairs * COLUMNS and nodes <= NODES:
        result[rows.flatten()] = grid_sums(points, others, kept, width).flatten(0, 1)
        return result
    if pairs > MOSTLY * near.numel():
        return all_sums(x[None], y[None], values[None], width)[0]
    table = _table(near, counts)
    middle = (low + high).unsqueeze(1) / 2
    sums = values.new_empty(*rows.shape, values.shape[1])
    order = counts.argsort(descending=True)
    largest = counts[order].clamp(min=1).tolist()
    first = 0
    while first < len(order):
        most = largest[first]
        chosen = order[first : first + max(1, ELEMENTS // (most * ROWS * COLUMNS))]
        patches = table[chosen, :most]
        there = (torch.arange(most) < counts[chosen].unsqueeze(1)).view(len(chosen), most, 1, 1)
        own = (points[chosen] - middle[chosen]) / width
        near_by = ((others[patches] - middle[chosen].unsqueeze(1)) / width).flatten(1, 2)
        kernel = _exponential(_exponents(own, near_by))
        sums[chosen] = torch.bmm(kernel, (kept[patches] * there).flatten(1, 2))
        first += len(chosen)
    result[rows.flatten()] = sums.flatten(0, 1)
    return result


def _for_all(patches: Tensor, count: int) -> Tensor:
    """Patches of one template to those of all, which stand in a row, `count` points together."""
    vertices = int(patches.max()) + 1
    starts = torch.arange(0, count, vertices).view(-1, 1, 1)
    return (patches + starts).flatten(0, 1)


def _box_distances(low: Tensor, high: Tensor, other_low: Tensor, other_high: Tensor) -> Tensor:
    """Squared distances (P, Q) of boxes (P, 3) from others (Q, 3)."""
    gaps = torch.maximum(low.unsqueeze(1) - other_high, other_low - high.unsqueeze(1))
    return gaps.clamp_(min=0).square_().sum(-1)


def _table(near: Tensor, counts: Tensor) -> Tensor:
    """The columns (P, largest count) of the true entries of each row, padded with 0."""
    place = near.cumsum(1) - 1
    row, column = near.nonzero(as_tuple=True)
    table = torch.zeros(len(near), max(1, int(counts.max())), dtype=torch.int64)
    table[row, place[row, column]] = column
    return table


def _exponents(x: Tensor, y: Tensor) -> Tensor:
    """-|x - y|^2 / 2 of (N, A, 3) and (N, B, 3), in one product: (N, A, B), the more exact the nearer the origin."""
    of_x, of_y = (-0.5 * points.square().sum(-1, keepdim=True) for points in (x, y))
    left = torch.cat([x, of_x, torch.ones_like(of_x)], -1)
    right = torch.cat([y, torch.ones_like(of_y), of_y], -1)
    return torch.bmm(left, right.transpose(1, 2))
