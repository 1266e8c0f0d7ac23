"""The report of a case: a dictionary that is written as JSON.

============================ ==========================================================================================
key                          value
============================ ==========================================================================================
case, status                 name of the case; "done", or "failed" with `outcome` and `reason` as the only other keys
input                        file (name only), shape, spacing_mm, axis_codes, affine_voxel_to_ras
series                       of DICOM: the chosen series, `chosen_by` (the rule of custom.dicom.series that told it
                             from the next best) and its `alternatives`; null for other images
heart                        centre_ras_mm of the crop, from_middle_mm (its distance from the image's middle), seen_ml
                             (what the locator saw of the chambers; null where `centre` was given)
crop                         what the network saw: shape, spacing_mm, affine_voxel_to_ras
structures                   per chamber its definition (what it encloses), volume_ml, area_cm2, watertight, outward,
                             euler_number, self_intersections (pairs of faces), touches_field_of_view, and `untangled`:
                             how many vertices were moved, how far at most, to free it of intersections
intersections_between        pairs of faces of the two chambers that meet; null where only one was asked for
warnings                     sentences for the person who uses the meshes; empty where nothing was found
outcomes                     short names of the warnings that reading the image gave
forced                       those of them that were refusals but for `force`: the meshes may be wrong, and each file
                             says FORCED
weights_sha256, versions     of the network's weights; of the bundle, MONAI, torch and Python
device, amp                  what the network ran with
files                        names of the files written beside the report
seconds                      wall-clock time of each part, but for the writing itself
============================ ==========================================================================================
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Hashable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import monai
import nibabel
import numpy as np
import torch

from .. import __version__
from ..chambers import DEFINITIONS
from ..frames import spacing_of
from ..geometry.intersections import mutual_intersections
from .files import REPORT_ENDING, write_together
from .mesh_files import Mesh
from .quality import check_mesh, leaves_grid


class Run:
    """What all cases of a run share: the hash of the weights, device and precision."""

    def __init__(self, weights: str | PathLike, device: torch.device | str, amp: bool) -> None:
        self.weights = Path(weights)
        self.device = str(device)
        self.amp = bool(amp)
        self._sha256: str | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights' file, read once."""
        if self._sha256 is None:
            with open(self.weights, "rb") as stream:
                self._sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._sha256


def make_report(record: Mapping[Hashable, Any], run: Run) -> dict[str, Any]:
    """The report of a case, but for `files` and `seconds`.

    `record` holds `image` (the crop), `meshes`, `untangled`, `reading`, `name` and `image_file`.
    """
    image, meshes = record["image"], record["meshes"]
    grid = _geometry(image.meta["spatial_shape"], image.meta["original_affine"])
    crop = _geometry(image.shape[1:], image.affine)
    structures = {mesh.name: {"definition": DEFINITIONS[mesh.name], **check_mesh(mesh)} for mesh in meshes}
    for mesh in meshes:
        structures[mesh.name]["untangled"] = record["untangled"][mesh.name]
        structures[mesh.name]["touches_field_of_view"] = any(
            leaves_grid(mesh, box["shape"], np.array(box["affine_voxel_to_ras"])) for box in (grid, crop)
        )
    between = _intersections_between(meshes)
    reading = json.loads(record["reading"])
    return {
        "case": record["name"],
        "status": "done",
        "input": {
            "file": Path(record["image_file"]).name,
            "axis_codes": "".join(nibabel.aff2axcodes(np.asarray(image.meta["original_affine"]))),
            **grid,
        },
        "series": reading["series"],
        "heart": reading["heart"],
        "crop": crop,
        "structures": structures,
        "intersections_between": between,
        "warnings": [*reading["warnings"].values(), *_warnings(structures, between)],
        "outcomes": list(reading["warnings"]),
        "forced": reading["forced"],
        "weights_sha256": run.sha256,
        "versions": {
            "bundle": __version__,
            "monai": monai.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "device": run.device,
        "amp": run.amp,
    }


def make_failure(name: str, reason: str, outcome: str) -> dict[str, Any]:
    """The report of a case that failed."""
    return {"case": name, "status": "failed", "outcome": outcome, "reason": reason}


def write_case(folder: str | PathLike, report: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write a case's report and `files` (name to content), in place of those of an earlier run.

    Raises InputError where the folder cannot be written.
    """
    name = f"{report['case']}{REPORT_ENDING}"
    write_together(folder, report["case"], {**files, name: json.dumps(report, indent=2).encode()})


def _geometry(shape: Sequence[int], affine: Any) -> dict[str, Any]:
    affine = np.asarray(affine, dtype=np.float64)
    return {
        "shape": [int(size) for size in shape],
        "spacing_mm": spacing_of(affine).round(6).tolist(),
        "affine_voxel_to_ras": affine.tolist(),
    }


def _intersections_between(meshes: Sequence[Mesh]) -> int | None:
    if len(meshes) < 2:
        return None
    first, second = meshes
    return len(mutual_intersections(first.vertices, first.faces, second.vertices, second.faces))


def _warnings(structures: Mapping[str, Mapping[str, Any]], between: int | None) -> list[str]:
    found = []
    for name, checks in structures.items():
        if checks["touches_field_of_view"]:
            found.append(f"{name} reaches the edge of the field of view: it may be cut off, and its volume too small")
        if not checks["outward"]:
            found.append(f"{name} is turned inside out")
        if not checks["watertight"] or checks["euler_number"] != 2:
            found.append(f"{name} is not a closed surface of one piece without handles")
        if checks["self_intersections"]:
            found.append(f"{name} crosses itself at {checks['self_intersections']} pairs of faces")
    if between:
        found.append(f"the two chambers cross at {between} pairs of faces")
    return found
