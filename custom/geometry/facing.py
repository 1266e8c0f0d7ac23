"""Surfaces that move towards each other and are not to meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

REACH = 3.0
"""mm within which the vertices of another surface are in the way."""
ASIDE = 1.5
"""mm that such a vertex may lie beside the normal."""
FACING = 0.2
"""Cosine of the angle between a normal and the other's reverse, from which on two vertices face each other."""
NEIGHBOURS = 4
"""Of the other surface's vertices that are looked at."""
APART = 0.1
"""mm that is left between two surfaces at least, or what there was."""


def short_of_meeting(
    vertices: Sequence[NDArray], normals: Sequence[NDArray], ways: Sequence[NDArray]
) -> list[NDArray[np.float64]]:
    """Ways along normals, shortened where two surfaces that face each other would pass through each other.

    Each gives way by its share of the approach, and none further than to where it started.

    Args:
        vertices, normals: of each surface (V, 3), RAS mm; normals outward, of unit length.
        ways: of each (V,) mm outward.
    """
    trees = [KDTree(own) for own in vertices]
    kept = [np.array(way, dtype=np.float64) for way in ways]
    for here, way in enumerate(kept):
        for there, tree in enumerate(trees):
            if there != here:
                own = vertices[here], normals[here], ways[here]
                np.minimum(way, _limited(*own, tree, vertices[there], normals[there], ways[there]), out=way)
    return kept


def _limited(
    vertices: NDArray, normals: NDArray, ways: NDArray,
    tree: KDTree, others: NDArray, their_normals: NDArray, their_ways: NDArray,
) -> NDArray[np.float64]:  # fmt: skip
    """The ways (V,) as far as one other surface lets them."""
    limited, near = np.array(ways, dtype=np.float64), np.flatnonzero(ways > 0)
    apart, other = tree.query(vertices[near], NEIGHBOURS, distance_upper_bound=REACH)
    found = np.isfinite(apart[:, 0])
    near, other = near[found], np.where(np.isfinite(apart), other, other[:, :1])[found]
    normal, away = normals[near, None], others[other] - vertices[near, None]
    gap = (away * normal).sum(-1)
    aside = np.linalg.norm(away - gap[..., None] * normal, axis=-1)
    facing = -(their_normals[other] * normal).sum(-1)
    own, theirs = ways[near, None], facing * their_ways[other]
    excess = own + theirs - np.maximum(gap - APART, 0)
    excess[(gap <= 0) | (facing <= FACING) | (aside >= ASIDE)] = 0
    share = own / (own + np.maximum(theirs, 0))
    limited[near] -= (np.maximum(excess, 0) * share).max(1, initial=0)
    return limited
