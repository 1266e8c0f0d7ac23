"""The implicit baseline: at any point of the crop, which chamber it lies in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..networks.blocks.unet import UNet, unet_precision
from ..sampling import level_coordinates, sample


class PointBlock(nn.Module):
    """Residual pair of layers at every point, which sees the image's features anew (Peng et al. 2020, section 3.2)."""

    def __init__(self, seen: int, channels: int) -> None:
        super().__init__()
        self.look = nn.Linear(seen, channels)
        self.first = nn.Linear(channels, channels)
        self.second = nn.Linear(channels, channels)

    def forward(self, hidden: Tensor, seen: Tensor) -> Tensor:
        hidden = hidden + self.look(seen)
        return hidden + self.second(F.relu(self.first(F.relu(hidden))))


class OccupancyNetwork(nn.Module):
    """Occupancy of the chambers as a function of the point, given the image.

    The ancestors: occupancy networks (Mescheder et al., CVPR 2019) and DeepSDF (Park et al., CVPR 2019), which give a
    whole shape one latent code; and convolutional occupancy networks (Peng et al., ECCV 2020), whose features, like
    these, are a U-Net's, sampled trilinearly at the point.

    Not as published: the input is an image instead of a point cloud, and the point sees its value too; coarser levels
    of the decoder are sampled besides the finest; the chambers and the background are classes of one softmax, so that
    chambers cannot overlap (with one chamber that is the papers' occupancy); every voxel of the crop is asked, instead
    of those near the surface by refinement.

    Args:
        structures: number S of structures; their order is the metadata's ``channel_def``.
        unet: arguments of :class:`UNet` but ``classes``.
        features: channels of the U-Net's own output, sampled as they are.
        levels: decoder levels sampled besides, 0 the finest.
        channels: width of the point's layers.
        blocks: their residual pairs.
        chunk: points asked at once by ``forward``, which bounds its memory.
        amp: run the U-Net in bfloat16.
    """

    def __init__(
        self,
        structures: int,
        unet: dict[str, Any],
        features: int,
        levels: Sequence[int],
        channels: int,
        blocks: int,
        chunk: int,
        amp: bool = False,
    ) -> None:
        super().__init__()
        self.levels = list(levels)
        self.chunk = chunk
        self.amp = amp
        self.unet = UNet(features, **unet)
        seen = 1 + features + sum(self.unet.decoder_channels[level] for level in self.levels)
        self.enter = nn.Linear(3, channels)
        self.blocks = nn.ModuleList(PointBlock(seen, channels) for _ in range(blocks))
        self.classify = nn.Linear(channels, structures + 1)

    def forward(self, image: Tensor) -> Tensor:
        """Class logits (B, S + 1, D0, D1, D2) float32, background first, of an image (B, 1, D0, D1, D2) in [-1, 1]."""
        volumes = self.volumes(image)
        points = level_coordinates(image, 1).expand(len(image), -1, -1)
        logits = torch.cat([self.classes_at(volumes, part) for part in points.split(self.chunk, 1)], 1)
        return logits.transpose(1, 2).unflatten(2, image.shape[2:])

    def volumes(self, image: Tensor) -> list[tuple[Tensor, int]]:
        """What is sampled at a point, float32, each with its stride: the image, the U-Net's output, decoder levels."""
        strides = self.unet.level_strides
        with unet_precision(image, strides, self.amp):
            decoded, output = self.unet.decode(self.unet.encode(image))
        coarser = [(decoded[level].float(), strides[level]) for level in self.levels]
        return [(image, 1), (output, strides[0]), *coarser]

    def classes_at(self, volumes: list[tuple[Tensor, int]], points: Tensor) -> Tensor:
        """Class logits (B, P, S + 1) at normalised points (B, P, 3), of :meth:`volumes`."""
        seen = torch.cat([sample(volume, points, stride) for volume, stride in volumes], dim=-1)
        hidden = self.enter(points)
        for block in self.blocks:
            hidden = block(hidden, seen)
        return self.classify(F.relu(hidden))
