"""How well a left ventricle could be guessed from its outer wall alone, where no contrast shows the blood in it.

    python -m custom synthesize FOLDER --first_seed 900600 --count 100 --kind any --labels whole-heart
    python -m benchmarks.unseen_blood FOLDER [FOLDER ...]

Of the kind `non_contrast` of generated patients: the true epicardium less a wall of one thickness, as Dice with the
true ventricle. The thickness is once the patient's own, chosen to fit best, and once the same for all. Who sees the
epicardium but not the blood can hardly do better; Dice of the shipped surfaces stands in `benchmarks.accuracy`.
"""

from __future__ import annotations

from pathlib import Path

import fire
import nibabel
import numpy as np
from scipy.ndimage import distance_transform_edt

from benchmarks.patients import WITHOUT, kinds_of
from custom.chambers import ENCLOSED, LABELS
from custom.frames import spacing_of
from custom.metrics import dice

THICKNESSES = np.arange(3.0, 18.0, 0.25)
"""mm that are tried."""
MARGIN = 5
"""Voxels round the epicardium that are looked at."""


def main(*folders: str) -> None:
    """Prints Dice of each patient, and the means."""
    own, shared = [], []
    for base in map(Path, folders):
        for case, kind in kinds_of(base).items():
            if kind == WITHOUT:
                image = nibabel.load(base / "labels" / f"{case}.nii.gz")
                fits = guesses(np.asarray(image.dataobj), image.affine)
                print(f"{case}: {fits.max():.3f} with a wall of {THICKNESSES[fits.argmax()]:.1f} mm")
                own.append(fits.max())
                shared.append(fits)
    means = np.mean(shared, axis=0)
    print(f"{len(own)} patients: {np.mean(own):.3f} with the thickness that fits each best,")
    print(f"{means.max():.3f} with {THICKNESSES[means.argmax()]:.1f} mm for all")


def guesses(labels: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """(T,) Dice of the ventricle with the epicardium's inside less a wall of each of `THICKNESSES`.

    Args:
        labels: (D0, D1, D2), values of `LABELS`.
        affine: (4, 4), voxels to RAS mm.
    """
    where = np.argwhere(np.isin(labels, ENCLOSED["MYO"]))
    box = tuple(
        slice(max(low, 0), high) for low, high in zip(where.min(0) - MARGIN, where.max(0) + MARGIN, strict=True)
    )
    labels = labels[box]
    epicardium, ventricle = np.isin(labels, ENCLOSED["MYO"]), labels == LABELS["LV"]
    beyond = ~epicardium & ~np.isin(labels, (LABELS["LA"], LABELS["AO"]))  # at the valves there is no wall
    depth = distance_transform_edt(~beyond, sampling=spacing_of(affine))
    return np.array([dice(epicardium & (depth > thickness), ventricle) for thickness in THICKNESSES])


if __name__ == "__main__":
    fire.Fire(main)
