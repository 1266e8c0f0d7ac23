"""The fit of the network that tells an atrium's parts, on generated patients that are painted and scanned here.

    python -m benchmarks.atrial_parts atrial_parts.pt --first_seed 140000 --count 272

Every heart is seen turned, scaled, moved and blurred anew at every step, its veins cut off elsewhere, in one of several
scans of it. Writes the weights, float16. How well they do is measured by `benchmarks.anatomy`. A heart takes some 15 MB
of memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import fire
import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from custom.frames import box_around, centred_affine, ras_to_voxel, voxel_to_normalised, voxel_to_ras
from custom.networks import atrial_parts
from custom.networks.atrial_parts import OSTIA, PARTS, SIZE, SPACING, AtrialParts, Told, seen_by_parts
from custom.networks.weights import load_weights
from custom.sampling import resample
from custom.synthesis.acquisition import Protocol
from custom.synthesis.painting import paint
from custom.synthesis.scanner import scan
from custom.synthesis.structures import LEFT_HEART_LABELS, Structure, label_map
from custom.synthesis.transforms import PaintPatientd
from custom.synthesis.truth import Truth

PAINTED, VOXEL, HALF = 160, 1.5, 76.0
"""Voxels a side of the grid that is painted, mm, and mm kept on either side of the atrium's centre."""
MOMENTS = 0.4
"""Share of the patients that are caught at a moment of their beat."""
CONTRAST = {"arterial": 0.36, "flushed": 0.14, "dense_right": 0.16, "venous": 0.18, "none": 0.16}
TURN, SCALE, SHIFT = 0.2, 0.12, 4.0
"""Radians (standard deviation), share (at most) and mm (standard deviation) by which a heart is moved."""
RECUT, CUT, CUTS = 0.6, 3.0, (2.0, 16.0)
"""Share of hearts whose veins end elsewhere, mm (standard deviation) from where they truly do, and from the body."""
BLUR, UNEVENNESS = (0.2, 0.9), ((14, 0.2), (7, 0.25))
"""Voxels, and points a side and share, at most, of the fields by which the shapes are smoothed and pushed about:
predicted surfaces are not true."""
DOSE, LEVEL, UNSEEN = 0.08, 15.0, 0.08
"""Standard deviations of what HU are multiplied by, less 1, and of what is added; and share of hearts without scan."""
DECAY, CLIPPED = 1e-3, 5.0
"""Weight decay, and the gradient's largest norm."""
WEIGHTS = (1.0, 1.5, 2.0)
"""Of `PARTS` in the cross-entropy."""
OF_NEARNESS, OF_OFFSET, NEAR = 60.0, 3.0, 0.2
"""Weights of those losses, and the nearness from which on direction and offset count."""


class Heart(NamedTuple):
    """A patient's atrium and what lies round it, on a grid of D voxels a side."""

    parts: Tensor
    """(1, D, D, D) uint8: places in `PARTS` and 1; veins beyond the label, too."""
    body: np.ndarray
    vein: np.ndarray
    ventricle: np.ndarray
    """(D, D, D) bool; the body with its appendage."""
    away: np.ndarray
    """(D, D, D) float16, mm from the body."""
    stump: float
    """mm of the veins that the label has."""
    scans: Tensor
    """(S, D, D, D) int16 HU."""
    affine: np.ndarray
    centre: np.ndarray
    """(3,) RAS mm, of the atrium."""
    ostia: list[tuple[int, np.ndarray, np.ndarray]]
    """Place in `OSTIA`, centre (3,), direction (3,) out of the body."""


