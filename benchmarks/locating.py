"""How far off the locator's heart is, and how often the crop cuts it, by kind of scan.

    python -m benchmarks.locating FOLDER [--structures all]

The cases are those that ``python -m custom synthesize FOLDER`` has made; they go through the bundle's own reading and
`LocateHeartd`. The truth is the middle of the box round the labels of what the crop is to hold. A heart is cut where
its labels reach more than `CUT` beyond the crop. The seconds are those of finding, without reading.
"""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from pathlib import Path

import fire
import nibabel
import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose
from tqdm import tqdm

from custom.frames import voxel_to_ras

CUT = 5.0
"""mm."""
BUNDLE = Path(__file__).resolve().parents[1] / "bundle"


def main(folder: str, device: str = "cpu", **overrides: str) -> None:
    """Prints a row a kind of scan.

    Args:
        folder: holds ``images``, ``labels`` and ``patients.csv``.
        device: where the locator runs.
        overrides: keys of inference.json, e.g. ``--locator_checkpoint locator.pt``.
    """
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "inference.json")
    # the middle of the image where no heart is found, so that each case gives an error
    parser.update({"bundle_root": str(BUNDLE), "device": device, "force": True, **overrides})
    locate = Compose(parser.get_parsed_content("preprocessing").transforms[:2])
    held, half = (parser.get_parsed_content(key) for key in ("network_structures", "crop_mm"))
    half = half / 2
    errors, beyond, seconds, missed = defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(int)
    with open(Path(folder) / "patients.csv", newline="") as table:
        patients = list(csv.DictReader(table))
    for patient in tqdm(patients, unit="patient"):
        kind, name = patient["kind"], f"{patient['case']}.nii.gz"
        label = nibabel.load(Path(folder) / "labels" / name)
        values = np.asarray(label.dataobj)
        places = voxel_to_ras(np.argwhere((values > 0) & (values <= held)), label.affine)
        low, high = places.min(axis=0), places.max(axis=0)
        found = locate({"image": str(Path(folder) / "images" / name)})
        centre = found["centre"]
        errors[kind].append(float(np.linalg.norm(centre - (low + high) / 2)))
        beyond[kind].append(max((centre - half - low).max(), (high - centre - half).max()))
        seconds[kind].append(found["seconds"]["locate"])
        missed[kind] += "no_heart_found" in found["reading"]["forced"]
    print(
        "| kind | patients | not found | error mm, mean | highest | cut | most mm | seconds, median |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for kind, values in errors.items():
        print(
            f"| {kind} | {len(values)} | {missed[kind]} | {statistics.mean(values):.1f} | {max(values):.1f} "
            f"| {sum(value > CUT for value in beyond[kind])} | {max(beyond[kind]):.0f} "
            f"| {statistics.median(seconds[kind]):.2f} |"
        )


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    fire.Fire(main)
