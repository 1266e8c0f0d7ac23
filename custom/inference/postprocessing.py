"""From the network's vertices to the files of a case, as dictionary transforms.

They pass a record along: `image` (the crop), what `SurfaceInferer` gave, `reading`, `seconds`, and the case's
`image_file`, `name` and `folder`.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from numpy.typing import NDArray

from ..chambers import LABELS, STRUCTURES
from ..foreign_text import printable
from ..frames import facing_out, normalised_to_ras, rectangular_grid
from ..geometry.intersections import mutual_intersections
from ..geometry.strays import distance_outside, withdraw_strays
from ..geometry.untangling import untangle
from ..geometry.winding import voxelise_in_image
from .mesh_files import Mesh
from .outputs import Outputs, selected
from .preview import render_preview
from .quality import Grid, segmentation_of
from .report import Run, make_report
from .timing import timed

logger = logging.getLogger(__name__)

SAME_GRID = 1e-5
"""mm a voxel, by which the affines of two grids may differ that are one."""
Record = dict[Hashable, Any]


class VerticesToMeshesd(MapTransform):
    """Normalised vertices of the crop to meshes in RAS mm, one per structure.

    `pred` (S, V, 3) becomes the record's `meshes`, a list of `Mesh`, and `variations` (N, S, V, 3), if any, its
    `varied_meshes`, N such lists, all of the record's `faces` (S, F, 3), wound outward.

    Args:
        keys: the key of the network's output.
        structures: those wanted, of `STRUCTURES`.

    Raises ValueError if a vertex is not finite.
    """

    def __init__(self, keys: Hashable, structures: str | Sequence[str] = STRUCTURES) -> None:
        super().__init__(keys)
        self.structures = selected(structures, STRUCTURES, "structures")

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = dict(data)
        with timed(record["seconds"], "meshes"):
            faces = torch.as_tensor(record["faces"]).cpu().numpy()
            record["meshes"] = self._meshes(record[self.keys[0]], faces, record["image"])
            varied = record.get("variations", ())
            record["varied_meshes"] = [self._meshes(vertices, faces, record["image"]) for vertices in varied]
        return record

    def _meshes(self, vertices: torch.Tensor, faces: np.ndarray, image: MetaTensor) -> list[Mesh]:
        vertices = torch.as_tensor(vertices).detach().cpu().double().numpy()
        if not np.isfinite(vertices).all():
            raise ValueError("the network gave vertices that are not finite: are the weights sound?")
        affine = np.asarray(image.affine)
        places = [STRUCTURES.index(name) for name in self.structures]
        return [
            Mesh(
                STRUCTURES[place],
                normalised_to_ras(vertices[place], image.shape[1:], affine),
                facing_out(faces[place], affine),
            )
            for place in places
        ]


class WithdrawStraysd(Transform):
    """The record's `meshes` and `varied_meshes` without what strayed from its `segmentation`.

    A tongue that lies round the other chamber would be drawn through it, and to part the two again costs both more than
    the tongue does: a surface stays as it is where what was drawn back would meet the other one.

    `withdrawn` holds per structure how many `vertices` of its mesh were moved for that and the `furthest_mm`.

    Args:
        furthest: that a vertex may lie outside the chamber that the U-Net saw, mm.
    """

    def __init__(self, furthest: float) -> None:
        self.furthest = furthest

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = dict(data)
        before = record["meshes"]
        with timed(record["seconds"], "strays"):
            segmentation, (_, affine) = segmentation_of(record)
            outside = [distance_outside(segmentation == LABELS[mesh.name], affine) for mesh in before]
            record["meshes"] = self._withdrawn(before, outside, affine)
            varied = record.get("varied_meshes", [])
            record["varied_meshes"] = [self._withdrawn(meshes, outside, affine) for meshes in varied]
            record["withdrawn"] = {
                mesh.name: _moved(old.vertices, mesh.vertices)
                for old, mesh in zip(before, record["meshes"], strict=True)
            }
        return record

    def _withdrawn(self, meshes: Sequence[Mesh], outside: Sequence[NDArray], affine: NDArray) -> list[Mesh]:
        drawn = [
            mesh._replace(vertices=withdraw_strays(mesh.vertices, mesh.faces, far, affine, self.furthest))
            for mesh, far in zip(meshes, outside, strict=True)
        ]
        return [
            mesh if _moved_into_another(mesh, back, drawn) else back for mesh, back in zip(meshes, drawn, strict=True)
        ]


class UntangleMeshesd(Transform):
    """The record's `meshes` without faces that meet, of one chamber or of both, and how far that took them.

    The flow moves space without folding it, but a triangle is flat between its corners: where the surface bends
    sharply two can still meet. `untangled` holds per structure how many `vertices` were moved and the `furthest_mm`.
    Meshes that cannot be freed, which have the same centre, stay as they are; the report counts their crossings.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = dict(data)
        meshes = record["meshes"]
        with timed(record["seconds"], "untangling"):
            before = np.concatenate([mesh.vertices for mesh in meshes])
            starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
            faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)])
            try:
                after = untangle(before, faces)
            except ValueError as error:
                logger.debug("%s", error)
                after = before
            parts = np.split(after, starts[1:-1])
            record["meshes"] = [mesh._replace(vertices=part) for mesh, part in zip(meshes, parts, strict=True)]
            record["untangled"] = {
                mesh.name: _moved(mesh.vertices, part) for mesh, part in zip(meshes, parts, strict=True)
            }
        return record