def painted(seed: int, scans: int) -> Heart:
    """A generated patient, scanned so many times."""
    patient, shape = PaintPatientd("seed", moments=MOMENTS).patient(seed), (PAINTED,) * 3
    whole = centred_affine(shape, (VOXEL,) * 3)
    structures = paint(patient, whole, shape)
    centre = _middle(label_map(structures, LEFT_HEART_LABELS) == LEFT_HEART_LABELS["LA"], whole)
    box, affine = box_around(centre + [[-HALF], [HALF]], shape, whole)
    structures, rng = structures[box].contiguous(), np.random.default_rng(seed)
    protocol, images = Protocol(contrast=CONTRAST), []
    for copy in range(scans):
        noise = torch.Generator().manual_seed(seed * scans + copy)
        images.append(scan(structures, [VOXEL] * 3, protocol.draw(rng), noise).image.round().to(torch.int16))
    body, found = _middle(structures == Structure.LA_BLOOD, affine), Truth(patient).landmarks()
    ostia = [(int(vein["centre"][0] < body[0]), vein) for vein in found["pulmonary vein ostia"]]
    ostia.append((OSTIA.index("appendage"), found["appendage ostium"]))
    places = [(place, np.array(of["centre"]), -np.array(of["normal"])) for place, of in ostia]
    return Heart(*_shapes(structures), torch.stack(images), affine, centre, places)


def _middle(chosen: Tensor, affine: np.ndarray) -> np.ndarray:
    """(3,) RAS mm, the centre of the voxels chosen (D0, D1, D2)."""
    return voxel_to_ras(chosen.nonzero().double().mean(0).numpy(), affine)


def _shapes(structures: Tensor) -> tuple[Tensor, np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """The first entries of a `Heart`."""
    labels, stump = label_map(structures, LEFT_HEART_LABELS).numpy(), (structures == Structure.LA_VEIN_STUMP).numpy()
    vein = stump | (structures == Structure.PULMONARY_VEIN).numpy()
    body = (labels == LEFT_HEART_LABELS["LA"]) & ~stump
    away = distance_transform_edt(~body, sampling=VOXEL)
    parts = np.where(body, 1 + PARTS.index("body"), 0)
    parts[(structures == Structure.LA_APPENDAGE).numpy()] = 1 + PARTS.index("appendage")
    parts[vein & (away <= CUTS[1])] = 1 + PARTS.index("vein")
    length = float(np.percentile(away[stump], 98)) if stump.any() else CUTS[0]
    return (
        torch.from_numpy(parts.astype(np.uint8))[None], body, vein, labels == LEFT_HEART_LABELS["LV"],
        away.astype(np.float16), length,
    )  # fmt: skip


class Example(NamedTuple):
    """A heart as the network sees it, and what it is to tell."""

    seen: Tensor
    parts: Tensor
    """(D, D, D) int64, places in `PARTS`, or -1."""
    nearness: Tensor
    outward: Tensor
    offset: Tensor
    """(3, D, D, D) each."""


def example(heart: Heart, rng: np.random.Generator) -> Example:
    """A heart, moved at random."""
    turn = Rotation.from_rotvec(rng.normal(0, TURN, 3)).as_matrix() @ np.diag(rng.uniform(1 - SCALE, 1 + SCALE, 3))
    centre, back = heart.centre + rng.normal(0, SHIFT, 3), np.linalg.inv(turn)
    steps = ((np.arange(SIZE) - (SIZE - 1) / 2) * SPACING).astype(np.float32)
    own = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1)
    voxels = ras_to_voxel((own @ turn.T + centre).reshape(-1, 3), heart.affine)
    grid = torch.from_numpy(voxel_to_normalised(voxels, heart.body.shape)).float().view(*own.shape)
    nearness, outward, offset = (np.zeros((3, *own.shape[:3]), np.float32) for _ in range(3))
    for place, point, out in heart.ostia:
        peak, ostium = (back @ (end - centre) for end in (point + atrial_parts.AHEAD[place] * out, point))
        near = np.exp(-np.square(own - peak.astype(np.float32)).sum(-1) / (2 * atrial_parts.SPREAD**2))
        nearest, ahead = near > nearness.max(0), turn.T @ out
        outward[:, nearest] = (ahead / np.linalg.norm(ahead))[:, None]
        offset[:, nearest] = ((ostium - own[nearest]) / atrial_parts.STEP).T
        nearness[place] = np.maximum(nearness[place], near)
    shapes = spoilt(resample(torch.from_numpy(_cut(heart, rng)).float(), grid, "bilinear"), rng)
    hounsfield = resample(heart.scans[rng.integers(len(heart.scans))][None].float(), grid, "bilinear")[0]
    hounsfield = hounsfield * (1 + DOSE * rng.normal()) + LEVEL * rng.normal()
    parts = resample(heart.parts.float(), grid, "nearest")[0].round().long() - 1
    true = (torch.from_numpy(each) for each in (nearness, outward, offset))
    return Example(seen_by_parts(shapes, None if rng.random() < UNSEEN else hounsfield), parts, *true)


