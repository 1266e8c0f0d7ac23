"""The picture of the curves: volume of each chamber over the beat, with what was measured of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..chambers import CHAMBERS
from ..text import RESEARCH_ONLY
from .volumes import UNUSABLE

_MARKS = {"ok": "o", "check": "^", UNUSABLE: "x"}
_NAMED = {
    "LV": (("end-diastolic", "end_diastolic_volume"), ("end-systolic", "end_systolic_volume")),
    "LA": (("largest", "largest_volume"), ("smallest", "smallest_volume")),
}
_SHARE = {
    "LV": ("ejection fraction", "ejection_fraction"),
    "LA": ("emptying fraction", "emptying_fraction"),
}


def draw_curves(
    title: str,
    percents: Sequence[float],
    curves: Mapping[str, Mapping[str, Sequence[Any]]],
    measures: Mapping[str, Mapping[str, Any]],
) -> Figure:
    """A figure of one axis; the first phase is drawn once more at its end, a beat later.

    Args:
        title: of the figure, printable.
        percents: (P,) of the cycle, ascending.
        curves: of each chamber `volume_ml` and `trust` (P,).
        measures: of `measure_function`.
    """
    figure = Figure(figsize=(8.0, 5.0))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.25, 0.89, 0.68))  # a layout that is found takes as long as the rest
    at = np.append(percents, percents[0] + 100)
    for name, curve in curves.items():
        volume = np.append(curve["volume_ml"], curve["volume_ml"][0])
        trust = np.array([*curve["trust"], curve["trust"][0]])
        usable, colour = trust != UNUSABLE, CHAMBERS[name].colour
        axes.plot(at[usable], volume[usable], color=colour, label=_legend(name, measures))
        for kind, mark in _MARKS.items():
            axes.plot(at[trust == kind], volume[trust == kind], mark, color=colour)
    axes.set(xlabel="cardiac cycle, %", ylabel="volume, mL", xlim=(at[0] - 2, at[-1] + 2), title=title)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, fontsize=9)
    figure.supxlabel(f"round: ok, triangle: check, cross: do not use. {RESEARCH_ONLY}", fontsize=8, color="0.4")
    return figure


def _legend(name: str, measures: Mapping[str, Mapping[str, Any]]) -> str:
    def value(key: str) -> float | None:
        return measures.get(f"{name}_{key}", {}).get("value")

    parts = [f"{words} {value(key):.0f} mL" for words, key in _NAMED.get(name, ()) if value(key) is not None]
    words, key = _SHARE.get(name, ("", ""))
    if value(key) is not None:
        parts.append(f"{words} {100 * value(key):.0f} %")
    elif words:
        parts.append(f"no {words}")
    return f"{CHAMBERS[name].title}: {', '.join(parts)}" if parts else CHAMBERS[name].title
