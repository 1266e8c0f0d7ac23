"""Writes the generated patients that the edge network was trained on: `python -m benchmarks.edge_patients FOLDER`.

Voxels of any size from 0.6 to 1.5 mm, slices to 5 mm, so that it sees fine scans and coarse ones; half of them cardiac.
"""

from __future__ import annotations

from pathlib import Path

import fire
import nibabel
import numpy as np
from monai.bundle import ConfigParser

from custom.chambers import LABELS
from custom.configs import config_file
from custom.synthesis import generate_case
from custom.synthesis.structures import label_map

KINDS = (*["cardiac"] * 5, "off_centre", "whole_chest", "thick_slice", "non_contrast", "metal")
"""By the seed's last digit."""
PIXEL = {"cardiac": (0.6, 1.2)}
SLICES = {"cardiac": (0.5, 1.5), "thick_slice": (2.5, 5.0)}
OTHERS = (0.8, 1.5), (1.0, 2.5)
"""mm, from which pixels and slices are drawn."""
FIELD = (170.0, 170.0, 150.0)
"""mm that are scanned."""


def main(folder: str, first_seed: int = 30000, count: int = 40) -> None:
    """Write `images/SEED.nii.gz` and `labels/SEED.nii.gz`, whose values are those of seven structures."""
    kinds = ConfigParser(ConfigParser.load_config_file(config_file("synthesize.json")))
    places = {part: Path(folder) / part for part in ("images", "labels")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    for seed in range(first_seed, first_seed + count):
        rng, name = np.random.default_rng(seed), KINDS[seed % len(KINDS)]
        pixel, slices = rng.uniform(*PIXEL.get(name, OTHERS[0])), rng.uniform(*SLICES.get(name, OTHERS[1]))
        spacing = (pixel, pixel, slices)
        shape = tuple(int(size) for size in np.round(np.array(FIELD) / spacing))
        case = generate_case(seed, kinds.get_parsed_content(f"kinds#{name}"), shape, spacing)
        for part, volume in (("images", case.image), ("labels", label_map(case.structures, LABELS).numpy())):
            nibabel.save(nibabel.Nifti1Image(volume, case.affine), places[part] / f"{seed}.nii.gz")
        print(seed, name, shape, flush=True)


if __name__ == "__main__":
    fire.Fire(main)
