"""How far surfaces lie from the edge of blood that scans show: `python -m benchmarks.edges CT...`.

A figure for scans without labels (`custom.inference.quality.edges`). Edges exist along walls alone: vertices near the
other chamber are left out, and the cuts of veins and the neck of the appendage remain, so that no surface reaches 0.
Generated patients, whose true surfaces are measured beside the predicted ones, show how near a surface can be.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fire
import nibabel
import numpy as np
from monai.bundle import ConfigParser
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from custom import load_model
from custom.chambers import LABELS, LEFT_HEART
from custom.configs import config_file
from custom.frames import facing_out, voxel_to_ras
from custom.geometry.isosurface import isosurface
from custom.inference.quality.edges import find_edges
from custom.inference.record import Grid
from custom.mesh import Mesh
from custom.reading.loading import LoadCTd
from custom.synthesis import Case, generate_case

APART_MM = 6.0
"""From the other chamber, from which on a vertex counts."""
SMOOTHING = 0.7
"""Voxels, of a label whose surface is taken."""
KIND = "cardiac"
"""Of the generated scans, in synthesize.json."""


def main(*images: str, generated: int = 4, first_seed: int = 900100, **overrides: Any) -> None:
    """Prints a row for each scan and surface.

    Args:
        images: CTs, as inference takes them.
        generated: how many generated patients are measured besides.
        first_seed: of these.
        overrides: keys of inference.json.
    """
    model = load_model(**overrides)
    print(
        "| scan | surface | trust | mean distance mm | mean offset mm | share with an edge |\n|---|---|---|---|---|---|"
    )
    for image in images:
        measure(Path(image).name, image, model)
    kind = ConfigParser(ConfigParser.load_config_file(config_file("synthesize.json"))).get_parsed_content(
        f"kinds#{KIND}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first_seed, first_seed + generated):
            case = generate_case(seed, kind)
            path = Path(folder) / f"{seed}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(case.image, case.affine), path)
            truth = [true_surface(name, case) for name in LEFT_HEART]
            measure(f"generated {seed}", str(path), model, truth)


def true_surface(name: str, case: Case) -> Mesh:
    """The surface of a chamber's label, without the voxels' steps."""
    vertices, faces = isosurface(gaussian_filter((case.labels == LABELS[name]).astype(np.float32), SMOOTHING))
    return Mesh(name, voxel_to_ras(vertices, case.affine), facing_out(faces, case.affine))


def measure(name: str, image: str, model: Any, truth: list[Mesh] | None = None) -> None:
    """Print the rows of a scan, and of its true surfaces if there are any."""
    found = model.predict(image)
    record = LoadCTd("image")({"image": image})
    volume = record["image"][0].numpy()
    grid = Grid(volume.shape, np.asarray(record["image"].affine))
    meshes = [
        Mesh(chamber, np.asarray(mesh.vertices), np.asarray(mesh.faces)) for chamber, mesh in found.meshes.items()
    ]
    for mesh, others in apart(meshes):
        row(name, mesh, others, volume, grid, found.report["structures"][mesh.name]["trust"])
    for mesh, others in apart(truth or []):
        row(name, mesh, others, volume, grid, "(true)")


def apart(meshes: list[Mesh]) -> Iterator[tuple[Mesh, np.ndarray]]:
    """Each mesh, and which of its vertices (V,) are far from the others."""
    for mesh in meshes:
        others = [other.vertices for other in meshes if other is not mesh]
        near = KDTree(np.concatenate(others)).query(mesh.vertices)[0] if others else np.full(len(mesh.vertices), np.inf)
        yield mesh, near > APART_MM


def row(name: str, mesh: Mesh, counted: np.ndarray, volume: np.ndarray, grid: Grid, trust: str) -> None:
    """Print one."""
    offset = find_edges(mesh, volume, grid).offset[counted]
    seen = offset[np.isfinite(offset)]
    figures = (
        (np.abs(seen).mean(), seen.mean(), len(seen) / max(len(offset), 1)) if len(seen) else (np.nan, np.nan, 0.0)
    )
    print(f"| {name} | {mesh.name} | {trust} | " + " | ".join(f"{value:.2f}" for value in figures) + " |", flush=True)


if __name__ == "__main__":
    fire.Fire(main)
