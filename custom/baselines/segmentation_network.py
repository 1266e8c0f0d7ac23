"""The voxel baseline: a 3D U-Net that gives each voxel its class."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..networks.blocks.unet import UNet, unet_precision


class SegmentationNetwork(nn.Module):
    """3D U-Net (Cicek et al., MICCAI 2016).

    Not as published: the residual blocks, instance normalisation and encoder widths are those of ImplicitMeshNet, so
    that the systems differ in what they represent and not in how they see; padded convolutions keep the image's size.

    Args:
        structures: number S of structures; their order is the metadata's ``channel_def``.
        unet: arguments of :class:`UNet` but ``classes``; its ``first_stride`` is 1.
        amp: run in bfloat16.

    Raises:
        ValueError: ``first_stride`` is another.
    """

    def __init__(self, structures: int, unet: dict[str, Any], amp: bool = False) -> None:
        super().__init__()
        self.amp = amp
        self.unet = UNet(structures + 1, **unet)
        if self.unet.level_strides[0] != 1:
            raise ValueError(f"first_stride must be 1, for a class per voxel of the image; got {unet['first_stride']}")

    def forward(self, image: Tensor) -> Tensor:
        """Class logits (B, S + 1, D0, D1, D2) float32, background first, of an image (B, 1, D0, D1, D2) in [-1, 1]."""
        with unet_precision(image, self.unet.level_strides, self.amp):
            return self.unet.decode(self.unet.encode(image))[1]
