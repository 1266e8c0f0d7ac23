"""The small network that says by how much a surface is expected to be wrong at each of its vertices."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

SHARES = tuple(share / 20 for share in range(21))
"""Of vertices whose error is at most so many times the expected one, `VertexError.times`."""
BAND = SHARES.index(0.8)
"""Of these, the share that is told as the band."""


class VertexError(nn.Module):
    """Signs of error at a vertex to its expected distance from the truth, by a perceptron of two hidden layers.

    Args:
        signs: how many there are.
        widths: of the hidden layers.
    """

    def __init__(self, signs: int, widths: tuple[int, int] = (32, 16)) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(signs))
        self.register_buffer("scale", torch.ones(signs))
        self.register_buffer("times", torch.linspace(0, 3, len(SHARES)))
        first, second = widths
        self.layers = nn.Sequential(
            nn.Linear(signs, first), nn.SiLU(), nn.Linear(first, second), nn.SiLU(), nn.Linear(second, 1)
        )

    def forward(self, signs: Tensor) -> Tensor:
        """Signs (V, signs) to the logarithm (V,) of the expected error, mm, limited to 0.02 to 55."""
        squeezed = signs.sign() * signs.abs().log1p()
        return self.layers((squeezed - self.centre) / self.scale)[:, 0].clamp(-4.0, 4.0)

    @torch.inference_mode()
    def expected_mm(self, signs: np.ndarray) -> np.ndarray:
        """(V,) float32, mm, of signs (V, signs)."""
        return self(torch.from_numpy(np.asarray(signs, dtype=np.float32))).exp().numpy()

    def share_within(self, expected_mm: np.ndarray, reach_mm: float) -> np.ndarray:
        """(V,) probability that the error at a vertex is at most `reach_mm`, by the errors' spread in calibration."""
        return np.interp(reach_mm / expected_mm, self.times.numpy(), SHARES)
