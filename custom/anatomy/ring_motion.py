"""How a valve's ring is moved to where its hinges are seen, and the space round it with it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .planes import polar
from .rings import ANGLES, Ring

EXPECTED = np.repeat([2.5, 1.5, 0.8, 0.5, 0.4, 0.3], [1, 2, 2, 2, 2, 2])
"""mm, standard deviations of the waves round the ring by which it may be off, the mean first."""
ORDERS = np.repeat(np.arange(6), [1, 2, 2, 2, 2, 2])
"""Of these waves; a cosine, then a sine."""
PLANE = ORDERS < 2
"""Those that leave a plane ring plane."""
ALIKE = 4.0
"""Neighbouring sections that count as one: the network errs in them alike."""
MOST = 6.0
"""mm that a ring is moved at once, so that space does not fold within the reach."""


def waves_at(angles: NDArray) -> NDArray[np.float64]:
    """(P, W) values of the waves at angles (P,)."""
    phases = angles[:, None] * ORDERS
    return np.where(np.arange(len(ORDERS)) % 2, np.cos(phases), np.sin(phases)) + (ORDERS == 0)


def waves_of(offsets: NDArray, spreads: NDArray) -> NDArray[np.float64]:
    """Amplitudes (W,) of the waves that agree best with offsets (SECTIONS,) in mm whose spreads have these logarithms:
    ridge regression, by what is expected."""
    basis, weights = waves_at(ANGLES), np.exp(-2 * spreads) / ALIKE
    weighted = basis.T * weights
    return limited(np.linalg.solve(weighted @ basis + np.diag(EXPECTED**-2), weighted @ offsets))


def limited(amplitudes: NDArray) -> NDArray[np.float64]:
    """Of waves (W,) that move no point of the ring by more than `MOST`."""
    return amplitudes * min(1.0, MOST / max(float(np.abs(waves_at(ANGLES) @ amplitudes).max()), 1e-9))


class Seen(NamedTuple):
    """Points as they lie to a ring and the disc that it spans; each (P,)."""

    radius: NDArray
    """mm from the axis."""
    share: NDArray
    """Of the ring's radius, at most 1."""
    beyond: NDArray
    """mm outside the ring, seen along the normal; 0 within."""
    angle: NDArray
    height: NDArray
    """mm from the disc along the normal."""


def seen_from(ring: Ring, points: NDArray) -> Seen:
    """Points (P, 3), RAS mm, as they lie to a ring."""
    radius, angle = polar(points, ring.centre, ring.normal)
    rim, level = (np.interp(angle, ANGLES, of, period=2 * np.pi) for of in (ring.radii, ring.heights))
    share = np.minimum(radius / rim, 1.0)
    height = (points - ring.centre) @ ring.normal - level * share
    return Seen(radius, share, np.maximum(radius - rim, 0.0), angle, height)


def motion(points: NDArray, ring: Ring, aside: NDArray, along: NDArray, reach_mm: float) -> NDArray[np.float64]:
    """Displacements (P, 3) in mm of points (P, 3) with a ring whose points move by waves of amplitudes (W,).

    On the disc within the ring a wave of order k fades with the k-th power of the distance from the axis, as harmonic
    functions do: the mean moves it, the first order tilts it. Elsewhere it fades with the distance d from ring and
    disc, by (1 - d²/reach²)².

    Args:
        points: RAS mm.
        ring: before it moves.
        aside, along: away from its axis, and along its normal.
        reach_mm: where nothing moves any more.
    """
    seen = seen_from(ring, points)
    away = np.hypot(seen.beyond, seen.height)
    near = away < reach_mm
    fading = np.square(1 - np.square(away[near] / reach_mm))
    waves = waves_at(seen.angle[near]) * seen.share[near, None] ** ORDERS
    outward = points[near] - ring.centre
    outward -= (outward @ ring.normal)[:, None] * ring.normal
    outward *= (seen.share / np.maximum(seen.radius, 1e-9))[near, None]
    moves = np.zeros_like(points, dtype=np.float64)
    moves[near] = fading[:, None] * ((waves @ aside)[:, None] * outward + (waves @ along)[:, None] * ring.normal)
    return moves
