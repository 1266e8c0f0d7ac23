"""Learned neighbourhood sampling (Voxel2Mesh, section 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...sampling import sample

NEIGHBOURS = 26
"""As many as a voxel has."""


class LearnedNeighbourhoodSampling(nn.Module):
    """What a vertex reads of a feature volume: at its own place, and at places round it that the network chooses.

    The features at the vertex tell where else to look; what is found there, as differences in feature and place, is
    weighted and added. The places start at the vertex and spread as they learn, as in the authors' code, whose linear
    maps one after the other are one here.

    Args:
        channels: of the volume and of what is read.
        stride: crop voxels per voxel of the volume.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.shift = nn.Linear(channels, NEIGHBOURS * 3)
        self.centre = nn.Linear(channels + 3, channels)
        self.around = nn.Linear(NEIGHBOURS * (channels + 3), channels)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)

    def forward(self, volume: Tensor, vertices: Tensor) -> Tensor:
        """Volume (N, channels, D0, D1, D2) and normalised vertices (N, V, 3) to features (N, V, channels)."""
        own = sample(volume, vertices, self.stride)
        shift = self.shift(own).unflatten(-1, (NEIGHBOURS, 3))
        places = (vertices.unsqueeze(2) + shift).flatten(1, 2)
        found = sample(volume, places, self.stride).unflatten(1, (-1, NEIGHBOURS))
        offset = torch.cat([found - own.unsqueeze(2), shift], dim=-1)
        return self.centre(torch.cat([own, vertices], dim=-1)) + self.around(offset.flatten(2))
