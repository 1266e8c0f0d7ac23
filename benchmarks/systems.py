"""The systems of Table 1: what each is called and made of; how one is trained, evaluated and asked what it costs.

A system has a folder. What lies there already is not done again, and an interrupted training goes on where it was.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monai.bundle import ConfigParser

from benchmarks.training import CONFIGS, measure

ROOT = CONFIGS.parents[1]
VALIDATIONS = 20
"""Of the second stage: an epoch each, with a checkpoint."""
START_EPOCHS = 5
FINISHED = "finished"
"""A file in the folder of a training that needs no more."""


class System(NamedTuple):
    """What is trained and measured."""

    title: str
    learns_from: str
    start: str
    """Systems of one network share the first stage."""
    overlay: str | None = None
    """Config in `configs/baselines` for training and inference."""
    paper: bool = False
    """Whether it is the paper's f: `paper_train.json` and `paper_inference.json` join."""
    second: dict[str, Any] = {}
    """What differs in the second stage of training."""
    stride: str | None = None
    """Key of its U-Net's first stride, where it may be other than 1."""


LABELS, MESHES = "labels", "labels and meshes made of them"
DEFAULT = "network_configurations#default#unet#first_stride"
THROUGH_G = {"supervision": "representation", "representation_interval": 4}
SLOWLY = {"learning_rate": 0.0003, "end_learning_rate": 1e-05}
"""Three times the paper's rate, which is for 120,000 steps; at 1e-3 templates can turn inside out."""
SYSTEMS = {
    "unet": System("3D U-Net, marching cubes", LABELS, "unet", "unet"),
    "voxel2mesh": System("Voxel2Mesh", MESHES, "voxel2mesh", "voxel2mesh", stride=DEFAULT),
    "mesh_deform_net": System("MeshDeformNet", MESHES, "mesh_deform_net", "mesh_deform_net", stride=DEFAULT),
    "occupancy": System("occupancy network", LABELS, "occupancy", "occupancy", stride=DEFAULT),
    "paper_representation": System("paper's f, through g", LABELS, "paper", paper=True, second=SLOWLY | THROUGH_G),
    "paper_exact": System(
        "paper's f, exact distance", LABELS, "paper", paper=True, second=SLOWLY | {"supervision": "exact"}
    ),
    "default_representation": System("this bundle's f, through g", LABELS, "default", second=THROUGH_G, stride=DEFAULT),
    "default_exact": System("this bundle's f, exact distance", LABELS, "default", stride=DEFAULT),
}


class Row(NamedTuple):
    """A line of the table: a system, trained from one seed."""

    name: str
    seed: int

    @property
    def system(self) -> System:
        return SYSTEMS[self.name]

    @property
    def title(self) -> str:
        return self.system.title + (f", seed {self.seed}" if self.seed else "")

    def folder(self, base: Path) -> Path:
        """Of all that is its own."""
        return base / self._seeded(self.name)

    def start(self, base: Path) -> Path:
        """Of the first stage, which it may share with others."""
        return base / self._seeded(f"start_{self.system.start}")

    def _seeded(self, name: str) -> str:
        return name + (f"_seed{self.seed}" if self.seed else "")


def row_of(text: str) -> Row:
    """`unet`, or `unet:1` with another seed than 0. Ends the program where there is no such system."""
    name, _, seed = text.partition(":")
    if name not in SYSTEMS or not (seed or "0").isdecimal():
        sys.exit(f"there is no system {text}: rows are of {', '.join(SYSTEMS)}, with another seed as in unet:1")
    return Row(name, int(seed or 0))


def work_on(
    row: Row, base: Path, stages: tuple[int, int], training: dict[str, Any], common: dict[str, Any], test: str
) -> None:
    """Trains, evaluates and measures one system, as far as that is not done.

    Args:
        row: of the table.
        base: receives its folder, and that of the shared first stage.
        stages: steps of both.
        training: keys of train.json, but the stages'.
        common: those among them that inference needs too.
        test: labelled CTs.
    """
    system, own, start = row.system, row.folder(base), row.start(base)
    overlay = [f"baselines/{system.overlay}.json"] if system.overlay else []
    configs = ["train.json", *overlay, *(["paper_train.json"] if system.paper else [])]
    inference = ["inference.json", "evaluate.json", *overlay, *(["paper_inference.json"] if system.paper else [])]
    # the U-Net of 128 voxels and stride 2 is that of 64 voxels and stride 1
    network = {system.stride: 2 if common["volume_size"] >= 128 else 1} if system.stride else {}
    training = training | network | {"seed": row.seed, "warmup_steps": 100}
    first = {"epochs": START_EPOCHS, "steps_per_epoch": stages[0] // START_EPOCHS, "segmentation_epochs": START_EPOCHS}
    first |= {"val_interval": START_EPOCHS, "learning_rate": 0.002, "max_seconds": None, "patience": None}
    second = {"epochs": VALIDATIONS, "steps_per_epoch": stages[1] // VALIDATIONS, "segmentation_epochs": 0}
    second |= {"val_interval": 1, "learning_rate": 0.001} | system.second
    train(start, configs, training | first)
    train(own / "train", configs, training | second, start / "model.pt")
    if not (own / "test" / "metrics.json").exists():
        evaluation = common | network
        evaluation |= {"checkpoint": str(own / "train" / "model.pt"), "dataset_dir": test, "skip_existing": True}
        run("evaluation", inference, evaluation | {"output_dir": str(own / "test")})
    if not (own / "cost.json").exists():
        cost = costs(configs, training | second | {"output_dir": str(own / "train")})
        (own / "cost.json").write_text(json.dumps(cost))


def train(folder: Path, configs: list[str], overrides: dict[str, Any], weights: Path | None = None) -> None:
    """Trains into a folder, from some weights, unless that is done; goes on from its checkpoint if there is one."""
    if (folder / FINISHED).exists():
        return
    if (folder / "checkpoint.pt").exists():
        overrides = overrides | {"resume": str(folder / "checkpoint.pt")}
    elif weights is not None:
        overrides = overrides | {"initial_weights": str(weights)}
    run("training", configs, overrides | {"output_dir": str(folder)})
    (folder / FINISHED).touch()


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
    steps, _ = measure(configs, steps=4, **overrides | {"segmentation_epochs": 0})  # among which g has its turn
    seconds = statistics.mean(sum(step.values()) - step["data"] for step in steps)
    return {"parameters": sum(p.numel() for p in network.parameters()), "seconds": seconds}
