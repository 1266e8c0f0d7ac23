"""The mitral annulus and the apex in the preview's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.axes3d import Axes3D

COLOUR = "#8df05a"
NEAR = 8.0
"""mm from a plane within which the apex is drawn in it."""
SHOWN = {"mitral_annulus": "○ mitral annulus", "lv_apex": "+ apex"}
"""Of the report's landmarks, and how the legend tells them."""
_RING = {"marker": "o", "markersize": 5, "markerfacecolor": "none", "markeredgewidth": 1.4}
_CROSS = {"marker": "+", "markersize": 9, "markeredgewidth": 1.8}


def draw_in_plane(
    axes: Axes, landmarks: Mapping[str, Mapping[str, Any]], axis: int, level: float, across_up: Sequence[int],
    origin: np.ndarray,
) -> None:  # fmt: skip
    """Rings where the annulus crosses the plane at `level`, and a cross at the apex where it is near.

    Args:
        axes: of the plane, in mm.
        landmarks: of the report.
        axis: RAS, that the plane is square to.
        level: its coordinate, RAS mm.
        across_up: RAS axes of the picture.
        origin: (3,) RAS mm, of the picture's zero.
    """
    for name, style in (("mitral_annulus", _RING), ("lv_apex", _CROSS)):
        landmark = landmarks.get(name)
        if landmark is None or landmark["centre_ras_mm"] is None:
            continue
        if name == "mitral_annulus":
            points = crossings(np.array(landmark["contour_ras_mm"]), axis, level)
        else:
            points = np.array([landmark["centre_ras_mm"]])
            points = points[np.abs(points[:, axis] - level) < NEAR]
        across, up = (points - origin)[:, across_up].T
        axes.plot(across, up, color=COLOUR, linestyle="none", **style)


def draw_in_space(axes: Axes3D, landmarks: Mapping[str, Mapping[str, Any]]) -> None:
    """The annulus' contour and a cross at the apex, in RAS mm, in front of the surfaces."""
    axes.computed_zorder = False
    for name, style in (("mitral_annulus", {"linewidth": 1.2}), ("lv_apex", _CROSS)):
        landmark = landmarks.get(name)
        if landmark is None or landmark["centre_ras_mm"] is None:
            continue
        if name == "mitral_annulus":
            points = np.array(landmark["contour_ras_mm"])
            points = np.concatenate([points, points[:1]])
        else:
            points = np.array([landmark["centre_ras_mm"]])
        axes.plot(*points.T, color=COLOUR, zorder=10, **style)


def write_legend(figure: Figure, landmarks: Mapping[str, Mapping[str, Any]]) -> None:
    """What the marks are, at the lower right."""
    told = [
        words if landmarks[name]["trust"] == "ok" else f"{words} ({landmarks[name]['trust']})"
        for name, words in SHOWN.items()
        if name in landmarks and landmarks[name]["centre_ras_mm"] is not None
    ]
    figure.text(0.995, 0.025, "   ".join(told), color=COLOUR, fontsize=8, ha="right")


def crossings(contour: np.ndarray, axis: int, level: float) -> np.ndarray:
    """Where a closed line (P, 3) crosses the plane at `level` along `axis`: (K, 3)."""
    after = np.roll(contour, -1, axis=0)
    side, other = contour[:, axis] >= level, after[:, axis] >= level
    start, end = contour[side != other], after[side != other]
    share = (level - start[:, axis]) / (end[:, axis] - start[:, axis])
    return start + share[:, None] * (end - start)
