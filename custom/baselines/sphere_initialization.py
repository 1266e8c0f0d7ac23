"""Where the mesh systems' templates start: a sphere per chamber, the same in every image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class SphereInitialization(nn.Module):
    """Spheres at fixed places.

    Args:
        centres: (S, 3) normalised.
        radii: S, in half sides of the crop.

    Raises:
        ValueError: there is not one centre of three coordinates for every radius.
    """

    def __init__(self, centres: Sequence[Sequence[float]], radii: Sequence[float]) -> None:
        super().__init__()
        if len(centres) != len(radii) or any(len(centre) != 3 for centre in centres):
            raise ValueError(f"every sphere has a centre of three coordinates and a radius, got {centres} and {radii}")
        self.register_buffer("centres", torch.tensor(centres, dtype=torch.float32), persistent=False)
        self.register_buffer("radii", torch.tensor(radii, dtype=torch.float32), persistent=False)

    def forward(self, sphere: Tensor, images: Tensor) -> Tensor:
        """Unit sphere (V, 3) to vertices (B, S, V, 3), normalised; of `images` (B, ...) only the batch size matters."""
        placed = self.centres.unsqueeze(1) + self.radii.view(-1, 1, 1) * sphere
        return placed.expand(len(images), -1, -1, -1)
