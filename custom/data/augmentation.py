"""Random pose and smooth deformation, applied while cutting the crop out of a larger volume: one resampling in all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, RandomizableTransform
from monai.transforms.utils import create_rotate
from torch import Tensor
from torch.nn import functional as F

from ..frames import centred_affine, ras_to_voxel, spacing_of, voxel_to_normalised, voxel_to_ras
from ..sampling import resample

CONTROL_POINTS = 6
"""Control points per axis of the smooth displacement."""


class RandWarpCropd(RandomizableTransform, MapTransform):
    """Cuts a cubic crop in a random pose, bent smoothly, out of volumes that share one grid.

    The crop's centre is the volume's centre moved by ``translate``; around it the crop is rotated, scaled, and
    displaced by a cubic interpolation of random vectors on a coarse lattice. Its new affine describes an upright crop
    of the deformed anatomy.

    Args:
        keys: volumes (C, D0, D1, D2) with the same affine.
        modes: "bilinear" or "nearest" per key.
        fills: value outside the volume per key, in the key's own units.
        size: voxels per axis of the crop.
        spacing: mm per voxel of the crop.
        augmentation: ranges of the pose; None cuts the centre, upright and undeformed.
            ``translate``: largest shift per axis, mm; ``rotate``: largest angle about each axis, degrees;
            ``scale``: largest relative change of size per axis; ``displacement``: standard deviation of the lattice's
            vectors, mm.
    """

    def __init__(
        self,
        keys: KeysCollection,
        modes: Sequence[str],
        fills: Sequence[float],
        size: int,
        spacing: float,
        augmentation: Mapping[str, float] | None = None,
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob=1.0)
        self.modes = modes
        self.fills = fills
        self.size = size
        self.spacing = spacing
        ranges = {"translate": 0.0, "rotate": 0.0, "scale": 0.0, "displacement": 0.0} | dict(augmentation or {})
        self.translate, self.rotate = ranges["translate"], ranges["rotate"]
        self.scale, self.displacement = ranges["scale"], ranges["displacement"]

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        first = data[self.keys[0]]
        grid, affine = self._grid(first.shape[1:], first.affine.numpy())
        for key, mode, fill in zip(self.keys, self.modes, self.fills, strict=True):
            volume = data[key]
            values = resample(volume.as_tensor().float() - fill, grid, mode) + fill
            result[key] = MetaTensor(values.to(volume.dtype), affine=affine)
        return result

    def _grid(self, shape: Sequence[int], affine: np.ndarray) -> tuple[Tensor, Tensor]:
        """Normalised coordinates of the source volume for every voxel of the crop, and the crop's affine."""
        random = self.R
        angles = np.deg2rad(random.uniform(-self.rotate, self.rotate, 3))
        rotation = create_rotate(3, (-angles).tolist())[:3, :3].T  # about the first, the second, the third axis
        linear = rotation * (1 + random.uniform(-self.scale, self.scale, 3)) * self.spacing
        centre = voxel_to_ras((np.array(shape) - 1) / 2, affine)
        centre = centre + random.uniform(-self.translate, self.translate, 3)
        origin = centre - linear @ np.full(3, (self.size - 1) / 2)
        lattice = random.normal(0, self.displacement, (CONTROL_POINTS,) * 3 + (3,))

        # the map from crop voxels to the source's normalised coordinates is affine: its columns come from four points
        corners = np.vstack([origin, (origin[:, None] + linear).T])
        start, *ends = voxel_to_normalised(ras_to_voxel(corners, affine), shape)
        index = torch.arange(self.size, dtype=torch.float32)
        i, j, k = (torch.tensor(end - start, dtype=torch.float32) * index.unsqueeze(1) for end in ends)
        grid = torch.tensor(start, dtype=torch.float32) + i[:, None, None] + j[None, :, None] + k[None, None]
        half_sides = spacing_of(affine) * (np.array(shape) - 1) / 2
        bend = torch.tensor(lattice / half_sides, dtype=torch.float32).permute(3, 0, 1, 2).unsqueeze(0)
        grid += _upsample(bend, self.size).squeeze(0).permute(1, 2, 3, 0)

        return grid, torch.from_numpy(centred_affine((self.size,) * 3, (self.spacing,) * 3, centre))


def _upsample(lattice: Tensor, size: int) -> Tensor:
    """(1, 3, n, n, n) to (1, 3, size, size, size), first cubic on a coarse grid (smooth), then linear (fast)."""
    coarse = 4 * lattice.shape[-1]
    for axis in (2, 3, 4):
        flat = lattice.movedim(axis, -1)
        shape = flat.shape
        flat = F.interpolate(
            flat.reshape(1, 1, -1, shape[-1]), size=(flat[..., 0].numel(), coarse), mode="bicubic", align_corners=True
        )
        lattice = flat.reshape(*shape[:-1], coarse).movedim(-1, axis)
    return F.interpolate(lattice, size=(size, size, size), mode="trilinear", align_corners=True)
