"""The coarse look at a CT that tells which of the patient's directions its header confuses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
from monai.networks.nets import Regressor
from torch import Tensor, nn

FLIPS = tuple(axes for count in range(4) for axes in combinations(range(3), count))
"""The axes, 0 right, 1 anterior, 2 superior, that may run the other way than a header says: first none, last all."""


class Directions(nn.Module):
    """Scores how upright an image looks in each of the eight ways in which its axes can run.

    One network scores all eight, so that an image that is turned round gets the same scores in another order.

    Args:
        size: voxels per axis of the image.
        channels: of the network's levels, each at half the resolution of the one before.
    """

    def __init__(self, size: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.size = size
        self.score = Regressor((1, size, size, size), (1,), channels, [2] * len(channels), num_res_units=2)

    def forward(self, image: Tensor) -> Tensor:
        """Image (B, 1, size, size, size), windowed to [-1, 1], axes right, anterior, superior as its header says, to
        logits (B, 8): that the axes `FLIPS[k]` run the other way."""
        turned = torch.stack([image.flip([axis + 2 for axis in axes]) for axes in FLIPS], 1)
        return self.score(turned.flatten(0, 1)).view(len(image), len(FLIPS))
