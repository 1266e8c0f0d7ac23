"""What every method is trained as: its network and its loss in one module, the only thing that the trainer knows."""

from __future__ import annotations

from torch import Tensor, nn


class TrainingModule(nn.Module):
    """A network and what it learns from; in one ``forward``, since DistributedDataParallel knows no other method."""

    def forward(self, image: Tensor, label: Tensor, progress: float) -> dict[str, Tensor]:
        """The loss of one batch and its terms.

        Args:
            image: (B, 1, D, D, D) float32 windowed to [-1, 1].
            label: (B, 1, D, D, D) integer classes, structure s has value s + 1.
            progress: of the training after its first ``segmentation_epochs``, 0 to 1; negative before.

        Returns:
            Scalars: ``loss``, with gradient, and whatever else is worth showing.
        """
        raise NotImplementedError

    def after_step(self) -> dict[str, Tensor]:
        """Called after the optimiser's step, unless that was skipped; scalars worth showing come back."""
        return {}
