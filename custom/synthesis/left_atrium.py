"""The shapes of the left atrium: its body, two to five pulmonary veins, and appendages of four forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .annulus import Annulus, Atrium
from .population import Patient
from .shapes import Cone, Difference, Ellipsoid, Shape, Superellipsoid, Union, settle, tube, unit
from .streams import stream


@dataclass(frozen=True)
class AtrialFrame:
    """Centre (3,), axes (3, 3) and semi-axes (3,) of the atrium, mm: right, front, up."""

    centre: np.ndarray
    axes: np.ndarray
    semi: np.ndarray

    def at(self, right: float, front: float, up: float) -> np.ndarray:
        """The point (3,) at fractions of the semi-axes."""
        return self.centre + self.axes @ (self.semi * np.array([right, front, up]))


def atrial_body(patient: Patient, frame: AtrialFrame, mitral: Annulus, behind: Shape) -> Atrium:
    """The atrium without veins and appendage, narrowing to the mitral annulus and dented by what lies behind it.

    Args:
        patient: the stream of its atrium decides the irregular form.
        frame: where the atrium is.
        mitral: the annulus.
        behind: spine and descending aorta; the atrium keeps off by gullet and fat.
    """
    rng = stream(patient.seed, "left atrium")
    parts: list[Shape] = [Superellipsoid(frame.centre, frame.axes, frame.semi, patient.la_fill)]
    for _ in range(2):  # no atrium is an ellipsoid: two lesser ones lean to random sides of it
        shift = rng.uniform(-0.28, 0.28, 3)
        parts.append(Ellipsoid(frame.at(*shift), frame.axes, frame.semi * rng.uniform(0.65, 0.85, 3)))
    body = Difference(Union(tuple(parts), 8.0), behind, 1.6 * patient.oesophagus_radius * rng.uniform(0.3, 1.0), 6.0)
    return Atrium(body, mitral, frame.centre, patient.vestibule)


def pulmonary_veins(patient: Patient, frame: AtrialFrame, body: Shape) -> list[Union]:
    """The veins from the back of the atrium to the lungs: on the right two, three or a common one; on the left two, a
    common trunk or three.

    Two right ostia in 71 %, three to five in 28 %; a common left trunk in 14 %: Marom et al., Radiology 2004.
    """
    p, rng = patient, stream(patient.seed, "pulmonary veins")
    upper, lower, middle = (0.45, 0.15, 1.0), (-0.38, -0.45, -1.0), (0.02, -0.2, 0.1)
    right = [upper, lower] if p.right_veins < 0.71 else [upper, middle, lower]
    left = [upper, lower] if p.left_veins < 0.97 else [upper, middle, lower]
    veins = []
    for side, rows, common in ((1, right, p.right_veins > 0.98), (-1, left, 0.80 < p.left_veins < 0.95)):
        size = p.vein_radius * min(1.0, frame.semi[2] / 22)
        trunk, neck = [], None
        if common:
            start = frame.at(0.62 * side, -0.25 + rng.normal(0, 0.08), 0.10 + rng.normal(0, 0.10))
            start = rooted(start, body, size)
            neck = start + unit(np.array([side, -0.2 + rng.normal(0, 0.2), rng.normal(0, 0.15)])) * (
                0.45 * frame.semi[0] + rng.uniform(4, 16)
            )
            trunk.extend(tube([start, neck], [1.7 * size, 1.25 * size]).parts)
        for lift, forward, height in rows:
            forward += rng.normal(0, 0.2)
            radius = size * rng.uniform(0.7, 1.25) * (0.7 if rows is right and height == 0.1 else 1.0)
            direction = unit(np.array([side, forward, 0.30 * height + rng.normal(0, 0.17)]))
            depth, high = -0.25 + rng.normal(0, 0.10), lift + rng.normal(0, 0.07)
            start = (
                rooted(frame.at(rng.uniform(0.55, 0.68) * side, depth, high), body, radius) if neck is None else neck
            )
            bend = start + direction * (0.45 * frame.semi[0] + 10)
            end = bend + unit(np.array([side, forward - 0.25, 0.7 * height + rng.normal(0, 0.2)])) * rng.uniform(18, 30)
            vein = tube([start, bend, end], [1.15 * radius, radius, 0.6 * radius])
            if neck is None:
                veins.append(vein)
            else:
                trunk.extend(vein.parts)
        if common:
            veins.append(Union(tuple(trunk)))
    return veins


def rooted(point: np.ndarray, body: Shape, radius: float) -> np.ndarray:
    """The point (3,), moved so far into a body that a tube of this radius, mm, begins within it."""
    depth = -0.6 * radius
    return point if body.distance_at(point) < depth else settle([point], body, depth, steps=8)[0]


#: Form of the appendage: share of patients, directions of its three pieces, range of the number of lobes, and
#: relative length and radius. Shares: Di Biase et al., J Am Coll Cardiol 2012.
APPENDAGES = {
    "chicken wing": (0.48, ([-0.75, 0.55, 0.35], [-0.30, 0.95, 0.15], [0.65, 0.65, -0.35]), (0, 2), 1.0, 1.0),
    "cactus": (0.30, ([-0.75, 0.55, 0.35], [-0.50, 0.85, 0.10], [-0.10, 0.95, -0.20]), (2, 5), 0.8, 1.0),
    "windsock": (0.19, ([-0.75, 0.60, 0.30], [-0.50, 0.80, 0.05], [-0.20, 0.95, -0.20]), (0, 3), 1.1, 0.9),
    "cauliflower": (0.03, ([-0.80, 0.50, 0.30], [-0.55, 0.80, 0.10], [-0.30, 0.90, -0.05]), (4, 7), 0.6, 1.25),
}


def appendage(patient: Patient, frame: AtrialFrame, body: Shape, obstacles: tuple[tuple[Shape, float], ...]) -> Union:
    """From the left upper front corner of the atrium forwards, beside the pulmonary trunk, over the left groove.

    Args:
        patient: `appendage_form` chooses among `APPENDAGES` by their shares.
        frame, body: where the atrium is, and its body.
        obstacles: shapes the appendage keeps off, and by how many mm.
    """
    rng = stream(patient.seed, "left appendage")
    shares = np.cumsum([share for share, *_ in APPENDAGES.values()])
    form = min(int(np.searchsorted(shares, patient.appendage_form)), len(APPENDAGES) - 1)
    _, turns, lobes, relative_length, relative_radius = list(APPENDAGES.values())[form]
    length = patient.appendage_length * relative_length
    radius = patient.appendage_radius * relative_radius * min(1.0, frame.semi[2] / 24)
    path = [rooted(frame.at(-0.62, 0.30 + rng.normal(0, 0.06), 0.42 + rng.normal(0, 0.10)), body, radius)]
    for turn in turns:
        path.append(path[-1] + length / 3 * unit(np.array(turn) + rng.normal(0, 0.2, 3)))
    for obstacle, gap in obstacles:
        path[1:] = settle(path[1:], obstacle, 0.75 * radius + gap, only_outwards=True)
    taper = rng.uniform(0.35, 0.75)
    parts = list(tube(path, [rng.uniform(0.75, 1.05) * radius, radius, 0.85 * radius, taper * radius]).parts)
    for _ in range(rng.integers(*lobes, endpoint=True)):
        foot = path[int(rng.integers(1, 4))]
        size = radius * rng.uniform(0.4, 0.65)
        tip = foot + unit(rng.normal(size=3) + [-0.4, 0.5, 0.0]) * radius * rng.uniform(1.0, 1.9)
        for obstacle, gap in obstacles:
            tip = settle([tip], obstacle, size + gap, only_outwards=True)[0]
        parts.append(Cone(foot, tip, 1.1 * size, 0.8 * size))
    return Union(tuple(parts))
