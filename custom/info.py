"""What is installed and what it supports, for a request for support: no names, no paths."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from typing import Any

import torch

from . import __version__
from .chambers import CHAMBERS
from .configs import config_file
from .inference.writing.mesh_files import ENCODERS
from .networks.weights import sha256_of
from .reading.kinds import ARCHIVE_SUFFIX, ITK_SUFFIXES, NIFTI_SUFFIXES
from .runtime.processor import native_bfloat16


def collect() -> dict[str, Any]:
    """Versions, weights and their hashes, structures, devices, and what is read and written."""
    metadata = json.loads(config_file("metadata.json").read_text())
    needed = {"monai": "monai_version", "torch": "pytorch_version", "numpy": "numpy_version"}
    wanted = {name: metadata[key] for name, key in needed.items()} | metadata["required_packages_version"]
    installed = {name: _version(name) for name in wanted}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return {
        "name": metadata["name"],
        "version": __version__,
        "intended_use": metadata["intended_use"],
        "weights": _weights(),
        "structures": [
            {"name": name, "title": chamber.title, "snomed_ct": chamber.snomed, "definition": chamber.definition}
            for name, chamber in CHAMBERS.items()
        ],
        "reads": ["DICOM CT", *NIFTI_SUFFIXES, *ITK_SUFFIXES, ARCHIVE_SUFFIX],
        "writes": {"meshes": list(ENCODERS), "dicom": dicom_output()},
        "device": {
            "default": device,
            "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
            "bfloat16": native_bfloat16(device),
            "threads": torch.get_num_threads(),
        },
        "system": {"python": platform.python_version(), "os": platform.system(), "machine": platform.machine()},
        "packages": installed,
        "packages_that_differ": {name: wanted[name] for name in wanted if not _same(installed[name], wanted[name])},
    }


def as_text(found: dict[str, Any]) -> str:
    """The same for people: a line for each key, levels parted by a point."""
    return "\n".join(_lines("", found))


def dicom_output() -> list[str]:
    """The kinds of DICOM that `dicom_output` writes, by their keys in the names of files."""
    from .inference.writing.outputs import EVERY_OUTPUT  # here, as it reads all that writes

    names = [name for name in EVERY_OUTPUT.names("") if name.endswith(".dcm")]
    return sorted({name.split(".")[1] for name in names})


def _weights() -> dict[str, dict[str, Any]]:
    folder = config_file("metadata.json").parents[1] / "models"
    return {
        path.name: {"sha256": sha256_of(path), "bytes": path.stat().st_size} for path in sorted(folder.glob("*.pt"))
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _same(installed: str | None, wanted: str) -> bool:
    """A build, as of `2.13.0+cpu`, makes no difference."""
    return installed is not None and installed.split("+")[0] == wanted


def _lines(key: str, value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for name, part in value.items() for line in _lines(f"{key}.{name}" if key else str(name), part)]
    if isinstance(value, list) and any(isinstance(part, dict) for part in value):
        return [line for index, part in enumerate(value) for line in _lines(f"{key}.{index}", part)]
    return [f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}"]
