"""What the representation network learns from: exact distance fields, most of all near the surface."""

from __future__ import annotations

import math

from torch import Tensor, nn

DIAGONAL = math.sqrt(12)
"""Diagonal of the cube [-1, 1]^3: the largest distance in it."""


class DistanceLoss(nn.Module):
    """Mean of ((sqrt(12) - |d|) / sqrt(12))^2 (prediction - d)^2, summed over the levels (paper, section 3.2)."""

    def forward(self, predictions: Tensor, distance: Tensor) -> Tensor:
        """Scalar loss.

        Args:
            predictions: (N, K, D0, D1, D2) signed distance in normalised units as each of K levels predicts it.
            distance: (N, 1, D0, D1, D2) the exact one.
        """
        weight = (1 - distance.abs() / DIAGONAL).square()
        return (weight * (predictions - distance).square()).mean((0, 2, 3, 4)).sum()
