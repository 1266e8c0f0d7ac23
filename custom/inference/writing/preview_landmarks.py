"""The annuli, the apex and the ostia in the preview's pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...measured import TRUSTS
from .rendering import View

NEAR = 8.0
"""mm from a plane within which a point is drawn in it."""


class Mark(NamedTuple):
    """How some of the report's landmarks are drawn."""

    ending: str
    """Of their names."""
    words: str
    """Of the legend."""
    style: Mapping[str, Any]
    """Of points."""
    outlined: bool = False
    """In planes by where their contour crosses, instead of by their centre."""


_GREEN, _ORANGE, _YELLOW = "#8df05a", "#ff9f5a", "#ffd75e"
_RING = {"marker": "o", "markersize": 5, "markerfacecolor": "none", "markeredgewidth": 1.4}
MARKS = (
    Mark("mitral_annulus", "○ mitral annulus", {"color": _GREEN, **_RING}, True),
    Mark("aortic_annulus", "○ aortic annulus", {"color": _ORANGE, **_RING}, True),
    Mark("lv_apex", "+ apex", {"color": _GREEN, "marker": "+", "markersize": 9, "markeredgewidth": 1.8}),
    Mark("_ostium", "◇ ostia",
         {"color": _YELLOW, "marker": "D", "markersize": 4, "markerfacecolor": "none", "markeredgewidth": 1.2}),
)  # fmt: skip
Landmarks = Mapping[str, Mapping[str, Any]]


def draw_in_plane(
    axes: Axes, landmarks: Landmarks, axis: int, level: float, across_up: Sequence[int], origin: np.ndarray
) -> None:
    """Rings where the annuli cross the plane at `level`, and marks at apex and ostia where they are near.

    Args:
        axes: of the plane, in mm.
        landmarks: of the report.
        axis: RAS, that the plane is square to.
        level: its coordinate, RAS mm.
        across_up: RAS axes of the picture.
        origin: (3,) RAS mm, of the picture's zero.
    """
    for mark, landmark in _marked(landmarks):
        if mark.outlined:
            points = crossings(np.array(landmark["contour_ras_mm"]), axis, level)
        else:
            points = np.array([landmark["centre_ras_mm"]])
            points = points[np.abs(points[:, axis] - level) < NEAR]
        across, up = (points - origin)[:, across_up].T
        axes.plot(across, up, linestyle="none", **mark.style)


def draw_in_space(axes: Axes, landmarks: Landmarks, view: View) -> None:
    """Contours, and marks where there is none, in front of the surfaces of a view."""
    for mark, landmark in _marked(landmarks):
        if landmark["contour_ras_mm"] is None:
            across, up, _ = view.place(np.array([landmark["centre_ras_mm"]])).T
            axes.plot(across, up, **mark.style)
        else:
            contour = np.array(landmark["contour_ras_mm"])
            across, up, _ = view.place(np.concatenate([contour, contour[:1]])).T
            axes.plot(across, up, color=mark.style["color"], linewidth=1.2)


def write_legend(figure: Figure, landmarks: Landmarks) -> None:
    """What the marks are, each in its colour, at the lower right."""
    right = 0.995
    for mark in reversed(MARKS):
        trusts = [landmark["trust"] for own, landmark in _marked(landmarks) if own is mark]
        if not trusts:
            continue
        worst = max(trusts, key=TRUSTS.index)
        words = mark.words if worst == TRUSTS[0] else f"{mark.words} ({worst})"
        written = figure.text(right, 0.025, words, color=mark.style["color"], fontsize=8, ha="right")
        right = written.get_window_extent().transformed(figure.transFigure.inverted()).x0 - 0.02


def _marked(landmarks: Landmarks) -> Iterator[tuple[Mark, Mapping[str, Any]]]:
    """What is drawn of the landmarks that were found."""
    for mark in MARKS:
        for name, landmark in landmarks.items():
            known = landmark["contour_ras_mm" if mark.outlined else "centre_ras_mm"] is not None
            if name.endswith(mark.ending) and known:
                yield mark, landmark


def crossings(contour: np.ndarray, axis: int, level: float) -> np.ndarray:
    """Where a closed line (P, 3) crosses the plane at `level` along `axis`: (K, 3)."""
    after = np.roll(contour, -1, axis=0)
    side, other = contour[:, axis] >= level, after[:, axis] >= level
    start, end = contour[side != other], after[side != other]
    share = (level - start[:, axis]) / (end[:, axis] - start[:, axis])
    return start + share[:, None] * (end - start)
