"""Valve snapping: space round the mitral annulus moved so that the surfaces end at the hinges that the scan shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from os import PathLike

import numpy as np
import torch
from monai.transforms import Transform
from numpy.typing import NDArray

from ...anatomy.planes import Surface, polar
from ...anatomy.rings import ANGLES, Ring, sections
from ...anatomy.valves import MITRAL_GAP, valve_between
from ...mesh import Mesh
from ...networks.hinge_network import HingeNetwork
from ...networks.weights import Trained
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ..record import Record

EXPECTED = np.repeat([2.5, 1.5, 0.8, 0.5, 0.4, 0.3], [1, 2, 2, 2, 2, 2])
"""mm, standard deviation of the waves round the ring by which it is off, the mean first."""
ORDERS = np.repeat(np.arange(6), [1, 2, 2, 2, 2, 2])
"""Of these waves, cosine before sine."""
ALIKE = 4.0
"""Neighbouring sections that tell the same: the network errs in them alike."""
MOST = 6.0
"""mm that a hinge is moved in one round, so that space does not fold within the reach."""


class SnapToHingesd(Transform):
    """The record's `meshes` and `varied_meshes` moved so that LA and LV end at the hinges of the mitral valve in its
    `scan`.

    The ring on which both end is read off the surfaces, and the network tells in sections across it how far the hinges
    are from there. The waves of low order that agree with what is certain are carried into space, evenly over the
    ring's disc and fading out round it: one smooth motion, which all surfaces of the case go with, so that none meet
    that did not before.

    Surfaces that hardly face each other stay as they are, and so does a case without a `scan` or without both chambers.

    Args:
        network: reads the sections; always on the CPU, for it is small.
        checkpoint: its state dict, loaded with the first case.
        share: of the way that is gone, 0 to 1.
        reach_mm: from the ring and its disc, where the motion ends.
        rounds: of looking and moving.
    """

    def __init__(
        self, network: HingeNetwork, checkpoint: str | PathLike, share: float, reach_mm: float, rounds: int
    ) -> None:
        self.network = Trained(network, checkpoint)
        self.share = share
        self.reach_mm = reach_mm
        self.rounds = rounds

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        if self.share == 0 or "scan" not in record:
            return record
        with timed(record["seconds"], "valves"):
            network = self.network()
            versions = [record["meshes"], *record.get("varied_meshes", ())]
            calls = [partial(self._snapped, network, meshes, record) for meshes in versions]
            record["meshes"], *varied = side_by_side(calls)
            if varied:
                record["varied_meshes"] = varied
        return record

    def _snapped(self, network: HingeNetwork, meshes: Sequence[Mesh], record: Record) -> list[Mesh]:
        both = [mesh for name in ("LA", "LV") for mesh in meshes if mesh.name == name]
        valve = valve_between(*map(Surface.of, both), MITRAL_GAP) if len(both) == 2 else None
        if valve is None:
            return list(meshes)
        ring, vertices = Ring.of(valve), [mesh.vertices for mesh in meshes]
        for _ in range(self.rounds):
            with torch.inference_mode():
                told = network(torch.from_numpy(sections(record["scan"], ring))[None])
            offsets, spreads = (each[0].double().numpy() for each in told)
            aside, along = (waves_of(offsets[:, at], spreads[:, at]) for at in (0, 1))
            aside, along = self.share * aside, self.share * along
            vertices = [each + motion(each, ring, aside, along, self.reach_mm) for each in vertices]
            ring = ring.moved(waves_at(ANGLES) @ aside, waves_at(ANGLES) @ along)
        return [mesh._replace(vertices=each) for mesh, each in zip(meshes, vertices, strict=True)]


def waves_at(angles: NDArray) -> NDArray[np.float64]:
    """(P, W) values of the waves at angles (P,)."""
    phases = angles[:, None] * ORDERS
    return np.where(np.arange(len(ORDERS)) % 2 == 0, np.sin(phases), np.cos(phases)) + (ORDERS == 0)


def waves_of(offsets: NDArray, spreads: NDArray) -> NDArray[np.float64]:
    """Amplitudes (W,) of the waves that agree best with offsets (SECTIONS,) of so much spread, as logarithms: ridge
    regression, by what is expected."""
    basis, weights = waves_at(ANGLES), np.exp(-2 * spreads) / ALIKE
    weighted = basis.T * weights
    amplitudes = np.linalg.solve(weighted @ basis + np.diag(EXPECTED**-2), weighted @ offsets)
    furthest = np.abs(basis @ amplitudes).max()
    return amplitudes * min(1.0, MOST / max(furthest, 1e-9))


def motion(points: NDArray, ring: Ring, aside: NDArray, along: NDArray, reach_mm: float) -> NDArray[np.float64]:
    """Displacements (P, 3) in mm of points (P, 3) with a ring whose points move by waves of amplitudes (W,).

    On the disc within the ring a wave of order k fades with the k-th power of the distance from the axis, as harmonic
    functions do: the mean moves it, the first order tilts it. Elsewhere it fades with the distance d from ring and disc,
    by (1 - d²/reach²)².

    Args:
        points: RAS mm.
        ring: before it moves.
        aside, along: away from its axis, and along its normal.
        reach_mm: where nothing moves any more.
    """
    radius, angle = polar(points, ring.centre, ring.normal)
    height = (points - ring.centre) @ ring.normal
    rim, level = (np.interp(angle, ANGLES, of, period=2 * np.pi) for of in (ring.radii, ring.heights))
    share = np.minimum(radius / rim, 1.0)
    away = np.hypot(np.maximum(radius - rim, 0.0), height - level * share)
    near = away < reach_mm
    fading = np.square(1 - np.square(away[near] / reach_mm))
    waves = waves_at(angle[near]) * share[near, None] ** ORDERS
    outward = points[near] - ring.centre
    outward -= (outward @ ring.normal)[:, None] * ring.normal
    outward *= (share / np.maximum(radius, 1e-9))[near, None]
    moves = np.zeros_like(points, dtype=np.float64)
    moves[near] = fading[:, None] * ((waves @ aside)[:, None] * outward + (waves @ along)[:, None] * ring.normal)
    return moves
