"""One stage of the graph decoder (paper, section 3.1): entry, image features, residual block, exit to offsets."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...template import GraphOperator
from .graph import ChebConv


class GraphLayer(nn.Module):
    """Chebyshev convolution, optionally layer-normalised, rectified."""

    def __init__(self, in_channels: int, out_channels: int, layer_norm: bool) -> None:
        super().__init__()
        self.conv = ChebConv(in_channels, out_channels)
        self.norm = nn.LayerNorm(out_channels) if layer_norm else nn.Identity()

    def forward(self, x: Tensor, operator: GraphOperator) -> Tensor:
        return F.relu(self.norm(self.conv(x, operator)))


class ResidualPair(nn.Module):
    """Two graph layers averaged with their input."""

    def __init__(self, channels: int, layer_norm: bool) -> None:
        super().__init__()
        self.first = GraphLayer(channels, channels, layer_norm)
        self.second = GraphLayer(channels, channels, layer_norm)

    def forward(self, x: Tensor, operator: GraphOperator) -> Tensor:
        return 0.5 * (x + self.second(self.first(x, operator), operator))


class GraphStage(nn.Module):
    """From the vertices' hidden state and what they see of the image to a new state and offsets.

    Args:
        in_channels: channels of the hidden state.
        entry_channels: channels of the entry convolution.
        seen_channels: channels of the concatenated image features.
        channels: channels of the block, the next hidden state.
        residual_pairs: number of residual pairs.
        layer_norm: normalise after every convolution of the stage but the exit.
        out_channels: of the exit.
    """

    def __init__(
        self,
        in_channels: int,
        entry_channels: int,
        seen_channels: int,
        channels: int,
        residual_pairs: int,
        layer_norm: bool,
        out_channels: int,
    ) -> None:
        super().__init__()
        self.entry = GraphLayer(in_channels, entry_channels, layer_norm)
        self.block = GraphLayer(entry_channels + seen_channels, channels, layer_norm)
        self.pairs = nn.ModuleList(ResidualPair(channels, layer_norm) for _ in range(residual_pairs))
        self.exit = ChebConv(channels, out_channels)
        for parameter in self.exit.parameters():  # start from the placed template
            nn.init.zeros_(parameter)

    def forward(self, hidden: Tensor, seen: Tensor, operator: GraphOperator) -> tuple[Tensor, Tensor]:
        """Hidden state (N, V, in_channels) and image features (N, V, seen_channels) to the next state and the output.

        Returns:
            (N, V, channels) and (N, V, out_channels).
        """
        x = self.block(torch.cat([self.entry(hidden, operator), seen], dim=-1), operator)
        for pair in self.pairs:
            x = pair(x, operator)
        return x, self.exit(x, operator)
