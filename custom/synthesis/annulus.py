"""Valves between atrium and ventricle: the annulus, and how the chambers on its two sides come to it.

Atria narrow to the annulus over some 14 mm; ventricles are nearly full width 6 to 9 mm below it. Between both lies the
groove with its fat and vessels. The boundary of the two chambers is the surface that spans the annulus from hinge to
hinge: leaflets, closed or open, lie in the ventricle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .shapes import Bounds, Shape, along, smooth_max, smooth_min

FLARE = 0.013  # 1/mm: how an atrium widens with the square of the distance from the annulus
COAPTATION = 5.0  # mm over which closed leaflets lie on each other


@dataclass(frozen=True)
class Annulus:
    """A D- and saddle-shaped annulus: its straight side in front, front and back nearer to the atrium than the sides.

    centre (3,), normal (3,) towards the ventricle and front (3,) in its plane; width, depth (from the straight side to
    the back) and height of the saddle in mm.
    """

    centre: np.ndarray
    normal: np.ndarray
    front: np.ndarray
    width: float
    depth: float
    saddle: float = 0.0

    @property
    def side(self) -> np.ndarray:
        return np.cross(self.normal, self.front)

    @property
    def radius(self) -> float:
        """Of a circle of nearly the same area, mm."""
        return 0.5 * float(np.sqrt(self.width * self.depth))

    def local(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Points (3, ...) as mm to the front, to the side, and below the annulus' surface, towards the ventricle."""
        x, y, z = (along(points, axis, self.centre) for axis in (self.front, self.side, self.normal))
        if self.saddle:
            bend = (y * (2 / self.width)) ** 2 - (x * (2 / self.depth)) ** 2
            z = z - bend.clamp_(-1.4, 1.4) * (0.5 * self.saddle)
        return x, y, z

    def outside(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Distance from the contour in the plane, mm, negative within it."""
        a, b = 0.56 * self.depth, 0.5 * self.width
        x = x - 0.06 * self.depth
        u, v = x / a, y / b
        norm = (u * u + v * v).sqrt_()
        gradient = ((u / a) ** 2 + (v / b) ** 2).sqrt_().clamp_(min=1e-6)
        return smooth_max(norm * (norm - 1) / gradient, x - 0.44 * self.depth, 4.0)

    def contour(self, count: int = 48) -> np.ndarray:
        """Points (count, 3) of the annulus, mm, in turn."""
        angles = torch.linspace(0, 2 * torch.pi, count + 1, dtype=torch.float64)[:-1]
        directions, radius = torch.stack([angles.cos(), angles.sin()]), torch.full((count,), self.radius).double()
        for _ in range(12):
            radius = radius - self.outside(*(directions * radius))
        x, y = (directions * radius).numpy()
        bend = (2 * y / self.width) ** 2 - (2 * x / self.depth) ** 2
        height = 0.5 * self.saddle * np.clip(bend, -1.4, 1.4)
        return self.centre + x[:, None] * self.front + y[:, None] * self.side + height[:, None] * self.normal

    @property
    def bounds(self) -> Bounds:
        contour = self.contour(16)
        return contour.min(axis=0), contour.max(axis=0)


def _joined(body: Shape, annulus: Annulus) -> Bounds:
    """Of a body and what leads from it to its annulus."""
    (low, high), (first, last) = body.bounds, annulus.bounds
    return np.minimum(low, first - 4), np.maximum(high, last + 4)


@dataclass(frozen=True)
class Atrium(Shape):
    """A body and the vestibule through which it comes to the annulus; `opening` is how fast it widens at first."""

    body: Shape
    annulus: Annulus
    middle: np.ndarray
    opening: float

    @property
    def bounds(self) -> Bounds:
        return _joined(self.body, self.annulus)

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        a, towards = self.annulus, self.middle - self.annulus.centre
        x, y, z = a.local(points)
        reach = -float(towards @ a.normal)  # how high the middle lies above the annulus
        up = (-z).clamp(min=0)
        slant = up.clamp(max=1.5 * reach) / reach  # the vestibule leans towards the middle
        rim = a.outside(x - slant * float(towards @ a.front), y - slant * float(towards @ a.side))
        rim = rim - up * (self.opening + FLARE * up)
        whole = smooth_min(self.body.distance(points), -z - 0.5 * reach, 8.0)
        return torch.maximum(smooth_max(whole, rim, 5.0), z)


@dataclass(frozen=True)
class Inlet(Shape):
    """A ventricle's body below its annulus, with a shoulder over which it widens; `shoulder` is its reach at 1 mm."""

    body: Shape
    annulus: Annulus
    shoulder: float
    length: float

    @property
    def bounds(self) -> Bounds:
        return _joined(self.body, self.annulus)

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        x, y, z = self.annulus.local(points)
        rim, down = self.annulus.outside(x, y), z.clamp(min=0)
        whole = smooth_min(self.body.distance(points), torch.maximum(rim, z - self.length), 6.0)
        rim = rim - self.shoulder * (down + 0.01).sqrt_() - 0.02 * down * down
        return torch.maximum(smooth_max(whole, rim, 3.0), -z)


@dataclass(frozen=True)
class Leaflets:
    """The leaflets of a valve between atrium and ventricle.

    `opening` 0 is closed, the edges meeting `tenting` mm below the annulus; otherwise they hang `length` mm into the
    ventricle round an orifice of `opening` times the annulus.
    """

    annulus: Annulus
    opening: float
    tenting: float
    length: float
    thickness: float

    def regions(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where points (3, ...) lie in the leaflets, and where between closed leaflets and annulus: bool (...)."""
        a, half = self.annulus, 0.5 * self.thickness
        x, y, z = a.local(points)
        depth = self.length if self.opening else self.tenting
        progress = (z / depth).clamp(0, 1)
        # closed leaflets meet on a line behind the middle, from commissure to commissure
        meeting = -0.12 * a.depth * (1 - self.opening)
        across = (1 - (1 - self.opening) * progress).clamp_(min=0.04)
        lengthways = 1 - 0.35 * (1 - self.opening) * progress
        rim = a.outside((x - meeting * progress) / across, y / lengthways) * across
        slope = (1 - self.opening) * 0.5 * a.depth / depth
        sheet = rim.abs() < half * float(np.hypot(1.0, slope))
        if self.opening:
            # the leaflet in front is the longer one
            return sheet & (z > -half) & (z < depth * (0.8 + 0.4 * (x / a.depth).clamp(-0.5, 0.5))), torch.zeros_like(
                sheet
            )
        sheet &= (z > -half) & (z < depth)
        sheet |= ((x - meeting).abs() < half) & (z >= depth) & (z < depth + COAPTATION) & (y.abs() < 0.33 * a.width)
        return sheet, (rim < 0) & (z > 0) & (z < depth) & ~sheet
