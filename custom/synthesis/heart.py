"""The heart of a patient as implicit shapes on its layout: the left one here, right heart and arteries as parts.

All coordinates are RAS mm, the origin in the middle between the left chambers.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .annulus import Leaflets
from .arteries import GreatArteries
from .layout import BASAL, EQUATOR, Layout
from .left_atrium import AtrialFrame, appendage, atrial_body, pulmonary_veins
from .right_heart import RightHeart
from .shapes import Cone, Ellipsoid, Shape, Superellipsoid, Union, Waves
from .streams import stream
from .ventricle import LeftVentricle, Myocardium, Scar

FAT_REACH = 25.0  # mm: how far around a chamber its fat may lie; vessels have a thin coat only


class Heart(Layout):
    """A layout with its shapes."""

    @cached_property
    def arteries(self) -> GreatArteries:
        return GreatArteries(self, self.myocardium)

    @cached_property
    def right(self) -> RightHeart:
        return RightHeart(self, self.arteries)

    @cached_property
    def left_ventricle(self) -> LeftVentricle:
        p, radius = self.patient, self.lv_radius
        axes = np.stack([self.septal, self.anterior, self.axis], axis=1)
        semi = np.array([radius * p.lv_eccentricity, radius / p.lv_eccentricity, (1 - EQUATOR) * self.lv_length])
        back = BASAL * EQUATOR / (1 - EQUATOR)
        body = Superellipsoid(self.base + EQUATOR * self.lv_length * self.axis, axes, semi, back=back)
        start = self.base + 0.25 * self.lv_length * self.axis + 0.25 * radius * self.to_aorta
        outflow = Cone(start, self.aortic + 3 * self.aortic_normal, 0.5 * radius, self.aortic_radius)
        return LeftVentricle(
            body, self.mitral, p.basal_shoulder, outflow, (self.aortic, self.aortic_normal), self.aneurysms,
            self.septal_bulge,
        )  # fmt: skip

    @cached_property
    def mitral_leaflets(self) -> Leaflets:
        p = self.patient
        return Leaflets(self.mitral, p.leaflet_opening, p.tenting, p.leaflet_length, p.leaflet_thickness)

    @cached_property
    def scar(self) -> Scar:
        p = self.patient
        return Scar(self.on_endocardium(p.scar_angle, p.scar_height), p.scar_radius, p.scar_thinning)

    @cached_property
    def aneurysms(self) -> tuple[Ellipsoid, ...]:
        size = min(self.patient.aneurysm, 0.8 * self.lv_radius)
        return (Ellipsoid(self.scar.centre, np.eye(3), np.full(3, size)),) if size else ()

    @cached_property
    def septal_bulge(self) -> tuple[Ellipsoid, ...]:
        """The sigmoid septum of the old: a cushion under the aortic valve."""
        depth, radius = self.patient.septal_bulge, 14.0
        if not depth:
            return ()
        centre = self.on_endocardium(20.0, 0.36) + (radius - depth) * self.septal
        axes = np.stack([self.septal, self.anterior, self.axis], axis=1)
        return (Ellipsoid(centre, axes, np.array([radius, 1.2 * radius, radius])),)

    @cached_property
    def myocardium(self) -> Myocardium:
        p = self.patient
        unevenness = Waves.draw(stream(p.seed, "wall"), 4, (25.0, 70.0), p.unevenness)
        return Myocardium(
            self.left_ventricle, (self.base, self.axis), self.septal, self.lv_length, p.wall, p.septum, p.apex_wall,
            unevenness, self.scar,
        )  # fmt: skip

    @cached_property
    def atrial_body(self) -> Shape:
        """Left atrium without veins and appendage."""
        spine, radius = self.spine, self.patient.spine_radius
        aorta = np.array([*self.descending_place, 0.0])
        long = np.array([0.0, 0.0, 200.0])
        behind: list[Shape] = [
            Cone(spine - long, spine + long, radius, radius),
            Cone(aorta - long, aorta + long, *2 * [self.patient.descending_radius]),
        ]
        if self.hernia:
            behind.append(self.hernia)
        frame = AtrialFrame(self.la, self.la_axes, self.la_semi)
        return atrial_body(self.patient, frame, self.mitral, Union(tuple(behind)))

    @cached_property
    def pulmonary_veins(self) -> list[Union]:
        return pulmonary_veins(self.patient, AtrialFrame(self.la, self.la_axes, self.la_semi), self.atrial_body)

    @cached_property
    def appendage(self) -> Union:
        obstacles = ((self.myocardium, 2.0), (self.arteries.pulmonary_trunk, 2.0), (self.arteries.aortic_root, 2.0))
        return appendage(self.patient, AtrialFrame(self.la, self.la_axes, self.la_semi), self.atrial_body, obstacles)

    @cached_property
    def hernia(self) -> Ellipsoid | None:
        """A part of the stomach that has slipped through the diaphragm, behind and below the left atrium."""
        r = self.patient.hernia
        if not r:
            return None
        place = self.spine + [-6.0, self.patient.spine_radius + 0.8 * r, -self.la_semi[2] - 0.7 * r - 8]
        return Ellipsoid(place, np.eye(3), r * np.array([1.25, 0.9, 1.0]))
