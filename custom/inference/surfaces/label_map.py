"""Meshes to label maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from monai.transforms import Transform

from ...chambers import CHAMBERS, LABELS
from ...frames import box_around, box_within, rectangular_grid
from ...geometry.winding import voxelise_in_image
from ...label_map import LabelMap
from ...mesh import Mesh
from ...runtime.timing import timed
from ..record import Grid, Record, seen_grids

SAME_GRID = 1e-5
"""mm a voxel, by which the affines of two grids may differ that are one."""


class MeshesToLabelMapd(Transform):
    """The record's `meshes` to label maps of `custom.chambers.LABELS`: what lies inside another is the inner's.

    `own_label_map` lies on the input's own voxels, and `label_map` on `label_grid`: the same, but where a tilted gantry
    shears the input's axes, which ITK and so 3D Slicer do not open, a grid of perpendicular ones over it.
    """

    def __call__(self, data: Record) -> Record:
        record = data.copy()
        with timed(record["seconds"], "label_map"):
            own, grid = label_grids(record)
            same = grid.shape == own.shape and np.allclose(grid.affine, own.affine, rtol=0, atol=SAME_GRID)
            record["own_label_map"] = _label_map(record["meshes"], own)
            record["label_map"] = record["own_label_map"] if same else _label_map(record["meshes"], grid)
            record["label_grid"] = grid
        return record


def label_grids(record: Record) -> tuple[Grid, Grid]:
    """The input's own voxels, and what stands for them in files that ITK opens."""
    _, own = seen_grids(record["image"])
    return own, Grid(*rectangular_grid(*own))


def _label_map(meshes: Sequence[Mesh], grid: Grid) -> LabelMap:
    everywhere, _ = box_around(np.concatenate([mesh.vertices for mesh in meshes]), *grid)
    labels = np.zeros([axis.stop - axis.start for axis in everywhere], dtype=np.uint8, order="F")
    for mesh in sorted(meshes, key=lambda mesh: CHAMBERS[mesh.name].around is None):  # outer ones first
        box, affine = box_around(mesh.vertices, *grid)
        within = box_within(box, everywhere)
        inside = voxelise_in_image(mesh.vertices, mesh.faces, affine, labels[within].shape).numpy()
        labels[within][inside] = LABELS[mesh.name]
    return LabelMap(grid.shape, everywhere, labels)
