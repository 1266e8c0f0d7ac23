"""Phases that help each other: the surfaces of a beat on one periodic motion."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from monai.transforms import Transform

from ...function.motion import periodic_fit
from ...function.sliding import without_fast_sliding, without_sliding
from ...mesh import Mesh
from ...metrics import dice
from ...runtime.threads import side_by_side
from ...runtime.timing import timed
from ..quality.checks import seen_and_inside
from ..quality.doubt import BY_NAME
from ..record import Record


class SmoothMotiond(Transform):
    """The `meshes` of the record's `phases` on a Fourier series over the beat, a vertex at a time; each phase gets
    `largest_ml`, the volumes that it is to be judged by, and as `varied_meshes` those that it has by itself: how far
    these lie from the motion tells how firm it is.

    Each phase counts as much as the network agrees with itself: its weight for a chamber is 1 less the doubt by
    `disagreement`. The other reasons are those of all phases, or say nothing of one among others: at end-systole a
    sound ventricle is small, and crossings are removed afterwards. Meshes that do not correspond, as those of a
    baseline which each have their own vertices, stay as they are.

    Args:
        harmonics: order of the series; 0 leaves each phase as it is.
        steady: structures whose vertices do not slide along the surface (see `without_sliding`): round ones. Those
            of a thin appendage would leave it; on the others noise is taken away (`without_fast_sliding`).
    """

    def __init__(self, harmonics: int, steady: Sequence[str]) -> None:
        self.harmonics = harmonics
        self.steady = tuple(steady)

    def __call__(self, data: Record) -> Record:
        phases = [phase.copy() for phase in data["phases"]]
        seconds = dict(data["seconds"])
        percents = np.array([phase["percent"] for phase in phases])
        alone = {phase["percent"]: phase["meshes"] for phase in phases}
        with timed(seconds, "motion"):
            for place, mesh in enumerate(phases[0]["meshes"]):
                own = [phase["meshes"][place] for phase in phases]
                if any(len(other.vertices) != len(mesh.vertices) for other in own):
                    continue
                calls = [partial(_weight, phase, each) for phase, each in zip(phases, own, strict=True)]
                weights = np.array(side_by_side(calls))
                found = np.stack([each.vertices for each in own])
                moved = periodic_fit(percents, found, weights, self.harmonics)
                if self.harmonics and mesh.name in self.steady:
                    moved = without_sliding(moved, mesh.faces)
                elif self.harmonics:
                    slow = periodic_fit(percents, found, weights, 1)
                    moved = without_fast_sliding(moved, slow, mesh.faces)
                for phase, vertices in zip(phases, moved, strict=True):
                    phase["varied_meshes"] = [alone[phase["percent"]]]
                    phase["meshes"] = [
                        each._replace(vertices=vertices) if index == place else each
                        for index, each in enumerate(phase["meshes"])
                    ]
            largest = {
                mesh.name: max(phase["meshes"][place].volume_ml for phase in data["phases"])
                for place, mesh in enumerate(phases[0]["meshes"])
            }
        return {**data, "phases": [{**phase, "largest_ml": largest} for phase in phases], "seconds": seconds}


def _weight(phase: Record, mesh: Mesh) -> float:
    seen, inside, _ = seen_and_inside(phase, mesh)
    return 1 - BY_NAME["disagreement"].doubt(mesh.name, {"agreement": dice(inside, seen)})
