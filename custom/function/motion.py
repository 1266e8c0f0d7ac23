"""One periodic motion through all phases of a beat: a low-order Fourier series a coordinate of every vertex."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_WEIGHT = 0.05
"""Of a phase that is not to be trusted at all: it is not quite left out, so that the fit stays determined."""


def largest_gap(percents: NDArray | list[float]) -> float:
    """The longest part of the cycle, per cent, between neighbouring phases; the last and the first are neighbours."""
    ordered = np.sort(np.asarray(percents, dtype=np.float64) % 100)
    return float(np.diff(np.append(ordered, ordered[0] + 100)).max()) if len(ordered) else 100.0


def periodic_fit(percents: NDArray, values: NDArray, weights: NDArray, harmonics: int) -> NDArray:
    """The values of a Fourier series fitted to values over the beat, by weighted least squares, at the same phases.

    Its order is `harmonics`, or less where the phases do not determine that many: at most every other phase may be a
    coefficient, and the shortest wave has to be twice as long as the largest gap (Nyquist).

    Args:
        percents: (P,) of the cardiac cycle.
        values: (P, ...) float64.
        weights: (P,) of each phase, from 0 to 1.
        harmonics: the order; 0 leaves the values as they are.

    Returns (P, ...) float64.
    """
    percents, count = np.asarray(percents, dtype=np.float64), len(percents)
    order = min(harmonics, (count - 1) // 2, int(50 / largest_gap(percents) + 1e-9))
    if order < 1 or 2 * order + 1 >= count:
        return values.copy()
    angles = 2 * np.pi * np.outer(percents / 100, np.arange(1, order + 1))
    basis = np.hstack([np.ones((count, 1)), np.cos(angles), np.sin(angles)])
    root = np.sqrt(np.clip(weights, LEAST_WEIGHT, 1.0))[:, None]
    flat = values.reshape(count, -1)
    coefficients, *_ = np.linalg.lstsq(root * basis, root * flat, rcond=None)
    return (basis @ coefficients).reshape(values.shape)
