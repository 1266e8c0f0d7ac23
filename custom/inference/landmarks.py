"""Landmarks, regions and measurements of a case's meshes."""

from __future__ import annotations

from monai.transforms import Transform

from ..anatomy import find_anatomy
from ..runtime.timing import timed
from .record import Record


class FindAnatomyd(Transform):
    """The record's `meshes` and `structures`, whose trust limits that of all that is found, to its `anatomy`; the
    meshes get their `regions`."""

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        with timed(record["seconds"], "anatomy"):
            trusts = {name: checks["trust"] for name, checks in record["structures"].items()}
            anatomy = find_anatomy(record["meshes"], trusts)
            record["anatomy"] = anatomy
            record["meshes"] = [mesh._replace(regions=anatomy.regions[mesh.name]) for mesh in record["meshes"]]
        return record
