"""The whole loss of the shape network and the schedules of its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..template import GraphOperator
from .losses import laplacian_loss, segmentation_loss


def cosine(start: float, end: float, progress: float) -> float:
    """From ``start`` at progress 0 to ``end`` at progress 1 along half a cosine; constant beyond."""
    return end + 0.5 * (start - end) * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))


class ShapeLoss(nn.Module):
    """Soft occupancy + smoothness of every stage's mesh + segmentation.

    Args:
        tau: softness of the occupancy at the start and at the end, normalised units.
        smoothness: weight of the Laplacian term at the start and at the end.
        schedule: share of the mesh training over which both follow a cosine.
        stage_weights: weight of each stage's mesh.
        segmentation: weight of the segmentation term.
        occupancy: (vertices, faces, masks, tau) to the soft occupancy loss: :func:`soft_occupancy_loss` with its points
            and spread (exact), or a :class:`RepresentedOccupancy` (the paper's).
    """

    def __init__(
        self,
        tau: tuple[float, float],
        smoothness: tuple[float, float],
        schedule: float,
        stage_weights: Sequence[float],
        segmentation: float,
        occupancy: Callable[[Tensor, Tensor, Tensor, float], Tensor],
    ) -> None:
        super().__init__()
        self.tau = tau
        self.smoothness = smoothness
        self.schedule = schedule
        self.stage_weights = stage_weights
        self.segmentation = segmentation
        self.occupancy = occupancy

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
            operator: Chebyshev operator of the meshes' graph.
            logits: (B, S + 1, d0, d1, d2).
            labels: (B, 1, D0, D1, D2) integer labels, structure s has value s + 1.
            stride: crop voxels per voxel of the logits.
            progress: of the mesh training, 0 to 1.

        Returns:
            ``loss`` (with gradient) and its terms ``segmentation``, ``occupancy`` and ``smoothness``.
        """
        terms = {"segmentation": segmentation_loss(logits, labels, stride)}
        loss = self.segmentation * terms["segmentation"]
        if meshes:
            structures = torch.arange(1, meshes[0].shape[1] + 1, device=labels.device).view(1, -1, 1, 1, 1)
            masks = (labels == structures).flatten(0, 1)
            tau = cosine(*self.tau, progress / self.schedule)
            weight = cosine(*self.smoothness, progress / self.schedule)
            for mesh, share in zip(meshes, self.stage_weights, strict=True):
                vertices = mesh.flatten(0, 1)
                occupancy = self.occupancy(vertices, faces, masks, tau)
                smoothness = laplacian_loss(vertices, operator)
                loss = loss + share * (occupancy + weight * smoothness)
                terms["occupancy"], terms["smoothness"] = occupancy, smoothness  # shown: the last stage's
        return {"loss": loss, **terms}
