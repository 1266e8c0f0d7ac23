"""What tells a mesh where the label's surface is; the shape network's loss takes either kind."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .losses import soft_occupancy_loss


class Supervision:
    """BCE(sigma(-d / tau), S) of meshes' signed distance d and labels S, however d is had (paper, section 3.3)."""

    def __call__(self, vertices: Tensor, faces: Tensor, masks: Tensor, tau: float) -> Tensor:
        """Mean loss (K,) of each of the K labelled meshes, with gradient to the vertices; one zero if there are none.

        Args:
            vertices: (N, V, 3) float32 normalised.
            faces: (F, 3) int64 of the meshes, outward.
            masks: (N, D0, D1, D2) bool labels; meshes whose label has no voxel are left out.
            tau: softness, normalised units.
        """
        raise NotImplementedError

    def learn(self, vertices: Tensor) -> dict[str, Tensor]:
        """Called after every step of the shape network with its meshes (N, V, 3); scalars worth showing come back."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back :meth:`state_dict`."""


class ExactSupervision(Supervision):
    """The exact distance, read at sample points (:func:`custom.supervision.losses.soft_occupancy_loss`).

    Args:
        points: sample points per structure.
        spread: distance from label and mesh over which points scatter, normalised units.
    """

    def __init__(self, points: int, spread: float) -> None:
        self.points = points
        self.spread = spread

    def __call__(self, vertices: Tensor, faces: Tensor, masks: Tensor, tau: float) -> Tensor:
        return soft_occupancy_loss(vertices, faces, masks, tau, self.points, self.spread)
