"""The paper's Table 1, every system on the same patients with the same budget.

    python -m benchmarks.table1 FOLDER --steps 700 --size 64

For each system: trains it by the bundle's `training` workflow, predicts and measures by its `evaluation` workflow,
and asks what a step costs. Without `--data` the patients are generated. Prints Markdown, and writes it with the pictures
into FOLDER. What FOLDER holds already is not done again, so an interrupted call goes on where it was.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import fire
import torch
from custom.evaluation import box_plots, compare_systems, read_metrics, systems_table
from monai.bundle import ConfigParser

from benchmarks.training import CONFIGS, measure
from custom.inference.preview import as_png

ROOT = CONFIGS.parents[1]
EPOCHS, SEGMENTATION_EPOCHS = 7, 3
"""The steps are so many epochs; the first ones train the segmentation alone where a system starts from it."""
TEST_SEED = 910000

PAPER = {"network_def": "%network_configurations::paper"}
THROUGH_G = {
    "supervision": "%supervisions::representation",
    "representation_weights": str(CONFIGS.parent / "models" / "representation.pt"),
}


class System(NamedTuple):
    """A row of the table: how its configs differ from ours, and what it learns from."""

    title: str
    overlay: str | None
    overrides: dict[str, Any]
    learns_from: str


SYSTEMS = {
    "unet": System("3D U-Net, marching cubes", "unet", {}, "labels"),
    "voxel2mesh": System("Voxel2Mesh", "voxel2mesh", {}, "labels, meshes made of them"),
    "mesh_deform_net": System("MeshDeformNet", "mesh_deform_net", {}, "labels, meshes made of them"),
    "occupancy": System("occupancy network", "occupancy", {}, "labels"),
    "paper_representation": System("ImplicitMeshNet: paper's f, through g", None, PAPER | THROUGH_G, "labels"),
    "paper_exact": System("ImplicitMeshNet: paper's f, exact distance", None, PAPER, "labels"),
    "default_representation": System("this bundle's f, through g", None, THROUGH_G, "labels"),
    "default_exact": System("this bundle's f, exact distance", None, {}, "labels"),
}


def main(
    folder: str,
    steps: int = 700,
    size: int = 64,
    data: str | None = None,
    test: str | None = None,
    rows: tuple[str, ...] = tuple(SYSTEMS),
    patients: int = 300,
    test_count: int = 20,
    **overrides: Any,
) -> None:
    """Trains and evaluates the systems, and prints their table.

    Args:
        folder: receives a folder a system, ``table1.md`` and ``table1.png``.
        steps: of training, for every system alike, of batch 1.
        size: voxels per axis of what the networks see, 166 mm wide.
        data: labelled CTs to train on (`dataset_dir` of train.json), generated patients if not given.
        test: labelled CTs to test on (`dataset_dir` of evaluate.json), generated patients if not given.
        rows: names among ``SYSTEMS``; the last is the one that the others are tested against.
        patients: generated patients to train on.
        test_count: generated patients to test on.
        overrides: keys of train.json and evaluate.json, for every system alike, e.g. ``label_values``.
    """
    unknown = set(rows) - set(SYSTEMS)
    if unknown:
        sys.exit(f"there is no system {', '.join(sorted(unknown))}: rows are of {', '.join(SYSTEMS)}")
    base = Path(folder).resolve()
    if test is None:
        test = str(base / "patients")
        if len(list((base / "patients" / "labels").glob("*.nii.gz"))) < test_count:
            call([sys.executable, "-m", "custom", "synthesize", test], first_seed=TEST_SEED, count=test_count)
    common = {
        "volume_size": size,
        # the U-Net of 128 voxels and stride 2 is that of 64 voxels and stride 1
        "network_configurations#default#unet#first_stride": 2 if size >= 128 else 1,
        **overrides,
    }
    training = {
        "cache_dir": str(base / "cache"),
        "epochs": EPOCHS,
        "steps_per_epoch": steps // EPOCHS,
        "segmentation_epochs": SEGMENTATION_EPOCHS,
        "val_interval": EPOCHS,
        "batch_size": 1,
        "generated_first_seed": 20000,
        "generated_count": patients + 12,
        **({"dataset_dir": str(Path(data).resolve())} if data else {}),
        **common,
    }
    for name in rows:
        system, own = SYSTEMS[name], base / name
        overlay = [f"systems/{system.overlay}.json"] if system.overlay else []
        settings = training | system.overrides
        if not (own / "train" / "model.pt").exists():
            begun = own / "train" / "checkpoint.pt"
            resume = {"resume": str(begun)} if begun.exists() else {}
            run("training", ["train.json", *overlay], output_dir=str(own / "train"), **resume, **settings)
        if not (own / "test" / "metrics.json").exists():
            network = {key: value for key, value in system.overrides.items() if key == "network_def"}
            evaluation = {"output_dir": str(own / "test"), "dataset_dir": test, "skip_existing": True, **network}
            weights = str(own / "train" / "model.pt")
            run("evaluation", ["inference.json", "evaluate.json", *overlay], checkpoint=weights, **evaluation, **common)
        if not (own / "cost.json").exists():
            cost = costs(["train.json", *overlay], settings | {"output_dir": str(own / "train")})
            (own / "cost.json").write_text(json.dumps(cost))
    order = [rows[-1], *rows[:-1]]
    metrics = {SYSTEMS[name].title: base / name / "test" / "metrics.json" for name in order}
    page = "\n\n".join(
        [
            f"{steps} steps of batch 1 at {size}³; trained on {data or f'{patients} generated patients'}, tested on "
            f"{Path(test).name if data else f'{test_count} others'}; {hardware()}",
            systems_table(compare_systems(metrics)),
            cost_table({name: json.loads((base / name / "cost.json").read_text()) for name in rows}),
        ]
    )
    (base / "table1.md").write_text(page + "\n")
    (base / "table1.png").write_bytes(as_png(box_plots({name: read_metrics(path) for name, path in metrics.items()})))
    print(page)


def run(workflow: str, configs: list[str], **overrides: Any) -> None:
    """Calls a workflow of the bundle; ends the program if it fails. An evaluation's status 1 tells failed cases."""
    files = str([str(CONFIGS / config) for config in configs])
    command = [sys.executable, "-m", "monai.bundle", "run", workflow, "--config_file", files]
    call(command, allowed=(0, 1) if workflow == "evaluation" else (0,), bundle_root=str(CONFIGS.parent), **overrides)


