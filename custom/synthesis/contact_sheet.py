"""Generated patients to look at: three planes of each through the chambers, with the labels' contours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..chambers import CHAMBERS
from ..frames import spacing_of
from .case import Case
from .structures import LEFT_HEART_LABELS

WINDOW = (-300, 700)  # HU
PATIENTS_ACROSS = 2
TITLE = 0.25  # inches above each patient


class Plane(NamedTuple):
    """image and labels (across, up), and the extent (left, right, bottom, top) in mm."""

    image: np.ndarray
    labels: np.ndarray
    extent: tuple[float, float, float, float]


class Tile(NamedTuple):
    """One patient: axial, coronal and sagittal plane."""

    title: str
    planes: list[Plane]


def draw_tile(case: Case, title: str) -> Tile:
    """The planes through the middle of the chambers, or of the volume where nothing is labelled."""
    labelled = np.argwhere(case.labels)
    middle = labelled.mean(axis=0).astype(int) if len(labelled) else np.array(case.labels.shape) // 2
    size = spacing_of(case.affine) * case.labels.shape
    planes = []
    for axis in (2, 1, 0):
        across, up = (k for k in range(3) if k != axis)
        image, labels = (np.take(volume, middle[axis], axis=axis) for volume in (case.image, case.labels))
        planes.append(Plane(image, labels, (0.0, float(size[across]), 0.0, float(size[up]))))
    return Tile(title, planes)


def write_sheet(path: Path, tiles: Sequence[Tile]) -> None:
    """One PNG of all patients, the patient's right on the left as radiologists look at them."""
    rows = -(-len(tiles) // PATIENTS_ACROSS)
    figure = Figure(figsize=(6.6 * PATIENTS_ACROSS, (2.2 + TITLE) * rows), dpi=100, facecolor="black")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, 3 * PATIENTS_ACROSS, squeeze=False).flatten()
    figure.subplots_adjust(0.005, 0.005, 0.995, 1 - TITLE / (2.2 + TITLE) / rows, 0.02, TITLE / 2.2)
    for axes in grid:
        axes.set_axis_off()
    for number, tile in enumerate(tiles):
        grid[3 * number + 1].set_title(tile.title, color="white", fontsize=9, pad=4)
        for axes, plane in zip(grid[3 * number :], tile.planes, strict=False):
            low, high = WINDOW
            axes.imshow(plane.image.T, cmap="gray", vmin=low, vmax=high, origin="lower", extent=plane.extent)
            for name, label in LEFT_HEART_LABELS.items():
                inside = (plane.labels.T == label).astype(float)
                if inside.any():
                    axes.contour(inside, [0.5], colors=CHAMBERS[name].colour, linewidths=0.8, extent=plane.extent)
        for axes in grid[3 * number : 3 * number + 2]:
            axes.invert_xaxis()
    figure.savefig(path, metadata={"Software": None})
