"""Where the cage, the sternum, the diaphragm and the shoulders of a chest are; everything outside the mediastinum is
placed by it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from scipy import ndimage

from .heart import Heart
from .layout import profile
from .shapes import smooth_max

RIBS = 8.5  # mm from the inner surface of the cage to the outer one
GAP = 1.5  # mm of pericardium and fat between heart and diaphragm
RISE = 40.0  # mm above its lowest point that the heart still lies on the diaphragm


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
        self.heart = heart
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
        """Height of the diaphragm above each point's column, mm: two domes, and between them the heart rests on it."""
        x, y = points[0] - float(self.middle[0]), points[1] - float(self.middle[1])
        bottom = float(self.heart_bottom)
        dome_right = (-(((x - 70) / 62) ** 2) - ((y + 5) / 75) ** 2).exp()
        dome_left = (-(((x + 75) / 55) ** 2) - ((y + 15) / 70) ** 2).exp()
        rim = ((x / self.half_width) ** 2 + (y / float(self.half_depth)) ** 2) ** 2
        deep = 22 + 38 * (y / -float(self.half_depth)).clamp(0, 1)  # the recess is deepest behind
        domes = bottom - 4 + (right + 4) * dome_right + (left + 4) * dome_left - deep * rim
        return smooth_max(domes, self._resting(points), 8.0)

    def _resting(self, points: torch.Tensor) -> torch.Tensor:
        """Height of the ventricles' lower surface over each point's column, mm, linear between the grid's points."""
        low, step, heights = self.underside
        table, (n, m) = torch.from_numpy(heights).to(points), heights.shape
        x, y = ((points[k] - float(low[k])) * (1 / step) for k in (0, 1))
        x, y = x.clamp(0, n - 1.001), y.clamp(0, m - 1.001)
        i, j = x.int(), y.int()
        x, y, first = x - i, y - j, (i * m + j).long()
        a, b, c, d = (table.flatten()[first + offset] for offset in (0, 1, m, m + 1))
        return (a * (1 - y) + b * y) * (1 - x) + (c * (1 - y) + d * y) * x

    @cached_property
    def underside(self) -> tuple[np.ndarray, float, np.ndarray]:
        """The ventricles' lower surface as heights (n, m) above a grid in x and y: its first point (2,) and step, mm;
        far below where there is no heart above."""
        h, step = self.heart, 5.0
        body, wall = h.right.wedge, h.patient.wall
        points = []
        for height in np.linspace(-0.05, 1.0, 24):
            for angle in np.arange(0, 360, 10.0):
                points.append(h.around(angle, height, profile(min(height, 0.97)) * h.lv_radius + wall))
                a, taper = np.radians(angle), max(0.04, 1 - max(height, 0)) ** 0.7
                across = np.array([np.cos(a), np.sin(a)]) * (body.semi * taper + 3.0)
                points.append(body.middle(height) + body.axes[:, :2] @ across)
        points = np.array(points)
        low = points[:, :2].min(axis=0) - 6 * step
        cells = np.rint((points[:, :2] - low) / step).astype(int)
        heights = np.full(cells.max(axis=0) + 7, np.inf)
        np.minimum.at(heights, tuple(cells.T), points[:, 2])
        heights = ndimage.minimum_filter(heights, 3)
        # where the surface turns up at the heart's border nothing lies close below
        far = float(self.heart_bottom) - 30.0
        heights = np.where(heights < self.heart_bottom + RISE, heights, far)
        heights = ndimage.grey_erosion(heights, size=(3, 3))
        return low, step, ndimage.gaussian_filter(heights, 2.0) - GAP

    def costal_margin(self, y: torch.Tensor) -> torch.Tensor:
        """Height below which the wall has no ribs: high at the xiphoid, low at the back."""
        forward = ((y - float(self.middle[1])) / float(self.half_depth)).clamp(-1, 1)
        return float(self.heart_bottom) - 80 + 70 * forward
