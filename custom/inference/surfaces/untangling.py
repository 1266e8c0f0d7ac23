"""Meshes freed of faces that meet, of one chamber or of several."""

from __future__ import annotations

import logging

import numpy as np
from monai.transforms import Transform

from ...chambers import CHAMBERS
from ...geometry.mending.untangling import untangle
from ...runtime.timing import timed
from ..record import Record
from .outliers import moved_summary

logger = logging.getLogger(__name__)


class UntangleMeshesd(Transform):
    """The record's `meshes` without faces that meet, of one chamber or of several, and how far that took them.

    The flow moves space without folding it, but a triangle is flat between its corners: where the surface bends
    sharply two can still meet. `untangled` holds per structure how many `vertices` were moved and the `furthest_mm`,
    and `free` whether none meet now. Meshes that cannot be freed, which have the same centre, stay as they are; the
    report counts their crossings.
    """

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        meshes = record["meshes"]
        with timed(record["seconds"], "untangling"):
            before = np.concatenate([mesh.vertices for mesh in meshes])
            starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
            faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)])
            try:
                names = [mesh.name for mesh in meshes]
                inner = {name: CHAMBERS[name].around for name in names}
                around = [(names.index(name), names.index(own)) for name, own in inner.items() if own in names]
                after = untangle(before, faces, around)
                record["free"] = True
            except ValueError as error:
                logger.debug("%s", error)
                after = before
                record["free"] = False
            parts = np.split(after, starts[1:-1])
            record["meshes"] = [mesh._replace(vertices=part) for mesh, part in zip(meshes, parts, strict=True)]
            record["untangled"] = {
                mesh.name: moved_summary(np.linalg.norm(part - mesh.vertices, axis=1))
                for mesh, part in zip(meshes, parts, strict=True)
            }
        return record
