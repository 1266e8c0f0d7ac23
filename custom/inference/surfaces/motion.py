"""Phases that help each other: the surfaces of a beat on one periodic motion."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from monai.transforms import Transform

from ...function.motion import periodic_fit
from ...runtime.timing import timed
from ..record import Record

PASSED_OVER = ("implausible_volume", "crossing")
"""Reasons for doubt that say nothing of a phase among others: at end-systole a sound ventricle is small, and crossings
are removed afterwards."""


class SmoothMotiond(Transform):
    """The `meshes` of the record's `phases` on a Fourier series over the beat, a vertex at a time; each phase gets
    `largest_ml`, the volumes that it is to be judged by, and as `varied_meshes` those that it has by itself: how far
    these lie from the motion tells how firm it is.

    Each phase counts as much as it is not doubted: its weight for a chamber is 1 less its doubt, but for `PASSED_OVER`.
    Meshes that do not correspond, as those of a baseline which each have their own vertices, stay as they are.

    Args:
        harmonics: order of the series; 0 leaves each phase as it is.
    """

    def __init__(self, harmonics: int) -> None:
        self.harmonics = harmonics

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
                weights = np.array([_weight(phase["structures"][mesh.name]["doubts"]) for phase in phases])
                moved = periodic_fit(percents, np.stack([each.vertices for each in own]), weights, self.harmonics)
                for phase, vertices in zip(phases, moved, strict=True):
                    phase["varied_meshes"] = [alone[phase["percent"]]]
                    phase["meshes"] = [
                        each._replace(vertices=vertices) if index == place else each
                        for index, each in enumerate(phase["meshes"])
                    ]
        largest = {
            name: max(phase["structures"][name]["volume_ml"] for phase in phases) for name in phases[0]["structures"]
        }
        phases = [{**phase, "largest_ml": largest} for phase in phases]
        return {**data, "phases": phases, "seconds": seconds}


def _weight(doubts: Mapping[str, float]) -> float:
    return prod(1 - doubt for name, doubt in doubts.items() if name not in PASSED_OVER)
