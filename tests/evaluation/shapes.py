"""Ellipsoids as meshes and as masks, and the files of a case made of them."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import trimesh

from custom.frames import voxel_to_ras
from custom.inference.writing.mesh_files import encode_stl
from custom.mesh import Mesh

OBLIQUE = np.array([[-0.98, 0.1, 0.17, 30.0], [0.12, 0.99, 0.1, -40.0], [0.2, -0.1, 1.18, 900.0], [0, 0, 0, 1]])
CENTRES = {"LA": (18.0, -4.0, 947.0), "LV": (0.0, -4.0, 929.0)}
RADII = (12.0, 10.0, 11.0)


def ellipsoid(name: str, centre, radii, subdivisions: int = 4) -> Mesh:
    sphere = trimesh.creation.icosphere(subdivisions)
    return Mesh(name, sphere.vertices * radii + np.asarray(centre), np.asarray(sphere.faces))


def mask(shape, affine, centre, radii) -> np.ndarray:
    index = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), axis=-1)
    return np.linalg.norm((voxel_to_ras(index, affine) - centre) / radii, axis=-1) < 1


def write_case(folder: Path, name: str, shift: float = 0.0, values=(1, 2)) -> Path:
    """The meshes of a case, moved to the right by `shift` mm, and its label map, whose path is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    label = np.zeros((60, 60, 60), np.int16)
    for value, (structure, centre) in zip(values, CENTRES.items(), strict=True):
        label[mask(label.shape, OBLIQUE, centre, RADII)] = value
        mesh = ellipsoid(structure, np.add(centre, (shift, 0, 0)), RADII)
        (folder / f"{name}_{structure}.stl").write_bytes(encode_stl(mesh))
    nibabel.save(nibabel.Nifti1Image(label, OBLIQUE), folder / f"{name}_truth.nii.gz")
    return folder / f"{name}_truth.nii.gz"
