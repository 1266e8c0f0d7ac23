"""Phases that help each other: the surfaces of a beat on one periodic motion."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from monai.transforms import Transform

from ...function.motion import periodic_fit
from ...function.sliding import joined_at_valve, without_fast_sliding, without_sliding
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

    Each phase counts as much as the network agrees with itself: its weight for a chamber is 1 less the strength of the
    doubt by `disagreement`. The other reasons are those of all phases, or say nothing of one among others: at
    end-systole a sound ventricle is small, and crossings are removed afterwards. Meshes that do not correspond, as
    those of a baseline which each have their own vertices, stay as they are.

    Args:
        harmonics: order of the series; 0 leaves each phase as it is.
        steady: structures whose vertices do not slide along the surface (see `without_sliding`): round ones. Those
            of a thin appendage would leave it; on the others noise is taken away (`without_fast_sliding`).
        joined: pairs of structures that do not slide along each other at the valve between them (see
            `joined_at_valve`).
    """

    def __init__(self, harmonics: int, steady: Sequence[str], joined: Sequence[Sequence[str]] = ()) -> None:
        self.harmonics = harmonics
        self.steady = tuple(steady)
        self.joined = tuple(joined)

    def __call__(self, data: Record) -> Record:
        phases, seconds = data["phases"], dict(data["seconds"])
        with timed(seconds, "motion"):
            structures = range(len(phases[0]["meshes"]))
            moved = side_by_side([partial(self._on_one_motion, phases, place) for place in structures])
            self._join([mesh.name for mesh in phases[0]["meshes"]], moved)
            largest = {
                mesh.name: max(phase["meshes"][place].volume_ml for phase in phases)
                for place, mesh in enumerate(phases[0]["meshes"])
            }
        on_motion = []
        for index, phase in enumerate(phases):
            meshes = [mesh if moved[at] is None else moved[at][index] for at, mesh in enumerate(phase["meshes"])]
            alone = {"varied_meshes": [phase["meshes"]]} if any(moved) else {}
            on_motion.append({**phase, **alone, "meshes": meshes, "largest_ml": largest})
        return {**data, "phases": on_motion, "seconds": seconds}

    def _on_one_motion(self, phases: Sequence[Record], place: int) -> list[Mesh] | None:
        """The meshes of a structure in all phases, on their motion; None where they do not correspond."""
        own = [phase["meshes"][place] for phase in phases]
        name, faces = own[0].name, own[0].faces
        if any(len(other.vertices) != len(own[0].vertices) for other in own):
            return None
        percents = np.array([phase["percent"] for phase in phases])
        weights = np.array([_weight(phase, mesh) for phase, mesh in zip(phases, own, strict=True)])
        found = np.stack([mesh.vertices for mesh in own])
        moved = periodic_fit(percents, found, weights, self.harmonics)
        if self.harmonics and name in self.steady:
            moved = without_sliding(moved, faces)
        elif self.harmonics:
            moved = without_fast_sliding(moved, periodic_fit(percents, found, weights, 1), faces)
        return [mesh._replace(vertices=vertices) for mesh, vertices in zip(own, moved, strict=True)]

    def _join(self, names: Sequence[str], moved: list[list[Mesh] | None]) -> None:
        """Hang `joined` structures on one annulus, in place, where there are both and their vertices correspond."""
        for pair in self.joined if self.harmonics else ():
            places = [names.index(name) for name in pair if name in names and moved[names.index(name)]]
            if len(places) == 2:
                both = [moved[place] for place in places]
                surfaces = [np.stack([mesh.vertices for mesh in meshes]) for meshes in both]
                joined = joined_at_valve(*surfaces, tuple(meshes[0].faces for meshes in both))
                for place, meshes, vertices in zip(places, both, joined, strict=True):
                    moved[place] = [mesh._replace(vertices=each) for mesh, each in zip(meshes, vertices, strict=True)]


def _weight(phase: Record, mesh: Mesh) -> float:
    seen, inside, _ = seen_and_inside(phase, mesh)
    return 1 - BY_NAME["disagreement"].strength(mesh.name, {"agreement": dice(inside, seen)})
