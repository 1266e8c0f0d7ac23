"""Where the parts of a patient's heart lie: one joint model, so that chambers fit each other.

The frame of the left ventricle comes first (base to apex, septum, anterior wall); valves and left atrium hang on it;
the origin is then moved to the middle between the left chambers. All coordinates are RAS mm: x to the right, y
anterior, z superior.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from .annulus import Annulus
from .population import Patient
from .shapes import unit

EQUATOR = 0.35  # the widest cross-section of the left ventricle, as a fraction of its length from the base
BASAL = 1.9  # the basal half narrows as an ellipsoid so many times as long would


def support(semi: np.ndarray, axes: np.ndarray, direction: np.ndarray) -> float:
    """Distance from an ellipsoid's centre to its surface in a direction."""
    return float(1 / np.linalg.norm((axes.T @ direction) / semi))


def profile(height: float) -> float:
    """Radius of the left ventricle at a fraction of its length from the base, relative to the largest."""
    scale = (1 - EQUATOR) if height > EQUATOR else BASAL * EQUATOR
    return float(np.sqrt(max(0.0, 1 - ((height - EQUATOR) / scale) ** 2)))


class Layout:
    """Positions and sizes of a heart's parts, derived from a patient's parameters."""

    def __init__(self, patient: Patient) -> None:
        self.patient = p = patient
        azimuth, descent, roll = np.radians([p.lv_azimuth, p.lv_descent, p.lv_roll])
        self.axis = np.array([-np.sin(azimuth) * np.cos(descent), np.cos(azimuth) * np.cos(descent), -np.sin(descent)])
        level = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        self.septal = np.cos(roll) * level + np.sin(roll) * np.cross(level, self.axis)
        self.anterior = np.cross(self.septal, self.axis)
        outflow = np.radians(p.outflow_angle)
        self.to_aorta = np.cos(outflow) * self.septal + np.sin(outflow) * self.anterior

        # volume of the body: 0.751 pi R^2 L for an equator at 0.35 L
        self.lv_radius = p.lv_scale * (p.lv_volume * 1e3 / (0.751 * np.pi * p.lv_aspect)) ** (1 / 3)
        self.lv_length = p.lv_aspect * self.lv_radius
        self.aortic_radius = min(p.aortic_radius, 0.60 * self.lv_radius)

        # left atrium: semi-axes right-left, front-back, up-down for the drawn volume; veins and appendage come on top
        size = p.la_scale * (0.72 * p.la_volume * 1e3 * 0.75 / np.pi) ** (1 / 3)
        turn = np.radians(p.la_turn)
        self.la_axes = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1.0]])
        self.la_semi = size * np.array([p.la_width, p.la_depth, p.la_height])
        self.la_semi *= size / np.cbrt(self.la_semi.prod())

        # positions, the base of the left ventricle being at 0 for the moment
        mitral = self._mitral()
        aortic = self._aortic(mitral)
        to_la = unit(-self.axis + np.array([0.22, -0.12, 0.38]))
        la = mitral.centre + to_la * (0.96 * support(self.la_semi, self.la_axes, to_la) + 5)
        centre = (la + EQUATOR * self.lv_length * self.axis) / 2
        self.mitral = replace(mitral, centre=mitral.centre - centre)
        self.base, self.aortic, self.la = -centre, aortic - centre, la - centre
        self.roof = self.la[2] + self.la_semi[2]

    def _mitral(self) -> Annulus:
        """Its straight side looks to the aorta, its back lies at the edge of the ventricle's base."""
        p = self.patient
        width = min(p.mitral_width, 1.62 * self.lv_radius)
        depth = width * p.mitral_ratio
        across = np.cross(self.axis, self.to_aorta)
        tilt, lean = np.tan(np.radians([p.mitral_tilt, p.mitral_lean]))
        normal = unit(self.axis + tilt * self.to_aorta + lean * across)
        front = unit(self.to_aorta - normal * float(self.to_aorta @ normal))
        edge = profile(0.0) * self.lv_radius + 1.0
        return Annulus((0.5 * depth - edge) * self.to_aorta, normal, front, width, depth, p.mitral_saddle * width / 35)

    def _aortic(self, mitral: Annulus) -> np.ndarray:
        """Centre (3,) of the aortic annulus: beyond the curtain, which hangs on the mitral one's straight side."""
        p, tilt = self.patient, np.radians(self.patient.aortic_tilt)
        self.aortic_normal = unit(np.sin(tilt) * self.to_aorta - np.cos(tilt) * self.axis)
        away = unit(self.to_aorta - self.aortic_normal * float(self.to_aorta @ self.aortic_normal))
        hinge = mitral.centre + 0.5 * mitral.depth * mitral.front - 0.5 * mitral.saddle * mitral.normal
        return hinge + p.curtain * unit(self.to_aorta + 0.6 * self.axis) + self.aortic_radius * away

    def on_endocardium(self, angle: float, height: float) -> np.ndarray:
        """Point (3,) of the cavity's wall: angle in degrees from the septum to the anterior wall, height as a fraction
        of the length from base to apex."""
        return self.around(angle, height, profile(height) * self.lv_radius)

    def around(self, angle: float, height: float, radius: float) -> np.ndarray:
        """Point (3,) at `radius` mm from the ventricle's axis; angle and height as in `on_endocardium`."""
        a = np.radians(angle)
        return (
            self.base
            + height * self.lv_length * self.axis
            + radius * (np.cos(a) * self.septal + np.sin(a) * self.anterior)
        )

    @cached_property
    def descending_place(self) -> tuple[float, float]:
        """x and y of the descending aorta behind the left atrium."""
        d = self.patient.descending_radius
        return self.spine[0] - 12 - 0.75 * d, self.spine[1] + 0.75 * self.patient.spine_radius + 0.6 * d

    @cached_property
    def spine(self) -> np.ndarray:
        """Centre of the vertebral body behind the left atrium."""
        p = self.patient
        behind = self.la[1] - self.la_semi[1] - 1.6 * p.oesophagus_radius - p.spine_gap - p.spine_radius
        return np.array([self.la[0] + p.spine_shift, behind, self.la[2]])
