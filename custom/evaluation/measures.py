"""One case: its meshes on disk against its label map. bundle/docs/evaluation.md explains each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trimesh

from ..chambers import CHAMBERS, ENCLOSED, LABELS, LEFT_HEART
from ..frames import centred_affine
from ..geometry.intersections import self_intersections
from ..geometry.winding import voxelise_in_image
from ..inference.writing.earlier_reports import read_report
from ..inference.writing.mesh_files import read_stl
from ..inputs import InputError
from ..mesh import Mesh
from ..metrics import dice, jaccard, mesh_label_distances
from ..text import printable
from .cases import OWN_VALUES, read_label
from .ranges import MARGIN, Range, scored_range

MEASURED, FAILED, UNLABELLED = "measured", "failed", "unlabelled"
OVERLAP_SPACING = 0.5
"""mm between the points that are counted where two chambers overlap."""


@dataclass(frozen=True)
class Measures:
    """One chamber of one case; what is not known is None. Chambers of a case share the last three."""

    case: str
    structure: str
    status: str
    """`MEASURED`, `FAILED` (there is no mesh to measure) or `UNLABELLED` (there is no truth to measure against)."""
    reason: str = ""
    dice: float | None = None
    jaccard: float | None = None
    assd_mm: float | None = None
    hd95_mm: float | None = None
    hd_mm: float | None = None
    volume_ml: float | None = None
    true_volume_ml: float | None = None
    volume_error_ml: float | None = None
    volume_error_percent: float | None = None
    wall_dice: float | None = None
    """Of a surface around another that was measured: of what lies between the two, voxel by voxel."""
    wall_error_percent: float | None = None
    """Of its volume, and so of its mass."""
    watertight: bool | None = None
    """Closed, wound one way, normals outward."""
    faces: int | None = None
    self_intersecting_faces: int | None = None
    """Faces that meet another face of the mesh that is no neighbour."""
    overlap_ml: float | None = None
    """Volume inside both chambers."""
    seconds: float | None = None
    peak_memory_mib: float | None = None


class Measure(NamedTuple):
    """A number of `Measures` that is summed up over cases."""

    key: str
    title: str
    digits: int
    failed: float | None = None
    """What a case that failed counts as: as bad as can be. None where failure means no number."""
    by_case: bool = False
    """Whether the chambers of a case share it."""


MEASURES = (
    Measure("dice", "Dice", 3, failed=0.0),
    Measure("jaccard", "Jaccard", 3, failed=0.0),
    Measure("assd_mm", "ASSD mm", 2, failed=np.inf),
    Measure("hd95_mm", "HD95 mm", 2, failed=np.inf),
    Measure("hd_mm", "HD mm", 2, failed=np.inf),
    Measure("volume_error_ml", "volume error mL", 1),
    Measure("volume_error_percent", "volume error %", 1),
    Measure("wall_dice", "Dice of the muscle", 3),
    Measure("wall_error_percent", "mass error %", 1),
    Measure("watertight", "watertight", 2, failed=0.0),
    Measure("self_intersecting_faces", "self-intersecting faces", 1),
    Measure("overlap_ml", "overlap mL", 3, by_case=True),
    Measure("seconds", "s", 1, by_case=True),
    Measure("peak_memory_mib", "memory MiB", 0, by_case=True),
)


def measure_case(
    name: str,
    folder: str | PathLike,
    label: str | PathLike | None,
    structures: Sequence[str] = LEFT_HEART,
    label_values: Mapping[str, int] = OWN_VALUES,
    failure: str = "",
) -> list[Measures]:
    """Measures ``NAME_LA.stl`` and so on of a folder; ``NAME_report.json``, if there, tells time and memory.

    Args:
        name: of the case.
        folder: what inference wrote, LPS mm.
        label: the label map, of any grid; None where there is none.
        structures: those wanted, of `custom.chambers.STRUCTURES`.
        label_values: each value of the label map to its class.
        failure: why there are no meshes, where that is known.

    Returns:
        A row a structure. Whatever is wrong with the case is in its rows, and raised nowhere.
    """
    report = {} if failure else read_report(folder, name)
    shared: dict[str, Any] = {"peak_memory_mib": report.get("peak_memory_mib")}
    if "seconds" in report:
        shared["seconds"] = round(sum(report["seconds"].values()), 3)
    meshes = {}
    if report.get("status") == "failed":
        failure = report.get("reason") or "it failed"
    if not failure:
        try:
            meshes = {chamber: read_stl(Path(folder) / f"{name}_{chamber}.stl", chamber) for chamber in structures}
            if len(meshes) > 1:
                shared["overlap_ml"] = round(sum(overlap_ml(a, b) for a, b in _disjoint(meshes)), 4)
        except ValueError as error:
            failure = str(error)
    name = printable(name)
    try:
        classes, affine = read_label(label, label_values)
    except InputError as error:
        return [Measures(name, chamber, UNLABELLED, str(error), **shared) for chamber in structures]
    rows = []
    for chamber in structures:
        truth = np.isin(classes, ENCLOSED[chamber])
        if not truth.any():
            rows.append(Measures(name, chamber, UNLABELLED, f"the label map has no {chamber}", **shared))
        elif failure:
            rows.append(Measures(name, chamber, FAILED, failure, **shared))
        else:
            scored = scored_range(chamber, classes, affine)
            rows.append(_measure(name, meshes[chamber], truth, affine, scored, shared))
    return [_with_wall(row, meshes, classes, affine) for row in rows]


def measure_chamber(mesh: Mesh, truth: np.ndarray, affine: np.ndarray, scored: Range | None = None) -> dict[str, Any]:
    """The numbers of :class:`Measures` that one mesh and its truth give.

    Overlaps are of the truth's voxels and those whose centre the mesh encloses; distances are exact, to the truth's
    marching-cubes surface.

    Args:
        mesh: in RAS mm.
        truth: (D0, D1, D2) bool.
        affine: (4, 4) voxel to RAS mm of `truth`.
        scored: where overlaps, distances and volumes are taken; None: everywhere. Of a mesh that lies nowhere in it
            all distances count.

    Raises:
        ValueError: the truth is empty, or the mesh has no area.
    """
    inside, volume = voxelise_in_image(mesh.vertices, mesh.faces, affine, truth.shape).numpy(), mesh.volume_ml
    voxel_ml, compared, counted = float(abs(np.linalg.det(affine[:3, :3])) / 1e3), volume, None
    if scored is not None:
        within = scored.mask(truth.shape, affine)
        truth, inside = truth & within, inside & within
        compared = float(inside.sum() * voxel_ml)
        if scored.holds(mesh.vertices, MARGIN).any():
            counted = partial(scored.holds, margin=MARGIN)
    distances = mesh_label_distances(mesh.vertices, mesh.faces, truth, affine, counted)
    surface = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    true_volume = float(truth.sum() * voxel_ml)
    return {
        "dice": dice(inside, truth),
        "jaccard": jaccard(inside, truth),
        "assd_mm": distances.assd,
        "hd95_mm": distances.hd95,
        "hd_mm": distances.hd,
        "volume_ml": compared,
        "true_volume_ml": true_volume,
        "volume_error_ml": compared - true_volume,
        "volume_error_percent": 100 * (compared / true_volume - 1),
        "watertight": bool(surface.is_watertight and surface.is_winding_consistent and volume > 0),
        "faces": len(mesh.faces),
        "self_intersecting_faces": len(np.unique(self_intersections(mesh.vertices, mesh.faces))),
    }


def _with_wall(row: Measures, meshes: Mapping[str, Mesh], classes: np.ndarray, affine: np.ndarray) -> Measures:
    """The row, with what lies between the surface and that around which it lies, where both are there."""
    around = CHAMBERS[row.structure].around
    truth = classes == LABELS[row.structure]
    if row.status != MEASURED or around not in meshes or not truth.any():
        return row
    outer, inner = (meshes[name] for name in (row.structure, around))
    within = [voxelise_in_image(mesh.vertices, mesh.faces, affine, truth.shape).numpy() for mesh in (outer, inner)]
    volume = outer.volume_ml - inner.volume_ml
    true_volume = truth.sum() * abs(np.linalg.det(affine[:3, :3])) / 1e3
    return replace(
        row,
        wall_dice=dice(within[0] & ~within[1], truth),
        wall_error_percent=float(100 * (volume / true_volume - 1)),
    )


def overlap_ml(a: Mesh, b: Mesh) -> float:
    """Volume in mL inside both of two closed meshes (RAS mm), from points `OVERLAP_SPACING` apart."""
    low = np.maximum(a.vertices.min(axis=0), b.vertices.min(axis=0))
    high = np.minimum(a.vertices.max(axis=0), b.vertices.max(axis=0))
    if not (low < high).all():
        return 0.0
    shape = tuple(int(size) for size in np.ceil((high - low) / OVERLAP_SPACING))
    affine = centred_affine(shape, (OVERLAP_SPACING,) * 3, (low + high) / 2)
    inside_a, inside_b = (voxelise_in_image(mesh.vertices, mesh.faces, affine, shape) for mesh in (a, b))
    return float((inside_a & inside_b).sum() * OVERLAP_SPACING**3 / 1e3)


def _disjoint(meshes: Mapping[str, Mesh]) -> list[tuple[Mesh, Mesh]]:
    """Pairs of which neither lies inside the other."""
    pairs = combinations(meshes, 2)
    return [(meshes[a], meshes[b]) for a, b in pairs if CHAMBERS[a].around != b and CHAMBERS[b].around != a]


def _measure(
    name: str,
    mesh: Mesh,
    truth: np.ndarray,
    affine: np.ndarray,
    scored: Range | None,
    shared: Mapping[str, Any],
) -> Measures:
    try:
        return Measures(name, mesh.name, MEASURED, **measure_chamber(mesh, truth, affine, scored), **shared)
    except ValueError as error:  # a mesh that is none
        return Measures(name, mesh.name, FAILED, str(error), **shared)
