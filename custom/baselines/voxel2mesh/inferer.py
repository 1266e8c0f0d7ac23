"""What one image is asked of Voxel2Mesh."""

from __future__ import annotations

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.utils import CommonKeys
from torch import Tensor

from .network import Voxel2Mesh


class Voxel2MeshInferer(Inferer):
    """Surfaces, each with faces of its own, and segmentation, from one pass."""

    def __call__(self, inputs: Tensor, network: Voxel2Mesh) -> dict[str, Tensor]:
        """Ask the network.

        Args:
            inputs: (B, 1, D0, D1, D2) float32 in [-1, 1], the windowed crop.

        Returns:
            `pred`: (B, S, V, 3) normalised vertices; `faces`: (B, S, F, 3) int64; `segmentation`: (B, 1, d0, d1, d2)
            uint8, the U-Net's likeliest class per voxel of its finest level, 0 the background.
        """
        if isinstance(inputs, MetaTensor):  # the network would carry its header through every layer
            inputs = inputs.as_tensor()
        stages, logits = network.stages_and_segmentation(inputs)
        return {
            CommonKeys.PRED: stages[-1].vertices,
            "faces": stages[-1].faces,
            "segmentation": logits.max(1, keepdim=True).indices.to(torch.uint8),
        }
