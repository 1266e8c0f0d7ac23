"""What the representation network learns from: exact distance fields, most of all near the surface."""

from __future__ import annotations

import math

from torch import Tensor, nn

DIAGONAL = math.sqrt(12)
"""Diagonal of the cube [-1, 1]^3: the largest distance in it."""


class DistanceLoss(nn.Module):
    """Weighted mean of (prediction - d)^2, summed over the levels; the weights are (1 - |d| / sqrt(12))^exponent.

    The paper (section 3.2) has exponent 2, with which most of the loss lies far from the surface, and divides by the
    number of voxels instead of the weights' sum, so that a small surface counts for little.

    Args:
        exponent: how steeply the weights fall with the distance; 20 halves them every 0.12 of half the cube's side.
    """

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, predictions: Tensor, distance: Tensor) -> Tensor:
        """Scalar loss, the mean over the surfaces.

        Args:
            predictions: (N, K, D0, D1, D2) signed distance in normalised units as each of K levels predicts it.
            distance: (N, 1, D0, D1, D2) the exact one.
        """
        weight = (1 - distance.abs() / DIAGONAL).pow(self.exponent)
        weighted = weight * (predictions - distance).square()
        return (weighted.sum((2, 3, 4)) / weight.sum((2, 3, 4))).mean(0).sum()
