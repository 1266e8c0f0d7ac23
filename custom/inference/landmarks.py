"""Landmarks, regions and measurements of a case's meshes."""

from __future__ import annotations

from os import PathLike

import numpy as np
from monai.transforms import Transform
from numpy.typing import NDArray

from ..anatomy import Anatomy, find_anatomy, follow_anatomy
from ..networks.atrial_parts import AtrialParts
from ..networks.weights import Trained
from ..runtime.timing import timed
from .quality.checks import is_cut
from .record import Record, seen_grids


class FindAnatomyd(Transform):
    """The record's `meshes` and `structures`, whose trust limits that of all that is found, to its `anatomy`; the
    meshes get their `regions`.

    Args:
        checkpoint: state dict of `AtrialParts`, loaded at the first case.
    """

    def __init__(self, checkpoint: str | PathLike) -> None:
        self.network = Trained(AtrialParts(), checkpoint)

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        with timed(record["seconds"], "anatomy"):
            seen = _trusts(record), self.network(), _cut(record), record.get("scan"), record.get("annuli")
            _put(record, find_anatomy(record["meshes"], *seen))
        return record

    def follow(self, data: Record, first: Record) -> Record:
        """As a call, of another phase of the beat that `first` is of, which has its `anatomy`: what its surfaces carry
        along is taken from there, where they have the same vertices."""
        if any(len(a.vertices) != len(b.vertices) for a, b in zip(data["meshes"], first["meshes"], strict=True)):
            return self(data)
        record = data.copy()
        with timed(record["seconds"], "anatomy"):
            seen = _trusts(record), _cut(record), record.get("scan"), record.get("annuli")
            _put(record, follow_anatomy(first["anatomy"], first["meshes"], record["meshes"], *seen))
        return record


def _trusts(record: Record) -> dict[str, str]:
    return {name: checks["trust"] for name, checks in record["structures"].items()}


def _cut(record: Record) -> dict[str, NDArray[np.bool_]]:
    grids = seen_grids(record["image"])
    return {mesh.name: is_cut(mesh.vertices, grids) for mesh in record["meshes"]}


def _put(record: Record, anatomy: Anatomy) -> None:
    record["anatomy"] = anatomy
    record["meshes"] = [mesh._replace(regions=anatomy.regions[mesh.name]) for mesh in record["meshes"]]
