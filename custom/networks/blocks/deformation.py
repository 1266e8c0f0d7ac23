"""How predicted offsets move vertices: added one by one (the paper), or carried by one flow for all structures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...geometry.normals import vertex_normals
from ...geometry.pairs import rows_per_block, squared_distances


class Offsets(nn.Module):
    """The paper's: offset times 0.01 added to its own vertex, whatever the others do."""

    def __init__(self) -> None:
        super().__init__()
        self.channels = 3
        self.scale = 0.01

    def forward(self, vertices: Tensor, output: Tensor, faces: Tensor, stage: int) -> Tensor:
        """See :meth:`KernelFlow.forward`; here every vertex needs an offset of its own (W = V), (B, S, V, 3)."""
        return vertices + self.scale * output


class KernelFlow(nn.Module):
    """One velocity field for every vertex of every structure: v(x) = sum_j K(x - x_j) u_j / (sum_j K(x - x_j) + 0.5).

    Space moves as a whole, so surfaces that start disjoint stay disjoint as long as a step moves two neighbouring
    points by nearly the same amount: the steps are small against the kernel's width. Gradients reach the offsets u
    and pass through the positions unchanged; the kernel itself is taken as constant (its gradient costs more than
    the rest of the graph decoder and was not needed).

    Args:
        widths: Gaussian kernel width per stage, coarse to fine, in normalised units (half the crop's side).
        steps: Euler steps per stage; control points move along.
    """

    def __init__(self, widths: list[float], steps: int) -> None:
        super().__init__()
        self.channels = 4
        self.scale = 0.1
        self.widths = [float(width) for width in widths]
        self.steps = steps

    def forward(self, vertices: Tensor, output: Tensor, faces: Tensor, stage: int) -> Tensor:
        """Moves the vertices.

        Args:
            vertices: (B, S, V, 3) normalised; the first W of every structure are the control points, the rest ride.
            output: (B, S, W, 4) the stage's: every control point's offset along the axes, and along its normal.
            faces: (F, 3) int64 of the control points' mesh, outward.
            stage: index of the stage, which selects the width.

        Returns:
            (B, S, V, 3) moved vertices.
        """
        control = vertices[:, :, : output.shape[2]]
        normals = vertex_normals(control.detach().flatten(0, 1), faces).view_as(control)
        offset = output[..., :3] + output[..., 3:] * normals
        velocity = (self.scale / self.steps) * offset.flatten(1, 2)
        for _ in range(self.steps):
            control = vertices[:, :, : offset.shape[2]].flatten(1, 2)
            vertices = vertices + self._interpolate(vertices.flatten(1, 2), control, velocity, stage).view_as(vertices)
        return vertices

    def _interpolate(self, x: Tensor, control: Tensor, velocity: Tensor, stage: int) -> Tensor:
        ones = torch.ones_like(velocity[:, :, :1])
        sums = _kernel_sums(x.detach(), control.detach(), torch.cat([velocity, ones], -1), self.widths[stage])
        return sums[:, :, :3] / (sums[:, :, 3:] + 0.5)


class _KernelSums(torch.autograd.Function):
    """:func:`_sums_by_blocks`, which makes the kernel once more for its gradient: kept, it is quadratic in memory."""

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, values: Tensor, width: float) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.width = width
        return _sums_by_blocks(x, y, values, width)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        x, y = ctx.saved_tensors
        return None, None, _sums_by_blocks(y, x, gradient, ctx.width), None


def _kernel_sums(x: Tensor, y: Tensor, values: Tensor, width: float) -> Tensor:
    """sum_j K(x - y_j) values_j, of points (B, N, 3), (B, M, 3) and values (B, M, C): (B, N, C)."""
    if torch.jit.is_scripting():
        return _sums_by_blocks(x, y, values, width)
    else:
        if torch.compiler.is_exporting() or torch.jit.is_tracing():  # which would unroll the blocks
            products = torch.bmm(x, y.transpose(1, 2))
            squared = x.square().sum(-1).unsqueeze(2) + y.square().sum(-1).unsqueeze(1) - 2.0 * products
            return torch.bmm(_gaussian(squared, width), values)
        if values.requires_grad:
            return _KernelSums.apply(x, y, values, width)
        return _sums_by_blocks(x, y, values, width)


def _sums_by_blocks(x: Tensor, y: Tensor, values: Tensor, width: float) -> Tensor:
    rows = values.transpose(1, 2).contiguous()  # of few channels: as columns they take a CPU five times as long
    sums: list[Tensor] = []
    for some in x.split(rows_per_block(x, y), 1):
        sums.append(torch.bmm(rows, _gaussian(squared_distances(some, y), width).transpose(1, 2)))
    return torch.cat(sums, 2).transpose(1, 2)


def _gaussian(squared: Tensor, width: float) -> Tensor:
    """exp(-d^2 / (2 width^2)) in the place of the squared distances d^2."""
    exponent = squared.mul_(-0.5 / width**2)
    return exponent.clamp_(min=-40.0).exp_()  # exp(-90) is denormal: sums of such numbers take a CPU five times as long
