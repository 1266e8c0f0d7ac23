"""Networks for which no GPU has the memory."""

from __future__ import annotations

import torch
from stand_in import Ellipsoids

TOO_MUCH = 2**45
"""Bytes."""


class HungryOnce(Ellipsoids):
    """Wants too much for the first image that it sees."""

    def stages_and_segmentation(self, image: torch.Tensor) -> tuple[list, torch.Tensor]:
        if not hasattr(self, "fed"):
            self.fed = True
            kept = torch.ones(2**24, device=image.device)
            torch.empty(TOO_MUCH, dtype=torch.uint8, device=kept.device)
        return super().stages_and_segmentation(image)


class HungryToLoad(Ellipsoids):
    """Is too large for the device."""

    def to(self, device: torch.device) -> HungryToLoad:
        torch.empty(TOO_MUCH, dtype=torch.uint8, device=device)
        return self
