"""Commands beside the bundle's workflows: ``python -m custom synthesize``, ``compare`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fire
from monai import bundle

from .comparison import compare_case, table
from .configs import config_file


def synthesize(output_dir: str, **overrides: Any) -> None:
    """Generates CTs of hearts with their label maps (1 = LA, 2 = LV): runs ``configs/synthesize.json``.

    Args:
        output_dir: receives images, labels and a table.
        overrides: keys of that config, e.g. ``--first_seed 1 --count 10 --kind any --format dicom``.
    """
    bundle.run("synthesis", config_file=str(config_file("synthesize.json")), output_dir=output_dir, **overrides)


def compare(mesh_folder: str, label_folder: str) -> None:
    """Prints volume, Dice and surface distances of the meshes of a folder against label maps of the same names.

    Args:
        mesh_folder: holds ``NAME_LA.stl`` and ``NAME_LV.stl``.
        label_folder: holds ``NAME.nii.gz``.
    """
    rows = []
    for label in sorted(Path(label_folder).glob("*.nii.gz")):
        rows += compare_case(Path(mesh_folder), label)
    print(f"Meshes in {mesh_folder}:\n")
    print(table(rows))


def export(file: str, **overrides: Any) -> None:
    """Writes the network with its weights as ONNX or by ``torch.export``: runs ``configs/export.json``.

    Args:
        file: receives the network, ``.onnx`` or ``.pt2``.
        overrides: keys of ``inference.json``, e.g. ``--checkpoint``.
    """
    inference, own = (config_file(name) for name in ("inference.json", "export.json"))
    root = str(inference.parents[1])
    bundle.run("export", config_file=[str(inference), str(own)], bundle_root=root, exported=file, **overrides)


if __name__ == "__main__":
    fire.Fire({"synthesize": synthesize, "compare": compare, "export": export})
