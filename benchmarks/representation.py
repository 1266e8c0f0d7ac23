"""The representation network's parts: projection three ways, and the whole in two precisions and memory formats.

    python -m benchmarks.representation

Prints two Markdown tables of medians of interleaved runs; compare their ratios, not times from different machines.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import fire
import torch
from torch import Tensor

from custom.networks import RepresentationNetwork
from custom.networks.blocks.projection import project, trilinear_corners
from custom.sampling import sample
from custom.supervision import DistanceLoss
from custom.template import icosphere

CONFIG = Path(__file__).parents[1] / "bundle" / "configs" / "pretrain.json"


def project_by_autograd(features: Tensor, points: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """:func:`project` with index_add's own derivative."""
    weights, index = trilinear_corners(points, shape)
    grid = features.new_zeros(len(points) * math.prod(shape), features.shape[2])
    grid = grid.index_add(0, index.flatten(), (features.unsqueeze(2) * weights.unsqueeze(3)).flatten(0, 2))
    return grid.view(len(points), *shape, -1).permute(0, 4, 1, 2, 3)


def project_by_sampling(features: Tensor, points: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """:func:`project` as the derivative of :func:`sample` in its volume."""
    volume = features.new_zeros(len(points), features.shape[2], *shape).requires_grad_()
    return torch.autograd.grad(sample(volume, points), volume, features, create_graph=True)[0]


def projection_candidates(size: int) -> dict[str, Callable[[], object]]:
    """Forward and backward of the projection of 128 features of 2562 vertices."""
    points = (0.5 * icosphere(4)[0].float())[None]
    values = torch.randn(1, len(points[0]), 128)
    gradient = torch.randn(1, 128, size, size, size)

    def both(function: Callable) -> Callable[[], object]:
        def run() -> None:
            features, moved = values.clone().requires_grad_(), points.clone().requires_grad_()
            function(features, moved, (size,) * 3).backward(gradient)

        return run

    functions = {
        "index_add, own backward (ours)": project,
        "index_add, autograd": project_by_autograd,
        "derivative of grid_sample": project_by_sampling,
    }
    return {name: both(function) for name, function in functions.items()}


def network_candidates(size: int) -> dict[str, Callable[[], object]]:
    """Training steps without the optimiser, batch 1."""
    config = json.loads(CONFIG.read_text())
    arguments, loss = config["network_def"], DistanceLoss(config["loss"]["exponent"])
    del arguments["_target_"]
    vertices = (0.5 * icosphere(4)[0].float())[None]
    distance = torch.rand(1, 1, size, size, size)

    def step(amp: bool, layout: torch.memory_format) -> Callable[[], object]:
        network = RepresentationNetwork(**arguments | {"size": size, "subdivisions": 4, "amp": amp})
        network.to(memory_format=layout)
        return lambda: loss(network(vertices), distance).backward()

    return {
        f"{'bfloat16' if amp else 'float32'}, {name}": step(amp, layout)
        for amp in (False, True)
        for name, layout in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last_3d))
    }


def print_table(title: str, candidates: dict[str, Callable[[], object]], repeats: int) -> None:
    """Median seconds of each candidate, run in turn so that a drifting machine hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(repeats + 1):  # the first round warms up
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    first = next(iter(medians.values()))
    print(f"| {title} | s | ratio to the first |\n|---|---|---|")
    for name, value in medians.items():
        print(f"| {name} | {value:.3f} | {value / first:.2f} |")
    print()


def main(size: int = 64, repeats: int = 5, threads: int = 1) -> None:
    """Measures at ``size`` voxels per axis: ``repeats`` interleaved runs on ``threads`` of the CPU."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    print(f"{size}³ voxels, 2562 vertices, {threads} CPU thread(s), torch {torch.__version__}\n")
    print_table("projection of 128 features, forward and backward", projection_candidates(size), repeats)
    print_table("g, forward and backward", network_candidates(size), repeats)


if __name__ == "__main__":
    fire.Fire(main)
