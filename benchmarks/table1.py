"""The paper's Table 1, every method on the same patients with the same budget.

    python -m benchmarks.table1 FOLDER --start_steps 1500 --steps 400 --size 64

Each method is trained by the bundle's `training` workflow in two stages, its U-Net on the labels alone and then the
whole, predicts and is measured by the `evaluation` workflow, and is asked what a step costs. Without `--data` patients
are generated: CT angiographies. Prints Markdown, and writes it with the pictures into FOLDER. What FOLDER holds already
is not done again, so an interrupted call goes on where it was.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import fire
import torch
from monai.bundle import ConfigParser

from benchmarks.training import CONFIGS, measure
from custom.calls import check_keys
from custom.evaluation import compare_methods, methods_table
from custom.evaluation.figures import box_plots
from custom.evaluation.records import read_metrics
from custom.inference.writing.preview import as_png
from custom.inputs import InputError

ROOT = CONFIGS.parents[1]
EPOCHS = 5
"""Of each stage: a checkpoint is left after each."""
TRAINING_SEED, TEST_SEED = 20000, 910000

KIND = "cardiac"
"""Of the generated scans, in synthesize.json."""
PAPER = {"network_def": "%network_configurations::paper", "fairing": 0, "subdivision": 0, "boundary_snapping": 0}
THROUGH_G = {
    "supervision": "%supervisions::representation",
    "representation_weights": str(CONFIGS.parent / "models" / "representation.pt"),
}


class Method(NamedTuple):
    """A row of the table."""

    title: str
    learns_from: str
    start: str
    """Systems of one network share the first stage."""
    overlay: str | None = None
    overrides: dict[str, Any] = {}
    """What differs in training and inference."""
    supervision: dict[str, Any] = {}
    """What differs in the second stage of training."""
    stride: str | None = None
    """Key of its U-Net's first stride, where it may be other than 1."""


LABELS, MESHES = "labels", "labels and meshes made of them"
DEFAULT = "network_configurations#default#unet#first_stride"
METHODS = {
    "unet": Method("3D U-Net, marching cubes", LABELS, "unet", "unet"),
    "voxel2mesh": Method("Voxel2Mesh", MESHES, "voxel2mesh", "voxel2mesh", stride=DEFAULT),
    "mesh_deform_net": Method("MeshDeformNet", MESHES, "mesh_deform_net", "mesh_deform_net", stride=DEFAULT),
    "occupancy": Method("occupancy network", LABELS, "occupancy", "occupancy", stride=DEFAULT),
    "paper_representation": Method("paper's f, through g", LABELS, "paper", None, PAPER, THROUGH_G),
    "paper_exact": Method("paper's f, exact distance", LABELS, "paper", None, PAPER),
    "default_representation": Method("this bundle's f, through g", LABELS, "default", None, {}, THROUGH_G, DEFAULT),
    "default_exact": Method("this bundle's f, exact distance", LABELS, "default", stride=DEFAULT),
}


def main(
    folder: str,
    start_steps: int = 1500,
    steps: int = 400,
    size: int = 64,
    data: str | None = None,
    test: str | None = None,
    rows: tuple[str, ...] = tuple(METHODS),
    patients: int = 312,
    test_count: int = 20,
    **overrides: Any,
) -> None:
    """Trains and evaluates the methods, and prints their table.

    Args:
        folder: receives a folder a method, ``table1.md`` and ``table1.png``.
        start_steps: of batch 1 on the labels alone, for every U-Net; methods with the same network share them.
        steps: of batch 1 on all that a method learns from.
        size: voxels per axis of what the networks see, 166 mm wide.
        data: labelled CTs to train on (`dataset_dir` of train.json), generated patients if not given.
        test: labelled CTs to test on (`dataset_dir` of evaluate.json), generated patients if not given.
        rows: names among ``METHODS``; the others are tested against the last.
        patients: generated patients to train on, the last `validation_count` of them to validate on.
        test_count: generated patients to test on.
        overrides: keys of train.json and evaluate.json, for every method alike, e.g. ``label_values``; those that only
            one of them has go to that one.
    """
    unknown = set(rows) - set(METHODS)
    if unknown:
        sys.exit(f"there is no method {', '.join(sorted(unknown))}: rows are of {', '.join(METHODS)}")
    try:
        check_keys(overrides, read_configs(["train.json", "inference.json", "evaluate.json"]))
    except InputError as error:
        sys.exit(str(error))
    base = Path(folder).resolve()
    test = test or generated(base / "patients", test_count)
    common = {"volume_size": size, **overrides}
    training = {
        "cache_dir": str(base / "cache"),
        "batch_size": 1,
        "epochs": EPOCHS,
        "val_interval": EPOCHS,
        "augmentation#translate": 15.0,
        "generated_first_seed": TRAINING_SEED,
        "generated_count": patients,
        "scan_protocol": json.loads((CONFIGS / "synthesize.json").read_text())["kinds"][KIND]["protocol"],
        "dataset_dir": data and str(Path(data).resolve()),
        **common,
    }
    for name in rows:
        work_on(name, base, (start_steps, steps), training, common, test)
    order = [rows[-1], *rows[:-1]]
    metrics = {METHODS[name].title: base / name / "test" / "metrics.json" for name in order}
    page = "\n\n".join(
        [
            f"{start_steps} steps on labels alone, then {steps}, of batch 1 at {size}³; trained on "
            f"{'the given' if data else f'{patients} generated'} patients; {hardware()}",
            methods_table(compare_methods(metrics)),
            cost_table({name: json.loads((base / name / "cost.json").read_text()) for name in rows}),
        ]
    )
    (base / "table1.md").write_text(page + "\n")
    (base / "table1.png").write_bytes(as_png(box_plots({name: read_metrics(path) for name, path in metrics.items()})))
    print(page)


