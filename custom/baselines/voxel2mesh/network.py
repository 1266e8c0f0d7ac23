"""Voxel2Mesh (Wickramasinghe, Remelli, Knott, Fua: Voxel2Mesh: 3D Mesh Model Generation from Volumetric Data, MICCAI
2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...networks.blocks.graph_decoder import GraphStage
from ...networks.blocks.unet import UNet, unet_precision
from ...template import GraphOperator, chebyshev_operator, icosphere
from ..sphere_initialization import SphereInitialization
from .neighbourhood_sampling import LearnedNeighbourhoodSampling
from .unpooling import GrowingSurface


class Surfaces(NamedTuple):
    """The surfaces of a batch; how many vertices they have is the same for all, which faces is not.

    Attributes:
        vertices: (B, S, V, 3) float32 normalised.
        faces: (B, S, F, 3) int64, outward.
    """

    vertices: Tensor
    faces: Tensor


class Voxel2Mesh(nn.Module):
    """A mesh decoder beside the voxel decoder: one stage a level, from coarse to fine, deforms a sphere per chamber.

    A stage reads the voxel decoder's features by learned neighbourhood sampling and, where it unpools, first gives
    every edge a middle vertex and afterwards takes back those that moved least.

    What differs from the paper: the U-Net is ours, residual and with strided convolutions for pooling; the spheres
    start at the chambers' mean places and sizes and not as one sphere round the crop's centre; the neighbours' mean in
    the graph convolutions is weighted by the symmetric normalised adjacency and not by one over the degree; a stage is
    the shape network's (entry, block, residual pairs, exit that starts at zero) with as many convolutions.

    Args:
        centres, radii: of the spheres, see :class:`SphereInitialization`; chambers share all but graph convolutions.
        subdivisions: of the icosphere; 2 in the paper, 162 vertices.
        unet: arguments of :class:`UNet` but ``classes``.
        unpool: whether to unpool, for each stage, the coarsest first; as many as the U-Net has levels.
        share: of the new vertices that stay.
        channels: of the hidden state.
        residual_pairs: per stage.
        amp: run the U-Net in bfloat16.

    Raises:
        ValueError: there is not one choice of unpooling for every level.
    """

    def __init__(
        self,
        centres: Sequence[Sequence[float]],
        radii: Sequence[float],
        subdivisions: int,
        unet: dict[str, Any],
        unpool: Sequence[bool],
        share: float,
        channels: int,
        residual_pairs: int,
        amp: bool = False,
    ) -> None:
        super().__init__()
        structures = len(centres)
        self.amp = amp
        self.unet = UNet(structures + 1, **unet)
        levels = len(self.unet.decoder_channels)
        if len(unpool) != levels:
            raise ValueError(f"unpool needs a choice for each of the U-Net's {levels} levels, got {list(unpool)}")
        self.level_strides = list(self.unet.level_strides)
        self.initialization = SphereInitialization(centres, radii)
        self.stages = nn.ModuleList(
            MeshStage(
                structures,
                in_channels=channels if stage else 3,
                channels=channels,
                volume_channels=self.unet.decoder_channels[level],
                stride=self.level_strides[level],
                residual_pairs=residual_pairs,
                share=share if unpool[stage] else None,
            )
            for stage, level in enumerate(reversed(range(levels)))
        )
        sphere, faces = icosphere(subdivisions)
        self.register_buffer("sphere", sphere.float(), persistent=False)
        self.register_buffer("faces", faces, persistent=False)

    def forward(self, image: Tensor) -> Surfaces:
        """Image (B, 1, D0, D1, D2) float32 windowed to [-1, 1] to the surfaces after the last stage."""
        stages, _ = self.stages_and_segmentation(image)
        return stages[-1]

    def stages_and_segmentation(self, image: Tensor) -> tuple[list[Surfaces], Tensor]:
        """The surfaces after every stage, and the class logits (B, S + 1, d0, d1, d2) of the U-Net's finest level."""
        decoded, logits = self._see(image)
        surfaces = [
            [GrowingSurface(start, self.faces, self.sphere, self.sphere) for start in case]
            for case in self.initialization(self.sphere, image)
        ]
        results: list[Surfaces] = []
        for stage, volume in zip(self.stages, reversed(decoded), strict=True):
            surfaces = [
                [stage(surface, volume[b : b + 1], s) for s, surface in enumerate(case)]
                for b, case in enumerate(surfaces)
            ]
            results.append(
                Surfaces(
                    torch.stack([torch.stack([surface.vertices for surface in case]) for case in surfaces]),
                    torch.stack([torch.stack([surface.faces for surface in case]) for case in surfaces]),
                )
            )
        return results, logits

    def segment(self, image: Tensor) -> Tensor:
        """Class logits (B, S + 1, d0, d1, d2) of the U-Net's finest level, background first."""
        return self._see(image)[1]

    def _see(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        with unet_precision(image, self.level_strides, self.amp):
            return self.unet.decode(self.unet.encode(image))


class MeshStage(nn.Module):
    """One stage of the mesh decoder.

    Args:
        structures: S, each with graph convolutions of its own.
        in_channels, channels: of the hidden state before and after.
        volume_channels, stride: of the level of the voxel decoder that is read.
        residual_pairs: of the graph convolutions.
        share: of the new vertices that stay; None: do not unpool.
    """

    def __init__(
        self,
        structures: int,
        in_channels: int,
        channels: int,
        volume_channels: int,
        stride: int,
        residual_pairs: int,
        share: float | None,
    ) -> None:
        super().__init__()
        self.share = share
        self.sampling = LearnedNeighbourhoodSampling(volume_channels, stride)
        self.graphs = nn.ModuleList(
            GraphStage(
                in_channels, channels, volume_channels + 3, channels, residual_pairs, layer_norm=False, out_channels=3
            )
            for _ in range(structures)
        )

    def forward(self, surface: GrowingSurface, volume: Tensor, structure: int) -> GrowingSurface:
        """A surface of the structure, deformed by features (1, volume_channels, d0, d1, d2) of its image."""
        ends = None
        if self.share is not None:
            surface, ends = surface.unpooled()
        operator = chebyshev_operator(surface.faces.cpu())
        operator = GraphOperator(*(values.to(volume.device) for values in operator))
        vertices = surface.vertices.unsqueeze(0)
        seen = torch.cat([self.sampling(volume, vertices), vertices], dim=-1)
        hidden, offset = self.graphs[structure](surface.hidden.unsqueeze(0), seen, operator)
        surface = surface._replace(vertices=surface.vertices + offset[0], hidden=hidden[0])
        return surface if ends is None else surface.thinned(ends, self.share)
