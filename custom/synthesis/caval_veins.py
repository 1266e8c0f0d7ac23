"""Superior and inferior vena cava as implicit shapes."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .layout import Layout
from .shapes import Union, tube


class CavalVeins:
    """What enters a right atrium with centre and semi-axes (3,), mm."""

    def __init__(self, layout: Layout, atrial_centre: np.ndarray, atrial_semi: np.ndarray) -> None:
        self.layout, self.patient = layout, layout.patient
        self.atrial_centre, self.atrial_semi = atrial_centre, atrial_semi

    @cached_property
    def course(self) -> list[np.ndarray]:
        """Course of the superior vena cava, points (3,) from the right atrium upwards."""
        ra, top = self.atrial_centre, self.layout.roof + 72
        up = 0.6 * self.atrial_semi[2]
        return [
            ra + [2, -8, up], np.array([ra[0] + 2, ra[1] - 12, max(self.layout.roof + 8, ra[2] + up + 12)]),
            np.array([ra[0], ra[1] - 6, top]),
        ]  # fmt: skip

    @cached_property
    def superior(self) -> Union:
        r = 0.85 * self.patient.cava_radius
        return tube(self.course, [1.1 * r, r, 0.9 * r])

    @cached_property
    def inferior(self) -> Union:
        ra, r = self.atrial_centre, 1.15 * self.patient.cava_radius
        down, spine = self.atrial_semi[2], self.layout.spine
        path = [
            ra + [0, -8, -0.6 * down],
            ra + [-2, -13, -1.3 * down],
            np.array([spine[0] + 24, spine[1] + 34, ra[2] - 95]),
        ]
        path.append(path[-1] + [0, -6, -90])
        return tube(path, [r, r, r, 0.9 * r])
