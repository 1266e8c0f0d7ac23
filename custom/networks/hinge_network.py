"""The network that reads where a valve's leaflets hang on the wall, in sections of a scan across its ring."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .edge_network import LOG_SPREAD

BLOOD_PIXELS = 6
"""Columns of a section next to the axis, in which mostly blood lies."""
ABOVE_BLOOD, HU = 200.0, 300.0
"""HU by which values are divided: less the blood's, and as they are."""
FURTHEST = 3.0
"""mm that an output of 1 stands for."""


class HingeNetwork(nn.Module):
    """A U-Net's contracting half for each section, and convolutions from section to section round the ring.

    It tells of each section the median of where the hinge lies and how certain that is: the locations and the scales
    of two Laplace distributions, by whose likelihood it is trained. Which section is the first does not matter.

    Args:
        pixels: a side of a section, a multiple of 8.
        channels: at each of the four resolutions, multiples of 8.
        width: of what is told from section to section.
        rounds: of convolutions there, each over five sections.
    """

    def __init__(self, pixels: int, channels: Sequence[int], width: int, rounds: int) -> None:
        super().__init__()
        first, second, third, last = channels
        self.encoder = nn.Sequential(
            _block(2, first, 1), _block(first, second, 2), _block(second, second, 1),
            _block(second, third, 2), _block(third, third, 1), _block(third, last, 2),
        )  # fmt: skip
        self.describe = nn.Linear(last * (pixels // 8) ** 2, width)
        self.round = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2, padding_mode="circular") for _ in range(rounds)
        )
        self.tell = nn.Linear(width, 4)

    def forward(self, sections: Tensor) -> tuple[Tensor, Tensor]:
        """HU (B, N, H, W) of rings' sections, blood to the left, to offsets (B, N, 2) of the hinges, mm from the
        middle to the right and down, and the logarithms (B, N, 2) of their spreads, mm."""
        blood = sections[..., :BLOOD_PIXELS].flatten(1).median(1).values[:, None, None, None]
        above, values = ((sections - blood) / ABOVE_BLOOD).clamp(-2, 1.5), (sections / HU).clamp(-1, 2)
        seen = self.encoder(torch.stack([above, values], 2).flatten(0, 1))
        told = F.silu(self.describe(seen.flatten(1))).unflatten(0, sections.shape[:2]).transpose(1, 2)
        for convolution in self.round:
            told = told + F.silu(convolution(told))
        offsets, spreads = self.tell(told.transpose(1, 2)).split(2, -1)
        return FURTHEST * offsets, spreads.clamp(*LOG_SPREAD)


def _block(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1), nn.GroupNorm(out // 8, out), nn.SiLU())
