"""Networks that know the answer, an ellipsoid per chamber at a fixed place in the crop, round what is not air; and what
tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import trimesh
from scipy.spatial.transform import Rotation
from torch import nn

from custom.sampling import level_coordinates

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "bundle" / "configs" / "inference.json"
NETWORK = {"_target_": "stand_in.Ellipsoids"}
LOCATOR = {"_target_": "stand_in.NotAir"}
DIRECTIONS = {"_target_": "stand_in.Upright"}
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", (-8.0, 2.0, -6.0), degrees=True).as_matrix() * (1.9, 1.8, 2.4)
OBLIQUE[:3, 3] = -60.0, -70.0, 900.0

CENTRES = ((0.1, -0.15, 0.2), (-0.2, 0.2, -0.15))
STRIDE = 2
RADII = ((0.25, 0.2, 0.22), (0.22, 0.25, 0.35))


class Ellipsoids(nn.Module):
    """Maps any image (B, 1, D0, D1, D2) to the same surfaces (B, 2, V, 3), normalised; its segmentation agrees."""

    def __init__(self, subdivisions: int = 4) -> None:
        super().__init__()
        sphere = trimesh.creation.icosphere(subdivisions)
        self.register_buffer("sphere", torch.tensor(sphere.vertices, dtype=torch.float32), persistent=False)
        self.register_buffer("faces", torch.tensor(sphere.faces, dtype=torch.int64), persistent=False)
        self.centres = nn.Parameter(torch.tensor(CENTRES))
        self.radii = nn.Parameter(torch.tensor(RADII))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        surfaces = self.centres[:, None] + self.radii[:, None] * self.sphere
        return surfaces.expand(len(image), -1, -1, -1)

    def stages_and_segmentation(self, image: torch.Tensor) -> tuple[list, torch.Tensor]:
        points = level_coordinates(image[:, :, ::STRIDE, ::STRIDE, ::STRIDE], STRIDE)
        offsets = (points[None] - self.centres[:, None]) / self.radii[:, None]
        logits = torch.cat([points.new_zeros(1, len(points)), 1 - offsets.square().sum(-1)])
        return [self(image)], logits.view(1, -1, *(size // STRIDE for size in image.shape[2:])).expand(
            len(image), -1, -1, -1, -1
        )


class NotAir(nn.Module):
    """Logits (B, 3, D0, D1, D2) of an image (B, 1, D0, D1, D2): all that is brighter than lung is left ventricle."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(-0.9))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        tissue = 50 * (image - self.threshold)
        return torch.cat([-tissue, torch.full_like(tissue, -99), tissue], dim=1)


class Upright(nn.Module):
    """Logits (B, 8) of any image (B, 1, size, size, size): its axes run as the header says, or `otherwise`."""

    size = 8

    def __init__(self, otherwise: int = 0) -> None:
        super().__init__()
        self.otherwise = otherwise
        self.certainty = nn.Parameter(torch.tensor(20.0))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.certainty * nn.functional.one_hot(torch.tensor(self.otherwise), 8).expand(len(image), -1)
