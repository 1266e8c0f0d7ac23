"""A picture of a case: three planes through the chambers with the meshes' contours, and a rendering."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import trimesh
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from monai.data import MetaTensor

from ...chambers import CHAMBERS
from ...frames import ras_to_voxel, spacing_of, voxel_to_ras
from ...mesh import Mesh
from ...text import RESEARCH_ONLY, printable
from ..quality.doubt import usable
from .preview_landmarks import draw_in_plane, draw_in_space, write_legend
from .rendering import View, draw_surfaces

# Title, axis that is cut, axes across and up, and the letters at the left, right, bottom and top: radiological
# convention, the patient's right on the left. Crop axes run right, anterior, superior.
PLANES = (
    ("axial", 2, (0, 1), "RLPA"),
    ("coronal", 1, (0, 2), "RLIS"),
    ("sagittal", 0, (1, 2), "APIS"),
)
FRONT = View(azimuth=120.0, elevation=15.0)
"""From the patient's front and left."""
FEW = 3
"""Structures that are named one below the other; more take two columns."""
PACKING = 2
"""Of a PNG: half the seconds of the default, 6, for a file a sixth larger."""
LONGEST_TITLE = 60
"""Letters of a file's name that are shown."""


def render_preview(image: MetaTensor, meshes: Sequence[Mesh], report: Mapping[str, Any]) -> bytes:
    """The picture as PNG.

    Args:
        image: the crop (1, D0, D1, D2) in [-1, 1], axes running right, anterior and superior, with its affine.
        meshes: in RAS mm.
        report: the case's, for title, volumes, and what was forced.
    """
    return as_png(_draw(image, meshes, report, shorten(report["input"]["file"])))


def render_capture(image: MetaTensor, meshes: Sequence[Mesh], report: Mapping[str, Any]) -> np.ndarray:
    """As `render_preview`, as pixels (rows, columns, 3) uint8 in RGB, and without the file's name, which can be the
    patient's."""
    figure = _draw(image, meshes, report, RESEARCH_ONLY)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def _draw(image: MetaTensor, meshes: Sequence[Mesh], report: Mapping[str, Any], heading: str) -> Figure:
    affine = np.asarray(image.affine)
    spacing = spacing_of(affine)
    volume = image.as_tensor()[0].cpu().numpy()
    placed = [mesh._replace(vertices=ras_to_voxel(mesh.vertices, affine)) for mesh in meshes]
    centre = np.concatenate([mesh.vertices for mesh in placed]).mean(axis=0)
    centre = np.clip(centre.round(), 0, np.array(volume.shape) - 1)
    landmarks = report.get("landmarks", {})
    figure = Figure(figsize=(12, 3.5), dpi=100, facecolor="black")
    FigureCanvasAgg(figure)
    for column, (title, axis, across_up, letters) in enumerate(PLANES):
        axes = figure.add_axes((0.004 + column * 0.25, 0.01, 0.242, 0.86))
        plane = np.take(volume, int(centre[axis]), axis=axis)
        draw_plane(axes, plane, spacing[list(across_up)], title, letters)
        for mesh in placed:
            segments = section(mesh, axis, float(centre[axis]))[..., across_up] * spacing[list(across_up)]
            axes.add_collection(
                LineCollection(segments, colors=CHAMBERS[mesh.name].colour, linewidths=1.2), autolim=False
            )
        level = float(voxel_to_ras(centre, affine)[axis])
        draw_in_plane(axes, landmarks, axis, level, across_up, affine[:3, 3])
    height = 0.88 if len(meshes) <= FEW else 0.74  # below their names
    space = figure.add_axes((0.752, 0.0, 0.248, height))
    draw_surfaces(space, meshes, FRONT)
    draw_in_space(space, landmarks, FRONT)
    write_legend(figure, landmarks)
    _write_title(figure, report, heading)
    return figure


def as_png(figure: Figure) -> bytes:
    """A figure as PNG, the same bytes from the same figure."""
    stream = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):  # a letter that the font lacks shows as a box
        figure.savefig(stream, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": PACKING})
    return stream.getvalue()


def shorten(name: str) -> str:
    """A name that may be long and odd as a title has room for it: its beginning and its end."""
    name = printable(name)
    half = LONGEST_TITLE // 2
    return name if len(name) <= LONGEST_TITLE else f"{name[:half]}…{name[-half:]}"


def section(mesh: Mesh, axis: int, position: float) -> np.ndarray:
    """The exact cut of `mesh` with the plane at `position` along `axis`: segments (K, 2, 3) in the mesh's own frame."""
    surface = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    normal = np.eye(3)[axis]
    return trimesh.intersections.mesh_plane(surface, normal, position * normal)


def draw_plane(axes: Axes, plane: np.ndarray, spacing: np.ndarray, title: str, letters: str) -> None:
    """Draw a plane of a windowed image in mm, the centre of its first pixel at 0.

    Args:
        axes: what it is drawn in.
        plane: (A, B) in [-1, 1], its first axis running across.
        spacing: (2,) mm of its pixels.
        title, letters: as in `PLANES`.
    """
    width, height = plane.shape * spacing
    extent = (-spacing[0] / 2, width - spacing[0] / 2, -spacing[1] / 2, height - spacing[1] / 2)
    axes.imshow(plane.T, cmap="gray", vmin=-1, vmax=1, origin="lower", extent=extent, interpolation="bilinear")
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    axes.invert_xaxis()  # the crop's first axis runs to the right of the patient, who faces the reader
    for letter, x, y in zip(letters, (0.02, 0.98, 0.5, 0.5), (0.5, 0.5, 0.02, 0.98), strict=True):
        align = {0.02: "left", 0.98: "right"}.get(x, "center"), {0.02: "bottom", 0.98: "top"}.get(y, "center")
        axes.text(x, y, letter, color="white", fontsize=9, ha=align[0], va=align[1], transform=axes.transAxes)
    axes.text(0.02, 0.02, title, color="0.75", fontsize=8, va="bottom", transform=axes.transAxes)


def _write_title(figure: Figure, report: Mapping[str, Any], heading: str) -> None:
    figure.text(0.008, 0.93, heading, color="white", fontsize=10, va="center", parse_math=False)
    if report["forced"]:
        text = f"FORCED: {', '.join(report['forced'])}"
        figure.text(0.5, 0.93, text, color="#ffd24d", fontsize=10, weight="bold", va="center", ha="center")
    columns = 1 if len(report["structures"]) <= FEW else 2
    for place, (name, checks) in enumerate(report["structures"].items()):
        row, column = divmod(place, columns)
        volume = f"{name} {checks['volume_ml']:.1f} mL" if usable(checks) else name
        text = volume if checks["trust"] == "ok" else f"{volume}, {checks['trust']}"
        where, size = (0.76 + 0.12 * column, 0.96 - 0.06 * row), 10 if columns == 1 else 8
        figure.text(*where, text, color=CHAMBERS[name].colour, fontsize=size, va="center")
