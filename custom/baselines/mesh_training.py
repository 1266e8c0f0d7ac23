"""The mesh systems as they are trained."""

from __future__ import annotations

from torch import Tensor, nn

from ..supervision import TrainingModule


class MeshTraining(TrainingModule):
    """A network that gives surfaces of several stages and a segmentation, and the loss of both.

    While the progress is negative the segmentation trains alone. The templates do not wait for it, so the systems' own
    configs leave those epochs out; they are there for comparisons in which every U-Net is to learn from labels first.

    Args:
        network: a :class:`MeshDeformNet` or a :class:`Voxel2Mesh`.
        loss: the :class:`MeshDeformLoss` or the :class:`Voxel2MeshLoss` of its ``stages_and_segmentation``.
    """

    def __init__(self, network: nn.Module, loss: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.loss = loss

    def forward(self, image: Tensor, label: Tensor, progress: float) -> dict[str, Tensor]:
        """See :meth:`TrainingModule.forward`; the terms are the loss's."""
        if progress < 0:
            stages, logits = [], self.network.segment(image)
        else:
            stages, logits = self.network.stages_and_segmentation(image)
        return self.loss(stages, logits, label, self.network.level_strides[0])
