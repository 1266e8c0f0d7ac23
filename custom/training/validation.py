"""Meshes to masks on the crop's own grid, so that MONAI's metrics can score them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from torch import Tensor

from ..frames import normalised_to_voxel
from ..geometry.winding import voxelise
from ..nesting import own_parts


class VoxeliseMeshesd(MapTransform):
    """Normalised vertices (S, V, 3) to one-hot masks (S + 1, D0, D1, D2) on their device, background first.

    Args:
        keys: predicted vertices.
        reference: key of an image (C, D0, D1, D2) that gives the grid.
        faces: (F, 3) int64 of every structure; None: the prediction is a pair, of vertices and faces (S, F, 3).
    """

    def __init__(self, keys: KeysCollection, reference: str, faces: Tensor | None) -> None:
        super().__init__(keys)
        self.reference = reference
        self.faces = faces

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        shape = tuple(data[self.reference].shape[1:])
        for key in self.keys:
            vertices, faces = data[key] if self.faces is None else (data[key], [self.faces] * len(data[key]))
            vertices = normalised_to_voxel(torch.as_tensor(vertices).detach(), shape)
            masks = own_parts(torch.stack([voxelise(*mesh, shape) for mesh in zip(vertices, faces, strict=True)]))
            result[key] = torch.cat([~masks.any(0, keepdim=True), masks]).float()
        return result
