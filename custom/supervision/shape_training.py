"""The shape network as it is trained: first its segmentation alone, then segmentation and meshes."""

from __future__ import annotations

from torch import Tensor

from ..networks import ShapeNetwork
from .shape_loss import ShapeLoss
from .training_module import TrainingModule


class ShapeTraining(TrainingModule):
    """The shape network and its loss; after each step on meshes the loss's supervision may learn from them.

    A mesh placed by a segmentation that has learnt nothing starts nowhere, so meshes join at progress 0; the steps
    before cost a third of the rest.
    """

    def __init__(self, network: ShapeNetwork, loss: ShapeLoss) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self._meshes: list[Tensor] = []

    def forward(self, image: Tensor, label: Tensor, progress: float) -> dict[str, Tensor]:
        """See :meth:`TrainingModule.forward`; the terms are those of :class:`ShapeLoss`."""
        network = self.network
        meshes: list[Tensor] = []
        if progress >= 0:
            meshes, logits = network.stages_and_segmentation(image)
        else:
            logits = network.segment(image)
        self._meshes = [mesh.detach() for mesh in meshes]
        stride = network.level_strides[0]
        return self.loss(meshes, network.faces, network.operator(), logits, label, stride, progress)

    def after_step(self) -> dict[str, Tensor]:
        """What the supervision shows of its own step on the last stage's meshes."""
        return self.loss.supervision.learn(self._meshes[-1].flatten(0, 1)) if self._meshes else {}
