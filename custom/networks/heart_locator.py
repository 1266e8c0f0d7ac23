"""The coarse look at a whole CT that tells where the heart is, so that the crop can be placed round it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from .blocks.unet import UNet


class HeartLocator(nn.Module):
    """Segments the chambers on a coarse grid: a small U-Net that works at half the grid's resolution.

    Args:
        structures: number of chambers.
        unet: arguments of :class:`UNet` but for ``classes``; its ``first_stride`` is 2.
    """

    def __init__(self, structures: int, unet: Mapping[str, Any]) -> None:
        super().__init__()
        self.unet = UNet(structures + 1, **unet)
        if self.unet.level_strides[0] != 2:
            raise ValueError(f"the locator's U-Net has first_stride 2, not {self.unet.level_strides[0]}")

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, 1, D0, D1, D2), windowed to [-1, 1], to logits (B, structures + 1, D0, D1, D2), background first.

        Raises:
            ValueError: a size is not divisible by the coarsest level's stride.
        """
        _, logits = self.unet.decode(self.unet.encode(image))
        # coarse voxel j lies on voxel 2 j: exact up to the last but one, and the last repeats it
        size = [2 * length - 1 for length in logits.shape[2:]]
        fine = F.interpolate(logits, size=size, mode="trilinear", align_corners=True)
        return F.pad(fine, (0, 1) * 3, mode="replicate")
