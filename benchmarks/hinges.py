"""The fit of the networks that read where a valve's leaflets hang, on generated CTs and the true annuli beside them.

    python -m custom synthesize FOLDER --first_seed 910000 --count 130
    python -m custom synthesize BEATS --first_seed 911000 --count 15 --kind gated --phases 3
    python -m benchmarks.hinges hinges.pt FOLDER BEATS

Every true annulus is seen from so many rings beside it as inference may begin with, and the network learns how far it
is. One patient in eight is kept for validation. Writes the weights, float16.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import fire
import nibabel
import numpy as np
import torch
from monai.bundle import ConfigParser
from torch import Tensor
from tqdm import tqdm

from custom.anatomy.planes import axes_of, unit
from custom.anatomy.rings import ANGLES, SECTIONS, Ring, sections
from custom.configs import config_file
from custom.inference.surfaces.valve_snapping import AORTIC_RADIUS
from custom.networks import HingeNetwork
from custom.networks.hinge_network import BLOOD_PIXELS
from custom.profiles import Scan

VALIDATION = 8
"""Of so many patients one, by seed."""
BATCH, RATE, DECAY, CLIPPED = 8, 1.5e-3, 1e-2, 1.0
DOSE, LEVEL = 0.15, 30.0
"""Standard deviations of what HU are multiplied by, less 1, and of what is added."""
FADED, LEFT, NOISE = 0.1, 0.12, 40.0
"""Share of rings of which hardly anything is shown, what is left there of all differences from blood, and HU of noise,
at most: where nothing is seen the network is to say so."""


class Beside(NamedTuple):
    """Standard deviations of how rings lie beside the true one, where inference begins with them."""

    along_mm: float
    across_mm: float
    tilt_degrees: float
    size: float
    """Share of the radius."""
    radii_mm: float
    heights_mm: float
    """Waves of orders 2 to 4 and 2 to 3 in them."""
    radius_mm: float | None = None
    """Of every other ring, that is then a circle; None: of none."""


BESIDE = {
    "mitral annulus": Beside(2.3, 1.4, 6.0, 0.06, 0.8, 0.6),
    "aortic annulus": Beside(2.3, 1.8, 7.0, 0.08, 0.4, 0.3, radius_mm=AORTIC_RADIUS),
}


def ring_beside(contour: np.ndarray, true: Mapping[str, Any], beside: Beside, rng: np.random.Generator) -> Ring:
    """A ring beside the true annulus."""
    normal = np.array(true["normal"])
    first, second = axes_of(normal)
    along, *across = rng.normal(0, (beside.along_mm, beside.across_mm, beside.across_mm))
    centre = np.array(true["centre"]) + along * normal + across[0] * first + across[1] * second
    turn = rng.uniform(0, 2 * np.pi)
    lean = np.tan(np.radians(abs(rng.normal(0, beside.tilt_degrees))))
    normal = unit(normal + lean * (np.cos(turn) * first + np.sin(turn) * second))
    radii = Ring.through(contour, centre, normal).radii * (1 + rng.normal(0, beside.size))
    if beside.radius_mm is not None:
        radii = np.full(SECTIONS, beside.radius_mm if rng.random() < 0.5 else radii.mean())
    return Ring(centre, normal, radii + waves(4, beside.radii_mm, rng), waves(3, beside.heights_mm, rng))


def waves(highest: int, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """(SECTIONS,) a sum of waves of orders from 2 on, mm."""
    phases = np.arange(2, highest + 1)[:, None] * ANGLES
    drawn = rng.normal(0, deviation / np.sqrt(len(phases)), (2, len(phases)))
    return drawn[0] @ np.cos(phases) + drawn[1] @ np.sin(phases)


def annuli(folder: Path, valve: str, validation: bool) -> Iterator[tuple[list[int], Scan, Mapping[str, Any]]]:
    """Seed and phase, scan and true annulus of each patient, or phase of a patient, that `custom synthesize` wrote: of
    those kept for validation, or of the others."""
    for path in sorted((folder / "truth").glob("*.json")):
        seed = int(path.stem.split("_")[-1])
        if (seed % VALIDATION == 0) != validation:
            continue
        truth = json.loads(path.read_text())
        image = nibabel.load(folder / "images" / f"{path.stem}.nii.gz")
        volumes = np.asanyarray(image.dataobj)
        volumes = volumes[..., None] if volumes.ndim == 3 else volumes
        trues = truth["beat"][valve] if "beat" in truth else [truth[valve]]
        for phase, true in enumerate(trues):
            yield [seed, phase], Scan(volumes[..., phase], image.affine), true


def examples(folders: Sequence[Path], valve: str, copies: int, validation: bool) -> tuple[Tensor, Tensor]:
    """Sections (N, SECTIONS, H, W) int16 HU, and offsets (N, SECTIONS, 2) mm."""
    seen, offsets = [], []
    for folder in folders:
        for key, scan, true in tqdm(annuli(folder, valve, validation), unit="annulus", desc=folder.name):
            rng, contour = np.random.default_rng(key), np.array(true["contour"])
            for _ in range(copies):
                ring = ring_beside(contour, true, BESIDE[valve], rng)
                there = Ring.through(contour, ring.centre, ring.normal)
                seen.append(torch.from_numpy(sections(scan, ring).clip(-1024, 3000).astype(np.int16)))
                aside, along = there.radii - ring.radii, there.heights - ring.heights
                offsets.append(torch.from_numpy(np.stack([aside, along], -1).astype(np.float32)))
    return torch.stack(seen), torch.stack(offsets)


def varied(seen: Tensor, offsets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch whose first section is another one, half of the time that of a mirrored heart, in another dose, and of
    some rings faded."""
    if torch.rand(1, generator=generator) < 0.5:
        seen, offsets = seen.flip(1), offsets.flip(1)
    first = int(torch.randint(SECTIONS, (1,), generator=generator))
    dose, level = torch.randn(2, len(seen), 1, 1, 1, generator=generator)
    shown = seen.roll(first, 1).float() * (1 + DOSE * dose) + LEVEL * level
    faded, left, noise = torch.rand(3, len(seen), 1, 1, 1, generator=generator)
    blood = shown[..., :BLOOD_PIXELS].flatten(1).median(1).values[:, None, None, None]
    dim = blood + LEFT * left * (shown - blood) + NOISE * noise * torch.randn(shown.shape, generator=generator)
    return torch.where(faded < FADED, dim, shown), offsets.roll(first, 1)


