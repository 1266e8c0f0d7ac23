"""How far surfaces lie from the edge of blood that scans show: `python -m benchmarks.edges CT...`.

A figure for scans without labels (`custom.inference.quality.edges`). Edges exist along walls alone: vertices near the
other chamber are left out, and the cuts of veins and the neck of the appendage remain, so that no surface reaches 0.
Generated patients, whose true surfaces are measured beside the predicted ones, show how near a surface can be, and how
near these are to their labels (ASSD): with `pixel` and `slices`, by the size of the voxels.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import fire
import nibabel
import numpy as np
import trimesh
from monai.bundle import ConfigParser
from scipy.ndimage import gaussian_filter

from custom import load_model
from custom.chambers import LABELS, LEFT_HEART
from custom.configs import config_file
from custom.frames import facing_out, voxel_to_ras
from custom.geometry.isosurface import isosurface
from custom.inference.quality.edges import find_edges, on_wall
from custom.mesh import Mesh
from custom.metrics import mesh_label_distances
from custom.profiles import Scan
from custom.reading.loading import LoadCTd
from custom.synthesis import Case, generate_case

SMOOTHING = 0.7
"""Voxels, of a label whose surface is taken."""
KIND = "cardiac"
"""Of the generated scans, in synthesize.json."""


FIELD = (180.0, 180.0, 150.0)
"""mm that are scanned where the size of voxels is given."""


def main(
    *images: str,
    generated: int = 4,
    first_seed: int = 900100,
    pixel: float | None = None,
    slices: float | None = None,
    **overrides: Any,
) -> None:
    """Prints a row for each scan and surface.

    Args:
        images: CTs, as inference takes them.
        generated: how many generated patients are measured besides.
        first_seed: of these.
        pixel, slices: mm of a generated scan's voxels, in the axial plane and along the patient; None for the kind's.
        overrides: keys of inference.json.
    """
    model = load_model(**overrides)
    print("| scan | surface | trust | mean distance mm | mean offset mm | share with an edge | ASSD mm | volume % |")
    print("|---|---|---|---|---|---|---|---|")
    for image in images:
        measure(Path(image).name, image, model)
    kind = ConfigParser(ConfigParser.load_config_file(config_file("synthesize.json"))).get_parsed_content(
        f"kinds#{KIND}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first_seed, first_seed + generated):
            spacing = None if pixel is None or slices is None else (pixel, pixel, slices)
            shape = spacing and tuple(round(side / size) for side, size in zip(FIELD, spacing, strict=True))
            case = generate_case(seed, kind, shape, spacing)
            path = Path(folder) / f"{seed}.nii"
            nibabel.save(nibabel.Nifti1Image(case.image, case.affine), path)
            measure(f"generated {seed}", str(path), model, case)


def true_surface(name: str, case: Case) -> Mesh:
    """The surface of a chamber's label, without the voxels' steps."""
    vertices, faces = isosurface(gaussian_filter((case.labels == LABELS[name]).astype(np.float32), SMOOTHING))
    return Mesh(name, voxel_to_ras(vertices, case.affine), facing_out(faces, case.affine))


def measure(name: str, image: str, model: Any, case: Case | None = None) -> None:
    """Print the rows of a scan, and of its true surfaces if it is a generated one."""
    found = model.predict(image)
    record = LoadCTd("image")({"image": image})
    scan = Scan(record["image"].as_tensor()[0].numpy(), np.asarray(record["image"].affine))
    meshes = [
        Mesh(chamber, np.asarray(mesh.vertices), np.asarray(mesh.faces)) for chamber, mesh in found.meshes.items()
    ]
    for mesh in meshes:
        truth = "| |" if case is None else against(mesh, case)
        row(name, mesh, meshes, scan, found.report["structures"][mesh.name]["trust"], truth)
    surfaces = [] if case is None else [true_surface(chamber, case) for chamber in LEFT_HEART]
    for mesh in surfaces:
        row(name, mesh, surfaces, scan, "(true)", against(mesh, case))


def against(mesh: Mesh, case: Case) -> str:
    """Two cells: a surface's distance from its label, and how much larger it is."""
    label = case.labels == LABELS[mesh.name]
    assd = mesh_label_distances(mesh.vertices, mesh.faces, label, case.affine).assd
    volume = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).volume / 1e3
    return f"{assd:.2f} | {100 * (volume / case.volumes_ml[mesh.name] - 1):+.1f} |"


def row(name: str, mesh: Mesh, meshes: list[Mesh], scan: Scan, trust: str, truth: str) -> None:
    """Print one."""
    offset = find_edges(mesh, scan).offset[on_wall(mesh, meshes)]
    seen = offset[np.isfinite(offset)]
    figures = (
        (np.abs(seen).mean(), seen.mean(), len(seen) / max(len(offset), 1)) if len(seen) else (np.nan, np.nan, 0.0)
    )
    cells = " | ".join(f"{value:.2f}" for value in figures)
    print(f"| {name} | {mesh.name} | {trust} | {cells} | {truth}", flush=True)


if __name__ == "__main__":
    fire.Fire(main)
