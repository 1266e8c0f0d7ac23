"""Pictures of an evaluation: box plots over cases, and one case's contours on its image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.ndimage import map_coordinates

from ..chambers import CHAMBERS, STRUCTURES
from ..frames import ras_to_voxel
from ..inference.writing.preview import PLANES, draw_plane, section, shorten
from ..inputs import AIR
from ..mesh import Mesh
from .measures import MEASURES, Measures
from .statistics import known_values

PLOTTED = ("dice", "assd_mm", "hd95_mm")
TRUTH = "#ffe14d"
MARGIN = 20.0
"""mm of image around the chambers."""
PIXEL = 0.5
"""mm."""


def box_plots(methods: Mapping[str, Sequence[Measures]]) -> Figure:
    """Dice, ASSD and HD95 of each chamber and method: quartiles and median, whiskers to 1.5 times the box, each case.

    A case that failed is at Dice 0; it has no distance.

    Args:
        methods: name to its rows.
    """
    figure = Figure(figsize=(3 * len(PLOTTED) + 1.6 * len(methods), 4), dpi=120, layout="constrained")
    panels = figure.subplots(1, len(PLOTTED))
    structures = [
        name for name in STRUCTURES if any(row.structure == name for rows in methods.values() for row in rows)
    ]
    scatter = np.random.default_rng(0)
    width = 0.8 / len(structures)
    for axes, measure in zip(panels, (measure for measure in MEASURES if measure.key in PLOTTED), strict=True):
        for place, rows in enumerate(methods.values()):
            for rank, structure in enumerate(structures):
                values = known_values([row for row in rows if row.structure == structure], measure)
                middle = place + (rank - (len(structures) - 1) / 2) * width
                axes.boxplot(
                    [values],
                    positions=[middle],
                    widths=0.8 * width,
                    showfliers=False,
                    patch_artist=True,
                    boxprops={"facecolor": to_rgba(CHAMBERS[structure].colour, 0.45)},
                    medianprops={"color": "black"},
                    manage_ticks=False,
                )
                across = middle + scatter.uniform(-0.2, 0.2, len(values)) * width
                axes.scatter(across, values, s=14, color="0.2", alpha=0.6, linewidths=0, zorder=3)
        names = [shorten(name) for name in methods]
        axes.set_xticks(range(len(methods)), names, rotation=30 if len(methods) > 2 else 0, parse_math=False)
        axes.set_xlim(-0.6, len(methods) - 0.4)
        axes.set_title(measure.title)
        axes.grid(axis="y", color="0.9")
        axes.set_axisbelow(True)
    colours = {name: to_rgba(CHAMBERS[name].colour, 0.45) for name in structures}
    handles = [Patch(facecolor=colour, edgecolor="black", label=name) for name, colour in colours.items()]
    figure.legend(handles=handles, loc="outside right upper")
    return figure


def overlay(
    values: np.ndarray,
    affine: np.ndarray,
    truth: Sequence[Mesh],
    predicted: Sequence[Mesh],
    title: str,
    window: Sequence[float],
) -> Figure:
    """Axial, coronal and sagittal cuts through the middle of the true chambers, with the contours of both surfaces.

    The planes are those of the patient, however the image lies; contours are exact cuts of the meshes.

    Args:
        values: (D0, D1, D2) HU.
        affine: (4, 4), voxel to RAS mm.
        truth, predicted: chambers, RAS mm.
        title: stands above.
        window: HU that are black and white.
    """
    vertices = np.concatenate([mesh.vertices for mesh in (*truth, *predicted)])
    centre = np.concatenate([mesh.vertices for mesh in truth]).mean(axis=0)
    middle, half = (vertices.max(axis=0) + vertices.min(axis=0)) / 2, np.ptp(vertices, axis=0).max() / 2 + MARGIN
    ticks = [np.arange(place - half, place + half, PIXEL) for place in middle]
    drawn = [*((mesh, TRUTH) for mesh in truth), *((mesh, CHAMBERS[mesh.name].colour) for mesh in predicted)]
    figure = Figure(figsize=(12, 4.4), dpi=100, facecolor="black")
    for column, (name, axis, across_up, letters) in enumerate(PLANES):
        axes = figure.add_axes((0.005 + column * 0.333, 0.01, 0.323, 0.88))
        points = np.stack(np.meshgrid(*(ticks[k] for k in across_up), indexing="ij"), axis=-1)
        points = np.insert(points, axis, centre[axis], axis=-1)
        plane = map_coordinates(values, np.moveaxis(ras_to_voxel(points, affine), -1, 0), order=1, cval=AIR)
        low, high = window
        draw_plane(axes, np.clip((plane - low) / (high - low) * 2 - 1, -1, 1), np.array([PIXEL] * 2), name, letters)
        start = np.array([ticks[k][0] for k in across_up])
        for mesh, colour in drawn:
            segments = section(mesh, axis, float(centre[axis]))[..., across_up] - start
            axes.add_collection(LineCollection(segments, colors=colour, linewidths=1.2))
    figure.text(0.008, 0.945, title, color="white", fontsize=10, va="center", parse_math=False)
    legend = [*((mesh.name, CHAMBERS[mesh.name].colour) for mesh in predicted), ("truth", TRUTH)]
    for place, (name, colour) in enumerate(reversed(legend)):
        figure.text(0.94 - 0.045 * place, 0.945, name, color=colour, fontsize=10, va="center")
    return figure
