"""The shapes of the left ventricle: its cavity between the two valves, and the wall around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .shapes import Cone, Ellipsoid, Shape, Union, along, smooth_max, smooth_min


@dataclass(frozen=True)
class LeftVentricle(Shape):
    """Endocardial surface: a half-ellipsoid rounded off at the base, an inlet, an outflow tract, cut at both valves."""

    body: Ellipsoid
    inlet: Cone
    outflow: Cone
    base: np.ndarray
    axis: np.ndarray
    mitral: tuple[np.ndarray, np.ndarray]
    aortic: tuple[np.ndarray, np.ndarray]

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return Union((self.body, self.inlet, self.outflow), 6.0).bounds

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        body = smooth_max(self.body.distance(points), 2.0 - along(points, self.axis, self.base), 9.0)
        body = smooth_min(body, self.inlet.distance(points), 5.0)
        body = torch.maximum(body, -along(points, self.mitral[1], self.mitral[0]))
        outflow = torch.maximum(self.outflow.distance(points), along(points, self.aortic[1], self.aortic[0]))
        return smooth_min(body, outflow, 4.0)


@dataclass(frozen=True)
class Myocardium(Shape):
    """Left ventricular wall with its cavity: thicker at the septum, thinner at the apex, ending at the base."""

    cavity: LeftVentricle
    septal: np.ndarray
    length: float
    wall: float
    septum: float
    apex: float

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.cavity.body.bounds
        margin = max(self.wall, self.septum) * 1.1
        return low - margin, high + margin

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        cavity = self.cavity
        height = along(points, cavity.axis, cavity.base)
        septal = (along(points, self.septal, cavity.base) / 25.0).clamp(-1, 1)
        thickness = self.wall + (self.septum - self.wall) * (0.5 + 0.5 * septal)
        to_apex = ((height / self.length - 0.6) / 0.4).clamp(0, 1)
        thickness = thickness * (1 - (1 - self.apex) * to_apex * to_apex)
        body = smooth_max(cavity.body.distance(points), 2.0 - height, 9.0)
        return smooth_max(body - thickness, -1.0 - height, 4.0)
