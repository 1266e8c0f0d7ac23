"""How even the triangles of surfaces are; and another mesh on the network's sphere that makes them so.

    python -m benchmarks.even_template table FOLDER --structures all
    python -m benchmarks.even_template picture CT even_triangles.jpg

    pip install ".[template]"
    python -m benchmarks.edge_patients PATIENTS --first_seed 30000 --count 88
    python -m benchmarks.even_template fit PATIENTS even_template.pt

FOLDER and PATIENTS hold generated patients. `fit` lays the surfaces of a structure over each other (generalised
Procrustes analysis), meshes their mean anew by PyMeshLab's isotropic remeshing, and writes where on the icosphere the
new vertices lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fire
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from trimesh.triangles import angles

from benchmarks.patients import answers
from custom.anatomy.planes import unit
from custom.chambers import LEFT_HEART, STRUCTURES
from custom.geometry.places import nearest_places
from custom.inference.surfaces.even_triangles import DIRECTIONS, FACES, on_sphere
from custom.inference.writing.rendering import View
from custom.mesh import Mesh, triangle_areas
from custom.prediction import load_model
from custom.template import icosphere

AS_THE_NETWORK_GAVE = {
    "template_checkpoint": None,
    "test_time_augmentation": [],
    "valve_snapping": 0,
    "edge_snapping": 0,
    "error_checkpoint": None,
}
SIDE = View(150, 15)
"""From the patient's left front."""
SUBDIVISIONS, TIMES = 4, 1
"""Of the icosphere, in the network and after it."""
ALIGNMENTS, ITERATIONS = 5, 20
"""Of Procrustes analysis and of remeshing."""
SHORTER = 0.98
"""Than edges that would give as many faces as the network's icosphere has, for they come out longer than asked for."""


def table(folder: str, structures: str | Sequence[str] = LEFT_HEART, **overrides: Any) -> None:
    """Prints, of each structure, how face areas are spread and how sharp the sharpest triangles are.

    Args:
        folder: images in `images`.
        structures: of `inference.json`.
        overrides: further keys of it.
    """
    model, found = load_model(structures=structures, **overrides), {}
    for _, _, record in answers(Path(folder), model.record):
        for mesh in record["meshes"]:
            found.setdefault(mesh.name, []).append(evenness(mesh))
    print("| structure | surfaces | areas, p95 / p5: mean, worst | least angle, 1st percentile: mean, worst |")
    print("|---|---|---|---|")
    for name, rows in found.items():
        spread, angle = np.array(rows).T
        ends = f"{spread.mean():.1f}, {spread.max():.1f} | {angle.mean():.1f}°, {angle.min():.1f}°"
        print(f"| {name} | {len(rows)} | {ends} |")


def picture(image: str, output: str, **overrides: Any) -> None:
    """Writes a picture of the triangles of LA and LV with the icosphere's faces, above, and with the template's.

    Args:
        image: a CT.
        output: JPEG.
        overrides: keys of inference.json.
    """
    figure = Figure(figsize=(9, 8.2), layout="constrained")
    rows = figure.subplots(2, 2)
    for row, keys in zip(rows, ({"template_checkpoint": None}, {}), strict=True):
        for axes, mesh in zip(row, load_model(**keys, **overrides).record(image)["meshes"], strict=True):
            spread, angle = evenness(mesh)
            axes.set_title(f"{mesh.name}: areas p95 / p5 {spread:.1f}, least angle 1st percentile {angle:.0f}°")
            draw_triangles(axes, mesh)
    figure.savefig(output, dpi=120)


def draw_triangles(axes: Axes, mesh: Mesh) -> None:
    """Those that face the reader, the nearest over the others."""
    points = SIDE.place(mesh.vertices)
    corners = points[mesh.faces]
    towards = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0
    shown = corners[towards]
    shown = shown[shown[:, :, 2].mean(1).argsort()]
    axes.add_collection(PolyCollection(shown[:, :, :2], facecolors="#f3d9d4", edgecolors="#333333", linewidths=0.15))
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.set_axis_off()


def fit(folder: str, output: str) -> None:
    """Writes the file of the template.

    Args:
        folder: images in `images`.
        output: the file.
    """
    model, shapes = load_model(structures="all", **AS_THE_NETWORK_GAVE), {}
    for _, _, record in answers(Path(folder), model.record):
        for mesh in record["meshes"]:
            shapes.setdefault(mesh.name, []).append(mesh)
    torch.save(template_of({name: shapes[name] for name in STRUCTURES}), output)


def template_of(shapes: dict[str, Sequence[Mesh]]) -> dict[str, Tensor]:
    """What the file holds, of each structure's surfaces on the subdivided icosphere."""
    stored, (sphere, faces) = {}, on_sphere(*icosphere(SUBDIVISIONS), TIMES)
    for name, meshes in shapes.items():
        mean = mean_shape(np.stack([mesh.vertices for mesh in meshes]))
        vertices, new = remeshed(mean, faces)
        directions = unit(nearest_places(vertices, mean, faces).on(sphere))
        stored[DIRECTIONS.format(name)] = torch.from_numpy(directions).float()
        stored[FACES.format(name)] = torch.from_numpy(new).short()
    return stored


def mean_shape(shapes: NDArray) -> NDArray[np.float64]:
    """(V, 3) of surfaces (N, V, 3), moved, turned and scaled onto each other; as large as the first."""
    centred = shapes - shapes.mean(1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=(1, 2), keepdims=True)
    mean = centred[0]
    for _ in range(ALIGNMENTS):
        left, _, right = np.linalg.svd(np.swapaxes(centred, 1, 2) @ mean)
        left[..., 2] *= np.linalg.det(left @ right)[:, None]  # no reflections
        mean = (centred @ (left @ right)).mean(0)
    return mean * np.linalg.norm(shapes[0] - shapes[0].mean(0)) / np.linalg.norm(mean)


def remeshed(vertices: NDArray, faces: NDArray) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices and faces of a surface with triangles all alike, about as many as before it was subdivided."""
    import pymeshlab

    area = 4**TIMES * triangle_areas(vertices[faces]).mean()
    edge = SHORTER * np.sqrt(area * 4 / np.sqrt(3))
    meshes = pymeshlab.MeshSet()
    meshes.add_mesh(pymeshlab.Mesh(vertices, faces))
    meshes.meshing_isotropic_explicit_remeshing(
        iterations=ITERATIONS, targetlen=pymeshlab.PureValue(edge), featuredeg=180
    )
    made = meshes.current_mesh()
    return made.vertex_matrix(), made.face_matrix().astype(np.int64)


def evenness(mesh: Mesh) -> NDArray[np.float64]:
    """The 95th percentile of face areas over the 5th, and the first percentile of the faces' least angles, degrees."""
    corners = mesh.vertices[mesh.faces]
    small, large = np.percentile(triangle_areas(corners), [5, 95])
    return np.array([large / small, np.percentile(np.degrees(angles(corners).min(1)), 1)])


if __name__ == "__main__":
    fire.Fire({"table": table, "picture": picture, "fit": fit})
