"""The shapes of the left ventricle: its cavity between the two valves, and the wall around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .annulus import Annulus, Inlet
from .shapes import Cone, Ellipsoid, Shape, Superellipsoid, Union, Waves, along, smooth_max, smooth_min

ANEURYSM_WALL = 3.0  # mm: what is left of the wall over an aneurysm


@dataclass(frozen=True)
class LeftVentricle(Shape):
    """Endocardial surface: a body that comes to the mitral annulus over a shoulder, and an outflow tract that ends at
    the aortic annulus (centre and normal).

    `aneurysms` bulge out of it, `bulges` of the septum into it.
    """

    body: Superellipsoid
    mitral: Annulus
    shoulder: float
    outflow: Cone
    aortic: tuple[np.ndarray, np.ndarray]
    aneurysms: tuple[Ellipsoid, ...] = ()
    bulges: tuple[Ellipsoid, ...] = ()

    @property
    def inlet(self) -> Inlet:
        body = Union((self.body, *self.aneurysms), 10.0)
        return Inlet(body, self.mitral, self.shoulder, 0.3 * float(self.body.semi[2]))

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return Union((self.inlet, self.outflow), 10.0).bounds

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        beyond = along(points, self.aortic[1], self.aortic[0])
        cavity = smooth_min(self.inlet.distance(points), self.outflow.distance(points), 4.0)
        cavity = torch.maximum(cavity, beyond)
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
    at the valves. `frame` is base (3,) and axis (3,)."""

    cavity: LeftVentricle
    frame: tuple[np.ndarray, np.ndarray]
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
        base, axis = self.frame
        height = along(points, axis, base)
        septal = (along(points, self.septal, base) / 25.0).clamp(-1, 1)
        thickness = self.wall + (self.septum - self.wall) * (0.5 + 0.5 * septal)
        to_apex = ((height / self.length - 0.6) / 0.4).clamp(0, 1)
        thickness = thickness * (1 - (1 - self.apex) * to_apex * to_apex)
        thickness = thickness * (1 + self.unevenness(points)[0]).clamp_(0.75, 1.3)
        below = cavity.mitral.local(points)[2]
        thickness = thickness * (0.5 + 0.5 * (below / 16.0).clamp_(0, 1))  # it thins out to the annulus
        if self.scar.thinning:
            apart = sum((points[k] - float(c)) ** 2 for k, c in enumerate(self.scar.centre))
            thickness = thickness * (1 - self.scar.thinning * torch.exp(apart * (-0.5 / self.scar.radius**2)))
        wall = cavity.body.distance(points) - thickness
        wall = smooth_max(wall, -below - 0.5, 7.0)
        wall = smooth_max(wall, along(points, cavity.aortic[1], cavity.aortic[0]) - 1.0, 4.0)
        for aneurysm in cavity.aneurysms:
            wall = smooth_min(wall, aneurysm.distance(points) - ANEURYSM_WALL, 6.0)
        return wall
