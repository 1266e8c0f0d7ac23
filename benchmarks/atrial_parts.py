"""The fit of the network that tells an atrium's parts, on painted hearts: shapes alone, nothing is scanned.

    python -m benchmarks.atrial_parts atrial_parts.pt --first_seed 70000 --count 153

Paints the left heart of generated patients, sees each turned, scaled, moved and blurred anew at every step, and writes
the weights, float16. How well they do is measured by `benchmarks.anatomy`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import fire
import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from custom.chambers import LABELS
from custom.frames import centred_affine, voxel_to_ras
from custom.networks.atrial_parts import OSTIA, PARTS, SHAPES, SIZE, SPACING, SPREAD, AtrialParts
from custom.networks.weights import load_weights
from custom.sampling import resample
from custom.synthesis.canvas import Canvas
from custom.synthesis.heart import Heart
from custom.synthesis.left_heart import paint_left_chambers
from custom.synthesis.painting import bending, draw_patient
from custom.synthesis.structures import label_map
from custom.synthesis.truth import REGIONS, Truth

PAINTED, VOXEL, MIDDLE = 88, 1.6, (0.0, 0.0, 15.0)
"""Voxels a side, mm, and centre of the grid that is painted."""
TURN, SCALE, SHIFT = 0.2, 0.12, 4.0
"""Radians (standard deviation), share (at most) and mm (standard deviation) by which a heart is moved."""
BLUR, UNEVENNESS = 0.8, 0.18
"""Voxels and share, at most, by which its surface is smoothed and pushed about: predicted surfaces are not true."""
DECAY, CLIPPED = 1e-3, 5.0
"""Weight decay, and the gradient's largest norm."""
WEIGHTS = (1.0, 1.5, 2.0)
"""Of `PARTS` in the cross-entropy."""
_PART = {1: "body", 4: "body", 2: "appendage", 3: "vein"}
"""Of `REGIONS`, the atrium's."""


class Painted(NamedTuple):
    """A heart."""

    shapes: Tensor
    """(2, D, D, D) uint8, which voxels are of `SHAPES`."""
    parts: Tensor
    """(1, D, D, D) uint8, places in `PARTS` and 1, 0 outside the atrium."""
    affine: np.ndarray
    centre: np.ndarray
    """(3,) RAS mm, of the atrium."""
    ostia: list[tuple[int, np.ndarray, np.ndarray]]
    """Place in `OSTIA`, centre (3,), direction (3,) out of the body."""


def painted(seed: int) -> Painted:
    """The left heart of a generated patient."""
    patient = draw_patient(seed)
    affine = centred_affine((PAINTED,) * 3, (VOXEL,) * 3, MIDDLE)
    canvas = Canvas(np.linalg.inv(patient.pose) @ affine, (PAINTED,) * 3, bending(patient), "cpu")
    paint_left_chambers(canvas, Heart(patient))
    truth = Truth(patient)
    labels, regions = label_map(canvas.structures, LABELS), truth.regions(canvas.structures, affine)
    table = torch.zeros(len(REGIONS) + 1, dtype=torch.uint8)
    for value, part in _PART.items():
        table[value] = 1 + PARTS.index(part)
    parts = table[regions.int()]
    centre, body = (
        voxel_to_ras(chosen.nonzero().double().mean(0).numpy(), affine)
        for chosen in (labels == LABELS["LA"], parts == 1)
    )
    found = truth.landmarks()
    ostia = [(int(vein["centre"][0] < body[0]), vein) for vein in found["pulmonary vein ostia"]]
    ostia.append((OSTIA.index("appendage"), found["appendage ostium"]))
    return Painted(
        torch.stack([labels == LABELS[name] for name in SHAPES]).byte(), parts[None], affine, centre,
        [(place, np.array(of["centre"]), -np.array(of["normal"])) for place, of in ostia],
    )  # fmt: skip


