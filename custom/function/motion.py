"""One periodic motion through all phases of a beat: a low-order Fourier series a coordinate of every vertex."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_WEIGHT = 1e-4
"""Of a phase that is not to be trusted at all: its place in the beat is then the smoothest that the others leave."""
SMOOTHNESS = 0.01
"""Weight of the squared second derivative (Eilers and Marx, Stat Sci 1996), in phases: of ten it takes 0.2 % of the
first harmonic, 3 % of the second, 14 % of the third and a third of the fourth."""


def largest_gap(percents: NDArray | list[float]) -> float:
    """The longest part of the cycle, per cent, between neighbouring phases; the last and the first are neighbours."""
    ordered = np.sort(np.asarray(percents, dtype=np.float64) % 100)
    return float(np.diff(np.append(ordered, ordered[0] + 100)).max()) if len(ordered) else 100.0


def periodic_fit(percents: NDArray, values: NDArray, weights: NDArray, harmonics: int) -> NDArray:
    """The values of a smooth Fourier series fitted to values over the beat, by penalised weighted least squares, at the
    same phases.

    Its order is `harmonics`, or less where the phases do not determine that many: at most every other phase may be a
    coefficient, and the shortest wave has to be twice as long as the largest gap (Nyquist).

    Args:
        percents: (P,) of the cardiac cycle.
        values: (P, ...) float64.
        weights: (P,) of each phase; only what they are to each other counts.
        harmonics: the order; 0 leaves the values as they are.

    Returns (P, ...) float64.
    """
    percents, count = np.asarray(percents, dtype=np.float64), len(percents)
    order = min(harmonics, (count - 1) // 2, int(50 / largest_gap(percents) + 1e-9))
    if order < 1 or 2 * order + 1 >= count:
        return values.copy()
    angles = 2 * np.pi * np.outer(percents / 100, np.arange(1, order + 1))
    basis = np.hstack([np.ones((count, 1)), np.cos(angles), np.sin(angles)])
    weights = np.asarray(weights, dtype=np.float64)
    weighted = basis.T * np.maximum(weights / max(weights.max(), 1e-12), LEAST_WEIGHT)
    waves = np.concatenate([[0], np.arange(1, order + 1), np.arange(1, order + 1)])
    penalty = SMOOTHNESS * np.diag(waves.astype(np.float64) ** 4)
    coefficients = np.linalg.solve(weighted @ basis + penalty, weighted @ values.reshape(count, -1))
    return (basis @ coefficients).reshape(values.shape)