def _cut(heart: Heart, rng: np.random.Generator) -> np.ndarray:
    """(2, D, D, D) atrium and ventricle, the veins of most hearts longer or shorter than they truly are."""
    length = heart.stump + (CUT * rng.normal() if rng.random() < RECUT else 0.0)
    return np.stack([heart.body | (heart.vein & (heart.away < np.clip(length, *CUTS))), heart.ventricle])


def spoilt(shapes: Tensor, rng: np.random.Generator) -> Tensor:
    """Shapes (2, ...) whose surfaces are smoothed, and pushed about by smooth random fields."""
    reach = torch.arange(-2, 3).float()
    kernel = torch.exp(-reach.square() / (2 * rng.uniform(*BLUR) ** 2 + 1e-6))
    kernel /= kernel.sum()
    blurred = shapes[:, None]
    for axis in range(3):
        size, padding = [1, 1, 1, 1, 1], [0, 0, 0]
        size[axis + 2], padding[axis] = len(kernel), 2
        blurred = F.conv3d(blurred, kernel.view(size), padding=padding)
    for points, most in UNEVENNESS:
        noise = torch.from_numpy(rng.normal(0, rng.uniform(0, most), (1, 1, points, points, points))).float()
        blurred = blurred + F.interpolate(noise, size=shapes.shape[1:], mode="trilinear", align_corners=True)
    return ((blurred - 0.5) * 3 + 0.5).clamp(0, 1)[:, 0]


def loss_of(told: Told, true: Example) -> Tensor:
    """Of what the network says of one heart: parts, nearness, and direction and offset near an ostium."""
    part = F.cross_entropy(told.parts, true.parts[None], ignore_index=-1, weight=torch.tensor(WEIGHTS))
    near = ((1 + 30 * true.nearness) * (told.nearness[0].sigmoid() - true.nearness).square()).mean()
    weight = true.nearness.amax(0)
    weight = weight * (weight > NEAR)
    ahead, offset = (
        (weight * (said[0] - meant).square().mean(0)).sum() / weight.sum()
        for said, meant in ((told.outward, true.outward), (told.offset, true.offset))
    )
    return part + OF_NEARNESS * near + ahead + OF_OFFSET * offset


def main(
    output: str,
    first_seed: int = 140000,
    count: int = 272,
    scans: int = 5,
    steps: int = 6000,
    seed: int = 0,
    rate: float = 4e-3,
    initial_weights: str | None = None,
) -> Any:
    """Fits the network.

    Args:
        output: the file of weights.
        first_seed, count: of the patients.
        scans: of each.
        steps: a heart each.
        seed: of everything else that is drawn.
        rate: the highest learning rate.
        initial_weights: a file of weights to go on from.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    hearts = [painted(patient, scans) for patient in tqdm(range(first_seed, first_seed + count), unit="heart")]
    network = AtrialParts()
    if initial_weights:
        load_weights(network, initial_weights)
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    for _ in tqdm(range(steps), unit="step"):
        true = example(hearts[rng.integers(len(hearts))], rng)
        with torch.autocast("cpu", torch.bfloat16):
            told = network(true.seen[None])
        loss = loss_of(Told(*(each.float() for each in told)), true)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIPPED)
        optimizer.step()
        schedule.step()
    torch.save({name: tensor.half() for name, tensor in network.state_dict().items()}, output)


if __name__ == "__main__":
    fire.Fire(main)
