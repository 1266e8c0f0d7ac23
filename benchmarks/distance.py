"""Speed and accuracy of the exact distances: `python -m benchmarks.distance` prints two Markdown tables.

All rows of a table come from one run on one mesh: compare their ratios, not times from different machines.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable

import igl
import numpy as np
import torch
import trimesh
from torch import Tensor

from custom.geometry.distance_field import distance_field
from custom.geometry.surface_distance import signed_distance

SIDE = 128
POINTS = 20_000
BAND = 3.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="torch's threads on the CPU")
    parser.add_argument("--repeats", type=int, default=5, help="the median of so many runs is printed")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    vertices, faces = chamber()
    print(f"{_hardware(options.threads)}; {len(faces)} faces, {SIDE}³ voxels; median of {options.repeats}\n")
    _print_fields(vertices, faces, options.repeats)
    _print_points(vertices, faces, options.repeats)


def chamber() -> tuple[Tensor, Tensor]:
    """A closed surface about the size and unevenness of a chamber: (2562, 3) float64 voxels, (5120, 3) int64."""
    sphere = trimesh.creation.icosphere(4)
    unit = torch.tensor(sphere.vertices)
    bumps = 1 + 0.15 * torch.sin(3 * (unit @ unit.new_tensor([1.0, 2.0, 0.5])))
    vertices = unit * bumps[:, None] * unit.new_tensor([28.0, 24.0, 34.0]) + SIDE / 2
    return vertices, torch.tensor(sphere.faces, dtype=torch.int64)


def _print_fields(vertices: Tensor, faces: Tensor, repeats: int) -> None:
    voxels = torch.cartesian_prod(*(torch.arange(SIDE),) * 3).double().numpy()
    v, f = vertices.numpy(), faces.numpy()
    squared, _, _ = igl.point_mesh_squared_distance(voxels, v, f)
    exact = np.sqrt(squared) * np.where(igl.fast_winding_number(v, f, voxels) > 0.5, -1, 1)
    own = _time(lambda: distance_field(vertices, faces, (SIDE,) * 3, BAND), repeats)
    rows = [("this, CPU", own, distance_field(vertices, faces, (SIDE,) * 3, BAND).flatten().numpy())]
    if torch.cuda.is_available():
        on_device = vertices.cuda(), faces.cuda()
        seconds = _time(lambda: distance_field(*on_device, (SIDE,) * 3, BAND), repeats)
        rows.append(("this, CUDA", seconds, distance_field(*on_device, (SIDE,) * 3, BAND).cpu().flatten().numpy()))
    for name in ("PSEUDONORMAL", "FAST_WINDING_NUMBER"):
        kind = getattr(igl, f"SIGNED_DISTANCE_TYPE_{name}")
        started = time.perf_counter()
        values = igl.signed_distance(voxels, v, f, kind)[0]
        rows.append((f"libigl {name.lower().replace('_', ' ')}", time.perf_counter() - started, values))
    near = np.abs(exact) <= BAND
    print(f"| field | s | ratio to the first | max error within {BAND:g} voxels | mean beyond | max beyond |")
    print("|---|---|---|---|---|---|")
    for name, seconds, values in rows:
        error = np.abs(values - exact)
        print(
            f"| {name} | {seconds:.3f} | {seconds / own:.2f} | {error[near].max():.1e} | {error[~near].mean():.1e} | "
            f"{error[~near].max():.1e} |"
        )
    print()


def _print_points(vertices: Tensor, faces: Tensor, repeats: int) -> None:
    generator = torch.Generator().manual_seed(0)
    nearby = torch.randint(len(vertices), (POINTS,), generator=generator)
    points = (vertices[nearby] + torch.randn(POINTS, 3, generator=generator)).float()[None]
    print(f"| {POINTS} points near the surface, forward and backward | ms |")
    print("|---|---|")
    for device in ("cpu", "cuda")[: 1 + torch.cuda.is_available()]:
        p, v, f = points.to(device), vertices.float()[None].to(device).requires_grad_(), faces.to(device)
        seconds = _time(lambda p=p, v=v, f=f: signed_distance(p, v, f).sum().backward(), repeats)
        print(f"| this, {device.upper()} | {1e3 * seconds:.0f} |")
    arrays = points[0].double().numpy(), vertices.numpy(), faces.numpy()
    for name in ("PSEUDONORMAL", "FAST_WINDING_NUMBER"):
        kind = getattr(igl, f"SIGNED_DISTANCE_TYPE_{name}")
        seconds = _time(lambda kind=kind: igl.signed_distance(*arrays, kind), repeats)
        print(f"| libigl {name.lower().replace('_', ' ')}, forward only | {1e3 * seconds:.0f} |")


def _time(run: Callable[[], object], repeats: int) -> float:
    """Median seconds of a run, after one to warm up."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[1:]))


def _hardware(threads: int) -> str:
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{platform.machine()}, {os.cpu_count()} cores, {threads} torch thread(s){gpu}; torch {torch.__version__}"


if __name__ == "__main__":
    main()
