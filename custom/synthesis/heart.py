"""The heart of a patient as implicit shapes, laid out as one joint model so that chambers fit each other.

The frame of the left ventricle comes first (base to apex, septum, anterior wall); valves, atria, right heart and great
vessels hang on it; the origin is then moved to the middle between the left chambers. All coordinates are RAS mm:
x to the right, y anterior, z superior.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .left_atrium import AtrialFrame, appendage, atrial_body, pulmonary_veins
from .population import Patient, Stream, random_stream
from .shapes import Cone, Cut, Ellipsoid, Shape, Union, Waves, settle, tube, unit
from .ventricle import LeftVentricle, Myocardium, Scar

FAT_REACH = 25.0  # mm: how far around a chamber its fat may lie; vessels have a thin coat only
EQUATOR = 0.4  # the widest cross-section of the left ventricle, as a fraction of its length from the base


def support(semi: np.ndarray, axes: np.ndarray, direction: np.ndarray) -> float:
    """Distance from an ellipsoid's centre to its surface in a direction."""
    return float(1 / np.linalg.norm((axes.T @ direction) / semi))


class Heart:
    """Positions and shapes of the heart and the great vessels, derived from a patient's parameters."""

    def __init__(self, patient: Patient) -> None:
        self.patient = p = patient
        azimuth, descent, roll = np.radians([p.lv_azimuth, p.lv_descent, p.lv_roll])
        self.axis = np.array([-np.sin(azimuth) * np.cos(descent), np.cos(azimuth) * np.cos(descent), -np.sin(descent)])
        level = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        self.septal = np.cos(roll) * level + np.sin(roll) * np.cross(level, self.axis)
        self.anterior = np.cross(self.septal, self.axis)
        outflow = np.radians(p.outflow_angle)
        self.to_aorta = np.cos(outflow) * self.septal + np.sin(outflow) * self.anterior

        # volume of the truncated ellipsoid: 0.741 pi R^2 L for an equator at 0.4 L
        self.lv_radius = p.lv_scale * (p.lv_volume * 1e3 / (0.741 * np.pi * p.lv_aspect)) ** (1 / 3)
        self.lv_length = p.lv_aspect * self.lv_radius
        self.mitral_radius = min(p.mitral_radius, 0.72 * self.lv_radius)
        self.aortic_radius = min(p.aortic_radius, 0.60 * self.lv_radius)

        # left atrium: semi-axes right-left, front-back, up-down for the drawn volume; veins and appendage come on top
        size = p.la_scale * (0.72 * p.la_volume * 1e3 * 0.75 / np.pi) ** (1 / 3)
        turn = np.radians(p.la_turn)
        self.la_axes = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1.0]])
        self.la_semi = size * np.array([p.la_width, p.la_depth, p.la_height])
        self.la_semi *= size / np.cbrt(self.la_semi.prod())

        # positions, the base of the left ventricle being at 0 for the moment
        mitral = -0.30 * self.lv_radius * self.to_aorta
        tilt = np.tan(np.radians(p.mitral_tilt))
        self.mitral_normal = unit(self.axis + tilt * self.to_aorta)
        aortic = mitral + self.to_aorta * (0.85 * self.mitral_radius + self.aortic_radius) - 5.0 * self.axis
        self.aortic_normal = unit(-0.35 * self.axis + 0.1 * self.septal + np.array([0.08, 0.03, 0.75]))
        to_la = unit(-self.axis + np.array([0.15, -0.35, 0.22]))
        la = mitral + to_la * 0.85 * support(self.la_semi, self.la_axes, to_la)
        centre = (la + EQUATOR * self.lv_length * self.axis) / 2
        self.base, self.mitral, self.aortic, self.la = (-centre, mitral - centre, aortic - centre, la - centre)
        self.roof = self.la[2] + self.la_semi[2]

    # left heart

    @cached_property
    def left_ventricle(self) -> LeftVentricle:
        p, radius = self.patient, self.lv_radius
        axes = np.stack([self.septal, self.anterior, self.axis], axis=1)
        semi = np.array([radius * p.lv_eccentricity, radius / p.lv_eccentricity, (1 - EQUATOR) * self.lv_length])
        body = Ellipsoid(self.base + EQUATOR * self.lv_length * self.axis, axes, semi)
        inlet = Cone(
            self.mitral, self.mitral + 0.30 * self.lv_length * self.axis, self.mitral_radius, 0.8 * self.mitral_radius
        )
        start = self.base + 0.25 * self.lv_length * self.axis + 0.25 * radius * self.to_aorta
        outflow = Cone(start, self.aortic + 3 * self.aortic_normal, 0.5 * radius, self.aortic_radius)
        return LeftVentricle(
            body, inlet, outflow, self.base, self.axis, (self.mitral, self.mitral_normal),
            (self.aortic, self.aortic_normal), self.aneurysms, self.septal_bulge,
        )  # fmt: skip

    def on_endocardium(self, angle: float, height: float) -> np.ndarray:
        """Point (3,) of the cavity's wall: angle in degrees from the septum to the anterior wall, height as a fraction
        of the length from base to apex."""
        profile = np.sqrt(max(0.0, 1 - ((height - EQUATOR) / (1 - EQUATOR)) ** 2))
        return self.around(angle, height, profile * self.lv_radius)

    def around(self, angle: float, height: float, radius: float) -> np.ndarray:
        """Point (3,) at `radius` mm from the ventricle's axis; angle and height as in `on_endocardium`."""
        a = np.radians(angle)
        return (
            self.base
            + height * self.lv_length * self.axis
            + radius * (np.cos(a) * self.septal + np.sin(a) * self.anterior)
        )

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
        centre = self.on_endocardium(20.0, 0.16) + (radius - depth) * self.septal
        axes = np.stack([self.septal, self.anterior, self.axis], axis=1)
        return (Ellipsoid(centre, axes, np.array([radius, 1.2 * radius, radius])),)

    @cached_property
    def myocardium(self) -> Myocardium:
        p = self.patient
        unevenness = Waves.draw(random_stream(p.seed, Stream.WALL), 4, (25.0, 70.0), p.unevenness)
        return Myocardium(
            self.left_ventricle, self.septal, self.lv_length, p.wall, p.septum, p.apex_wall, unevenness, self.scar
        )

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
        return atrial_body(
            self.patient, frame, self.mitral, self.mitral_normal, self.mitral_radius, Union(tuple(behind))
        )

    @cached_property
    def pulmonary_veins(self) -> list[Union]:
        return pulmonary_veins(self.patient, AtrialFrame(self.la, self.la_axes, self.la_semi))

    @cached_property
    def appendage(self) -> Union:
        obstacles = ((self.myocardium, 2.0), (self.pulmonary_artery, 2.0), (self.ascending_aorta, 2.0))
        return appendage(self.patient, AtrialFrame(self.la, self.la_axes, self.la_semi), obstacles)

    # aorta and pulmonary artery

    @cached_property
    def ascending_aorta(self) -> Shape:
        """Root with its sinuses, ascending aorta and arch, starting at the annulus."""
        p = self.patient
        n, r = self.aortic_normal, p.ascending_radius
        root = Ellipsoid(self.aortic + 9 * n, np.eye(3), np.full(3, 1.30 * self.aortic_radius))
        top = self.arch_height
        path = [
            self.aortic - 2 * n,
            self.aortic + 20 * n,
            np.array([self.aortic[0] + 15, self.aortic[1] + 8, 0.5 * self.aortic[2] + 0.5 * top]),
            np.array([self.aortic[0] + 10, self.aortic[1] + 2, top]),
            np.array([0.5 * (self.aortic[0] + self.spine[0] - 22), 0.5 * (self.aortic[1] + self.spine[1]), top + 18]),
            np.array([self.spine[0] - 24, self.spine[1] + 16, top + 2]),
        ]
        d = p.descending_radius
        trunk = tube(path, [self.aortic_radius, 0.5 * (self.aortic_radius + r), r, r, 0.9 * r, d])
        return Cut(Union((root, trunk), 4.0), self.aortic, -n)

    @cached_property
    def arch_height(self) -> float:
        return max(self.roof + 48, self.aortic[2] + 70)

    @cached_property
    def descending_place(self) -> tuple[float, float]:
        """x and y of the descending aorta behind the left atrium."""
        d = self.patient.descending_radius
        return self.spine[0] - 12 - 0.75 * d, self.spine[1] + 0.75 * self.patient.spine_radius + 0.6 * d

    @cached_property
    def descending_aorta(self) -> Union:
        d, top = self.patient.descending_radius, self.arch_height
        x, y = self.descending_place
        heights = [top + 2, self.la[2], self.la[2] - 70, self.la[2] - 170]
        path = [
            np.array([self.spine[0] - 24, self.spine[1] + 16, heights[0]]),
            np.array([x, y, heights[1]]),
            np.array([x + 6, y + 4, heights[2]]),
            np.array([x + 12, y + 8, heights[3]]),
        ]
        return tube(path, [d, d, 0.95 * d, 0.85 * d])

    @cached_property
    def pulmonary_valve(self) -> np.ndarray:
        """In front of the aortic root, to its left and a little above."""
        valve = self.aortic + np.array([-0.9, 1.35, 0.9]) * (self.patient.pulmonary_radius + 4)
        return settle([valve], self.myocardium, self.patient.pulmonary_radius + 1, only_outwards=True)[0]

    @cached_property
    def pulmonary_artery(self) -> Union:
        r = self.patient.pulmonary_radius
        fork = np.array([self.la[0] - 20, self.la[1] + 10, self.roof + r + 6])
        middle = 0.5 * (self.pulmonary_valve + fork) + np.array([-3.0, 6, 2])
        trunk = tube([self.pulmonary_valve, middle, fork], [r, r, 0.95 * r])
        right = tube(
            [fork, self.la + [12, 2, self.roof - self.la[2] + 0.75 * r + 3],
             self.la + [42, -6, self.roof - self.la[2] + 4], self.la + [68, -16, 6]],
            [0.75 * r, 0.72 * r, 0.62 * r, 0.4 * r],
        )  # fmt: skip
        left = tube(
            [fork, self.la + [-44, -14, self.roof - self.la[2] + 14], self.la + [-62, -34, 0]],
            [0.8 * r, 0.68 * r, 0.4 * r],
        )
        return Union((*trunk.parts, *right.parts, *left.parts))

    # right heart

    @cached_property
    def tricuspid(self) -> tuple[np.ndarray, np.ndarray]:
        """Centre and normal (towards the ventricle) of the tricuspid valve."""
        reach = self.lv_radius + self.patient.septum + 10
        centre = self.base + 0.95 * reach * self.septal - 6 * self.anterior + 4 * self.axis
        return centre, unit(self.axis + np.array([-0.25, 0.1, 0.0]))

    @cached_property
    def right_ventricle(self) -> Union:
        """A body wrapped round the septum (the wall of the left ventricle is painted first) and the outflow tract."""
        p = self.patient
        outer = self.lv_radius + p.septum
        size = p.rv_size * (0.5 + 0.5 * 34 / outer)  # a dilated left ventricle does not dilate the right one as much
        centre = self.base + 0.42 * self.lv_length * self.axis + 0.92 * outer * self.septal - 5 * self.anterior
        axes = np.stack([self.septal, self.anterior, self.axis], axis=1)
        semi = outer * size * np.array([0.86, 1.12, 1.0])
        semi[2] = 0.54 * self.lv_length * min(1.05, p.rv_size)
        body = Cut(Ellipsoid(centre, axes, semi), self.tricuspid[0], -self.tricuspid[1], 3.0)
        r = p.pulmonary_radius
        start = centre + 0.35 * semi[1] * self.anterior + 0.1 * semi[0] * self.septal
        middle = 0.5 * (start + self.pulmonary_valve) + 4 * self.septal
        outflow = tube([start, middle, self.pulmonary_valve], [1.3 * r, 1.1 * r, 0.95 * r])
        return Union((body, *outflow.parts), 6.0)

    @cached_property
    def right_atrium(self) -> Shape:
        p, (valve, normal) = self.patient, self.tricuspid
        semi = p.ra_size * np.array([25.5, 25.5, 31.0])
        to_ra = unit(-normal + np.array([0.15, -0.35, 0.0]))
        centre = valve + to_ra * 0.85 * support(semi, np.eye(3), to_ra)
        body = Ellipsoid(centre, np.eye(3), semi)
        funnel = Cone(centre, valve + 2 * normal, 0.7 * semi.min(), 16.0 * p.ra_size)
        lobe = tube([centre + [0, 8, 14], centre + [-2, 26, 24], centre + [-14, 34, 26]], [12, 10, 5])
        return Cut(Union((body, funnel, *lobe.parts), 6.0), valve, normal)

    @cached_property
    def atrial_centre(self) -> np.ndarray:
        """Centre of the right atrium's body."""
        return self.right_atrium.shape.parts[0].centre

    @cached_property
    def cava_course(self) -> list[np.ndarray]:
        """Course of the superior vena cava, points (3,) from the right atrium upwards."""
        ra, top = self.atrial_centre, self.roof + 72
        return [ra + [2, -8, 10], np.array([ra[0] + 2, ra[1] - 12, self.roof + 8]), np.array([ra[0], ra[1] - 6, top])]

    @cached_property
    def superior_cava(self) -> Union:
        r = 0.85 * self.patient.cava_radius
        return tube(self.cava_course, [1.1 * r, r, 0.9 * r])

    @cached_property
    def inferior_cava(self) -> Union:
        ra, r = self.atrial_centre, 1.15 * self.patient.cava_radius
        path = [ra + [0, -8, -12], ra + [-2, -14, -36], np.array([self.spine[0] + 24, self.spine[1] + 34, ra[2] - 90])]
        path.append(path[-1] + [0, -6, -90])
        return tube(path, [r, r, r, 0.9 * r])

    # neighbours that the layout depends on

    @cached_property
    def spine(self) -> np.ndarray:
        """Centre of the vertebral body behind the left atrium."""
        p = self.patient
        behind = self.la[1] - self.la_semi[1] - 1.6 * p.oesophagus_radius - p.spine_gap - p.spine_radius
        return np.array([self.la[0] + p.spine_shift, behind, self.la[2]])

    @cached_property
    def hernia(self) -> Ellipsoid | None:
        """A part of the stomach that has slipped through the diaphragm, behind and below the left atrium."""
        r = self.patient.hernia
        if not r:
            return None
        place = self.spine + [-6.0, self.patient.spine_radius + 0.8 * r, -self.la_semi[2] - 0.7 * r - 8]
        return Ellipsoid(place, np.eye(3), r * np.array([1.25, 0.9, 1.0]))
