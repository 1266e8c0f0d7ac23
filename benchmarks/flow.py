"""Why the surfaces do not cross, measured: `python -m benchmarks.flow FOLDER`.

An Euler step of the flow moves x to x + v(x). Where the step's derivative dv/dx is everywhere smaller than 1 in the
operator norm, two points cannot come to lie on each other: |x + v(x) - y - v(y)| >= (1 - max |dv/dx|) |x - y|. The step
is one to one, and so is any number of them: surfaces that start apart and simple stay so, until their triangles are
taken flat. This prints the largest |dv/dx| over images of FOLDER, at all vertices and at points
scattered round them, for several numbers of steps.
"""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import fire
import torch
from monai.bundle import ConfigParser
from torch import Tensor
from tqdm import tqdm

from custom.networks.blocks.deformation import KernelFlow
from custom.networks.weights import load_weights

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SCATTER = (0.02, 0.1)
"""Standard deviations of the points round each vertex, normalised units."""


def derivative_norm(points: Tensor, control: Tensor, velocity: Tensor, width: float) -> Tensor:
    """Operator norm of dv/dx at points (P, 3), for control points and their displacements u a step, (W, 3) each.

    With w_j = K_j / (sum K + 0.5): dv/dx = [sum_j w_j u_j (x_j - x)^T - v (sum_j w_j (x_j - x))^T] / width^2.
    """
    kernel = (-0.5 * torch.cdist(points, control).square() / width**2).exp()
    weights = kernel / (kernel.sum(1, keepdim=True) + 0.5)
    away = control - points[:, None]
    outer = torch.einsum("pj,ja,pjb->pab", weights, velocity, away)
    mean = torch.einsum("pj,pjb->pb", weights, away)
    gradient = (outer - (weights @ velocity)[:, :, None] * mean[:, None]) / width**2
    return torch.linalg.matrix_norm(gradient, 2)


def main(folder: str, steps: tuple[int, ...] = (1, 3, 6), count: int = 10, **overrides: str) -> None:
    """Prints a row per number of Euler steps.

    Args:
        folder: holds ``images`` and ``labels``, whose names say which files are the images.
        steps: Euler steps a stage.
        count: images, the first ones by name.
        overrides: keys of inference.json, e.g. ``--checkpoint model.pt``.
    """
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "inference.json")
    parser.update({"bundle_root": str(BUNDLE), "device": "cpu", "force": True, **overrides})
    network = parser.get_parsed_content("network_def").eval()
    load_weights(network, parser.get_parsed_content("checkpoint"))
    prepare = parser.get_parsed_content("preprocessing")
    largest: dict[int, list[float]] = {number: [] for number in steps}
    flow = KernelFlow._interpolate

    def measured(self: KernelFlow, x: Tensor, control: Tensor, velocity: Tensor, stage: int) -> Tensor:
        around = [x[0], *(x[0] + scatter * torch.randn_like(x[0]) for scatter in SCATTER)]
        chunks = torch.cat(around).split(512)
        norms = [derivative_norm(chunk, control[0], velocity[0], self.widths[stage]).max() for chunk in chunks]
        largest[self.steps][-1] = max(largest[self.steps][-1], float(torch.stack(norms).max()))
        return flow(self, x, control, velocity, stage)

    with patch.object(KernelFlow, "_interpolate", measured):
        for label in tqdm(sorted((Path(folder) / "labels").glob("*.nii.gz"))[:count], unit="image"):
            image = prepare({"image": str(Path(folder) / "images" / label.name)})["image"].as_tensor()[None]
            for number in steps:
                network.deformation.steps = number
                largest[number].append(0.0)
                network(image)
    print("| Euler steps a stage | largest derivative, median of images | highest |\n|---|---|---|")
    for number, values in largest.items():
        print(f"| {number} | {sorted(values)[len(values) // 2]:.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    fire.Fire(main)
