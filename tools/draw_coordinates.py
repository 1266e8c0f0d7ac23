"""The coordinate frames of `custom/frames.py`: `python tools/draw_coordinates.py coordinates.png`."""

from __future__ import annotations

import sys

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from custom.frames import normalised_to_ras, ras_to_lps, ras_to_voxel, voxel_to_normalised

SHAPE = (5, 4, 2)  # voxels; the figure shows the plane of the first two axes
AFFINE = np.array([[-2.6, 0.6, 0, 14.0], [0.6, 2.6, 0, -6.0], [0, 0, 3.0, 40.0], [0, 0, 0, 1]])
NORMALISED = np.array([0.5, 1 / 3, -1.0])
"""A vertex, as the network gives it."""


def draw_grid(axes: Axes, title: str, place, labels: tuple[str, str], point: np.ndarray) -> None:
    """The voxels' centres, the first one and the axes marked, and the vertex; `place` maps voxels to the plane."""
    index = np.stack(np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), [0], indexing="ij"), -1).reshape(-1, 3)
    centres = place(index.astype(float))
    axes.scatter(centres[:, 0], centres[:, 1], s=14, color="0.6")
    first, along0, along1 = place(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]))
    axes.scatter(*first[:2], s=50, color="black")
    for end, colour, text in ((along0, "#d62728", "axis 0"), (along1, "#2ca02c", "axis 1")):
        axes.annotate("", end[:2], first[:2], arrowprops={"arrowstyle": "->", "color": colour, "lw": 2})
        axes.annotate(text, end[:2], color=colour, fontsize=8, xytext=(3, 5), textcoords="offset points")
    axes.scatter(point[0], point[1], marker="*", s=130, color="#1f77b4", zorder=3)
    numbers = ", ".join(f"{value:.2f}" for value in point)
    axes.set_title(f"{title}\nvertex ({numbers})", fontsize=10)
    axes.set(xlabel=labels[0], ylabel=labels[1], aspect="equal")
    axes.margins(0.18)
    axes.grid(alpha=0.3)


def main(picture: str) -> None:
    ras = normalised_to_ras(NORMALISED[None], SHAPE, AFFINE)
    figure = Figure(figsize=(12, 3.9), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    voxel, normalised, patient, file = figure.subplots(1, 4)

    def to_ras(index: np.ndarray) -> np.ndarray:
        return normalised_to_ras(voxel_to_normalised(index, SHAPE), SHAPE, AFFINE)

    draw_grid(voxel, "voxel", lambda index: index, ("index along axis 0", "index along axis 1"),
              ras_to_voxel(ras, AFFINE)[0])  # fmt: skip
    draw_grid(normalised, "normalised", lambda index: voxel_to_normalised(index, SHAPE), ("axis 0", "axis 1"),
              NORMALISED)  # fmt: skip
    draw_grid(patient, "RAS, mm", to_ras, ("to the right", "to the front"), ras[0])
    draw_grid(file, "LPS, mm (files)", lambda index: ras_to_lps(to_ras(index)), ("to the left", "to the back"),
              ras_to_lps(ras)[0])  # fmt: skip
    figure.savefig(picture, metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
