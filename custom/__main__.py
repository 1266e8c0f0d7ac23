"""Commands beside the bundle's workflows, as ``python -m custom synthesize`` or ``python -m custom info --json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps
from pathlib import Path
from typing import Any

import fire
from fire.decorators import SetParseFns
from monai import bundle
from monai.bundle import ConfigParser

from .calls import check_overrides
from .configs import config_file
from .evaluation.comparison import compare_methods, methods_csv, methods_table, write_methods
from .evaluation.figures import box_plots
from .evaluation.measures import measure_case
from .evaluation.records import case_table, read_metrics
from .inference.writing.preview import as_png
from .info import as_text, collect
from .inputs import InputError
from .runtime.errors import tell_refusals


@SetParseFns(output_dir=str)
def synthesize(output_dir: str, **overrides: Any) -> None:
    """Generates CTs of hearts with their label maps (1 = LA, 2 = LV): runs ``configs/synthesize.json``.

    Args:
        output_dir: receives images, labels and a table.
        overrides: keys of that config, e.g. ``--first_seed 1 --count 10 --kind any --format dicom``.
    """
    _run("synthesis", ["synthesize.json"], {**overrides, "output_dir": output_dir})


@SetParseFns(input=str)
def volume_mesh(input: str, **overrides: Any) -> None:
    """Fills surfaces that inference wrote with tetrahedra, for simulation: runs ``configs/volume_mesh.json``.

    Args:
        input: ``CASE_LA.vtk``, ``CASE_LV.vtk`` or ``CASE_MYO.vtk``, or a folder of them.
        overrides: keys of that config, e.g. ``--output_dir volumes --openings open --edge_mm 2``.
    """
    _run("volume_meshing", ["volume_mesh.json"], {**overrides, "input": input})


@SetParseFns(mesh_folder=str, label_folder=str)
def compare(mesh_folder: str, label_folder: str) -> None:
    """Prints volume, Dice and surface distances of the meshes of a folder against label maps of the same names.

    Args:
        mesh_folder: holds ``NAME_LA.stl`` and ``NAME_LV.stl``.
        label_folder: holds ``NAME.nii.gz``.
    """
    rows = []
    labels = sorted(Path(label_folder).glob("*.nii.gz"))
    if not labels:
        raise InputError(f"there is no label map NAME.nii.gz in {label_folder}")
    for label in labels:
        rows += measure_case(label.name.removesuffix(".nii.gz"), mesh_folder, label)
    print(f"Meshes in {mesh_folder}:\n")
    print(case_table(rows))


@SetParseFns(output_dir=str)
def methods(output_dir: str, **metrics: str) -> None:
    """Compares evaluations of several methods on the same cases, and tests each against the first.

    Prints Markdown and writes ``methods.csv`` and ``methods.png``.

    Args:
        output_dir: receives both files.
        metrics: each method's name and its ``metrics.json``: ``--ours A/metrics.json --unet B/metrics.json``.
    """
    if not metrics:
        raise InputError("name the methods: --NAME metrics.json --OTHER metrics.json")
    rows = compare_methods(metrics)
    figure = box_plots({name: read_metrics(path) for name, path in metrics.items()})
    write_methods(output_dir, methods_csv(rows), as_png(figure), metrics.values())
    print(methods_table(rows))


@SetParseFns(file=str)
def export(file: str, **overrides: Any) -> None:
    """Writes the network with its weights as ONNX: runs ``configs/export.json``.

    Args:
        file: receives the network; its name ends in ``.onnx``.
        overrides: keys of ``inference.json``, e.g. ``--checkpoint``.
    """
    root = str(config_file("inference.json").parents[1])
    _run("export", ["inference.json", "export.json"], {**overrides, "exported": file, "bundle_root": root})


def info(json: bool = False) -> None:
    """Prints versions, weights and their hashes, structures, device and what is supported; no names, no paths.

    Args:
        json: as JSON.
    """
    found = collect()
    print(dumps(found, indent=2) if json else as_text(found))


def _run(run_id: str, configs: Sequence[str], overrides: Mapping[str, Any]) -> None:
    """Run a workflow of the bundle; a key that it does not have ends the call."""
    files = [str(config_file(name)) for name in configs]
    check_overrides(overrides, ConfigParser.load_config_files(files))
    bundle.run(run_id, config_file=files, **overrides)


if __name__ == "__main__":
    tell_refusals()
    commands = (synthesize, volume_mesh, compare, methods, export, info)
    fire.Fire({command.__name__: command for command in commands})
