"""The small network that tells a left atrium's appendage and veins from its body, by shape alone."""

from __future__ import annotations

from monai.networks.nets import UNet
from torch import Tensor, nn

SIZE, SPACING = 48, 2.6
"""Voxels a side, and mm, of the grid that it sees, round the atrium's centre; axes right, anterior, superior."""
SHAPES = ("LA", "LV")
"""The input's channels: what share of each voxel lies inside."""
PARTS = ("body", "appendage", "vein")
OSTIA = ("right vein", "left vein", "appendage")
"""Whose nearness is told."""
SPREAD = 4.5
"""mm; nearness falls off as a Gaussian of this standard deviation."""


class AtrialParts(nn.Module):
    """A U-Net of four levels on the shapes of atrium and ventricle.

    Args:
        channels: of the levels, from fine to coarse.
    """

    def __init__(self, channels: tuple[int, ...] = (16, 32, 48, 64)) -> None:
        super().__init__()
        self.unet = UNet(
            3, len(SHAPES), len(PARTS) + len(OSTIA) + 3, channels, (2,) * (len(channels) - 1), num_res_units=1,
            norm=("GROUP", {"num_groups": 1}), act="LEAKYRELU",
        )  # fmt: skip

    def forward(self, shapes: Tensor) -> Tensor:
        """Shapes (B, 2, SIZE, SIZE, SIZE) in [0, 1] to (B, 9, SIZE, SIZE, SIZE): logits of `PARTS`, which count within
        the atrium; logits of the nearness to `OSTIA`; near an ostium its direction out of the body."""
        return self.unet(shapes)
