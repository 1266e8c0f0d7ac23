"""The hinges of both valves in sections of a CT across them: `python tools/draw_hinges.py CT OUT.png`."""

from __future__ import annotations

import fire
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from custom import load_model
from custom.anatomy.rings import PITCH, PIXELS, SECTIONS, Ring, sections

COLUMNS = 8
WINDOW = (-150, 500)
"""HU, black and white."""


def main(image: str, picture: str) -> None:
    """Predicts, and draws every other section, in its middle the hinge.

    Args:
        image: what inference takes.
        picture: the file that is written.
    """
    record = load_model(force=True).record(image)
    rows = SECTIONS // 2 // COLUMNS
    half = PIXELS * PITCH / 2
    figure = Figure(figsize=(13, 1.75 * rows * len(record["annuli"])), dpi=80, facecolor="black")
    FigureCanvasAgg(figure)
    every = iter(figure.subplots(rows * len(record["annuli"]), COLUMNS).flat)
    for name, annulus in record["annuli"].items():
        for place, section in enumerate(sections(record["scan"], Ring.of(annulus))[::2]):
            axes = next(every)
            axes.imshow(
                np.asarray(section), cmap="gray", vmin=WINDOW[0], vmax=WINDOW[1], extent=[-half, half, half, -half]
            )
            axes.plot([0], [0], "+", color="#8df05a", markersize=9)
            axes.set_axis_off()
            if place == 0:
                axes.text(0.03, 0.97, name.replace("_", " "), transform=axes.transAxes, va="top", fontsize=8)
    figure.subplots_adjust(left=0.005, right=0.995, bottom=0.01, top=0.99, wspace=0.03, hspace=0.08)
    figure.savefig(picture, metadata={"Software": None})


if __name__ == "__main__":
    fire.Fire(main)
