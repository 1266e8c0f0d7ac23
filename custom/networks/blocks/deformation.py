"""How predicted offsets move vertices: added one by one (the paper), or carried by one flow for all structures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...geometry.normals import vertex_normals
from .kernel_sums import kernel_sums
from .near_sums import Patches, patches_of


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
        sphere: (V, 3), the template that is deformed.
        control: how many of its vertices, the first, are control points.
    """

    def __init__(self, widths: list[float], steps: int, sphere: Tensor, control: int) -> None:
        super().__init__()
        self.channels = 4
        self.scale = 0.1
        self.widths = [float(width) for width in widths]
        self.steps = steps
        for name, points in (("all", sphere), ("control", sphere[:control])):
            for part, tensor in patches_of(points)._asdict().items():
                self.register_buffer(f"{name}_{part}", tensor, persistent=False)

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
        of_x = Patches(self.all_rows, self.all_columns, self.all_present)
        of_control = Patches(self.control_rows, self.control_columns, self.control_present)
        values = torch.cat([velocity, ones], -1)
        sums = kernel_sums(x.detach(), control.detach(), values, self.widths[stage], of_x, of_control)
        return sums[:, :, :3] / (sums[:, :, 3:] + 0.5)
