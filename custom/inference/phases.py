"""A heart beat on its way: the same steps for each of its phases, the heart located once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from monai.transforms import Transform
from monai.utils import CommonKeys

from ..inputs import InputError
from ..profiles import block_means
from ..reading.loading import LoadCTd
from ..runtime.threads import one_thread, side_by_side
from ..runtime.timing import timed
from .record import Record

SAME_GRID = 1e-3
"""By which the affines of two phases may differ, mm a voxel."""

AHEAD = 2
"""Phases that are read side by side while another becomes its crop."""


class PhasesOfBeatd(Transform):
    """All phases of a beat, one after the other, each to its crop round one centre: the record gets `phases`.

    The heart is located in the first phase. At most `AHEAD` + 1 phases' images are held at a time.

    Args:
        load: reads one of them.
        locate: gives the record of the first its `centre`.
        crop, windowing: make the crop.
        voxel_mm: the scans of all phases are kept until their surfaces are there, so a finer one is averaged in blocks
            of no more than this.

    Raises:
        InputError: there is no beat, a phase cannot be used (it is named), or the phases differ in their grid.
    """

    def __init__(
        self,
        load: LoadCTd,
        locate: Callable[[Record], Record],
        crop: Callable[[Record], Record],
        windowing: Callable[[Record], Record],
        voxel_mm: float,
    ) -> None:
        self.load = load
        self.locate = locate
        self.crop = crop
        self.windowing = windowing
        self.voxel_mm = voxel_mm

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        seconds: Counter[str] = Counter()
        with timed(seconds, "read"):
            listed = self.load.phases(data[CommonKeys.IMAGE])
        phases: list[Record] = []
        arguments = [phase["arguments"] for phase in listed["phases"]]
        self.load.begin(data[CommonKeys.IMAGE], arguments[:AHEAD])
        for index, phase in enumerate(listed["phases"]):
            following = arguments[index + 1 : index + 1 + AHEAD]
            try:
                record = self._phase(data, phase, following, listed, phases[0] if phases else None)
            except InputError as error:
                raise InputError(f"phase {phase['percent']:.0f} %: {error}", error.outcome) from error
            seconds.update(record["seconds"])
            phases.append(record)
        return {**data, "phases": phases, "seconds": dict(seconds)}

    def _phase(
        self,
        data: Mapping[Hashable, Any],
        phase: Mapping[str, Any],
        following: Sequence[Mapping[str, Any]],
        listed: Mapping[str, Any],
        first: Record | None,
    ) -> Record:
        record = self.load(data, phase["arguments"])
        self.load.begin(data[CommonKeys.IMAGE], following)  # which are read meanwhile
        reading = record["reading"]
        reading["series"] = phase["series"]
        reading["body_surface_m2"] = self.load.body_surface_of(phase["series"])
        reading["warnings"] = {**listed["warnings"], **reading["warnings"]}
        reading["warnings"].pop("phase", None)  # which says which one of several was read
        reading["forced"] = [*listed["forced"], *reading["forced"]]
        record["percent"] = phase["percent"]
        if first is None:
            record = self.locate(record)
            centre = record["centre"]
        else:
            _check_same_grid(first, record)
            record["reading"] |= {name: first["reading"][name] for name in ("heart", "directions")}
            centre = record["centre"] = first["middle"]
        with one_thread():
            record = self.windowing(self.crop(record))
            record["scan"] = block_means(record["scan"], self.voxel_mm)
        record["middle"] = centre
        return record


class EachPhased(Transform):
    """A transform of a case applied to each of the record's `phases`, side by side; their seconds are the record's."""

    def __init__(self, transform: Callable[[Record], Record]) -> None:
        self.transform = transform

    def __call__(self, data: Record) -> Record:
        elapsed: dict[str, float] = {}
        with timed(elapsed, "all"):
            phases = side_by_side([partial(self.transform, {**phase, "seconds": {}}) for phase in data["phases"]])
        parts: Counter[str] = Counter()
        for phase in phases:
            parts.update(phase["seconds"])
        share = elapsed["all"] / max(sum(parts.values()), elapsed["all"])  # threads that wait for each other count once
        seconds = Counter(data["seconds"])
        seconds.update({part: own * share for part, own in parts.items()})
        return {**data, "phases": phases, "seconds": dict(seconds)}


def _check_same_grid(first: Record, other: Record) -> None:
    meta, own = first[CommonKeys.IMAGE].meta, other[CommonKeys.IMAGE]
    shape, affine = tuple(int(size) for size in meta["spatial_shape"]), np.asarray(meta["original_affine"])
    if shape != tuple(own.shape[1:]) or np.abs(affine - np.asarray(own.affine)).max() > SAME_GRID:
        raise InputError("it lies on another grid than the first phase", "phases_differ")
