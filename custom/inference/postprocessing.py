"""From the network's vertices to the files of a case, as dictionary transforms.

They pass a record along: `image` (the crop), `pred`, `reading`, `seconds`, and the case's `image_file`, `name` and
`folder`.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch
from monai.transforms import MapTransform, Transform

from ..chambers import LABELS, STRUCTURES
from ..frames import facing_out, normalised_to_ras
from ..geometry.winding import voxelise_in_image
from ..inputs import InputError
from .cases import LABEL_MAP_ENDING
from .files import encode_nifti, write_together
from .mesh_files import ENCODERS, Mesh
from .preview import render_preview
from .report import Run, make_report
from .timing import timed

Record = dict[Hashable, Any]


def selected(names: str | Sequence[str], known: Sequence[str], what: str) -> list[str]:
    """`names` (one, several, or several joined by commas; any case) as `known` spells them, in the order of `known`.

    Raises InputError if one is not in `known` or none is given.
    """
    parts = names.split(",") if isinstance(names, str) else names
    asked = {str(part).strip().lower() for part in parts}
    unknown = asked - {name.lower() for name in known}
    if unknown or not asked:
        raise InputError(f"{what}: {', '.join(sorted(unknown)) or 'none given'}; choose from {', '.join(known)}")
    return [name for name in known if name.lower() in asked]


class VerticesToMeshesd(MapTransform):
    """`pred` (S, V, 3), normalised coordinates of the crop, to the record's `meshes`: a `Mesh` in RAS mm per structure.

    Args:
        keys: the key of the network's output.
        faces: (F, 3) int64, shared by all structures.
        structures: those wanted, of `STRUCTURES`.

    Raises ValueError if a vertex is not finite.
    """

    def __init__(self, keys: Hashable, faces: torch.Tensor, structures: str | Sequence[str] = STRUCTURES) -> None:
        super().__init__(keys)
        self.faces = faces.cpu().numpy()
        self.structures = selected(structures, STRUCTURES, "structures")

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = dict(data)
        image = record["image"]
        with timed(record["seconds"], "meshes"):
            vertices = torch.as_tensor(record[self.keys[0]]).detach().cpu().double().numpy()
            if not np.isfinite(vertices).all():
                raise ValueError("the network gave vertices that are not finite: are the weights sound?")
            affine = np.asarray(image.affine)
            faces = facing_out(self.faces, affine)
            record["meshes"] = [
                Mesh(name, normalised_to_ras(vertices[STRUCTURES.index(name)], image.shape[1:], affine), faces)
                for name in self.structures
            ]
        return record


class MeshesToLabelMapd(Transform):
    """The record's `meshes` to its `label_map`, uint8 on the input's own grid: 1 = LA, 2 = LV, LV where both are."""

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = dict(data)
        meta = record["image"].meta
        with timed(record["seconds"], "label_map"):
            shape = tuple(int(size) for size in meta["spatial_shape"])
            affine = np.asarray(meta["original_affine"], dtype=np.float64)
            labels = torch.zeros(shape, dtype=torch.uint8)
            for mesh in record["meshes"]:
                inside = voxelise_in_image(mesh.vertices, mesh.faces, affine, shape)
                labels.masked_fill_(inside, LABELS[mesh.name])
            record["label_map"] = labels.numpy()
        return record


class SaveCased(Transform):
    """Write a case's meshes, label map, report and preview, all or none; the record gets its `report`.

    Args:
        formats: mesh formats, of `ENCODERS`.
        weights: the weights' file, whose hash goes into the report.
        device, amp: what the network runs with, for the report.
    """

    def __init__(
        self,
        formats: str | Sequence[str],
        weights: str | PathLike,
        device: torch.device | str,
        amp: bool,
    ) -> None:
        self.formats = selected(formats, tuple(ENCODERS), "formats")
        self.run = Run(weights=weights, device=device, amp=amp)

    def __call__(self, data: Mapping[Hashable, Any]) -> Record:
        record = dict(data)
        name, meshes, seconds = record["name"], record["meshes"], record["seconds"]
        with timed(seconds, "quality"):
            report = make_report(record, self.run)
        with timed(seconds, "preview"):
            preview = render_preview(record["image"], meshes, report)
        with timed(seconds, "files"):
            files = {f"{name}_{mesh.name}.{kind}": ENCODERS[kind](mesh) for mesh in meshes for kind in self.formats}
            files[f"{name}{LABEL_MAP_ENDING}"] = encode_nifti(
                record["label_map"], np.asarray(record["image"].meta["original_affine"])
            )
            files[f"{name}_preview.png"] = preview
        report["files"] = sorted(files)
        report["seconds"] = {part: round(value, 3) for part, value in seconds.items()}
        write_together(record["folder"], {**files, f"{name}_report.json": json.dumps(report, indent=2).encode()})
        return {**record, "report": report}
