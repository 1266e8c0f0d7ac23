"""How the mesh decoder's cost grows with structures and vertices: `python -m benchmarks.structures`.

The default network with random weights deforms templates that start as ellipsoids where the seven structures of a whole
heart lie, on features of noise. Prints seconds of a pass of the decoder, without the U-Net, and of its gradient, and
the exponents of their growth.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import fire
import numpy as np
import torch
from monai.bundle import ConfigParser
from torch import Tensor

from benchmarks.revisions import ROOT, processor
from custom.networks import ShapeNetwork
from custom.sampling import level_coordinates

HEART = (
    ((0.0, -0.3, 0.15), (0.35, 0.25, 0.3)),
    ((-0.35, 0.1, -0.2), (0.28, 0.3, 0.5)),
    ((0.4, 0.1, 0.0), (0.3, 0.25, 0.35)),
    ((0.05, 0.4, -0.2), (0.35, 0.3, 0.4)),
    ((-0.75, 0.1, -0.2), (0.1, 0.38, 0.58)),
    ((0.05, 0.1, 0.6), (0.16, 0.16, 0.3)),
    ((-0.15, 0.35, 0.6), (0.16, 0.2, 0.3)),
)
"""Centre and radii, normalised, of LA, LV, RA, RV, the free wall, aorta and pulmonary artery."""


def main(size: int = 128, runs: int = 5, subdivisions: tuple[int, ...] = (3, 4, 5)) -> None:
    """Prints two tables.

    Args:
        size: voxels a side of the crop.
        runs: of which the median counts.
        subdivisions: of the icosphere that the second table's two structures have.
    """
    torch.manual_seed(0)
    print(f"{processor()}, {torch.get_num_threads()} threads, medians of {runs} runs\n")
    rows = [(count, *measure(network(count, 4), size, runs)) for count in range(1, len(HEART) + 1)]
    table("structures", [(str(count), *seconds) for count, *seconds in rows], [count for count, *_ in rows])
    networks = [network(2, number) for number in subdivisions]
    rows = [(len(found.sphere), *measure(found, size, runs)) for found in networks]
    table("vertices each", [(f"{count:,}", *seconds) for count, *seconds in rows], [count for count, *_ in rows])


def network(structures: int, subdivisions: int) -> ShapeNetwork:
    """The default network with random weights."""
    parser = ConfigParser(ConfigParser.load_config_file(ROOT / "bundle" / "configs" / "inference.json"))
    arguments = dict(parser.config["network_configurations"]["default"])
    arguments |= {"structures": structures, "subdivisions": subdivisions, "initialization": "sphere", "amp": False}
    return ShapeNetwork(**{key: value for key, value in arguments.items() if key != "_target_"})


def measure(made: ShapeNetwork, size: int, runs: int) -> tuple[float, float]:
    """Seconds of a pass, and of a pass with its gradient."""
    features = [
        torch.randn(1, channels, *[size // stride] * 3)
        for channels, stride in zip(made.unet.decoder_channels, made.level_strides, strict=False)
    ]
    logits = ellipsoids(made.structures, size, made.level_strides[0])
    made.initialization.forward = lambda sphere, _: placed(made.structures, sphere)

    def forward() -> Tensor:
        return made._deform(features, logits)[-1]

    def with_gradient() -> None:
        forward().square().sum().backward()

    with torch.inference_mode():
        alone = median(forward, runs)
    return alone, median(with_gradient, runs)


def placed(structures: int, sphere: Tensor) -> Tensor:
    """(1, S, V, 3): the ellipsoids of `HEART`."""
    centres, radii = (torch.tensor([row[part] for row in HEART[:structures]]) for part in (0, 1))
    return (centres.unsqueeze(1) + radii.unsqueeze(1) * sphere).unsqueeze(0)


def ellipsoids(structures: int, size: int, stride: int) -> Tensor:
    """Logits (1, S + 1, d, d, d) of them."""
    points = level_coordinates(torch.zeros(1, 1, *[size // stride] * 3), stride)
    centres, radii = (torch.tensor([row[part] for row in HEART[:structures]]) for part in (0, 1))
    inside = 1 - ((points - centres.unsqueeze(1)) / radii.unsqueeze(1)).square().sum(-1)
    return torch.cat([torch.zeros(1, len(points)), 5 * inside]).view(1, -1, *[size // stride] * 3)


def median(run: Callable[[], object], runs: int) -> float:
    """Seconds, after a run to warm up."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def table(what: str, rows: list[tuple], counts: list[int]) -> None:
    """Print rows of a name and seconds, and the slopes of the seconds' logarithms over those of the counts."""
    print(f"| {what} | pass, s | with gradient, s |\n|---|---|---|")
    for name, *seconds in rows:
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in seconds)} |")
    columns = np.array([row[1:] for row in rows], dtype=float)
    slopes = [np.polyfit(np.log(counts), np.log(column), 1)[0] for column in columns.T]
    print(f"| exponent | {' | '.join(f'{slope:.2f}' for slope in slopes)} |\n")


if __name__ == "__main__":
    fire.Fire(main)
