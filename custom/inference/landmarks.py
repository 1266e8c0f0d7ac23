"""Landmarks, regions and measurements of a case's meshes."""

from __future__ import annotations

from os import PathLike

from monai.transforms import Transform

from ..anatomy import find_anatomy
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
            trusts = {name: checks["trust"] for name, checks in record["structures"].items()}
            grids = seen_grids(record["image"])
            cut = {mesh.name: is_cut(mesh.vertices, grids) for mesh in record["meshes"]}
            anatomy = find_anatomy(record["meshes"], trusts, self.network(), cut)
            record["anatomy"] = anatomy
            record["meshes"] = [mesh._replace(regions=anatomy.regions[mesh.name]) for mesh in record["meshes"]]
        return record
