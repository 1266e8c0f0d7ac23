"""Commands beside the bundle's workflows: ``python -m custom synthesize`` and ``python -m custom compare``."""

from __future__ import annotations

from pathlib import Path

import fire
import nibabel
import torch
from tqdm import tqdm

from .comparison import compare_case, table
from .synthesis.case import generate_case


def synthesize(
    output_dir: str,
    first_seed: int,
    count: int,
    shape: tuple[int, int, int] = (205, 205, 144),
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.25),
) -> None:
    """Generates CTs of hearts with their label maps (1 = LA, 2 = LV).

    Args:
        output_dir: receives ``images/patient_SEED.nii.gz`` (int16 HU) and ``labels/patient_SEED.nii.gz`` (uint8), the
            layout that training reads.
        first_seed: seed of the first patient; the others follow.
        count: number of patients.
        shape: voxels along right, anterior, superior.
        spacing: voxel size, mm.
    """
    images, labels = Path(output_dir) / "images", Path(output_dir) / "labels"
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(exist_ok=True)
    for seed in tqdm(range(first_seed, first_seed + count), unit="patient"):
        case = generate_case(seed, shape, spacing)
        name = f"patient_{seed:06d}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(case.labels, case.affine), labels / name)
        nibabel.save(nibabel.Nifti1Image(case.image, case.affine), images / name)


def compare(mesh_folder: str, label_folder: str) -> None:
    """Prints volume, Dice and surface distances of the meshes of a folder against label maps of the same names.

    Args:
        mesh_folder: holds ``NAME_LA.stl`` and ``NAME_LV.stl``.
        label_folder: holds ``NAME.nii.gz``.
    """
    rows = []
    for label in sorted(Path(label_folder).glob("*.nii.gz")):
        rows += compare_case(Path(mesh_folder), label)
    print(f"Meshes in {mesh_folder}:\n")
    print(table(rows))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    fire.Fire({"synthesize": synthesize, "compare": compare})
