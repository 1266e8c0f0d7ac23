"""Valve snapping: the ventricle's two openings, and the atrium's one, where the scan shows the hinges of the valves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike

import numpy as np
import torch
from monai.transforms import Transform
from numpy.typing import NDArray

from ...anatomy.finding import MITRAL, OUTLET
from ...anatomy.outlet import find_outlet
from ...anatomy.planes import Plane, Surface, unit
from ...anatomy.ring_motion import ORDERS, PLANE, limited, motion, seen_from, waves_at, waves_of
from ...anatomy.rings import ANGLES, Ring, sections
from ...anatomy.valves import MITRAL_GAP, valve_between
from ...anatomy.ventricle import apex_of
from ...mesh import Mesh
from ...networks.hinge_network import HingeNetwork
from ...networks.weights import Trained
from ...profiles import Scan
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ..record import Record

AORTIC_RADIUS = 12.0
"""mm, of the circle that the aortic annulus is first taken for."""
SURE_MM = 1.0
"""Spread of a valve's hinges, round the ring and of the less sure direction, up to which they count as seen."""
WITHIN, HEIGHT, FACING = 0.8, 10.0, 0.6
"""Where the ventricle ends at the aortic annulus: share of the ring's radius, mm from its disc, and cosine between the
normals."""
LEAST_MM2 = 60.0
"""Of the surface that ends there, below which it stays where it is."""
LEVEL = 0.05
"""Of the surface's weight, for its end being no more tilted than the ring."""


class SnapToValvesd(Transform):
    """The record's `meshes` and `varied_meshes` moved so that LA and LV end at the mitral valve's hinges in its `scan`,
    and LV at the aortic valve's; the record gets the two annuli, as far as they are seen, as `annuli`.

    A ring is read off the surfaces, and a network tells in sections across it how far the hinges are from there. The
    waves of low order that agree with what is certain are carried into space, evenly over the ring's disc and fading
    out round it: one smooth motion, which all surfaces of the case go with, so that none meet that did not before. The
    aortic ring is first looked for, for the surfaces hardly show it, and then the ventricle's end there is laid into
    its plane.

    Surfaces that hardly face each other stay as they are, and so does a case without a `scan` or without both chambers.

    Args:
        mitral, aortic: networks that read the sections; always on the CPU, for they are small.
        mitral_checkpoint, aortic_checkpoint: their state dicts, loaded with the first case.
        share: of the way that is gone, 0 to 1.
        reach_mm: from a ring and its disc, where the motion ends.
        rounds: of looking.
    """

    def __init__(
        self,
        mitral: HingeNetwork,
        aortic: HingeNetwork,
        mitral_checkpoint: str | PathLike,
        aortic_checkpoint: str | PathLike,
        share: float,
        reach_mm: float,
        rounds: int,
    ) -> None:
        self.mitral, self.aortic = Trained(mitral, mitral_checkpoint), Trained(aortic, aortic_checkpoint)
        self.share = share
        self.reach_mm = reach_mm
        self.rounds = rounds

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        if self.share == 0 or "scan" not in record:
            return record
        with timed(record["seconds"], "valves"):
            networks = self.mitral(), self.aortic()
            versions = [record["meshes"], *record.get("varied_meshes", ())]
            found = side_by_side([partial(self._snapped, *networks, meshes, record["scan"]) for meshes in versions])
            (record["meshes"], record["annuli"]), *varied = found
            if varied:
                record["varied_meshes"] = [meshes for meshes, _ in varied]
        return record

    def _snapped(
        self, mitral: HingeNetwork, aortic: HingeNetwork, meshes: Sequence[Mesh], scan: Scan
    ) -> tuple[list[Mesh], Mapping[str, Plane]]:
        """The meshes, and the annuli that are seen."""
        moved, annuli = list(meshes), {}
        both = _left_heart(moved)
        valve = valve_between(*both, MITRAL_GAP) if len(both) == 2 else None
        if valve is None:
            return moved, annuli
        ring = Ring.of(valve)
        for _ in range(self.rounds):
            aside, along, spread = look(mitral, scan, ring)
            moved = self._with(moved, ring, aside, along)
            ring = ring.moved(waves_at(ANGLES) @ aside, waves_at(ANGLES) @ along)
        if spread <= SURE_MM:
            annuli[MITRAL] = ring.plane
        atrium, ventricle = _left_heart(moved)
        axis = unit(apex_of(ventricle, ring.plane) - ring.centre)
        start = find_outlet(atrium, ventricle, ring.plane, axis, scan)
        if start is None:
            return moved, annuli
        ring = Ring.round(start, AORTIC_RADIUS)
        for _ in range(self.rounds + 1):
            aside, along, spread = look(aortic, scan, ring)
            ring = ring.moved(waves_at(ANGLES) @ aside, waves_at(ANGLES) @ (along * PLANE))
        if spread <= SURE_MM:
            annuli[OUTLET] = ring.plane
            moved = self._with(moved, ring, np.zeros(len(ORDERS)), end_to(ring, ventricle))
        return moved, annuli

    def _with(self, meshes: Sequence[Mesh], ring: Ring, aside: NDArray, along: NDArray) -> list[Mesh]:
        """Meshes that go with a ring which moves by waves, as far as the share."""
        ways = self.share * aside, self.share * along
        return [
            mesh._replace(vertices=mesh.vertices + motion(mesh.vertices, ring, *ways, self.reach_mm)) for mesh in meshes
        ]


def look(network: HingeNetwork, scan: Scan, ring: Ring) -> tuple[NDArray, NDArray, float]:
    """Amplitudes (W,) in mm of the waves from a ring to the hinges, away from its axis and along it, and their spread
    in mm, on average round the ring and of the less sure direction."""
    with torch.inference_mode():
        told = network(torch.from_numpy(sections(scan, ring))[None])
    offsets, spreads = (each[0].double().numpy() for each in told)
    aside, along = (waves_of(offsets[:, at], spreads[:, at]) for at in (0, 1))
    return aside, along, float(np.exp(spreads).mean(0).max())


def end_to(ring: Ring, ventricle: Surface) -> NDArray[np.float64]:
    """Amplitudes (W,) in mm of the waves along a ring's axis by which the ventricle's end comes to lie in its disc; 0
    where too little of the surface ends there."""
    seen, amplitudes = seen_from(ring, ventricle.vertices), np.zeros(len(ORDERS))
    faces = (seen.share < WITHIN) & (np.abs(seen.height) < HEIGHT) & (ventricle.normals @ ring.normal > FACING)
    areas = ventricle.areas[faces]
    if areas.sum() < LEAST_MM2:
        return amplitudes
    waves = (waves_at(seen.angle[faces]) * seen.share[faces, None] ** ORDERS)[:, PLANE]
    weighted = waves.T * areas
    penalty = np.diag(LEVEL * areas.sum() * (ORDERS[PLANE] > 0))
    amplitudes[PLANE] = -np.linalg.solve(weighted @ waves + penalty, weighted @ seen.height[faces])
    return limited(amplitudes)


def _left_heart(meshes: Sequence[Mesh]) -> list[Surface]:
    """The surfaces of LA and LV, as far as they are there."""
    return [Surface.of(mesh) for name in ("LA", "LV") for mesh in meshes if mesh.name == name]
