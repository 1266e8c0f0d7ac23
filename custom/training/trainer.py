"""Trainer of any training module on MONAI's engine."""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys as Keys
from torch.nn.utils import clip_grad_norm_

from ..supervision import TrainingModule


class ModuleTrainer(SupervisedTrainer):
    """Trains a :class:`custom.supervision.TrainingModule`; ``engine.state.output`` holds the loss and its terms.

    A step whose gradient is not finite is skipped, with a warning.

    Args:
        segmentation_epochs: epochs before what needs a segmentation joins: the module's progress is negative in them.
        gradient_norm: gradients are clipped to this norm.
        kwargs: of :class:`monai.engines.SupervisedTrainer` but ``loss_function``; ``network`` is the training module
            or its DistributedDataParallel.
    """

    def __init__(self, segmentation_epochs: int, gradient_norm: float, **kwargs: Any) -> None:
        super().__init__(loss_function=None, **kwargs)  # the training module has its own
        self.segmentation_epochs = segmentation_epochs
        self.gradient_norm = gradient_norm

    def _iteration(self, engine: ModuleTrainer, batchdata: dict[str, Any]) -> dict[str, Any]:
        if batchdata is None:
            raise ValueError("the data loader yielded nothing")
        image, label = engine.prepare_batch(batchdata, engine.state.device, engine.non_blocking, **engine.to_kwargs)
        network = engine.network.train()
        module: TrainingModule = getattr(network, "module", network)
        engine.optimizer.zero_grad(set_to_none=True)
        output = network(image, label, self.progress())
        engine.fire_event(IterationEvents.FORWARD_COMPLETED)
        engine.fire_event(IterationEvents.LOSS_COMPLETED)
        output[Keys.LOSS].backward()
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        norm = clip_grad_norm_(network.parameters(), self.gradient_norm)
        if bool(torch.isfinite(norm)):
            engine.optimizer.step()
            output |= module.after_step()
        else:
            engine.logger.warning("step %d skipped: its gradient is not finite", engine.state.iteration)
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        return {name: value.detach() for name, value in output.items()} | {"gradient_norm": norm}

    def progress(self) -> float:
        """Share of the training after the segmentation's epochs that is done, 0 to 1; negative in those."""
        length = self.state.epoch_length
        before = self.segmentation_epochs * length
        total = max(1, self.state.max_epochs * length - before)
        return (self.state.iteration - 1 - before) / total
