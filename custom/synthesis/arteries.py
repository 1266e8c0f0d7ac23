"""Aorta and pulmonary artery as implicit shapes on a heart's layout; each named part is a shape."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .layout import Layout
from .semilunar import SemilunarValve
from .shapes import Cut, Shape, Union, settle, tube, unit


class GreatArteries:
    """What leaves a heart; the pulmonary valve lies clear of the left ventricle's muscle."""

    def __init__(self, layout: Layout, myocardium: Shape) -> None:
        self.layout, self.patient, self.myocardium = layout, layout.patient, myocardium

    # aorta

    @cached_property
    def aortic_valve(self) -> SemilunarValve:
        """The right coronary cusp lies away from the mitral valve."""
        h, p = self.layout, self.patient
        return SemilunarValve(
            h.aortic, h.aortic_normal, h.aortic_radius, h.aortic - h.mitral.centre, p.aortic_opening,
            p.leaflet_thickness,
        )  # fmt: skip

    @cached_property
    def aortic_root(self) -> Shape:
        """From the annulus to the sinotubular junction."""
        valve, r = self.aortic_valve, 0.5 * (self.layout.aortic_radius + self.patient.ascending_radius)
        n, centre = valve.normal, valve.centre
        core = tube([centre - 2 * n, centre + 10 * n, centre + 22 * n], [valve.radius, valve.radius, 0.92 * r], 2)
        return Cut(Union((valve.root(self.patient.sinuses), *core.parts), 3.0), centre, -n)

    @cached_property
    def aorta(self) -> Union:
        """From the junction over the arch to the back."""
        p, n, r, aortic = self.patient, self.layout.aortic_normal, self.patient.ascending_radius, self.layout.aortic
        top, spine = self.arch_height, self.layout.spine
        path = [
            aortic + 14 * n,
            aortic + 28 * n,
            np.array([aortic[0] + 17, aortic[1] + 9, 0.5 * aortic[2] + 0.5 * top + 4]),
            np.array([aortic[0] + 10, aortic[1] + 2, top]),
            np.array([0.5 * (aortic[0] + spine[0] - 22), 0.5 * (aortic[1] + spine[1]), top + 18]),
            np.array([spine[0] - 24, spine[1] + 16, top + 2]),
        ]
        start = 0.5 * (self.layout.aortic_radius + r)
        return tube(path, [start, 0.5 * (start + r), r, r, 0.9 * r, p.descending_radius])

    @cached_property
    def arch_height(self) -> float:
        return max(self.layout.roof + 48, self.layout.aortic[2] + 70)

    @cached_property
    def descending_aorta(self) -> Union:
        d, top, la = self.patient.descending_radius, self.arch_height, self.layout.la
        x, y = self.layout.descending_place
        heights = [top + 2, la[2], la[2] - 70, la[2] - 170]
        path = [
            np.array([self.layout.spine[0] - 24, self.layout.spine[1] + 16, heights[0]]),
            np.array([x, y, heights[1]]),
            np.array([x + 6, y + 4, heights[2]]),
            np.array([x + 12, y + 8, heights[3]]),
        ]
        return tube(path, [d, d, 0.95 * d, 0.85 * d])

    # pulmonary artery

    @cached_property
    def pulmonary_valve(self) -> SemilunarValve:
        """In front of the aortic root, to its left and a little above, looking up and to the back."""
        p, h = self.patient, self.layout
        place = h.aortic + np.array([-0.9, 1.35, 0.9]) * (p.pulmonary_radius + 4)
        place = settle([place], self.myocardium, p.pulmonary_radius + 1, only_outwards=True)[0]
        place = settle([place], self.aortic_root, p.pulmonary_radius + 3, only_outwards=True)[0]
        normal = unit(unit(self.fork - place) + np.array([-0.1, 0.0, 0.5]))
        return SemilunarValve(
            place, normal, p.pulmonary_radius, np.array([0.0, 1.0, 0.0]), p.pulmonary_opening, p.leaflet_thickness
        )

    @cached_property
    def fork(self) -> np.ndarray:
        """Bifurcation of the pulmonary trunk (3,)."""
        return np.array(
            [self.layout.la[0] - 20, self.layout.la[1] + 10, self.layout.roof + self.patient.pulmonary_radius + 6]
        )

    @cached_property
    def pulmonary_trunk(self) -> Union:
        """From the valve to the bifurcation, with shallow sinuses."""
        r, valve = self.patient.pulmonary_radius, self.pulmonary_valve
        first = valve.centre + 12 * valve.normal
        middle = 0.5 * (first + self.fork) + np.array([-2.0, 4, 2])
        path = [valve.centre - 4 * valve.normal, first, middle, self.fork]
        parts = (*tube(path, [r, 1.06 * r, r, 0.95 * r], 3).parts, valve.root(1.15))
        return Union(tuple(Cut(part, valve.centre, -valve.normal) for part in parts))

    @cached_property
    def pulmonary_branches(self) -> Union:
        r, la, fork, roof = self.patient.pulmonary_radius, self.layout.la, self.fork, self.layout.roof
        right = tube(
            [fork, la + [12, 2, roof - la[2] + 0.75 * r + 3], la + [42, -6, roof - la[2] + 4], la + [68, -16, 6]],
            [0.75 * r, 0.72 * r, 0.62 * r, 0.4 * r],
        )
        left = tube([fork, la + [-44, -14, roof - la[2] + 14], la + [-62, -34, 0]], [0.8 * r, 0.68 * r, 0.4 * r])
        return Union((*right.parts, *left.parts))
