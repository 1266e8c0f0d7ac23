"""Seconds of a training step of f, by either supervision, and of g's pretraining, and which part takes how much.

    python -m benchmarks.training --size 64
    python -m benchmarks.training --size 128 --against dd53c7d

Prints a Markdown table from one run of the bundle's own training configs, each in a process of its own, which tells the
memory that it took at most; data are made in that process, so that their share shows, where a training leaves them to
workers. On the CPU the seconds are the processor's, summed over its threads, which other load on the machine hardly
changes; on CUDA they are the clock's.

With `--against` the working tree and a revision of git take turns instead, and the ratio of their medians is printed
(`one_training`): of f by exact distances, with painting and scanning of the patients.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import fire
import torch
from monai.bundle import ConfigParser

from benchmarks.revisions import measured, processor, trees
from custom.networks import representation_network, shape_network
from custom.networks.blocks.deformation import KernelFlow
from custom.networks.blocks.graph_decoder import GraphStage
from custom.networks.blocks.observation import SegmentationObservation
from custom.networks.blocks.unet import UNet
from custom.networks.representation_network import RepresentationNetwork
from custom.runtime.memory import peak_memory
from custom.supervision import DistanceLoss, ShapeLoss, representation_supervision

CONFIGS = Path(__file__).parents[1] / "bundle" / "configs"

PARTS: tuple[tuple[str, Any, str], ...] = (
    ("convolutions", UNet, "encode"),
    ("convolutions", UNet, "decode"),
    ("sampling", shape_network, "sample"),
    ("sampling", SegmentationObservation, "forward"),
    ("graph", GraphStage, "forward"),
    ("flow", KernelFlow, "forward"),
    ("loss", ShapeLoss, "forward"),
    ("g's graph", RepresentationNetwork, "_encode"),
    ("g's convolutions", RepresentationNetwork, "_decode"),
    ("g's projection", representation_network, "project"),
    ("g's targets", representation_supervision, "cube_distance_field"),
    ("loss", DistanceLoss, "forward"),
    ("backward", torch.Tensor, "backward"),
)
"""What each callable's own seconds, without those of the others it calls, count as."""


class Stopwatch:
    """Seconds by part; a part inside another counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.open: list[str] = []
        self.clock = time.perf_counter if torch.cuda.is_available() else time.process_time
        self.since = self.clock()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """The seconds in here are this part's."""
        self._charge()
        self.open.append(name)
        try:
            yield
        finally:
            self._charge()
            self.open.pop()

    def wrap(self, name: str, function: Callable) -> Callable:
        """The function, timed as this part."""

        def timed(*arguments: Any, **keywords: Any) -> Any:
            with self.part(name):
                return function(*arguments, **keywords)

        return timed

    def _charge(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = self.clock()
        if self.open:
            self.seconds[self.open[-1]] += now - self.since
        self.since = now


def measure(configs: list[str], steps: int, **overrides: Any) -> tuple[list[dict[str, float]], float | None]:
    """Of a training by some of the bundle's configs: seconds by part of each step but the first, which warms up, and
    the most memory held, MiB (see `peak_memory`).
    """
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / config) for config in configs])
    parser.update({"num_workers": 0, "batch_size": 1, "validation_count": 1, **overrides})
    parser.get_parsed_content("initialize")
    trainer = parser.get_parsed_content("train#trainer")
    batches = iter(parser.get_parsed_content("train#dataloader"))
    found = []
    for step in range(1, steps + 2):
        watch = Stopwatch()
        with ExitStack() as stack:
            for part, owner, name in PARTS:
                stack.enter_context(patch.object(owner, name, watch.wrap(part, getattr(owner, name))))
            with watch.part("data"):
                batch = next(batches)
            with watch.part("rest"):
                trainer.state.iteration = step
                trainer._iteration(trainer, batch)
        found.append(dict(watch.seconds))
    return found[1:], peak_memory(trainer.state.device)


def measure_alone(configs: list[str], steps: int, **overrides: Any) -> tuple[list[dict[str, float]], float | None]:
    """`measure` in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, configs, steps, **overrides).result()


def compare(against: str, size: int, steps: int, threads: int, epochs: int = 5, rounds: int = 2) -> None:
    """Prints what a step costs in the working tree and in a revision, in turn, and the ratio.

    Each of `rounds` takes `steps` patients through so many `epochs`.
    """
    keys = {"volume_size": size, "threads": threads, "generated_count": steps + 1, "epochs": epochs}
    with trees(against) as places:
        found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in places}
        for _ in range(rounds):
            for name, tree in places.items():
                for part, values in measured("one_training.py", tree, keys).items():
                    found[name][part] += values
    medians = [{part: statistics.median(values) for part, values in parts.items()} for parts in found.values()]
    print(
        f"{size}³ voxels, batch 1, {threads} CPU thread(s), {processor()}; medians of {rounds * steps * epochs} steps\n"
    )
    print(f"| processor seconds | {' | '.join(found)} | ratio |\n|---|{'---|' * (len(found) + 1)}")
    rows = {
        "painting and scanning a new patient": lambda of: of["painting"],
        "scanning a patient afresh": lambda of: of["scanning"],
        "learning": lambda of: of["learning"],
        "whole step, patient painted before": lambda of: of["scanning"] + of["learning"],
        "whole step, new patient": lambda of: of["painting"] + of["learning"],
        "peak memory MiB": lambda of: of["memory"],
    }
    for row, value in rows.items():
        old, new = map(value, medians)
        print(f"| {row} | {old:.2f} | {new:.2f} | {new / old:.2f} |")


def main(size: int = 64, steps: int = 3, threads: int = 1, against: str | None = None) -> None:
    """Measures at ``size`` voxels per axis: medians of ``steps`` steps of one case, on CUDA or CPU ``threads``; with
    ``against``, a revision of git, by :func:`compare`."""
    if against is not None:
        compare(against, size, steps, threads)
        return
    with tempfile.TemporaryDirectory() as folder:
        shared = {"volume_size": size, "threads": threads, "output_dir": folder}
        weights = Path(folder) / "g.pt"
        parser = ConfigParser()
        parser.read_config(str(CONFIGS / "train.json"))
        parser.update(shared)
        torch.save(parser.get_parsed_content("representation_def").state_dict(), weights)
        joint = shared | {"generated_count": 2, "segmentation_epochs": 0}
        through_g = {"supervision": "%supervisions::representation", "representation_weights": str(weights)}
        columns = {
            "f, exact": measure_alone(["train.json"], steps, **joint),
            "f through g, then g": measure_alone(["train.json"], steps, **joint, **through_g),
            "g alone": measure_alone(["pretrain.json"], steps, **shared),
        }
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{threads} CPU thread(s)"
    print(f"{size}³ voxels, batch 1, {device}, torch {torch.__version__}; seconds a step, medians of {steps}\n")
    print(f"| part | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    print(f"| peak memory MiB | {' | '.join(f'{memory:.0f}' for _, memory in columns.values())} |")
    columns = {name: runs for name, (runs, _) in columns.items()}
    totals = [statistics.median(sum(step.values()) for step in runs) for runs in columns.values()]
    print(f"| whole step | {' | '.join(f'{total:.2f}' for total in totals)} |")
    for part in dict.fromkeys(["data", *(part for part, _, _ in PARTS), "rest"]):
        medians = [statistics.median(step.get(part, 0.0) for step in runs) for runs in columns.values()]
        shares = (f"{value:.2f} ({100 * value / total:.0f} %)" for value, total in zip(medians, totals, strict=True))
        print(f"| {part} | {' | '.join(shares)} |")


if __name__ == "__main__":
    fire.Fire(main)
