"""Trainer of the shape network on MONAI's engine."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys as Keys
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from ..networks import ShapeNetwork


class StagesAndSegmentation(nn.Module):
    """The shape network as it is trained: a module of its own, since DistributedDataParallel knows ``forward`` only."""

    def __init__(self, network: ShapeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, shapes: bool, whole_template: bool) -> tuple[list[Tensor], Tensor]:
        """:meth:`ShapeNetwork.stages_and_segmentation`, or without ``shapes`` no meshes and the segmentation alone."""
        if shapes:
            return self.network.stages_and_segmentation(image, whole_template)
        return [], self.network.segment(image)


class ShapeTrainer(SupervisedTrainer):
    """Trains the segmentation alone for the first epochs, then segmentation and meshes together.

    A mesh placed by a segmentation that has learnt nothing starts nowhere; the first epochs cost a third of the rest.
    After each step on meshes the supervision may learn from them. ``engine.state.output`` holds the loss and its terms.

    Args:
        segmentation_epochs: epochs before the meshes join.
        gradient_norm: gradients are clipped to this norm.
        kwargs: of :class:`monai.engines.SupervisedTrainer`; ``network`` is a :class:`StagesAndSegmentation` (or its
            DistributedDataParallel), ``loss_function`` a :class:`ShapeLoss`.
    """

    def __init__(self, segmentation_epochs: int, gradient_norm: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.segmentation_epochs = segmentation_epochs
        self.gradient_norm = gradient_norm

    def _iteration(self, engine: ShapeTrainer, batchdata: dict[str, Any]) -> dict[str, Any]:
        if batchdata is None:
            raise ValueError("the data loader yielded nothing")
        image, label = engine.prepare_batch(batchdata, engine.state.device, engine.non_blocking, **engine.to_kwargs)
        network = engine.network.train()
        core: ShapeNetwork = getattr(network, "module", network).network
        supervision = engine.loss_function.supervision
        faces = core.faces if supervision.whole_template else core.control_faces
        engine.optimizer.zero_grad(set_to_none=True)
        progress = self.mesh_progress()
        meshes, logits = network(image, progress >= 0, supervision.whole_template)
        output = engine.loss_function(meshes, faces, core.operator(), logits, label, core.level_strides[0], progress)
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        engine.fire_event(IterationEvents.LOSS_COMPLETED)
        output[Keys.LOSS].backward()
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        norm = clip_grad_norm_(network.parameters(), self.gradient_norm)
        if bool(torch.isfinite(norm)):
            engine.optimizer.step()
            if meshes:
                output |= supervision.learn(meshes[-1].detach().flatten(0, 1))
        else:
            engine.logger.warning("step %d skipped: its gradient is not finite", engine.state.iteration)
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        return {name: value.detach() for name, value in output.items()} | {"gradient_norm": norm}

    def mesh_progress(self) -> float:
        """Share of the mesh training that is done, 0 to 1; negative while only the segmentation trains."""
        length = self.state.epoch_length
        before = self.segmentation_epochs * length
        total = max(1, self.state.max_epochs * length - before)
        return (self.state.iteration - 1 - before) / total
