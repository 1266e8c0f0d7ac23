"""What can be measured of a predicted mesh without knowing the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import trimesh
from scipy.ndimage import label

from ...chambers import ENCLOSED
from ...frames import ras_to_voxel, spacing_of, strided_affine
from ...geometry.intersections import self_intersections
from ...geometry.region_distance import distance_up_to
from ...geometry.winding import voxelise_in_image
from ...mesh import Mesh
from ..record import Grid, Record

EDGE = 2.0
"""mm from the outermost voxel centres within which a vertex counts as cut off: where an image ends, so do surfaces."""
CORE = 3.0
"""mm within the surface, from where on voxels are blood, and no wall that it cuts off."""
SHELL = (2.0, 6.0)
"""mm outside the surface, between which voxels surround it."""
BEYOND = 5.0
"""mm outside a surface, from where on what the network saw of the chamber is missed: walls are not that uncertain."""
LUNG = -150.0
"""HU below which voxels around a chamber are lung or air."""


def segmentation_of(record: Record) -> tuple[np.ndarray, Grid]:
    """The network's own `segmentation` (1, d0, d1, d2) in a record, as (d0, d1, d2) uint8, and its grid.

    It begins with the crop, `image` (1, D0, D1, D2), and is as fine or coarser.
    """
    image, segmentation = record["image"], torch.as_tensor(record["segmentation"])[0].cpu().numpy()
    stride = image.shape[1] // segmentation.shape[0]
    return segmentation, Grid(segmentation.shape, strided_affine(np.asarray(image.affine), stride))


def seen_and_inside(record: Record, mesh: Mesh) -> tuple[np.ndarray, np.ndarray, Grid]:
    """(d0, d1, d2) bool on the grid of the segmentation, which comes third: the voxels that the network took for what a
    mesh of the record encloses, and those within the mesh."""
    segmentation, level = segmentation_of(record)
    return np.isin(segmentation, ENCLOSED[mesh.name]), voxels_inside(mesh, level), level


def check_mesh(mesh: Mesh, free: bool = False) -> dict[str, Any]:
    """Volume (mL), area (cm²) and the checks of one mesh, ready for JSON.

    Args:
        mesh: in RAS mm.
        free: whether it is known that none of its faces meet.
    """
    surface, volume = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False), mesh.volume_ml
    return {
        "volume_ml": volume,
        "area_cm2": float(surface.area) / 1e2,
        "watertight": bool(surface.is_watertight and surface.is_winding_consistent),
        "outward": volume > 0,
        "euler_number": int(surface.euler_number),
        "self_intersections": 0 if free else len(self_intersections(mesh.vertices, mesh.faces)),
    }


def voxels_inside(mesh: Mesh, grid: Grid) -> np.ndarray:
    """(D0, D1, D2) bool, True for the voxels whose centre lies inside the mesh."""
    return voxelise_in_image(mesh.vertices, mesh.faces, grid.affine, grid.shape).numpy()


def missed_ml(seen: np.ndarray, inside: np.ndarray, grid: Grid) -> float:
    """mL of a chamber that the network saw and a surface leaves out.

    More than `BEYOND` outside, and yet in one piece with what the surface encloses, as an appendage is.

    Args:
        seen, inside: (D0, D1, D2) bool, voxels that the network took for the chamber, and those within the surface.
        grid: of both.
    """
    spacing = spacing_of(grid.affine)
    missed = seen & (distance_up_to(BEYOND, inside, spacing) > BEYOND)
    if not missed.any():
        return 0.0
    pieces, _ = label(seen | inside, np.ones((3, 3, 3)))
    missed &= np.isin(pieces, pieces[inside])
    return float(missed.sum() * spacing.prod() / 1000)


def is_cut(vertices: np.ndarray, grids: Sequence[Grid]) -> np.ndarray:
    """(V,) bool, which vertices (V, 3), RAS mm, lie within `EDGE` of a grid's outermost voxel centres, or beyond."""
    cut = np.zeros(len(vertices), dtype=bool)
    for grid in grids:
        voxels, spacing = ras_to_voxel(vertices, grid.affine), spacing_of(grid.affine)
        to_edge = np.minimum(voxels, np.asarray(grid.shape) - 1 - voxels) * spacing
        cut |= (to_edge <= EDGE).any(axis=1)
    return cut


def contrast(values: np.ndarray, inside: np.ndarray, chambers: np.ndarray, grid: Grid) -> dict[str, int | None]:
    """Median HU of a chamber's blood and of the soft tissue around it.

    Blood lies deeper than `CORE`, or anywhere inside where nothing does; its surroundings lie `SHELL` outside, but for
    lung, and for other chambers.

    Args:
        values: (D0, D1, D2) HU.
        inside, chambers: (D0, D1, D2) bool, voxels of the chamber, and of all.
        grid: of these arrays.

    Returns:
        `blood_hu` and `surroundings_hu`; None where there is no such voxel.
    """
    if not inside.any():
        return {"blood_hu": None, "surroundings_hu": None}
    spacing, where = spacing_of(grid.affine), np.argwhere(inside)
    margin = np.ceil(SHELL[1] / spacing).astype(int)
    low, high = np.maximum(where.min(axis=0) - margin, 0), where.max(axis=0) + margin + 1
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    values, inside, chambers = values[box], inside[box], chambers[box]
    depth = distance_up_to(CORE, np.pad(~inside, 1, constant_values=True), spacing)[1:-1, 1:-1, 1:-1]
    distance = distance_up_to(SHELL[1], inside, spacing)
    deep = values[depth > CORE]
    shell = values[(distance > SHELL[0]) & (distance <= SHELL[1]) & ~chambers & (values > LUNG)]
    return {
        "blood_hu": round(float(np.median(deep if deep.size else values[inside]))),
        "surroundings_hu": round(float(np.median(shell))) if shell.size else None,
    }