def work_on(
    name: str, base: Path, stages: tuple[int, int], training: dict[str, Any], common: dict[str, Any], test: str
) -> None:
    """Trains, evaluates and measures one method, as far as that is not done.

    Args:
        name: of the method.
        base: receives its folder, and that of the shared first stage.
        stages: steps of both.
        training: keys of train.json, but the stages'.
        common: those among them that inference needs too.
        test: labelled CTs.
    """
    method, own = METHODS[name], base / name
    start = base / f"start_{method.start}"
    overlay = [f"baselines/{method.overlay}.json"] if method.overlay else []
    # the U-Net of 128 voxels and stride 2 is that of 64 voxels and stride 1
    network = method.overrides | ({method.stride: 2 if common["volume_size"] >= 128 else 1} if method.stride else {})
    training = training | network
    first = {"steps_per_epoch": stages[0] // EPOCHS, "segmentation_epochs": EPOCHS}
    second = {"steps_per_epoch": stages[1] // EPOCHS, "segmentation_epochs": 0, "learning_rate": 0.001}
    second |= method.supervision
    train(start, ["train.json", *overlay], training | first)
    train(own / "train", ["train.json", *overlay], training | second, start / "model.pt")
    if not (own / "test" / "metrics.json").exists():
        evaluation = common | network
        evaluation |= {"checkpoint": str(own / "train" / "model.pt"), "dataset_dir": test, "skip_existing": True}
        run("evaluation", ["inference.json", "evaluate.json", *overlay], evaluation | {"output_dir": str(own / "test")})
    if not (own / "cost.json").exists():
        cost = costs(["train.json", *overlay], training | second | {"output_dir": str(own / "train")})
        (own / "cost.json").write_text(json.dumps(cost))


def generated(folder: Path, count: int) -> str:
    """The folder, with so many generated patients for the test."""
    if len(list((folder / "labels").glob("*.nii.gz"))) < count:
        call([sys.executable, "-m", "custom", "synthesize", str(folder)], first_seed=TEST_SEED, count=count, kind=KIND)
    return str(folder)


def train(folder: Path, configs: list[str], overrides: dict[str, Any], weights: Path | None = None) -> None:
    """Trains into a folder, from some weights, unless that is done; goes on from its checkpoint if there is one."""
    if (folder / "model.pt").exists():  # written by the validation at the end
        return
    if (folder / "checkpoint.pt").exists():
        overrides = overrides | {"resume": str(folder / "checkpoint.pt")}
    elif weights is not None:
        overrides = overrides | {"initial_weights": str(weights)}
    run("training", configs, overrides | {"output_dir": str(folder)})


def run(workflow: str, configs: list[str], overrides: dict[str, Any]) -> None:
    """Calls a workflow of the bundle with what of the overrides its configs have; ends the program if it fails.

    An evaluation's status 1 tells failed cases.
    """
    config = read_configs(configs)
    overrides = {key: value for key, value in overrides.items() if key.split("#")[0] in config}
    files = str([str(CONFIGS / config) for config in configs])
    command = [sys.executable, "-m", "monai.bundle", "run", workflow, "--config_file", files]
    call(command, (0, 1) if workflow == "evaluation" else (0,), bundle_root=str(CONFIGS.parent), **overrides)


def read_configs(names: Sequence[str]) -> dict[str, Any]:
    """Configs of the bundle as one, the later over the earlier."""
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / name) for name in names])
    return parser.config


def call(command: list[str], allowed: tuple[int, ...] = (0,), **arguments: Any) -> None:
    """Runs a command with keyword arguments from the repository's root."""
    for key, value in arguments.items():
        command += [f"--{key}", str(value)]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status not in allowed:
        sys.exit(f"exit status {status}: {' '.join(command)}")


def costs(configs: list[str], overrides: dict[str, Any]) -> dict[str, float]:
    """Parameters of the network, and seconds of a training step without its data (see benchmarks.training)."""
    parser = ConfigParser(read_configs(configs))
    parser.update(overrides)
    network = parser.get_parsed_content("network_def")
    steps, _ = measure(configs, steps=3, **overrides | {"segmentation_epochs": 0})
    seconds = sorted(sum(step.values()) - step["data"] for step in steps)
    return {"parameters": sum(p.numel() for p in network.parameters()), "seconds": seconds[1]}


def cost_table(found: dict[str, dict[str, float]]) -> str:
    """What each method takes, as Markdown."""
    lines = ["| method | parameters | s a training step | learns from |", "|---|---|---|---|"]
    for name, cost in found.items():
        method = METHODS[name]
        lines.append(
            f"| {method.title} | {cost['parameters'] / 1e6:.2f} M | {cost['seconds']:.2f} | {method.learns_from} |"
        )
    return "\n".join(lines)


def hardware() -> str:
    """What this process runs on."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), torch {torch.__version__}"


if __name__ == "__main__":
    fire.Fire(main)
