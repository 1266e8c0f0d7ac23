"""How well a network represents surfaces: error of its distance field near them."""

from __future__ import annotations

from typing import Any

from monai.metrics import CumulativeIterationMetric
from torch import Tensor


class DistanceError(CumulativeIterationMetric):
    """Mean absolute error, in voxels, of signed distances in normalised units, within ``band`` voxels of the surface.

    Called with predictions and exact distances, lists of (1, D, D, D) or batches of them; averaged over the samples.
    """

    def __init__(self, band: float) -> None:
        super().__init__()
        self.band = band

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **kwargs: Any) -> Tensor:
        voxels = (y.shape[-1] - 1) / 2
        near = y.abs() * voxels <= self.band
        error = (y_pred - y).abs() * voxels * near
        return error.flatten(1).sum(1, keepdim=True) / near.flatten(1).sum(1, keepdim=True)

    def aggregate(self) -> Tensor:
        """The mean over all samples since the last reset; not a number if one of them was not."""
        return self.get_buffer().mean()
