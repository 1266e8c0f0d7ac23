"""Surfaces of a beat whose vertices keep to their places of the muscle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ..geometry.mending.vertex_graph import VertexGraph
from ..profiles import normals_of

STIFFNESS = 100.0
"""Between neighbours in the motion along the surface: of 10,242 vertices on a ventricle it is even over some 15 mm."""
NOISE = 4.0
"""mm of fast sliding, at most over a beat, that is taken for noise; the more there is, the more of it is left."""
THIN = 3.0
"""Between neighbours in what takes it away: where a surface is thin, so that its two sides would be moved unlike each
other, little is left of it."""

VALVE_GAP = 5.0
"""mm between two chambers' mean surfaces within which they share a valve and the muscle round it."""
FIRMER = 0.65
"""Part of how far two surfaces slide along each other at their valve that the second gives way by, the first the rest.
Chosen, as `VALVE_GAP` was, for the annulus of atrium (first) and ventricle (second) of 15 generated beats."""

SPREAD = 5
"""Times that this is averaged with the neighbours', so that it fades out round the valve."""


def without_sliding(vertices: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """The surfaces of all phases without motion along them that differs from place to place.

    What a phase shows is where a surface is, not where along it a vertex is. The displacement from the mean over the
    beat is therefore split: across the surface it stays as it is, along the surface it becomes that of an even field.

    Args:
        vertices: (P, V, 3) mm, of corresponding vertices.
        faces: (F, 3) int64, wound outward.

    Returns (P, V, 3) float64.
    """
    away = vertices - vertices.mean(0)
    return vertices + _along(_evened(away, faces, STIFFNESS) - away, vertices, faces)


def without_fast_sliding(vertices: NDArray, slow: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """The surfaces of all phases with the slow motion along them that `slow` has, each vertex by itself.

    For surfaces with thin parts, whose vertices an even field would carry off them. Only noise is taken away: a vertex
    that slides by `d` at most keeps ``1 - exp(-(d / NOISE)**2)`` of it.

    Args:
        vertices, slow: (P, V, 3) mm, of corresponding vertices.
        faces: (F, 3) int64, wound outward.

    Returns (P, V, 3) float64.
    """
    moves = _along(slow - vertices, vertices, faces)
    furthest = np.linalg.norm(moves, axis=-1).max(0)
    return vertices + _evened(np.exp(-((furthest / NOISE) ** 2))[:, None] * moves, faces, THIN)


def joined_at_valve(
    first: NDArray, second: NDArray, faces: tuple[NDArray, NDArray]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The surfaces of two chambers that do not slide along each other where they share a valve: both hang on its
    annulus.

    Args:
        first, second: (P, V, 3) and (P, W, 3) mm: the chamber whose vertices keep to their places less well, and the
            other.
        faces: of each (F, 3) int64, wound outward.

    Returns both, moved along themselves only.
    """
    both, means = (first, second), (first.mean(0), second.mean(0))
    moved = []
    for own, other, share in ((0, 1, FIRMER), (1, 0, 1 - FIRMER)):
        apart, partner = KDTree(means[other]).query(means[own], distance_upper_bound=VALVE_GAP)
        near, slide = np.isfinite(apart), np.zeros_like(both[own], dtype=np.float64)
        partners = (both[other] - means[other])[:, partner[near]]
        slide[:, near] = partners - (both[own] - means[own])[:, near]
        columns = VertexGraph(faces[own], len(near)).averaged(_as_columns(share * slide), SPREAD)
        moved.append(both[own] + _along(_as_moves(columns, len(slide)), both[own], faces[own]))
    return moved[0], moved[1]


def _along(moves: NDArray, vertices: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """Moves (P, V, 3) without what leads off the surfaces."""
    normals = np.stack([normals_of(each, faces) for each in vertices])
    return moves - (moves * normals).sum(-1, keepdims=True) * normals


def _evened(moves: NDArray, faces: NDArray, stiffness: float) -> NDArray[np.float64]:
    """Moves (P, V, 3) made even over each surface."""
    even = VertexGraph(faces, moves.shape[1]).evened(_as_columns(moves), stiffness)
    return _as_moves(even, len(moves))


def _as_columns(moves: NDArray) -> NDArray:
    """(P, V, 3) as (V, 3 P)."""
    return moves.transpose(1, 0, 2).reshape(moves.shape[1], -1)


def _as_moves(columns: NDArray, phases: int) -> NDArray:
    """(V, 3 P) as (P, V, 3)."""
    return columns.reshape(len(columns), phases, 3).transpose(1, 0, 2)