def error_of(network: HingeNetwork, seen: Tensor, offsets: Tensor) -> np.ndarray:
    """Mean absolute error (2,) in mm, away from the axis and along it."""
    network.eval()
    with torch.inference_mode():
        told = torch.cat([network(part.float())[0] for part in seen.split(16)])
    network.train()
    return (told - offsets).abs().mean((0, 1)).numpy()


def main(
    output: str,
    *folders: str,
    valve: str = "mitral annulus",
    copies: int = 96,
    steps: int = 2500,
    seed: int = 0,
    threads: int = 1,
) -> None:
    """Fits the network.

    Args:
        output: the file of weights.
        folders: of patients.
        valve: a name in the truth, of `BESIDE`.
        copies: rings that each annulus is seen from.
        steps: of eight rings each.
        seed: of all that is drawn but the rings, which follow from the patients' seeds.
        threads: of torch, which are slower than one beside other work.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    parser = ConfigParser()
    parser.read_config(config_file("inference.json"))
    network: HingeNetwork = parser.get_parsed_content("mitral_hinges")
    paths = [Path(folder) for folder in folders]
    seen, offsets = examples(paths, valve, copies, validation=False)
    kept = examples(paths, valve, 24, validation=True)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    print(f"{len(seen)} and {len(kept[0])} rings, {kept[1].abs().mean((0, 1)).numpy().round(2)} mm off")
    for step in tqdm(range(steps), unit="step"):
        drawn = torch.randint(len(seen), (BATCH,), generator=generator)
        sections_, target = varied(seen[drawn], offsets[drawn], generator)
        with torch.autocast("cpu", torch.bfloat16):
            median, spread = (told.float() for told in network(sections_))
        loss = ((median - target).abs() * (-spread).exp() + spread).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIPPED)
        optimizer.step()
        schedule.step()
        if (step + 1) % 500 == 0 or step + 1 == steps:
            print(f"step {step + 1}: {error_of(network, *kept).round(2)} mm off in validation")
    torch.save({name: tensor.half() for name, tensor in network.state_dict().items()}, output)


if __name__ == "__main__":
    fire.Fire(main)
