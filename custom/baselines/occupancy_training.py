"""How the implicit baseline is trained: the class at points near the labels' surfaces, and anywhere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..sampling import sample
from ..supervision import TrainingModule
from ..supervision.sample_points import sample_near_labels
from .occupancy_network import OccupancyNetwork


class OccupancyTraining(TrainingModule):
    """Cross-entropy of the class at random points.

    The target at a point is the trilinear value of the labels, so that the surface lies between voxel centres. Peng et
    al. (2020) draw points uniformly, DeepSDF (2019) mostly near the surface; here it is a share of either.

    Args:
        network: what is trained.
        points: per structure of each image.
        near: share of them near that structure's surface; the others are uniform.
        spread: how far those scatter per axis, normalised units.
    """

    def __init__(self, network: OccupancyNetwork, points: int, near: float, spread: float) -> None:
        super().__init__()
        self.network = network
        self.points = points
        self.near = near
        self.spread = spread

    def forward(self, image: Tensor, label: Tensor, progress: float) -> dict[str, Tensor]:
        """See :meth:`TrainingModule.forward`; there are no terms but the loss."""
        classes = self.network.classify.out_features
        masks = torch.cat([label == number for number in range(classes)], 1)
        near = sample_near_labels(masks[:, 1:].flatten(0, 1), self.points, int(self.near * self.points), self.spread)
        points = near.clamp(-1, 1).view(len(image), -1, 3)
        target = sample(masks.float(), points)
        logits = self.network.classes_at(self.network.volumes(image), points)
        return {"loss": F.cross_entropy(logits.transpose(1, 2), target.transpose(1, 2))}
