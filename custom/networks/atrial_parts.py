"""The small network that tells a left atrium's appendage and veins from its body, by its shape and by the scan."""

from __future__ import annotations

from typing import NamedTuple

import torch
from monai.networks.nets import UNet
from torch import Tensor, nn

SIZE, SPACING = 64, 2.0
"""Voxels a side, and mm, of the grid that it sees, round the atrium's centre; axes right, anterior, superior."""
SHAPES = ("LA", "LV")
"""The input's first channels: what share of each voxel lies inside."""
PARTS = ("body", "appendage", "vein")
OSTIA = ("right vein", "left vein", "appendage")
"""Whose nearness is told."""
AHEAD = (8.0, 8.0, 4.0)
"""mm beyond its ostium where the nearness of each peaks: veins whose ostia nearly touch are apart there."""
SPREAD = 3.5
"""mm; nearness falls off as a Gaussian of this standard deviation."""
STEP = 10.0
"""mm that an output of 1 stands for."""
ABOVE_BLOOD, HU = 150.0, 300.0
"""HU by which values are divided: less the blood's, and as they are."""
WITHIN = 0.8
"""Share of a voxel in the atrium from which on it counts for the blood's HU."""


class Told(NamedTuple):
    """What the network tells of each voxel of its grid, (..., D, D, D) after channels."""

    parts: Tensor
    """Logits of `PARTS`, which count within the atrium and its veins."""
    nearness: Tensor
    """Logits of the nearness to what lies `AHEAD` of the nearest of each of `OSTIA`."""
    outward: Tensor
    """Near there, the direction (3) out of the body, of length 1."""
    offset: Tensor
    """Near there, the way (3) to the ostium's centre, by `STEP`."""


class AtrialParts(nn.Module):
    """A U-Net of four levels on the shapes of atrium and ventricle and the scan.

    Args:
        channels: of the levels, from fine to coarse.
    """

    def __init__(self, channels: tuple[int, ...] = (16, 32, 48, 64)) -> None:
        super().__init__()
        self.unet = UNet(
            3, len(SHAPES) + 2, len(PARTS) + len(OSTIA) + 6, channels, (2,) * (len(channels) - 1), num_res_units=1,
            norm=("GROUP", {"num_groups": 1}), act="LEAKYRELU",
        )  # fmt: skip

    def forward(self, seen: Tensor) -> Told:
        """Of what `seen_by_parts` gives, (B, 4, SIZE, SIZE, SIZE)."""
        return Told(*self.unet(seen).split((len(PARTS), len(OSTIA), 3, 3), 1))


def seen_by_parts(shapes: Tensor, hounsfield: Tensor | None) -> Tensor:
    """What the network sees, (4, D, D, D).

    Args:
        shapes: (2, D, D, D) in [0, 1], `SHAPES`.
        hounsfield: (D, D, D); None: there is no scan, and shape alone is to tell.
    """
    if hounsfield is None:
        return torch.cat([shapes, torch.zeros_like(shapes)])
    inside = shapes[0] > WITHIN
    blood = hounsfield[inside if inside.any() else ...].median()
    above, values = (hounsfield - blood) / ABOVE_BLOOD, hounsfield / HU
    return torch.cat([shapes, torch.stack([above, values]).clamp(-3, 2)])
