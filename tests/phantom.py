"""A ball of soft tissue off the centre of air, on any grid, as a file of any kind."""

from __future__ import annotations

from pathlib import Path

import itk
import nibabel
import numpy as np
from dicom_files import write_series

from custom.frames import ras_to_lps, voxel_to_ras

CENTRE, RADIUS = np.array([18.0, -13.0, 907.0]), 22.0  # RAS mm
MIDDLE = (0.0, 0.0, 900.0)  # of every volume, RAS mm
SERIES = "1.2.3.1"


def geometry(order, signs, spacing, degrees: float, shear: float) -> tuple[tuple[int, ...], np.ndarray]:
    """Shape and affine, voxel to RAS, of a volume about `MIDDLE`, its axes in one of the 48 orders.

    `shear` leans the third axis over the second, as a tilted gantry does.
    """
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    axes = turn[:, order] * np.array(signs)
    axes[:, 2] += shear * axes[:, 1]
    shape = tuple(int(120 // size) for size in spacing)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = MIDDLE - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return shape, affine


def ball(shape, affine) -> np.ndarray:
    """The image, int16 in HU."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), axis=-1)
    distance = np.linalg.norm(voxel_to_ras(index, affine) - CENTRE, axis=-1)
    return (np.clip(RADIUS - distance, -2, 2) * 275 - 450).astype(np.int16)  # 100 HU inside, soft at its edge


def write_nifti(folder: Path, volume: np.ndarray, affine: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "ct.nii")
    return folder / "ct.nii"


def write_dicom(folder: Path, volume: np.ndarray, affine: np.ndarray) -> Path:
    """A classic series of the same grid: slices are stacked along the affine's third axis."""
    lps = ras_to_lps(affine[:3, :3].T)
    spacing = np.linalg.norm(lps, axis=1)
    return write_series(
        folder,
        volume,
        across=lps[0] / spacing[0],
        down=lps[1] / spacing[1],
        step=lps[2],
        origin=ras_to_lps(affine[:3, 3]),
        spacing=tuple(spacing),
        series=SERIES,
    )


def write_itk(
    path: Path, volume: np.ndarray, affine: np.ndarray, vector: bool = False, compressed: bool = False
) -> Path:
    """NRRD or MHA by ITK; the affine's columns are orthogonal, `vector` makes the last axis one of components."""
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = volume.ndim - vector
    order = (*reversed(range(axes)), *([axes] if vector else []))
    image = itk.image_from_array(np.ascontiguousarray(volume.transpose(order)), is_vector=vector)
    lps, extra = ras_to_lps(affine[:3, :3].T).T, axes - 3
    spacing = np.linalg.norm(lps, axis=0)
    direction = np.eye(axes)
    direction[:3, :3] = lps / spacing
    image.SetSpacing((*spacing, *[1.0] * extra))
    image.SetOrigin((*ras_to_lps(affine[:3, 3]), *[0.0] * extra))
    image.SetDirection(itk.matrix_from_array(direction))
    itk.imwrite(image, path, compression=compressed)
    return path
