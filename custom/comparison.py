"""Meshes on disk against label maps on disk: what `make run` and the accuracy benchmark print."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import trimesh

from .chambers import LABELS
from .frames import ras_to_lps
from .geometry.winding import voxelise_in_image
from .metrics import dice, mesh_label_distances, mesh_volume


class Comparison(NamedTuple):
    """One chamber of one case. Volumes in mL, distances in mm; ``mesh`` is the file's name."""

    case: str
    structure: str
    mesh: str
    dice: float
    assd: float
    hd95: float
    volume: float
    true_volume: float
    closed: bool


def compare_case(mesh_folder: Path, label_file: Path) -> list[Comparison]:
    """Compares ``NAME_LA.stl`` and ``NAME_LV.stl`` with the label map ``NAME.nii.gz``.

    The mesh is voxelised on the label's grid for Dice; distances are exact to the label's marching-cubes surface.

    Args:
        mesh_folder: holds the STL files, LPS mm.
        label_file: NIfTI with the values of :data:`custom.chambers.LABELS`.

    Raises:
        FileNotFoundError: a mesh is missing.
    """
    name = label_file.name.removesuffix(".nii.gz")
    label = nibabel.load(label_file)
    values = np.asarray(label.dataobj)
    voxel_ml = abs(np.linalg.det(label.affine[:3, :3])) / 1e3
    rows = []
    for structure, value in LABELS.items():
        file = mesh_folder / f"{name}_{structure}.stl"
        mesh = trimesh.load_mesh(file, process=True)  # welds the vertices that STL repeats
        vertices = ras_to_lps(np.asarray(mesh.vertices))  # back from the file's LPS
        faces = np.asarray(mesh.faces)
        truth = values == value
        inside = voxelise_in_image(vertices, faces, label.affine, truth.shape).numpy()
        distances = mesh_label_distances(vertices, faces, truth, label.affine)
        rows.append(
            Comparison(
                case=name,
                structure=structure,
                mesh=file.name,
                dice=dice(inside, truth),
                assd=distances.assd,
                hd95=distances.hd95,
                volume=mesh_volume(vertices, faces),
                true_volume=float(truth.sum() * voxel_ml),
                closed=bool(mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0),
            )
        )
    return rows


def table(rows: list[Comparison]) -> str:
    """The comparisons as a Markdown table."""
    lines = [
        "| mesh | volume mL | true mL | Dice | ASSD mm | HD95 mm | closed, outward |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.mesh} | {row.volume:.1f} | {row.true_volume:.1f} | {row.dice:.3f} | {row.assd:.2f} "
            f"| {row.hd95:.2f} | {'yes' if row.closed else 'NO'} |"
        )
    return "\n".join(lines)
