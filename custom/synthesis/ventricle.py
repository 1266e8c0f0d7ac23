"""The shapes of the left ventricle: its cavity between the two valves, and the wall around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .shapes import Cone, Ellipsoid, Shape, Union, Waves, along, smooth_max, smooth_min

ANEURYSM_WALL = 3.0  # mm: what is left of the wall over an aneurysm


@dataclass(frozen=True)
class LeftVentricle(Shape):
    """Endocardial surface: a half-ellipsoid rounded off at the base, an inlet, an outflow tract, cut at both valves.

    `aneurysms` bulge out of it, `bulges` of the septum into it.
    """

    body: Ellipsoid
    inlet: Cone
    outflow: Cone
    base: np.ndarray
    axis: np.ndarray
    mitral: tuple[np.ndarray, np.ndarray]
    aortic: tuple[np.ndarray, np.ndarray]
    aneurysms: tuple[Ellipsoid, ...] = ()
    bulges: tuple[Ellipsoid, ...] = ()

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return Union((self.body, self.inlet, self.outflow, *self.aneurysms), 10.0).bounds

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        body = smooth_max(self.body.distance(points), 2.0 - along(points, self.axis, self.base), 9.0)
        body = smooth_min(body, self.inlet.distance(points), 5.0)
        for aneurysm in self.aneurysms:
            body = smooth_min(body, aneurysm.distance(points), 10.0)
        body = torch.maximum(body, -along(points, self.mitral[1], self.mitral[0]))
        outflow = torch.maximum(self.outflow.distance(points), along(points, self.aortic[1], self.aortic[0]))
        cavity = smooth_min(body, outflow, 4.0)
        for bulge in self.bulges:
            cavity = smooth_max(cavity, -bulge.distance(points), 4.0)
        return cavity


@dataclass(frozen=True)
class Scar:
    """An infarct: the wall around `centre` (3,) is thinner by the fraction `thinning`, within about `radius` mm."""

    centre: np.ndarray
    radius: float
    thinning: float


@dataclass(frozen=True)
class Myocardium(Shape):
    """Left ventricular wall with its cavity: its own thickness at septum and apex, uneven, thin in a scar, and ending
    at the base."""

    cavity: LeftVentricle
    septal: np.ndarray
    length: float
    wall: float
    septum: float
    apex: float
    unevenness: Waves
    scar: Scar

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = Union((self.cavity.body, *self.cavity.aneurysms), 6.0).bounds
        margin = max(self.wall, self.septum) * max(1.1, self.apex) * 1.2
        return low - margin, high + margin

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        cavity = self.cavity
        height = along(points, cavity.axis, cavity.base)
        septal = (along(points, self.septal, cavity.base) / 25.0).clamp(-1, 1)
        thickness = self.wall + (self.septum - self.wall) * (0.5 + 0.5 * septal)
        to_apex = ((height / self.length - 0.6) / 0.4).clamp(0, 1)
        thickness = thickness * (1 - (1 - self.apex) * to_apex * to_apex)
        thickness = thickness * (1 + self.unevenness(points)[0])
        if self.scar.thinning:
            apart = sum((points[k] - float(c)) ** 2 for k, c in enumerate(self.scar.centre))
            thickness = thickness * (1 - self.scar.thinning * torch.exp(apart * (-0.5 / self.scar.radius**2)))
        body = smooth_max(cavity.body.distance(points), 2.0 - height, 9.0)
        wall = smooth_max(body - thickness, -1.0 - height, 4.0)
        for aneurysm in cavity.aneurysms:
            wall = smooth_min(wall, aneurysm.distance(points) - ANEURYSM_WALL, 6.0)
        return wall
