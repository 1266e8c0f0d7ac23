"""MeshDeformNet (Kong, Wilson, Shadden: A deep-learning approach for direct whole-heart mesh reconstruction, Medical
Image Analysis 74, 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...networks import ShapeNetwork
from ..sphere_initialization import SphereInitialization


class MeshDeformNet(ShapeNetwork):
    """Three blocks of graph convolutions that deform a sphere per chamber, by what its vertices sample of the image.

    ImplicitMeshNet's shape network descends from this one, so all parts are shared: residual U-Net encoder whose
    levels the vertices sample, Chebyshev convolutions, offsets added to vertices, and a segmentation branch. What is
    left is where the spheres start: at the chambers' mean places and sizes.

    What differs from the paper: the U-Net is ours, as the config has it, and segments each chamber, not all as one; the
    first convolution sees unit spheres and a one-hot code of the chamber in place of the placed spheres; offsets are
    scaled by 0.01 and not by 1/128 of the crop's half side; the exit convolutions start at zero.

    Args:
        centres, radii: of the spheres, see :class:`SphereInitialization`.
        subdivisions: of the icosphere; 4 in the paper.
        unet, levels, entry_channels, channels, residual_pairs, amp: see :class:`ShapeNetwork`.
    """

    def __init__(
        self,
        centres: Sequence[Sequence[float]],
        radii: Sequence[float],
        unet: dict[str, Any],
        levels: Sequence[Sequence[int]],
        entry_channels: Sequence[int],
        channels: Sequence[int],
        residual_pairs: int,
        subdivisions: int,
        amp: bool = False,
    ) -> None:
        super().__init__(
            structures=len(centres),
            initialization="sphere",
            features="encoder",
            deformation="offset",
            unet=unet,
            levels=levels,
            entry_channels=entry_channels,
            channels=channels,
            residual_pairs=residual_pairs,
            layer_norm=False,
            control_subdivisions=subdivisions,
            subdivisions=subdivisions,
            amp=amp,
        )
        self.initialization = SphereInitialization(centres, radii)
