"""What the network's surfaces become before anything is made of them: fair, finer, closer to what the U-Net saw.

Each step maps vertices (B, S, V, 3), normalised, and faces (F, 3) int64, wound outward and shared by all surfaces, to
such ones, in view of the logits (B, S + 1, d0, d1, d2) of the U-Net's finest level, of `stride` crop voxels a voxel.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..geometry.fairing import fair
from ..geometry.normals import vertex_normals
from ..geometry.subdivision import subdivide
from ..sampling import sample

Surfaces = tuple[Tensor, Tensor]
"""Vertices and faces."""
Refinement = Callable[[Tensor, Tensor, Tensor, int], Surfaces]
"""Of vertices, faces, logits and stride."""

STEPS = 8
"""Places a side of the vertex, along its normal, where the segmentation is read."""


class Fairing:
    """Each surface made fair, see :func:`custom.geometry.fairing.fair`.

    In a heart unlike those that were learnt the flow can crumple a surface, most of all where its triangles are drawn
    out; what is left then is near enough to the chamber for :class:`TowardsSegmentation`.

    Args:
        rounds, tangential, bending: of `fair`; without rounds the surfaces stay as they are.
    """

    def __init__(self, rounds: int, tangential: float, bending: float) -> None:
        self.rounds = rounds
        self.tangential = tangential
        self.bending = bending

    def __call__(self, vertices: Tensor, faces: Tensor, logits: Tensor, stride: int) -> Surfaces:
        """The same faces, vertices moved; the segmentation does not count."""
        surfaces = fair(vertices.flatten(0, 1), faces, self.rounds, self.tangential, self.bending)
        return surfaces.view_as(vertices), faces


class Subdivision:
    """Each surface with a vertex in the middle of every edge, so many times, and made fair again after each.

    The fine surface bends where the coarse one had its edges until that is done; then it follows the segmentation where
    the coarse one cut corners.

    Args:
        times: that the faces become four times as many; 0 leaves the surfaces as they are.
        rounds, tangential, bending: of :func:`custom.geometry.fairing.fair`.
    """

    def __init__(self, times: int, rounds: int, tangential: float, bending: float) -> None:
        self.times = times
        self.fairing = Fairing(rounds, tangential, bending)

    def __call__(self, vertices: Tensor, faces: Tensor, logits: Tensor, stride: int) -> Surfaces:
        """(B, S, V + E, 3) and (4 F, 3) for each time, E edges; old vertices come first."""
        for _ in range(self.times):
            faces, ends = subdivide(faces, vertices.shape[2])
            vertices = torch.cat([vertices, vertices[:, :, ends].mean(3)], 2)
            vertices, faces = self.fairing(vertices, faces, logits, stride)
        return vertices, faces


class TowardsSegmentation:
    """Each vertex goes part of the way along its normal to where its chamber ends in the U-Net's segmentation.

    Both err, and not alike: close to each other, the truth lies between them more often than not. Far apart, the
    surface knows better (a mesh spans what the segmentation lost), so the way that is gone fades: of a way ``d`` the
    vertex goes ``share * (1 - (d / reach)**2) * d``. Where the chamber does not end within reach, the vertex stays.

    Args:
        reach: the way from which on nothing is gone, normalised.
        share: of a short way that is gone, 0 to 1.
    """

    def __init__(self, reach: float, share: float) -> None:
        self.reach = reach
        self.share = share

    def __call__(self, vertices: Tensor, faces: Tensor, logits: Tensor, stride: int) -> Surfaces:
        """The same faces, vertices moved."""
        batch, structures, count, _ = vertices.shape
        points = vertices.flatten(0, 1)
        normals = vertex_normals(points, faces)
        offsets = torch.linspace(-self.reach, self.reach, 2 * STEPS + 1, device=points.device, dtype=points.dtype)
        along = points.unsqueeze(2) + offsets.view(1, 1, -1, 1) * normals.unsqueeze(2)
        leads = _leads(logits).flatten(0, 1).unsqueeze(1)
        inside = sample(leads, along.flatten(1, 2), stride).view(batch * structures, count, -1)
        before, after = inside[..., :-1], inside[..., 1:]
        ends = (before > 0) & (after <= 0)
        way = offsets[:-1] + (offsets[1] - offsets[0]) * before / (before - after).clamp(min=1e-9)
        way = torch.where(ends, way, self.reach)  # of which nothing is gone
        nearest = way.gather(-1, way.abs().argmin(-1, keepdim=True))
        moved = points + self.share * (1 - (nearest / self.reach) ** 2) * nearest * normals
        return moved.unflatten(0, (batch, structures)), faces


def _leads(logits: Tensor) -> Tensor:
    """(B, S + 1, ...) to (B, S, ...): by how much each chamber's logit exceeds the highest other one.

    Between voxels logits run straighter than probabilities, which saturate.
    """
    classes = range(logits.shape[1])
    others = [logits[:, [other for other in classes if other != own]].amax(1) for own in classes[1:]]
    return logits[:, 1:] - torch.stack(others, 1)
