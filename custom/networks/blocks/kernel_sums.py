"""Sums over a Gaussian kernel, sum_j K(x_i - y_j) v_j: on the CPU the cost follows the work.

What lies near is summed (`near_sums`), or, where far more is near than cells of a grid reach nodes, a grid takes the
sums (`gauss_transform`). On CUDA all pairs are taken.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...geometry.pairs import rows_per_block, squared_distances
from .gauss_transform import Grid
from .near_sums import NearSums, Patches, exponential

PAIRS_A_POINT, PAIRS_A_VISIT = 600, 40_000
"""Pairs that take as long as a grid takes for a point, and for one of its visits to a cell's nodes."""
NODES = 1 << 21
"""Of a grid at most."""


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
    return torch.stack([_of_one_case(*case, width, of_x, of_y) for case in zip(x, y, values, strict=True)])


def all_sums(x: Tensor, y: Tensor, values: Tensor, width: float) -> Tensor:
    """The same sums over all pairs, a block of rows at a time."""
    rows = values.transpose(1, 2).contiguous()  # of few channels: as columns they take a CPU five times as long
    sums: list[Tensor] = []
    for some in x.split(rows_per_block(x, y), 1):
        sums.append(torch.bmm(rows, _gaussian(squared_distances(some, y), width).transpose(1, 2)))
    return torch.cat(sums, 2).transpose(1, 2)


def _gaussian(squared: Tensor, width: float) -> Tensor:
    """exp(-d^2 / (2 width^2)) in the place of the squared distances d^2."""
    return exponential(squared.mul_(-0.5 / width**2))


def _of_one_case(x: Tensor, y: Tensor, values: Tensor, width: float, of_x: Patches, of_y: Patches) -> Tensor:
    """x (S * V, 3), y (S * W, 3) and values (S * W, C) to (S * V, C)."""
    near = NearSums(x, y, width, of_x, of_y)
    left = near.pairs - PAIRS_A_POINT * (len(x) + len(y))
    if left > 0 and Grid.nodes(x, y, width) <= NODES:
        grid = Grid(x, y, width)
        if grid.visits * PAIRS_A_VISIT < left:
            return grid.sums(values)
    return near.sums(values)