def example(heart: Painted, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A heart as the network sees it, moved at random: shapes (2, ...), parts (...) int64 or -1, nearness (3, ...) and
    direction (3, ...) of the nearest ostium."""
    turn = Rotation.from_rotvec(rng.normal(0, TURN, 3)).as_matrix() @ np.diag(rng.uniform(1 - SCALE, 1 + SCALE, 3))
    centre = heart.centre + rng.normal(0, SHIFT, 3)
    steps = ((np.arange(SIZE) - (SIZE - 1) / 2) * SPACING).astype(np.float32)
    own = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1)
    voxels = (own @ turn.T.astype(np.float32) + (centre - heart.affine[:3, 3]).astype(np.float32)) / VOXEL
    grid = torch.from_numpy(2 * voxels.astype(np.float32) / (PAINTED - 1) - 1)
    parts = resample(heart.parts.float(), grid, "nearest")[0].round().long() - 1
    nearness = np.zeros((len(OSTIA), *own.shape[:3]), np.float32)
    direction = np.zeros((3, *own.shape[:3]), np.float32)
    back = np.linalg.inv(turn)
    for place, point, out in heart.ostia:
        squared = np.square(own - (back @ (point - centre)).astype(np.float32)).sum(-1)
        near, ahead = np.exp(-squared / (2 * SPREAD**2)), turn.T @ out
        direction[:, near > nearness.max(0)] = (ahead / np.linalg.norm(ahead))[:, None]
        nearness[place] = np.maximum(nearness[place], near)
    shapes = spoilt(resample(heart.shapes.float(), grid, "bilinear"), rng)
    return shapes, parts, torch.from_numpy(nearness), torch.from_numpy(direction)


def spoilt(shapes: Tensor, rng: np.random.Generator) -> Tensor:
    """Shapes (2, ...) whose surfaces are smoothed, and pushed about by a smooth random field."""
    blur = rng.uniform(0, BLUR)
    reach = torch.arange(-2, 3).float()
    kernel = torch.exp(-reach.square() / (2 * blur**2 + 1e-6))
    kernel /= kernel.sum()
    blurred = shapes[:, None]
    for axis in range(3):
        size, padding = [1, 1, 1, 1, 1], [0, 0, 0]
        size[axis + 2], padding[axis] = len(kernel), 2
        blurred = F.conv3d(blurred, kernel.view(size), padding=padding)
    noise = torch.from_numpy(rng.normal(0, rng.uniform(0, UNEVENNESS), (1, 1, 12, 12, 12))).float()
    noise = F.interpolate(noise, size=shapes.shape[1:], mode="trilinear", align_corners=True)
    return ((blurred + noise - 0.5) * 3 + 0.5).clamp(0, 1)[:, 0]


def loss_of(answer: Tensor, parts: Tensor, nearness: Tensor, direction: Tensor) -> Tensor:
    """Of what the network says of one heart (1, 9, ...): parts, nearness, and direction near an ostium."""
    of_parts, of_nearness, of_direction = answer.split((len(PARTS), len(OSTIA), 3), 1)
    part = F.cross_entropy(of_parts, parts[None], ignore_index=-1, weight=torch.tensor(WEIGHTS))
    near = ((1 + 20 * nearness) * (of_nearness[0].sigmoid() - nearness).square()).mean()
    weight = nearness.amax(0) * (nearness.amax(0) > 0.2)
    ahead = (weight * (of_direction[0] - direction).square()).sum() / weight.sum() / 3
    return part + 30 * near + ahead


def main(
    output: str,
    first_seed: int = 70000,
    count: int = 153,
    steps: int = 1000,
    seed: int = 0,
    rate: float = 4e-3,
    initial_weights: str | None = None,
) -> Any:
    """Fits the network.

    Args:
        output: the file of weights.
        first_seed, count: of the patients.
        steps: a heart each.
        seed: of everything else that is drawn.
        rate: the highest learning rate.
        initial_weights: a file of weights to go on from.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    hearts = [painted(patient) for patient in tqdm(range(first_seed, first_seed + count), unit="heart")]
    network = AtrialParts()
    if initial_weights:
        load_weights(network, initial_weights)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)
    for _ in tqdm(range(steps), unit="step"):
        shapes, *true = example(hearts[rng.integers(len(hearts))], rng)
        loss = loss_of(network(shapes[None]), *true)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIPPED)
        optimizer.step()
        schedule.step()
    torch.save({name: tensor.half() for name, tensor in network.state_dict().items()}, output)


if __name__ == "__main__":
    fire.Fire(main)
