"""The image half of the shape network: a residual 3D U-Net whose encoder and decoder levels are read at vertices."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FEW = 20480
"""Channels x D0 x D1 of one image up to which torch 2.13 does not ask oneDNN."""


class GroupNorm(nn.GroupNorm):
    """torch's; in files of the network the means are taken axis by axis.

    ONNX's runtime adds up a group's many values in one go, in float32: the logits were off by twelve times as much.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not torch.jit.is_scripting():
            if torch.compiler.is_exporting():
                groups = x.unflatten(1, [self.num_groups, -1])
                centred = groups - _mean(groups)
                normalised = (centred * (_mean(centred.square()) + self.eps).rsqrt()).flatten(1, 2)
                return normalised * self.weight.view(-1, 1, 1, 1) + self.bias.view(-1, 1, 1, 1)
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class Convolution(nn.Conv3d):
    """torch's, by oneDNN also where few voxels are seen: alone, torch would take a kernel of its own that takes up to
    four times as long, its gradient too."""

    def forward(self, x: Tensor) -> Tensor:
        if not torch.jit.is_scripting():
            if _is_for_onednn(x) and not torch.compiler.is_exporting() and not torch.jit.is_tracing():
                return self._conv_forward(x.to_mkldnn(), self.weight, self.bias).to_dense()
        return self._conv_forward(x, self.weight, self.bias)


def _is_for_onednn(x: Tensor) -> bool:
    """Whether (B, C, D0, D1, D2) is float32 on a CPU that has oneDNN, and is computed as such."""
    is_plain = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return is_plain and x[0, ..., 0].numel() <= _FEW and len(x) == 1 and torch.backends.mkldnn.is_available()


def _mean(x: Tensor) -> Tensor:
    """(B, G, C, D0, D1, D2) to (B, G, 1, 1, 1, 1)."""
    for axis in (5, 4, 3, 2):
        x = x.mean(axis, keepdim=True)
    return x


def unet_precision(image: Tensor, level_strides: Sequence[int], amp: bool) -> torch.autocast:
    """The context in which a U-Net runs: bfloat16 with ``amp``, but where that is unsound.

    On the CPU, bfloat16 convolutions of 2x2x2 voxels have a wrong weight gradient (oneDNN under torch 2.13).

    Args:
        image: (B, 1, D0, D1, D2), what the U-Net encodes.
        level_strides: of the U-Net.
        amp: whether bfloat16 is asked for.
    """
    unsound = image.device.type == "cpu" and image.shape[2] in [2 * stride for stride in level_strides]
    return torch.autocast(image.device.type, torch.bfloat16, enabled=amp and not unsound)


class ResidualBlock(nn.Module):
    """Three 3x3x3 convolutions, each normalised and rectified; output = first activation + third (paper, section 3.1).

    Args:
        in_channels, out_channels: channels.
        stride: of the first convolution.
        channels_per_group: group size of the normalisation; 1 is affine instance normalisation.
        dropout: probability of dropping a channel between the second and the third convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, channels_per_group: int, dropout: float):
        super().__init__()
        groups = max(1, out_channels // channels_per_group)

        def layer(channels: int, step: int) -> nn.Sequential:
            return nn.Sequential(
                Convolution(channels, out_channels, 3, stride=step, padding=1),
                GroupNorm(groups, out_channels),
                nn.LeakyReLU(0.01, inplace=True),
            )

        self.first = layer(in_channels, stride)
        self.second = layer(out_channels, 1)
        self.dropout = nn.Dropout3d(dropout)
        self.third = layer(out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        return first + self.third(self.dropout(self.second(first)))


class UpBlock(nn.Module):
    """Transposed convolution, concatenation with the encoder's features, residual block."""

    def __init__(self, below: int, skip: int, out_channels: int, channels_per_group: int, dropout: float) -> None:
        super().__init__()
        self.up = nn.ConvTranspose3d(below, out_channels, 2, stride=2)
        self.block = ResidualBlock(out_channels + skip, out_channels, 1, channels_per_group, dropout)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.block(torch.cat([self.up(x), skip], dim=1))


class UNet(nn.Module):
    """Residual U-Net. Level l of encoder and decoder has total stride ``level_strides[l]``.

    Args:
        classes: output classes, background included.
        encoder_channels: channels of the levels, finest first; the last is the bottleneck.
        decoder_channels: channels of the decoder levels, finest first; one fewer than the encoder's.
        first_stride: stride of the first convolution (1 in the paper; 2 works on half the crop's resolution);
            between levels it is 2.
        channels_per_group: group size of the normalisation; 1 is affine instance normalisation (the paper's).
        dropout: channel dropout inside the blocks.
    """

    def __init__(
        self,
        classes: int,
        encoder_channels: Sequence[int],
        decoder_channels: Sequence[int],
        first_stride: int,
        channels_per_group: int,
        dropout: float,
    ) -> None:
        super().__init__()
        levels = len(encoder_channels)
        if len(decoder_channels) != levels - 1:
            raise ValueError(f"{levels} encoder levels need {levels - 1} decoder channels, got {decoder_channels}")
        self.level_strides = [first_stride * 2**level for level in range(levels)]
        self.encoder_channels = list(encoder_channels)
        self.decoder_channels = [*decoder_channels, encoder_channels[-1]]
        self.encoder = nn.ModuleList(
            ResidualBlock(
                encoder_channels[level - 1] if level else 1,
                encoder_channels[level],
                2 if level else first_stride,
                channels_per_group,
                dropout,
            )
            for level in range(levels)
        )
        self.decoder = nn.ModuleList(
            UpBlock(
                self.decoder_channels[level + 1],
                encoder_channels[level],
                self.decoder_channels[level],
                channels_per_group,
                dropout,
            )
            for level in reversed(range(levels - 1))
        )
        self.classify = nn.Conv3d(self.decoder_channels[0], classes, 1)

    def encode(self, image: Tensor) -> list[Tensor]:
        """Image to encoder features, finest first.

        Args:
            image: (B, 1, D0, D1, D2) windowed to [-1, 1].

        Raises:
            ValueError: a size is not divisible by the coarsest level's stride.
        """
        for size in image.shape[2:]:
            if size % self.level_strides[-1] != 0:
                raise ValueError(f"image size {size} is not divisible by {self.level_strides[-1]}")
        features: list[Tensor] = []
        x = image
        for block in self.encoder:
            x = block(x)
            features.append(x)
        return features

    def decode(self, encoded: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Encoder features to the decoder's features, finest first (the bottleneck last), and class logits.

        The logits have the finest level's size, float32.
        """
        x = encoded[-1]
        features = [x]
        level = len(encoded) - 1
        for block in self.decoder:
            level -= 1
            x = block(x, encoded[level])
            features.insert(0, x)
        return features, self.classify(x).float()
