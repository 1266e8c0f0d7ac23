"""What is done to a pass's surfaces, in view of what the U-Net saw in the same pass: the steps' common form.

All steps work in the crop's normalised frame, on the network's device.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor


class Surfaces(NamedTuple):
    """Surfaces that share their faces."""

    vertices: Tensor
    """(B, S, V, 3), normalised."""
    faces: Tensor
    """(F, 3) int64, wound outward."""


class Seen(NamedTuple):
    """What the U-Net saw."""

    logits: Tensor
    """(B, S + 1, d0, d1, d2) of its finest level, background first."""
    stride: int
    """Crop voxels a voxel of it."""
    spacing: float
    """mm of a crop voxel."""

    @property
    def half_side(self) -> float:
        """mm that a normalised coordinate of 1 is away from the crop's middle."""
        return (self.logits.shape[2] * self.stride - 1) * self.spacing / 2


class Refinement(Protocol):
    """A step."""

    def __call__(self, surfaces: Surfaces, seen: Seen) -> Surfaces:
        """The surfaces after it."""
