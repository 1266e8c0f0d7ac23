"""A CT and the surfaces beside it as 3D Slicer places them: `python tools/draw_slicer_view.py ct.nii.gz picture.png`.

Independent of the package: the image lies by its NIfTI affine (RAS mm), the surfaces by the `SPACE` in their STL
headers (LPS where there is none), all drawn in RAS as in Slicer. Contours that lie on the chambers show that the files
agree.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel
import numpy as np
import trimesh
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

COLOURS = {"LA": "#3fb6ff", "LV": "#ff6b57"}
WINDOW = (-300, 700)  # HU
# Slicer's three views: name, colour, the RAS axis that is cut, the axes across, which runs leftwards, and up
VIEWS = (("R", "#f34a33", 2, (0, 1)), ("G", "#6eb04b", 1, (0, 2)), ("Y", "#edd54c", 0, (1, 2)))


def placed_surface(file: Path) -> trimesh.Trimesh:
    """The surface in RAS mm, by the rule of Slicer's STL reader."""
    with open(file, "rb") as stream:
        header = stream.read(80)
    mesh = trimesh.load_mesh(file)
    if b"SPACE=RAS" not in header:
        mesh.vertices = mesh.vertices * (-1, -1, 1)
    return mesh


def plane_of(image: nibabel.Nifti1Image, axis: int, at: np.ndarray) -> tuple[np.ndarray, tuple[float, ...]]:
    """The slice through `at`, RAS mm, across RAS axis `axis`, and its extent in mm; the image's axes are upright."""
    canonical = nibabel.as_closest_canonical(image)
    voxel = np.linalg.inv(canonical.affine) @ [*at, 1]
    low = canonical.affine[:3, 3]
    size = np.diag(canonical.affine)[:3]
    across, up = (k for k in range(3) if k != axis)
    ends = [(low[k] - size[k] / 2, low[k] + (canonical.shape[k] - 0.5) * size[k]) for k in (across, up)]
    return np.take(np.asarray(canonical.dataobj), round(voxel[axis]), axis=axis), (*ends[0], *ends[1])


def main(ct: str, picture: str) -> None:
    case = Path(ct)
    image = nibabel.load(case)
    name = case.name.removesuffix(".nii.gz")
    surfaces = {chamber: placed_surface(case.with_name(f"{name}_{chamber}.stl")) for chamber in COLOURS}
    middle = np.mean([surface.centroid for surface in surfaces.values()], axis=0)
    figure = Figure(figsize=(12, 3.2), dpi=100, facecolor="black")
    FigureCanvasAgg(figure)
    for column, (letter, colour, axis, (across, up)) in enumerate(VIEWS):
        axes = figure.add_axes((column * 0.25 + 0.003, 0.01, 0.244, 0.9))
        plane, extent = plane_of(image, axis, middle)
        axes.imshow(plane.T, cmap="gray", vmin=WINDOW[0], vmax=WINDOW[1], origin="lower", extent=extent)
        for chamber, surface in surfaces.items():
            cut = trimesh.intersections.mesh_plane(surface, np.eye(3)[axis], middle)
            axes.add_collection(LineCollection(cut[..., (across, up)], colors=COLOURS[chamber], linewidths=1.3))
        axes.invert_xaxis()
        axes.set_axis_off()
        place = f"{('RAS' if middle[axis] > 0 else 'LPI')[axis]}: {abs(middle[axis]):.1f} mm"
        axes.set_title(f"{letter}  {place}", color=colour, fontsize=10, loc="left", pad=3)
    axes = figure.add_axes((0.752, 0, 0.246, 0.98), projection="3d", facecolor="black")
    for chamber, surface in surfaces.items():
        shade = 0.35 + 0.65 * np.clip(surface.face_normals @ (-0.35, 0.61, 0.71), 0, 1)
        rgb = [int(COLOURS[chamber][start : start + 2], 16) / 255 for start in (1, 3, 5)]
        axes.add_collection3d(Poly3DCollection(surface.triangles, facecolors=shade[:, None] * rgb))
    box = np.concatenate([surface.vertices for surface in surfaces.values()])
    half = np.ptp(box, axis=0).max() / 2
    centre = (box.min(axis=0) + box.max(axis=0)) / 2
    for limit, value in zip((axes.set_xlim, axes.set_ylim, axes.set_zlim), centre, strict=True):
        limit(value - half, value + half)
    axes.set_box_aspect((1, 1, 1), zoom=1.4)
    axes.view_init(elev=10, azim=110)  # from the patient's front, a little from the left; +y is anterior
    axes.set_axis_off()
    figure.savefig(picture, metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
