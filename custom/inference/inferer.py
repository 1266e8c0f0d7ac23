"""What one image is asked of the network: surfaces, what the U-Net saw, and how firmly the surfaces stand; or masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.utils import CommonKeys
from torch import Tensor, nn
from torch.nn import functional as F

from ..frames import normalised_to_voxel, voxel_to_normalised
from ..runtime.threads import side_by_side
from .surfaces.outliers import pulled_back_mm
from .surfaces.refinement import Refinement, Seen, Surfaces

LOWEST = -1.0
"""Of a windowed image: air, and what lies beyond the crop."""


class MaskInferer(Inferer):
    """Class probabilities of every voxel, of a network that maps the image to class logits on its grid."""

    def __call__(self, inputs: Tensor, network: nn.Module) -> dict[str, Tensor]:
        """Ask the network.

        Args:
            inputs: (B, 1, D0, D1, D2) float32 in [-1, 1], the windowed crop.
            network: maps it to class logits (B, S + 1, D0, D1, D2), background first.

        Returns:
            `pred`: (B, S + 1, D0, D1, D2) float32 probabilities; `segmentation`: (B, 1, D0, D1, D2) uint8, the
            likeliest class, 0 the background.
        """
        if isinstance(inputs, MetaTensor):  # the network would carry its header through every layer
            inputs = inputs.as_tensor()
        logits = network(inputs).float()
        return {
            CommonKeys.PRED: logits.softmax(1),
            "segmentation": logits.max(1, keepdim=True).indices.to(torch.uint8),
        }


class SurfaceInferer(Inferer):
    """Surfaces and segmentation from one pass, and the surfaces of slightly varied images, a pass each.

    Args:
        spacing: of the crop's voxels, mm.
        augmentations: of each further pass (test-time augmentation), `shift`, by how many whole voxels (3,) the image
            is moved in the crop, and `contrast`, the factor on its values above the window's lowest. Their surfaces
            are moved back.
        refinements: what every pass's surfaces go through, one after the other, in view of its segmentation.
        outliers: the last of these, of which it is told how far it moved each vertex; None for none.
    """

    def __init__(
        self,
        spacing: float,
        augmentations: Sequence[Mapping[str, Any]] = (),
        refinements: Sequence[Refinement] = (),
        outliers: Refinement | None = None,
    ) -> None:
        super().__init__()
        self.spacing = float(spacing)
        self.augmentations = [(tuple(int(step) for step in a["shift"]), float(a["contrast"])) for a in augmentations]
        self.refinements = list(refinements)
        self.outliers = outliers

    def __call__(self, inputs: Tensor, network: nn.Module) -> dict[str, Tensor]:
        """Ask the network.

        Args:
            inputs: (B, 1, D0, D1, D2) float32 in [-1, 1], the windowed crop.
            network: a `ShapeNetwork`, or what has its `stages_and_segmentation` and `faces`.

        Returns:
            `pred`: (B, S, V, 3) normalised vertices; `faces`: (B, S, F, 3) int64, wound outward; `segmentation`:
            (B, 1, d0, d1, d2) uint8, the U-Net's likeliest class per voxel of its finest level, 0 the background;
            `varied`: (B, N, S, V, 3) normalised vertices; with `outliers`, `pulled_back`: (B, S, V) mm.
        """
        if isinstance(inputs, MetaTensor):  # the network would carry its header through every layer
            inputs = inputs.as_tensor()
        passes = [partial(self._pass, image, network) for image in (inputs, *self._augmented(inputs))]
        found = side_by_side(passes, inputs.device)
        refined, seen, (vertices, faces) = found[0]
        shifts = [shift for shift, _ in self.augmentations]
        moved = zip((kept.vertices for _, _, kept in found[1:]), shifts, strict=True)
        varied = [_moved_back(others, shift, inputs.shape[2:]) for others, shift in moved]
        answer = {
            CommonKeys.PRED: vertices,
            "faces": faces.expand(*vertices.shape[:2], -1, -1),
            "segmentation": seen.logits.max(1, keepdim=True).indices.to(torch.uint8),
            "varied": torch.stack(varied, 1) if varied else vertices.new_zeros(len(vertices), 0, *vertices.shape[1:]),
        }
        if self.outliers is not None:
            answer["pulled_back"] = pulled_back_mm(refined.vertices, vertices, seen)
        return answer

    def _pass(self, image: Tensor, network: nn.Module) -> tuple[Surfaces, Seen, Surfaces]:
        """The surfaces before outliers are drawn back, what was seen, and the surfaces."""
        stages, logits = network.stages_and_segmentation(image)
        surfaces = Surfaces(stages[-1], network.faces)
        seen = Seen(logits, image.shape[2] // logits.shape[2], self.spacing)
        for refine in self.refinements:
            surfaces = refine(surfaces, seen)
        return surfaces, seen, surfaces if self.outliers is None else self.outliers(surfaces, seen)

    def _augmented(self, image: Tensor) -> Iterator[Tensor]:
        for shift, contrast in self.augmentations:
            padding = [ends for step in reversed(shift) for ends in (step, -step)]  # negative padding crops
            moved = F.pad(image, padding, value=LOWEST)
            yield ((moved - LOWEST) * contrast + LOWEST).clamp(max=1.0)


def _moved_back(vertices: Tensor, shift: tuple[int, ...], shape: torch.Size) -> Tensor:
    """Normalised vertices in a crop of `shape` before it was moved by a `shift` of voxels."""
    return voxel_to_normalised(normalised_to_voxel(vertices, shape) - vertices.new_tensor(shift), shape)
