"""The whole loss of the shape network and the schedules of its weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..nesting import enclosed, inner_places
from ..template import GraphOperator
from .losses import laplacian_loss, segmentation_losses, stray_loss
from .supervision import Supervision

PERFECT = 1e-3
"""Of the occupancy term: better fits are not told apart by its logarithm."""


def cosine(start: float, end: float, progress: float) -> float:
    """From ``start`` at progress 0 to ``end`` at progress 1 along half a cosine; constant beyond."""
    return end + 0.5 * (start - end) * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))


class ShapeLoss(nn.Module):
    """Soft occupancy + smoothness of every stage's mesh + strayed vertices of the last one's + segmentation.

    Args:
        tau: softness of the occupancy at the start and at the end, normalised units.
        smoothness: weight of the Laplacian term at the start and at the end.
        schedule: share of the mesh training over which both follow a cosine.
        earlier_occupancy, earlier_smoothness: weight of either term for the meshes of all stages but the last, whose
            weight is 1.
        relative: whether each mesh's occupancy term counts by its logarithm, as in a geometric mean: one that cannot be
            seen has twenty times the loss of a clear one, whose details would hardly be learnt beside it.
        stray: weight of :func:`custom.supervision.losses.stray_loss`, on the control vertices of the last stage's mesh.
        reach: distance from the label from which on a vertex strays, normalised units.
        dice, cross_entropy: weights of the segmentation's terms.
        supervision: gives the soft occupancy loss.
    """

    def __init__(
        self,
        tau: tuple[float, float],
        smoothness: tuple[float, float],
        schedule: float,
        earlier_occupancy: float,
        earlier_smoothness: float,
        relative: bool,
        stray: float,
        reach: float,
        dice: float,
        cross_entropy: float,
        supervision: Supervision,
    ) -> None:
        super().__init__()
        self.tau = tau
        self.smoothness = smoothness
        self.schedule = schedule
        self.earlier_occupancy = earlier_occupancy
        self.earlier_smoothness = earlier_smoothness
        self.relative = relative
        self.stray = stray
        self.reach = reach
        self.dice = dice
        self.cross_entropy = cross_entropy
        self.supervision = supervision

    def forward(
        self,
        meshes: list[Tensor],
        faces: Tensor,
        operator: GraphOperator,
        logits: Tensor,
        labels: Tensor,
        stride: int,
        progress: float,
    ) -> dict[str, Tensor]:
        """The terms and their weighted sum.

        Args:
            meshes: (B, S, V, 3) normalised vertices per stage; empty while only the segmentation trains.
            faces: (F, 3) int64 of the meshes.
            operator: Chebyshev operator of the control meshes' graph, the first W of the V vertices.
            logits: (B, S + 1, d0, d1, d2).
            labels: (B, 1, D0, D1, D2) integer labels, structure s has value s + 1.
            stride: crop voxels per voxel of the logits.
            progress: of the mesh training, 0 to 1.

        Returns:
            ``loss`` (with gradient) and its terms ``dice``, ``cross_entropy``, and of the last stage's mesh
            ``occupancy``, ``smoothness`` and ``stray``.
        """
        terms = segmentation_losses(logits, labels, stride)
        loss = self.dice * terms["dice"] + self.cross_entropy * terms["cross_entropy"]
        if meshes:
            structures = torch.arange(1, meshes[0].shape[1] + 1, device=labels.device).view(1, -1, 1, 1, 1)
            masks = enclosed(labels == structures, inner_places(meshes[0].shape[1])).flatten(0, 1)
            tau = cosine(*self.tau, progress / self.schedule)
            weight = cosine(*self.smoothness, progress / self.schedule)
            control = len(operator.neighbours)
            earlier = [(self.earlier_occupancy, self.earlier_smoothness)] * (len(meshes) - 1)
            for mesh, (fit, smooth) in zip(meshes, [*earlier, (1.0, 1.0)], strict=True):
                vertices = mesh.flatten(0, 1)
                terms["smoothness"] = laplacian_loss(vertices[:, :control], operator)
                loss = loss + smooth * weight * terms["smoothness"]
                if fit > 0:
                    each = self.supervision(vertices, faces, masks, tau)
                    terms["occupancy"] = each.mean()
                    loss = loss + fit * ((each + PERFECT).log() if self.relative else each).mean()
            if self.stray > 0:
                terms["stray"] = stray_loss(meshes[-1].flatten(0, 1)[:, :control], masks, self.reach)
                loss = loss + self.stray * terms["stray"]
        return {"loss": loss, **terms}
