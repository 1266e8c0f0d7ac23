"""Cross-sections of a surface: the closed line round a branch."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .planes import OUTLINE, axes_of


def loop_round(vertices: np.ndarray, faces: np.ndarray, centre: np.ndarray, normal: np.ndarray) -> np.ndarray | None:
    """Where a plane cuts a closed surface round a point in it: the smallest such line, (OUTLINE, 3), in turn.

    Args:
        vertices: (V, 3) mm.
        faces: (F, 3).
        centre: (3,), of the plane.
        normal: (3,) unit.

    Returns None where the plane cuts no line about the point.
    """
    height = (vertices - centre) @ normal
    above = height > 0
    cut = faces[above[faces].any(axis=1) & ~above[faces].all(axis=1)]
    if len(cut) == 0:
        return None
    sides = np.stack([cut, np.roll(cut, -1, axis=1)], axis=2)
    crossing = above[sides[..., 0]] != above[sides[..., 1]]  # of the three sides of a face, two
    edges, place = np.unique(np.sort(sides[crossing], axis=1), axis=0, return_inverse=True)
    pairs = place.reshape(-1, 2)
    share = height[edges[:, 0]] / (height[edges[:, 0]] - height[edges[:, 1]])
    points = vertices[edges[:, 0]] + share[:, None] * (vertices[edges[:, 1]] - vertices[edges[:, 0]])
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(edges),) * 2)
    count, piece = connected_components(graph, directed=False)
    x, y = (((points - centre) @ axis) for axis in axes_of(normal))
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    loops = []
    for one in range(count):
        own = np.flatnonzero(piece == one)
        if _goes_round(angle[own]):
            loops.append((radius[own].mean(), own))
    if not loops:
        return None
    own = min(loops, key=lambda loop: loop[0])[1]
    grid = np.linspace(-np.pi, np.pi, OUTLINE, endpoint=False)
    order = own[np.argsort(angle[own])]
    reach = np.interp(grid, angle[order], radius[order], period=2 * np.pi)
    first, second = axes_of(normal)
    return centre + (reach * np.cos(grid))[:, None] * first + (reach * np.sin(grid))[:, None] * second


def _goes_round(angles: np.ndarray) -> bool:
    """Whether points at angles leave no gap of 60 degrees, seen from the middle."""
    ordered = np.sort(angles)
    return bool(np.diff(np.append(ordered, ordered[0] + 2 * np.pi)).max() < np.pi / 3)
