"""Commands beside the bundle's workflows: ``python -m custom synthesize``, ``compare``, ``systems``, ``export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import fire
from monai import bundle

from .configs import config_file
from .evaluation.figures import box_plots
from .evaluation.measures import measure_case
from .evaluation.records import case_table, read_metrics
from .evaluation.systems import compare_systems, systems_csv, systems_table, write_systems
from .inference.preview import as_png


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
        rows += measure_case(label.name.removesuffix(".nii.gz"), mesh_folder, label)
    print(f"Meshes in {mesh_folder}:\n")
    print(case_table(rows))


def systems(output_dir: str, **metrics: str) -> None:
    """Compares evaluations of several systems on the same cases, and tests each against the first.

    Prints Markdown and writes ``systems.csv`` and ``systems.png``.

    Args:
        output_dir: receives both files.
        metrics: each system's name and its ``metrics.json``: ``--ours A/metrics.json --unet B/metrics.json``.
    """
    if not metrics:
        sys.exit("name the systems: --NAME metrics.json --OTHER metrics.json")
    try:
        rows = compare_systems(metrics)
        figure = box_plots({name: read_metrics(path) for name, path in metrics.items()})
        write_systems(output_dir, systems_csv(rows), as_png(figure), metrics.values())
    except ValueError as error:
        sys.exit(str(error))
    print(systems_table(rows))


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
    fire.Fire({"synthesize": synthesize, "compare": compare, "systems": systems, "export": export})
