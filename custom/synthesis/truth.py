"""What is true of a generated patient beside its labels, from the shapes: landmarks, valve planes, ostia, regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..frames import apply_affine
from .heart import EQUATOR, Heart
from .painting import bending
from .population import Patient
from .shapes import Shape, unit
from .structures import LABELLED, Structure

#: Regions of the chambers: value in a map of regions, name, and what it is, in the order in which they are told apart.
REGIONS = {
    1: "LA body", 2: "LA appendage", 3: "LA veins", 4: "LA mitral side", 5: "LV wall", 6: "LV mitral side",
    7: "LV aortic outlet",
}  # fmt: skip
NEAR_VALVE = 5.0  # mm from an annulus' surface: what of a chamber belongs to its valve's side


class Truth:
    """Landmarks of a patient in the scanner's RAS mm.

    Shapes live in the upright, unbent patient; `to_scanner` brings their points to where they are painted.

    Args:
        patient: as it is at a moment.
        shift: (3,) RAS mm by which everything lies back, of `Case`.
    """

    def __init__(self, patient: Patient, shift: np.ndarray | float = 0.0) -> None:
        self.patient, self.heart, self.bend, self.shift = patient, Heart(patient), bending(patient), shift

    def to_scanner(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the shapes' frame as RAS mm: the bending's inverse by iteration, then the pose."""
        points = np.asarray(points, dtype=float)
        found = points.copy()
        for _ in range(12):
            shift = self.bend(torch.from_numpy(np.moveaxis(found, -1, 0).copy())).numpy()
            found = points - np.moveaxis(shift, 0, -1)
        return apply_affine(self.patient.pose, found) - self.shift

    def _from_scanner(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the scanner before the bending, which is where it is given."""
        return apply_affine(np.linalg.inv(self.patient.pose), points + self.shift)

    @property
    def apex_end(self) -> int:
        """Which end of the left ventricle's cavity lies farthest along its axis: 0 its own, 1 that of an aneurysm."""
        return int(np.argmax([end @ self.heart.axis for end in _ends(self.heart)]))

    def landmarks(self, apex_end: int | None = None) -> dict[str, Any]:
        """Points, planes and ostia as lists of numbers, RAS mm; a plane has centre, contour, and its normal along the
        blood's flow. Steps between slabs of a scan are not in them.

        Args:
            apex_end: which the apex is, as in another moment of the beat: the same point of the muscle; None: the
                farthest.
        """
        h = self.heart
        end = _ends(h)[self.apex_end if apex_end is None else apex_end]
        aortic, pulmonary, appendage = h.arteries.aortic_valve, h.arteries.pulmonary_valve, h.appendage
        first = appendage.parts[0]
        return {
            "mitral annulus": self._plane(h.mitral.contour(), h.mitral.normal),
            "tricuspid annulus": self._plane(h.right.tricuspid.contour(), h.right.tricuspid.normal),
            "aortic annulus": self._plane(_circle(aortic.centre, aortic.normal, aortic.radius), aortic.normal),
            "pulmonary annulus": self._plane(
                _circle(pulmonary.centre, pulmonary.normal, pulmonary.radius), pulmonary.normal
            ),
            "apex": self.to_scanner(end).round(3).tolist(),
            "septum": self.to_scanner(h.on_endocardium(0.0, EQUATOR)).round(3).tolist(),
            "pulmonary vein ostia": [self._ostium(vein.parts, -1.0) for vein in h.pulmonary_veins],
            "appendage ostium": self._ostium(appendage.parts, -1.0),
            "appendage tip": self.to_scanner(_tip(appendage.parts, first.start)).round(3).tolist(),
        }

    def regions(self, structures: torch.Tensor, affine: np.ndarray) -> torch.Tensor:
        """Regions (D0, D1, D2) uint8 of a structure map of this patient, values of `REGIONS`, 0 outside the chambers.

        Args:
            structures: (D0, D1, D2) uint8.
            affine: (4, 4) of the map, voxel -> RAS mm.
        """
        table = torch.zeros(256, dtype=torch.uint8)
        table[[int(structure) for structure in LABELLED["LA"]]] = 1
        table[int(Structure.LA_APPENDAGE)], table[int(Structure.LA_VEIN_STUMP)] = 2, 3
        table[[int(structure) for structure in LABELLED["LV"]]] = 5
        regions = table[structures.cpu().int()]
        voxels = regions.nonzero()
        points = torch.from_numpy(self._from_scanner(apply_affine(affine, voxels.numpy()))).T
        points = points + self.bend(points)
        below = self.heart.mitral.local(points)[2]
        aortic = self.heart.arteries.aortic_valve
        beyond = torch.from_numpy(aortic.normal) @ points - float(aortic.normal @ aortic.centre)
        values = regions[tuple(voxels.T)]
        values[(values == 5) & (below < NEAR_VALVE) & (beyond < -NEAR_VALVE)] = 6
        values[(values == 5) & (beyond >= -NEAR_VALVE)] = 7
        values[(values == 1) & (below > -NEAR_VALVE)] = 4
        regions[tuple(voxels.T)] = values
        return regions

    def _plane(self, contour: np.ndarray, normal: np.ndarray) -> dict[str, Any]:
        """Centre, normal and contour in the scanner; the normal is fitted to the contour, on the side of `normal`."""
        middle = contour.mean(axis=0)
        placed, ahead = self.to_scanner(contour), self.to_scanner(middle + normal) - self.to_scanner(middle)
        centre = placed.mean(axis=0)
        fitted = np.linalg.svd(placed - centre)[2][2]
        fitted *= np.sign(fitted @ ahead)
        values = {"centre": centre, "normal": fitted, "contour": placed}
        return {name: np.round(value, 3).tolist() for name, value in values.items()}

    def _ostium(self, parts: tuple[Any, ...], flow: float) -> dict[str, Any]:
        """Where a tube's course leaves the atrium's body."""
        centre, radius, direction = _crossing(parts, self.heart.atrial_body)
        return self._plane(_circle(centre, direction, radius), flow * direction)


def landmarks_of_beat(moments: Sequence[Truth]) -> list[dict[str, Any]]:
    """Landmarks of a heart at moments of its beat; the apex is one point of the muscle, chosen at the first."""
    return [moment.landmarks(moments[0].apex_end) for moment in moments]


def _ends(heart: Heart) -> list[np.ndarray]:
    """Where the left ventricle's cavity may end (3,), and where an aneurysm of it, if it has one."""
    return [heart.on_endocardium(0.0, 1.0), *(bulge.centre + bulge.semi * heart.axis for bulge in heart.aneurysms)]


def _circle(centre: np.ndarray, normal: np.ndarray, radius: float, count: int = 24) -> np.ndarray:
    """Points (count, 3)."""
    first = unit(np.cross(normal, [0.3, 0.9, 0.2]))
    second = np.cross(normal, first)
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return centre + radius * (np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second)


def _crossing(parts: tuple[Any, ...], body: Shape) -> tuple[np.ndarray, float, np.ndarray]:
    """Centre (3,), radius and direction (3,), outwards, where round cones in a row leave a body."""
    for part in parts:
        steps = np.linspace(0, 1, 9)[:, None]
        path = part.start + steps * (part.end - part.start)
        distance = body.distance(torch.from_numpy(path.T.copy())).numpy()
        outside = np.flatnonzero(distance > 0)
        if len(outside):
            share = float(steps[outside[0], 0])
            radius = part.start_radius + share * (part.end_radius - part.start_radius)
            return path[outside[0]], float(radius), unit(part.end - part.start)
    return parts[-1].end, float(parts[-1].end_radius), unit(parts[-1].end - parts[-1].start)


def _tip(parts: tuple[Any, ...], start: np.ndarray) -> np.ndarray:
    """Point (3,) of a tree's surface farthest from its root."""
    farthest = max(parts, key=lambda part: float(np.linalg.norm(part.end - start)) + part.end_radius)
    return farthest.end + farthest.end_radius * unit(farthest.end - farthest.start)
