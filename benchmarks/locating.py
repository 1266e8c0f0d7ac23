"""How far off the locator's heart is, in fields of view of several kinds: `python -m benchmarks.locating`.

Generated patients never trained on, scanned in 3 mm voxels, go through the bundle's own `LocateHeartd`; the truth is
the centroid of the chambers' labels in the field of view. The seconds are those of finding, without reading.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import NamedTuple

import fire
import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from custom.frames import voxel_to_ras
from custom.synthesis.case import generate_case

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SPACING = 3.0  # mm


class Field(NamedTuple):
    """A kind of field of view: its size in mm, and how far its middle may be from the heart's along each axis, mm."""

    name: str
    size: tuple[int, int, int]
    offset: float


FIELDS = (
    Field("cardiac", (200, 200, 150), 10),
    Field("off-centre", (280, 280, 220), 60),
    Field("whole chest", (400, 320, 350), 60),
    Field("heart cut", (180, 180, 130), 50),
)


def main(first_seed: int = 800000, count: int = 10, device: str = "cpu", **overrides: str) -> None:
    """Prints a row a field.

    Args:
        first_seed: of the first patient; the others follow, none used twice.
        count: patients a field.
        device: where the locator runs.
        overrides: keys of inference.json, e.g. ``--locator_checkpoint locator.pt``.
    """
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "inference.json")
    parser.update({"bundle_root": str(BUNDLE), "device": device, **overrides})
    locate = parser.get_parsed_content("preprocessing::transforms::2")
    print(
        "| field of view | patients | found | error mm, mean | highest | seconds, median |\n|---|---|---|---|---|---|"
    )
    for number, field in enumerate(FIELDS):
        errors, seconds = [], []
        for seed in range(first_seed + number * count, first_seed + (number + 1) * count):
            shape = [round(size / SPACING) for size in field.size]
            case = generate_case(seed, shape, (SPACING,) * 3, field.offset)
            image = MetaTensor(torch.from_numpy(case.image)[None].float() + 1000, affine=torch.from_numpy(case.affine))
            start = time.perf_counter()
            heart = locate.find(image)
            seconds.append(time.perf_counter() - start)
            if heart.seen_ml >= locate.least_ml:
                truth = voxel_to_ras(np.argwhere(case.labels > 0), case.affine).mean(axis=0)
                errors.append(float(np.linalg.norm(heart.centre - truth)))
        print(
            f"| {field.name}, {' x '.join(map(str, field.size))} mm | {count} | {len(errors)} "
            f"| {statistics.mean(errors):.1f} | {max(errors):.1f} | {statistics.median(seconds):.2f} |"
        )


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    fire.Fire(main)