def call(command: list[str], allowed: tuple[int, ...] = (0,), **arguments: Any) -> None:
    """Runs a command with keyword arguments from the repository's root."""
    for key, value in arguments.items():
        command += [f"--{key}", str(value)]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status not in allowed:
        sys.exit(f"exit status {status}: {' '.join(command)}")


def costs(configs: list[str], overrides: dict[str, Any]) -> dict[str, float]:
    """Parameters of the network, and seconds of a training step without its data (see benchmarks.training)."""
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / config) for config in configs])
    parser.update(overrides)
    network = parser.get_parsed_content("network_def")
    steps = measure(configs, steps=3, **overrides | {"segmentation_epochs": 0})
    seconds = sorted(sum(step.values()) - step["data"] for step in steps)
    return {"parameters": sum(p.numel() for p in network.parameters()), "seconds": seconds[1]}


def cost_table(found: dict[str, dict[str, float]]) -> str:
    """What each system takes, as Markdown."""
    lines = ["| system | parameters | s a training step | learns from |", "|---|---|---|---|"]
    for name, cost in found.items():
        system = SYSTEMS[name]
        lines.append(
            f"| {system.title} | {cost['parameters'] / 1e6:.2f} M | {cost['seconds']:.2f} | {system.learns_from} |"
        )
    return "\n".join(lines)


def hardware() -> str:
    """What this process runs on."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), torch {torch.__version__}"


if __name__ == "__main__":
    fire.Fire(main)