def _moved(before: NDArray, after: NDArray) -> dict[str, float]:
    far = np.linalg.norm(after - before, axis=1)
    return {"vertices": int((far > 0).sum()), "furthest_mm": round(float(far.max()), 3)}


def _moved_into_another(before: Mesh, after: Mesh, meshes: Sequence[Mesh]) -> bool:
    moved = (after.vertices != before.vertices).any(1)
    faces = after.faces[moved[after.faces].any(1)]
    others = (other for other in meshes if other.name != after.name)
    return any(len(mutual_intersections(after.vertices, faces, *other[1:])) for other in others)


class MeshesToLabelMapd(Transform):
    """The record's `meshes` to label maps, uint8: 1 = LA, 2 = LV, LV where both are.

    `own_label_map` lies on the input's own voxels, and `label_map` on `label_grid`: the same, but where a tilted gantry
    shears the input's axes, which ITK and so 3D Slicer do not open, a grid of perpendicular ones over it.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = dict(data)
        meta = record["image"].meta
        with timed(record["seconds"], "label_map"):
            shape = tuple(int(size) for size in meta["spatial_shape"])
            own = Grid(shape, np.asarray(meta["original_affine"], dtype=np.float64))
            grid = Grid(*rectangular_grid(*own))
            same = grid.shape == own.shape and np.allclose(grid.affine, own.affine, rtol=0, atol=SAME_GRID)
            record["own_label_map"] = _label_map(record["meshes"], own)
            record["label_map"] = record["own_label_map"] if same else _label_map(record["meshes"], grid)
            record["label_grid"] = grid
        return record


def _label_map(meshes: Sequence[Mesh], grid: Grid) -> NDArray[np.uint8]:
    labels = torch.zeros(grid.shape, dtype=torch.uint8)
    for mesh in meshes:
        labels.masked_fill_(voxelise_in_image(mesh.vertices, mesh.faces, grid.affine, grid.shape), LABELS[mesh.name])
    return labels.numpy()


class SaveCased(Transform):
    """Write a case's meshes, label map, report and preview, all or none; the record gets its `report`.

    Args:
        outputs: which files, and how they are encoded.
        weights: the weights' file, whose hash goes into the report.
        device, amp: what the network runs with, for the report.
    """

    def __init__(
        self,
        outputs: Outputs,
        weights: str | PathLike,
        device: torch.device | str,
        amp: bool,
    ) -> None:
        self.outputs = outputs
        self.run = Run(weights=weights, device=device, amp=amp)

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = dict(data)
        seconds = record["seconds"]
        report = make_report(record, self.run)
        with timed(seconds, "preview"):
            preview = self._preview(record, report)
        with timed(seconds, "files"):
            files = self.outputs.encode(record, report, preview)
        report["files"] = sorted(printable(name) for name in files)
        report["seconds"] = {part: round(value, 3) for part, value in seconds.items()}
        case = {"name": record["name"], "folder": record["folder"], "image": record["image_file"]}
        self.outputs.write(case, report, files)
        return {**record, "report": report}

    @staticmethod
    def _preview(record: Record, report: dict[str, Any]) -> bytes | None:
        """The picture; None, and a warning in the report, where it cannot be drawn: no picture is worth a case."""
        try:
            return render_preview(record["image"], record["meshes"], report)
        except Exception as error:  # whatever a font or a shape causes
            logger.debug("%s", error, exc_info=error)
            report["warnings"].append("there is no preview: it could not be drawn")
            report["outcomes"].append("no_preview")
            return None
