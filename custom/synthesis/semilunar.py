"""The aortic and the pulmonary valve: three cusps, closed or open, and a root whose three sinuses stand behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .shapes import Bounds, Ellipsoid, Shape, Union, along, unit


@dataclass(frozen=True)
class SemilunarValve:
    """Centre (3,) of the annulus, normal (3,) along the flow, radius in mm, and `first` (3,), towards which one of the
    three cusps lies. `opening` 0 is closed, otherwise the cusps' edges leave that share of the radius."""

    centre: np.ndarray
    normal: np.ndarray
    radius: float
    first: np.ndarray
    opening: float
    thickness: float

    @property
    def cusps(self) -> list[np.ndarray]:
        """Unit vectors (3,) in the annulus' plane towards the middle of each cusp."""
        e = unit(self.first - self.normal * float(self.first @ self.normal))
        side = np.cross(self.normal, e)
        return [np.cos(a) * e + np.sin(a) * side for a in np.radians([0, 120, 240])]

    @property
    def bounds(self) -> Bounds:
        reach = np.full(3, 1.5 * self.radius)
        return self.centre - reach, self.centre + reach

    def leaflets(self, points: torch.Tensor) -> torch.Tensor:
        """Where points (3, ...) lie in the cusps: bool (...)."""
        r, half = self.radius, 0.5 * self.thickness
        z = along(points, self.normal, self.centre)
        if self.opening:
            squared = sum((points[k] - float(self.centre[k])) ** 2 for k in range(3)) - z * z
            edge = r * (1 - (1 - self.opening) * (z / r).clamp(0, 1))
            return ((squared.clamp(min=0).sqrt() - edge).abs() < half) & (z > -1) & (z < 0.9 * r)
        outwards = torch.stack([along(points, cusp, self.centre) for cusp in self.cusps])
        nearest, second = outwards.topk(2, dim=0).values
        u = nearest / r
        belly = 0.75 * r * (1 - u * u)  # deepest at the hinge, highest where the three meet
        sheet = ((z - belly).abs() < half * (1 + (1.5 * u) ** 2).sqrt()) & (z > -1)
        return sheet | ((nearest - second < 1.73 * half) & (z > belly) & (z < belly + 0.35 * r) & (u < 0.62))

    def root(self, sinuses: float) -> Shape:
        """The three sinuses of a root, `sinuses` times as wide as the annulus."""
        offset = 0.40 * self.radius
        size = np.array([1.0, 1.0, 1.0]) * (sinuses * self.radius - offset)
        middle = self.centre + 0.75 * self.radius * self.normal
        return Union(tuple(Ellipsoid(middle + offset * cusp, np.eye(3), size) for cusp in self.cusps), 2.0)
