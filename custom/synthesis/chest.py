"""Where the cage, the sternum, the diaphragm and the shoulders of a chest are; everything outside the mediastinum is
placed by it."""

from __future__ import annotations

import numpy as np
import torch

from .heart import Heart

RIBS = 8.5  # mm from the inner surface of the cage to the outer one


class Chest:
    """Positions that follow from the heart's (RAS mm).

    Attributes:
        middle: (2,) x and y of the cage's axis at the height of the heart.
        half_width, half_depth: of the cage there.
        front, back: y of the cage's inner surface in the middle.
        wall: thickness of the chest wall in front.
        top: height of the lungs' apices.
        heart_bottom: height of the heart's lower surface, on which the diaphragm lies.
    """

    def __init__(self, heart: Heart) -> None:
        p = heart.patient
        bodies = [heart.right.wedge.bounds, heart.myocardium.bounds]
        front = max(high[1] for _, high in bodies) - 4
        self.heart_bottom = min(low[2] for low, _ in bodies) + p.heart_sink
        self.spine = heart.spine
        self.front = front + p.retrosternal
        self.back = self.spine[1] - p.spine_radius - 32
        self.half_depth = 0.5 * (self.front - self.back)
        self.half_width = max(p.cage_width, 1.02 * self.half_depth)
        self.middle = np.array([self.spine[0] - p.cage_shift * 0.5, 0.5 * (self.front + self.back)])
        self.wall = RIBS + p.chest_muscle + p.chest_fat
        self.top = max(self.spine[2] + p.apex_height, heart.roof + 105)

    def narrowing(self, z: torch.Tensor) -> torch.Tensor:
        """Size of the cage's cross-section at heights z, relative to that of the heart; it closes over the apices."""
        cone = 1 - 0.0012 * z.clamp(min=0) - 0.0004 * z.clamp(min=-120, max=0)
        rise = ((z - (self.top - 110)) / 110).clamp(0, 0.998)
        return cone * (1 - rise**2.4) ** (1 / 2.4)

    def recession(self, z: float) -> float:
        """How far the front lies forward (negative: back) of where it is at the heart, at height z, mm."""
        z = max(z, 0.0)
        return -0.0004 * z * z - 0.0012 * z * self.half_depth

    def spine_forward(self, z: torch.Tensor) -> torch.Tensor:
        """How far forward the spine lies of its place behind the heart, at heights z, mm."""
        up, down = z.clamp(min=0), z.clamp(max=0)
        return (0.0010 * self.half_depth - 0.0004 * up) * up + 0.0006 * down * down

    def cage(self, points: torch.Tensor) -> torch.Tensor:
        """Radial distance from the inner surface of the rib cage, mm, negative inside."""
        up = points[2].clamp(min=0)
        narrowing = self.narrowing(points[2])
        x = (points[0] - float(self.middle[0])) / narrowing
        y = (points[1] - float(self.middle[1]) + 0.0004 * up * up) / narrowing
        scaled = (x / self.half_width).abs().pow(2.3) + (y / float(self.half_depth)).abs().pow(2.3)
        radius = (x * x + y * y).sqrt() * narrowing
        return radius * (1 - scaled.clamp(min=1e-6).pow(-1 / 2.3))

    def diaphragm(self, points: torch.Tensor, right: float, left: float) -> torch.Tensor:
        """Height of the diaphragm above each point's column, mm."""
        x, y = points[0] - float(self.middle[0]), points[1] - float(self.middle[1])
        bottom = float(self.heart_bottom)
        dome_right = (-(((x - 70) / 62) ** 2) - ((y + 5) / 75) ** 2).exp()
        dome_left = (-(((x + 75) / 55) ** 2) - ((y + 15) / 70) ** 2).exp()
        rim = ((x / self.half_width) ** 2 + (y / float(self.half_depth)) ** 2) ** 2
        deep = 22 + 38 * (y / -float(self.half_depth)).clamp(0, 1)  # the recess is deepest behind
        return bottom - 4 + (right + 4) * dome_right + (left + 4) * dome_left - deep * rim

    def costal_margin(self, y: torch.Tensor) -> torch.Tensor:
        """Height below which the wall has no ribs: high at the xiphoid, low at the back."""
        forward = ((y - float(self.middle[1])) / float(self.half_depth)).clamp(-1, 1)
        return float(self.heart_bottom) - 80 + 70 * forward
