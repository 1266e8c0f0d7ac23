"""What the network's surfaces become before anything is made of them: fair, and closer to what the U-Net saw."""

from __future__ import annotations

import torch
from torch import Tensor

from ..geometry.fairing import fair
from ..geometry.normals import vertex_normals
from ..sampling import sample

STEPS = 8
"""Places a side of the vertex, along its normal, where the segmentation is read."""


class Fairing:
    """Each surface made fair, see :func:`custom.geometry.fairing.fair`.

    In a heart unlike those that were learnt the flow can crumple a surface, most of all where its triangles are drawn
    out; what is left then is near enough to the chamber for :class:`TowardsSegmentation`.

    Args:
        faces: (F, 3) int64, wound outward, shared by all structures.
        rounds, tangential, bending: of `fair`; without rounds the surfaces stay as they are.
    """

    def __init__(self, faces: Tensor, rounds: int, tangential: float, bending: float) -> None:
        self.faces = faces
        self.rounds = rounds
        self.tangential = tangential
        self.bending = bending

    def __call__(self, vertices: Tensor, logits: Tensor, stride: int) -> Tensor:
        """Normalised vertices (B, S, V, 3) to (B, S, V, 3); the rest is for steps that look at the segmentation."""
        surfaces = fair(vertices.flatten(0, 1), self.faces, self.rounds, self.tangential, self.bending)
        return surfaces.view_as(vertices)


class TowardsSegmentation:
    """Each vertex goes part of the way along its normal to where its chamber ends in the U-Net's segmentation.

    Both err, and not alike: close to each other, the truth lies between them more often than not. Far apart, the
    surface knows better (a mesh spans what the segmentation lost), so the way that is gone fades: of a way ``d`` the
    vertex goes ``share * (1 - (d / reach)**2) * d``. Where the chamber does not end within reach, the vertex stays.

    Args:
        faces: (F, 3) int64, wound outward, shared by all structures.
        reach: the way from which on nothing is gone, normalised.
        share: of a short way that is gone, 0 to 1.
    """

    def __init__(self, faces: Tensor, reach: float, share: float) -> None:
        self.faces = faces
        self.reach = reach
        self.share = share

    def __call__(self, vertices: Tensor, logits: Tensor, stride: int) -> Tensor:
        """Moves.

        Args:
            vertices: (B, S, V, 3) normalised.
            logits: (B, S + 1, d0, d1, d2) class logits of the U-Net's finest level, background first.
            stride: crop voxels per voxel of it.

        Returns:
            (B, S, V, 3).
        """
        batch, structures, count, _ = vertices.shape
        points = vertices.flatten(0, 1)
        normals = vertex_normals(points, self.faces)
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
        return moved.unflatten(0, (batch, structures))


def _leads(logits: Tensor) -> Tensor:
    """(B, S + 1, ...) to (B, S, ...): by how much each chamber's logit exceeds the highest other one.

    Between voxels logits run straighter than probabilities, which saturate.
    """
    classes = range(logits.shape[1])
    others = [logits[:, [other for other in classes if other != own]].amax(1) for own in classes[1:]]
    return logits[:, 1:] - torch.stack(others, 1)
