"""A heart's regions and landmarks from three sides: `python tools/draw_anatomy.py CT OUT.png`."""

from __future__ import annotations

from pathlib import Path

import fire
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from mpl_toolkits.mplot3d.axes3d import Axes3D

from custom import load_model
from custom.anatomy.regions import REGIONS
from custom.inference import LoadCTd
from custom.prediction import Prediction
from custom.viewer.colours import of_region

SIDES = {"from the front": (90, 5), "from the left": (180, 5), "from behind": (-90, 10)}
"""Azimuth and elevation, degrees, in RAS."""
TOWARDS_READER = 12.0
"""mm, in front of the surfaces, that marks are drawn towards the reader, so that none is hidden."""


def main(image: str, picture: str) -> None:
    """Predicts and draws.

    Args:
        image: what inference takes.
        picture: the file that is written.
    """
    loaded = LoadCTd("image", force=True)({"image": image})["image"]
    found = load_model(force=True).predict(np.asarray(loaded)[0], np.asarray(loaded.affine))
    figure = Figure(figsize=(13.5, 5.2), dpi=90, facecolor="black")
    FigureCanvasAgg(figure)
    for place, (title, view) in enumerate(SIDES.items()):
        axes = figure.add_axes((place * 0.275, 0.02, 0.275, 0.9), projection="3d")
        _draw(axes, found, *view)
        figure.text(place * 0.275 + 0.01, 0.94, title, color="0.8", fontsize=10)
    seen = sorted({int(value) for regions in found.regions.values() for value in np.unique(regions)})
    handles = [Patch(color=np.array(of_region(value)) / 255, label=REGIONS[value]) for value in seen]
    figure.legend(handles=handles, loc="center right", fontsize=7, labelcolor="white", facecolor="black", frameon=False)
    figure.text(0.01, 0.02, Path(image).name, color="0.6", fontsize=8)
    figure.savefig(picture, metadata={"Software": None})


def _draw(axes: Axes3D, found: Prediction, azimuth: float, elevation: float) -> None:
    axes.set_facecolor("black")
    axes.set_axis_off()
    axes.computed_zorder = False
    turn, rise = np.radians([azimuth, elevation])
    reader = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
    everything = []
    for name, mesh in found.meshes.items():
        vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
        everything.append(vertices)
        corners = vertices[faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
        shown = normals @ reader > -0.1
        regions = np.median(found.regions[name][faces[shown]], axis=1).astype(int)
        shade = 0.35 + 0.65 * np.clip(normals[shown] @ reader, 0, 1)
        colours = shade[:, None] * np.array([of_region(int(value)) for value in regions]) / 255
        axes.add_collection3d(Poly3DCollection(corners[shown], facecolors=colours, edgecolors=colours, linewidths=0.3))
    for landmark in found.landmarks.values():
        if landmark["centre_mm"] is None:
            continue
        colour, ahead = ("#8df05a" if landmark["trust"] == "ok" else "#ffd24d"), TOWARDS_READER * reader
        axes.plot(*(landmark["centre_mm"] + ahead)[:, None], marker="+", color=colour, markersize=9, zorder=10)
        if landmark["contour_mm"] is not None:
            contour = np.concatenate([landmark["contour_mm"], landmark["contour_mm"][:1]]) + ahead
            axes.plot(*contour.T, color=colour, linewidth=1.3, zorder=10)
    points = np.concatenate(everything)
    middle, half = (points.max(axis=0) + points.min(axis=0)) / 2, np.ptp(points, axis=0).max() / 2
    for axis, limit in zip("xyz", middle, strict=True):
        getattr(axes, f"set_{axis}lim")(limit - half, limit + half)
    axes.set_box_aspect((1, 1, 1), zoom=1.55)
    axes.view_init(elev=elevation, azim=azimuth)


if __name__ == "__main__":
    fire.Fire(main)
