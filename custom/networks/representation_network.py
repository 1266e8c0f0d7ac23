"""The representation network g: a deformed icosphere to its signed distance field (Laves et al., MIDL 2025, sec. 3.2).

A graph encoder reads the vertices; a 3D decoder, coarse to fine, receives what they say by projection into its grids.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..template import GraphOperator, gcn_operator, icosphere
from .blocks.graph import GCNConv
from .blocks.projection import project

GROUPS = 8
"""Groups of the group normalisation."""


class ResidualGraphPair(nn.Module):
    """Two rectified graph convolutions, dropout, averaged with their input."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.first = GCNConv(channels, channels)
        self.second = GCNConv(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, operator: GraphOperator) -> Tensor:
        inner = F.relu(self.first(x, operator))
        return 0.5 * (x + self.dropout(F.relu(self.second(inner, operator))))


def conv_norm(in_channels: int, out_channels: int) -> nn.Sequential:
    """3x3x3 convolution and group normalisation."""
    return nn.Sequential(nn.Conv3d(in_channels, out_channels, 3, padding=1), nn.GroupNorm(GROUPS, out_channels))


class ResidualBlock(nn.Module):
    """Two normalised convolutions with SiLU, added to their input (1x1x1 convolved where channels differ)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = conv_norm(in_channels, out_channels)
        self.second = conv_norm(out_channels, out_channels)
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv3d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.skip(x) + self.second(F.silu(self.first(x))))


class GridStage(nn.Module):
    """Residual block, then twice the size: trilinear upsampling, normalised convolution, SiLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.block = ResidualBlock(in_channels, out_channels)
        self.refine = conv_norm(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.refine(upsample(self.block(x), 2 * x.shape[2])))


def upsample(x: Tensor, size: int) -> Tensor:
    """(N, C, d, d, d) to (N, C, size, size, size), trilinear; every level's corner voxels lie on -1 and +1."""
    return F.interpolate(x, size=(size, size, size), mode="trilinear", align_corners=True)


class RepresentationNetwork(nn.Module):
    """Vertices of a deformed icosphere to the signed distance at every voxel, differentiable in the vertices.

    Every stage concatenates the projected features of its residual pair; at full size the projection of ones follows,
    which shows where the vertices are. Each stage predicts from its output, the last one after a residual block at
    full size. With 128 graph channels, decoder channels 128, 64, 32, 16 it has the published 2,470,052 parameters.

    Args:
        size: voxels per axis of the field; halved once per stage, it must leave two or more.
        graph_channels: width of the graph encoder.
        decoder_channels: channels of the stages, coarse to fine; there are as many residual pairs.
        dropout: on the output of each residual pair.
        subdivisions: of the icosphere whose graph the vertices have.
        amp: run the decoder's convolutions in bfloat16; graph, projection and predictions stay float32.

    Raises:
        ValueError: the size does not fit the stages.
    """

    def __init__(
        self,
        size: int,
        graph_channels: int,
        decoder_channels: Sequence[int],
        dropout: float,
        subdivisions: int,
        amp: bool,
    ) -> None:
        super().__init__()
        stages = len(decoder_channels)
        if size % 2**stages != 0 or size < 2 ** (stages + 1):
            raise ValueError(
                f"{stages} stages need a multiple of {2**stages}, at least twice that, as size, got {size}"
            )
        self.size = size
        self.amp = amp
        self.entry = GCNConv(3, graph_channels)
        self.pairs = nn.ModuleList(ResidualGraphPair(graph_channels, dropout) for _ in decoder_channels)
        *coarser, finest = decoder_channels
        self.stages = nn.ModuleList(
            GridStage(below + graph_channels, channels)
            for below, channels in zip([0, *coarser], decoder_channels, strict=True)
        )
        self.last = ResidualBlock(finest + 1, finest)
        self.predict_coarse = nn.ModuleList(nn.Conv3d(channels, 1, 1) for channels in coarser)
        self.predict = nn.Conv3d(finest, 1, 3, padding=1)

        _, faces = icosphere(subdivisions)
        operator = gcn_operator(faces)
        self.register_buffer("faces", faces, persistent=False)
        self.register_buffer("neighbours", operator.neighbours, persistent=False)
        self.register_buffer("weights", operator.weights.float(), persistent=False)

    def forward(self, vertices: Tensor) -> Tensor:
        """Surface to field.

        Args:
            vertices: (N, V, 3) float32 normalised, in the order of the icosphere.

        Returns:
            (N, K, size, size, size) float32 signed distance in normalised units, negative inside. In evaluation K = 1;
            in training K is the number of stages: what each predicts at full size, coarse to fine.
        """
        return self._decode(vertices, self._encode(vertices))

    def _encode(self, vertices: Tensor) -> list[Tensor]:
        """Vertex features (N, V, C) after every residual pair."""
        operator = GraphOperator(self.neighbours, self.weights)
        x = F.relu(self.entry(vertices, operator))
        features = []
        for pair in self.pairs:
            x = pair(x, operator)
            features.append(x)
        return features

    def _decode(self, vertices: Tensor, encoded: list[Tensor]) -> Tensor:
        predictions = []
        size = self.size // 2 ** len(self.stages)
        x = encoded[0].new_zeros(len(vertices), 0, size, size, size)
        for index, (stage, features) in enumerate(zip(self.stages, encoded, strict=True)):
            with self._precision(x):
                x = stage(self._concatenate(x, features, vertices))
                if self.training and index < len(self.predict_coarse):
                    predictions.append(upsample(self.predict_coarse[index](x).to(vertices.dtype), self.size))
        with self._precision(x):
            x = self.last(self._concatenate(x, torch.ones_like(vertices[:, :, :1]), vertices))
            predictions.append(self.predict(x).to(vertices.dtype))
        return torch.cat(predictions, dim=1)

    def _concatenate(self, x: Tensor, features: Tensor, vertices: Tensor) -> Tensor:
        return torch.cat([x, project(features, vertices, x.shape[2:]).to(x.dtype)], dim=1)

    def _precision(self, x: Tensor) -> torch.autocast:
        # on 2x2x2 voxels the CPU's bfloat16 convolution has a wrong weight gradient (oneDNN under torch 2.13)
        return torch.autocast(x.device.type, torch.bfloat16, enabled=self.amp and x.shape[2] > 2)
