"""How the voxel baseline is trained: overlap and cross-entropy."""

from __future__ import annotations

from torch import Tensor

from ..supervision import TrainingModule
from ..supervision.losses import segmentation_losses
from .segmentation_network import SegmentationNetwork


class SegmentationTraining(TrainingModule):
    """Soft Dice and cross-entropy of every voxel's class.

    Args:
        network: what is trained.
        dice, cross_entropy: weights.
    """

    def __init__(self, network: SegmentationNetwork, dice: float, cross_entropy: float) -> None:
        super().__init__()
        self.network = network
        self.dice = dice
        self.cross_entropy = cross_entropy

    def forward(self, image: Tensor, label: Tensor, progress: float) -> dict[str, Tensor]:
        """See :meth:`TrainingModule.forward`; the terms are ``dice`` and ``cross_entropy``."""
        terms = segmentation_losses(self.network(image), label, stride=1)
        return {"loss": self.dice * terms["dice"] + self.cross_entropy * terms["cross_entropy"], **terms}
