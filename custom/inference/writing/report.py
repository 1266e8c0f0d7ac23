"""The report of a case: a dictionary that is written as JSON; bundle/docs/report.md explains its keys."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import Any

import monai
import nibabel
import numpy as np
import torch

from ... import __version__
from ...anatomy.regions import REGIONS
from ...frames import spacing_of
from ...geometry.intersections import mutual_intersections
from ...mesh import Mesh
from ...networks.weights import sha256_of
from ...runtime.memory import peak_memory
from ...text import printable
from ..quality.doubt import CHECK, REASONS, remark
from ..quality.indexing import indexed_volumes
from ..record import Record


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
            self._sha256 = sha256_of(self.weights)
        return self._sha256


def make_report(record: Record, run: Run) -> dict[str, Any]:
    """The report of a case, but for `files` and `seconds`."""
    image, meshes = record["image"], record["meshes"]
    grid = _geometry(image.meta["spatial_shape"], image.meta["original_affine"])
    crop = _geometry(image.shape[1:], image.affine)
    structures = record["structures"]
    crossings = {} if record.get("free") else _crossings(meshes)
    reading = record["reading"]
    return {
        "case": printable(record["name"]),
        "status": "done",
        "input": {
            "file": printable(Path(record["image_file"]).name),
            "axis_codes": "".join(nibabel.aff2axcodes(np.asarray(image.meta["original_affine"]))),
            **grid,
        },
        "series": reading["series"],
        "heart": reading["heart"],
        "crop": crop,
        "label_map": _geometry(*record["label_grid"]),
        "structures": {name: _rounded(checks) for name, checks in structures.items()},
        "body_surface_m2": reading["body_surface_m2"],
        **report_anatomy(record),
        "intersections_between": sum(crossings.values()) if len(meshes) > 1 else None,
        "warnings": [*reading["warnings"].values(), *_warnings(structures, crossings)],
        "outcomes": [*reading["warnings"], *_suspicions(structures)],
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
        "peak_memory_mib": peak_memory(run.device),
    }


def make_failure(name: str, reason: str, outcome: str) -> dict[str, Any]:
    """The report of a case that failed."""
    return {"case": printable(name), "status": "failed", "outcome": outcome, "reason": reason}


def _geometry(shape: Sequence[int], affine: Any) -> dict[str, Any]:
    affine = np.asarray(affine, dtype=np.float64)
    return {
        "shape": [int(size) for size in shape],
        "spacing_mm": spacing_of(affine).round(6).tolist(),
        "affine_voxel_to_ras": affine.tolist(),
    }


def report_anatomy(record: Record) -> dict[str, Any]:
    """What was found on the meshes; nothing of systems that do not look for it."""
    if "anatomy" not in record:
        return {}
    anatomy, surface = record["anatomy"], record["reading"]["body_surface_m2"]
    measurements = anatomy.measurements | indexed_volumes(record["structures"], surface)
    named = {name: [int(value) for value in np.unique(regions)] for name, regions in anatomy.regions.items()}
    return {
        "landmarks": {name: _rounded(landmark) for name, landmark in anatomy.landmarks.items()},
        "measurements": {name: _rounded(measurement) for name, measurement in measurements.items()},
        "regions": {name: {str(value): REGIONS[value] for value in values} for name, values in named.items()},
    }


def _rounded(checks: Mapping[str, Any]) -> dict[str, Any]:
    """Measures to three decimals: only here, when all has been judged by what they are."""
    return {key: _round(value) for key, value in checks.items()}


def _round(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _rounded(value)
    if isinstance(value, list):
        return [_round(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def _crossings(meshes: Sequence[Mesh]) -> dict[tuple[str, str], int]:
    """Pairs of faces that cross, by the names of the two chambers."""
    return {
        (one.name, other.name): len(mutual_intersections(one.vertices, one.faces, other.vertices, other.faces))
        for one, other in combinations(meshes, 2)
    }


def _warnings(structures: Mapping[str, Mapping[str, Any]], crossings: Mapping[tuple[str, str], int]) -> list[str]:
    found = [sentence for name, checks in structures.items() if (sentence := remark(name, checks))]
    crossing = {pair: count for pair, count in crossings.items() if count}
    return found + [f"{one} and {other} cross at {count} pairs of faces" for (one, other), count in crossing.items()]


def _suspicions(structures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The reasons that by themselves make some chamber one to check."""
    names = [reason.name for reason in REASONS]
    return [name for name in names if any(checks["doubts"][name] >= CHECK for checks in structures.values())]
