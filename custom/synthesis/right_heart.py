"""The shapes of the right heart: a triangular ventricle wrapped round the septum with its outflow tract, and an atrium
with appendage and crista; between them the tricuspid valve and its groove."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from .annulus import Annulus, Atrium, Inlet, Leaflets
from .arteries import GreatArteries
from .caval_veins import CavalVeins
from .layout import Layout
from .shapes import Bounds, Cut, Shape, Superellipsoid, Union, along, settle, tube, unit


@dataclass(frozen=True)
class Wedge(Shape):
    """A body that tapers from base to apex along a curve on the septum: elliptical in the short axis, a triangle along.

    base (3,), axes (3, 3): septal, anterior, towards the apex; length in mm; semi (2,): the ellipse's at the base;
    outer: how far its middle lies from the axis at the base, mm.
    """

    base: np.ndarray
    axes: np.ndarray
    length: float
    semi: np.ndarray
    outer: float

    def middle(self, height: float) -> np.ndarray:
        """Point (3,) of the curve at a fraction of the length."""
        return self.base + height * self.length * self.axes[:, 2] + self.outer * _bow(height) * self.axes[:, 0]

    @property
    def bounds(self) -> Bounds:
        lows, highs = [], []
        for height in np.linspace(-0.12, 1, 12):
            taper = max(0.04, (1 - max(height, 0.0)) ** 0.7)
            half = taper * np.linalg.norm(self.axes[:, :2] * self.semi, axis=1) + 1.0
            lows.append(self.middle(height) - half)
            highs.append(self.middle(height) + half)
        return np.min(lows, axis=0), np.max(highs, axis=0)

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        s, a, z = (along(points, axis, self.base) for axis in self.axes.T)
        height = z * (1 / self.length)
        bow = (1 - (0.80 * height) ** 2).clamp_(min=0).sqrt_()
        taper = (1 - height.clamp(min=0)).clamp_(min=0).pow_(0.7).clamp_(min=0.04)
        u, v = (s - self.outer * bow) / (float(self.semi[0]) * taper), a / (float(self.semi[1]) * taper)
        distance = ((u * u + v * v).sqrt_() - 1) * taper * float(self.semi.min())
        return torch.maximum(distance, torch.maximum(0.7 * (z - self.length), -z - 0.12 * self.length))


def _bow(height: float) -> float:
    return float(np.sqrt(max(0.0, 1 - (0.80 * height) ** 2)))


class RightHeart:
    """Positions and shapes, derived from the left heart's layout."""

    def __init__(self, layout: Layout, arteries: GreatArteries) -> None:
        self.layout, self.patient, self.arteries = layout, layout.patient, arteries

    @cached_property
    def tricuspid(self) -> Annulus:
        h, p = self.layout, self.patient
        reach = 0.85 * h.lv_radius + p.septum + 0.95 * p.tricuspid_radius + 3
        centre = h.base + reach * h.septal - 7 * h.anterior + 8 * h.axis
        normal = unit(h.axis + np.array([-0.25, 0.1, 0.0]))
        front = unit(h.anterior - normal * float(h.anterior @ normal))
        return Annulus(centre, normal, front, 1.9 * p.tricuspid_radius, 2.1 * p.tricuspid_radius)

    @cached_property
    def leaflets(self) -> Leaflets:
        p = self.patient
        return Leaflets(self.tricuspid, p.tricuspid_opening, 5.0, 17.0, min(p.leaflet_thickness, 1.2))

    @cached_property
    def wedge(self) -> Wedge:
        """The ventricle's body without the outflow tract."""
        h, p = self.layout, self.patient
        outer = 0.92 * h.lv_radius + 0.8 * p.septum
        size = 44.0 * p.rv_scale * (p.rv_volume / 130) ** (1 / 3)
        axes = np.stack([h.septal, h.anterior, h.axis], axis=1)
        length = p.rv_apex * (h.lv_length + 0.5 * p.wall)
        return Wedge(h.base + 4 * h.axis - 3 * h.anterior, axes, length, size * np.array([p.rv_flatness, 1.0]), outer)

    @cached_property
    def outflow(self) -> Union:
        """Infundibulum, up to the pulmonary valve."""
        body, valve, r = self.wedge, self.arteries.pulmonary_valve, self.patient.pulmonary_radius
        start = (
            body.middle(0.28) + 0.45 * body.semi[1] * self.layout.anterior + 0.15 * body.semi[0] * self.layout.septal
        )
        below = valve.centre - 14 * valve.normal
        below = settle([below], self.arteries.aortic_root, r + 2.5, only_outwards=True)[0]
        path = [start, below, valve.centre, valve.centre + 8 * valve.normal]
        parts = tube(path, [1.35 * r, 1.12 * r, r, r], 2).parts
        return Union(tuple(Cut(part, valve.centre, valve.normal) for part in parts))

    @cached_property
    def ventricle(self) -> Union:
        return Union((Inlet(self.wedge, self.tricuspid, 2.6, 0.25 * self.wedge.length), *self.outflow.parts), 6.0)

    @cached_property
    def moderator_band(self) -> Union:
        """From the septum to the free wall, at about two thirds of the way to the apex."""
        body = self.wedge
        across = [body.middle(0.50), body.middle(0.6) - 6 * self.layout.anterior, body.middle(0.62)]
        across[1] = across[1] + 0.35 * body.semi[0] * self.layout.septal
        across[2] = across[2] + 0.55 * body.semi[0] * self.layout.septal - 0.2 * body.semi[1] * self.layout.anterior
        return tube(across, [2.6, 2.2, 3.2], 2)

    @cached_property
    def atrial_semi(self) -> np.ndarray:
        p = self.patient
        return 27.0 * p.ra_scale * (p.ra_volume / 85) ** (1 / 3) * np.array([0.95, 0.95, 1.15])

    @cached_property
    def atrial_centre(self) -> np.ndarray:
        """Centre (3,) of the right atrium's body."""
        valve, semi = self.tricuspid, self.atrial_semi
        to_ra = unit(-valve.normal + np.array([0.4, -0.4, 0.0]))
        return valve.centre + to_ra * (0.9 / float(np.linalg.norm(to_ra / semi)) + 4)

    @cached_property
    def cavae(self) -> CavalVeins:
        return CavalVeins(self.layout, self.atrial_centre, self.atrial_semi)

    @cached_property
    def atrium(self) -> Atrium:
        """Without appendage."""
        body = Superellipsoid(self.atrial_centre, np.eye(3), self.atrial_semi, 0.5)
        return Atrium(body, self.tricuspid, self.atrial_centre, 0.35)

    @cached_property
    def appendage(self) -> Union:
        """A broad triangle from the front of the atrium to the left, over the root of the aorta."""
        centre, semi, size = self.atrial_centre, self.atrial_semi, self.patient.right_appendage
        path = [centre + semi * [-0.1, 0.55, 0.45], centre + semi * [-0.15, 0.95, 0.7] + [0, 4 * size, 2],
                centre + semi * [-0.45, 1.15, 0.85] + [-4 * size, 9 * size, 6 * size]]  # fmt: skip
        path.append(path[-1] + np.array([-14.0, 6.0, 2.0]) * size)
        radii = size * np.array([15.0, 13.0, 9.0, 4.5])
        path[1:] = [
            settle([point], self.arteries.aortic_root, r + 2, only_outwards=True)[0]
            for point, r in zip(path[1:], radii[1:], strict=True)
        ]
        return tube(path, radii, 3)

    @cached_property
    def crista(self) -> Union:
        """The ridge between the smooth and the rough part, from cava to cava along the right wall."""
        centre, semi = self.atrial_centre, self.atrial_semi
        path = [centre + semi * np.array(place) for place in ((0.3, 0.0, 0.9), (0.92, 0.05, 0.3), (0.9, 0.1, -0.3),
                                                              (0.4, -0.1, -0.88))]  # fmt: skip
        return tube(path, [self.patient.crista] * 4, 3)

    @cached_property
    def jets(self) -> tuple[Shape, Shape]:
        """Blood that has just come in: of the superior cava towards the valve and beyond, and of the inferior one along
        the septum."""
        cavae, valve, r = self.cavae, self.tricuspid, self.patient.cava_radius
        centre, mouth = self.atrial_centre, cavae.inferior.parts[0].start
        down = [cavae.course[0], centre + [-2, 4, 4], valve.centre, valve.centre + 22 * valve.normal]
        upper = tube(down, [r, 0.9 * r, 0.75 * r, 0.9 * r], 2)
        upwards = [mouth + [0, 0, -12], centre + [-4, -8, -6], centre + self.atrial_semi * [-0.4, -0.35, 0.5]]
        lower = tube(upwards, [1.3 * r, 1.25 * r, 0.9 * r], 2)
        return upper, lower
