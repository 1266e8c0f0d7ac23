"""Trainer of the shape network on MONAI's engine."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys as Keys
from torch.nn.utils import clip_grad_norm_


class ShapeTrainer(SupervisedTrainer):
    """Trains the segmentation alone for the first epochs, then segmentation and meshes together.

    A mesh placed by a segmentation that has learnt nothing starts nowhere; the first epochs cost a third of the rest.
    ``engine.state.output`` holds the loss and its terms.

    Args:
        segmentation_epochs: epochs before the meshes join.
        gradient_norm: gradients are clipped to this norm.
        kwargs: of :class:`monai.engines.SupervisedTrainer`; ``network`` is a :class:`ShapeNetwork`, ``loss_function``
            a :class:`ShapeLoss`.
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
        core = getattr(network, "module", network)
        engine.optimizer.zero_grad(set_to_none=True)
        progress = self.mesh_progress()
        if progress < 0:
            meshes, logits = [], core.segment(image)
        else:
            meshes, logits = core.stages_and_segmentation(image)
        output = engine.loss_function(
            meshes, core.control_faces, core.operator(), logits, label, core.level_strides[0], max(progress, 0.0)
        )
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        engine.fire_event(IterationEvents.LOSS_COMPLETED)
        output[Keys.LOSS].backward()
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        norm = clip_grad_norm_(network.parameters(), self.gradient_norm)
        if bool(torch.isfinite(norm)):
            engine.optimizer.step()
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
