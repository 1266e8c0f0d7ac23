"""The ascending aorta's end: by definition at the upper level of the atria, where no image shows an edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...frames import UP

END = 25.0
"""mm below the top in which the aorta is made shorter, or twice what it is shortened by."""
ROOT = 0.3
"""Share of its height, from below, that stays in any case."""
SHORTER = 0.6
"""Of what is moved, by which it is shortened at most: by two thirds it would fold."""
STEP = 2.0
"""mm of height from one point of its middle line to the next."""
FACING = 0.5
"""Cosine to the middle line of the normals of the end, which the network rounds."""
SHOULDER = 0.05
"""Share of the end's area that lies below the last full section."""
FLAT = 0.02
"""Of its height over the level that the end keeps: not 0, so that no triangles fall together."""


def ended_at(vertices: NDArray[np.float64], faces: NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """An aorta that goes beyond a level made to end there, flat; one that does not stays as it is.

    Its sections are let down along its middle line, the more the nearer to the end, until the last full one lies at the
    level; what is over it is pressed flat. Neither folds.

    Args:
        vertices: (V, 3) RAS mm.
        faces: (F, 3), wound outward.
        level: mm along `UP`.

    Returns:
        (V, 3) RAS mm.
    """
    heights = vertices @ UP
    low, high = heights.min(), heights.max()
    if high <= level:
        return vertices
    line = _MiddleLine(vertices, faces)
    fall = max(line.last_section - level, 0.0)
    start = max(line.last_section - max(END, 2 * fall), low + ROOT * (high - low))
    length = max(line.last_section - start, 1.0)
    share = ((heights - start) / length).clip(0, 1)
    lowered = heights - min(fall, SHORTER * length) * share**2 * (3 - 2 * share)
    moved = vertices + line.at(lowered) - line.at(heights)
    return moved - (1 - FLAT) * np.maximum(moved @ UP - level, 0)[:, None] * UP


class _MiddleLine:
    """Of an aorta that leads upward: its sections' centres, by height."""

    def __init__(self, vertices: NDArray, faces: NDArray) -> None:
        corners = vertices[faces]
        middles, areas = corners.mean(axis=1), np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        size, heights = np.linalg.norm(areas, axis=1), middles @ UP
        edges = np.arange(heights.min(), heights.max() + STEP, STEP)
        weight, *sums = (np.histogram(heights, edges, weights=size * each)[0] for each in (1.0, *middles.T))
        seen = weight > 0
        self.centres = np.stack([each[seen] / weight[seen] for each in sums], axis=-1)
        self.heights = self.centres @ UP
        course = self.at(heights + STEP) - self.at(heights - STEP)
        end = (areas * course).sum(1) > FACING * size * np.linalg.norm(course, axis=1)
        end &= heights > heights.max() - END
        order = np.argsort(heights[end])
        below = np.cumsum(size[end][order]) > SHOULDER * size[end].sum()
        self.last_section = float(heights[end][order][below][0]) if below.any() else float(heights.max())
        """mm, the height of the last section before the end narrows."""

    def at(self, heights: NDArray) -> NDArray[np.float64]:
        """(N, 3) RAS mm, the middle at heights (N,), beyond its ends straight up and down."""
        sides = (np.interp(heights, self.heights, self.centres[:, axis]) for axis in range(2))
        return np.stack([*sides, heights], axis=-1)
