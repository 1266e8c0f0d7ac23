"""Cross-sections of a surface: the closed line round a branch, and the narrowest one."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .planes import OUTLINE, axes_of, polygon_area, unit

NEAR = 35.0
"""mm about a branch's beginning, within which its sections lie."""
TILTS = (20.0, 10.0)
"""Degrees by which a plane is tilted in search of the narrowest section, one after the other."""
TURNS = 6
"""Directions in which it is tilted."""


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
    crossing = np.sort(sides[above[sides[..., 0]] != above[sides[..., 1]]], axis=1)  # of a face's three sides, two
    _, first, place = np.unique(crossing @ [len(vertices), 1], return_index=True, return_inverse=True)
    edges, pairs = crossing[first], place.reshape(-1, 2)
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


def narrowest_section(
    vertices: np.ndarray, faces: np.ndarray, centre: np.ndarray, outward: np.ndarray, reach: float, step: float = 2.0
) -> np.ndarray | None:
    """Where a branch is the narrowest near its beginning: a contour (OUTLINE, 3) in a plane.

    Planes across the branch, every `step` mm, are tilted downhill, each from where the one before came to rest. None
    where none cuts a line about the branch.

    Args:
        vertices: (V, 3) mm.
        faces: (F, 3).
        centre: (3,), where the branch begins.
        outward: (3,) unit, along it.
        reach: mm beyond the beginning up to which there are planes.
    """
    own = faces[(np.linalg.norm(vertices - centre, axis=1) < NEAR)[faces].all(axis=1)]
    found, normal = [], outward
    for distance in np.arange(0.0, reach + step / 2, step):
        middle, sections = centre + distance * outward, []
        for tilt in TILTS:
            for axis in (normal, *_tilted(normal, tilt)):
                contour = loop_round(vertices, own, middle, axis)
                if contour is not None:
                    sections.append((polygon_area(contour, axis), contour, axis))
            if sections:
                normal = min(sections, key=lambda section: section[0])[2]
        found += sections
    return min(found, key=lambda section: section[0])[1] if found else None


def _tilted(normal: np.ndarray, degrees: float) -> list[np.ndarray]:
    """The unit normal (3,) tilted in `TURNS` directions."""
    first, second = axes_of(normal)
    angles, slope = 2 * np.pi * np.arange(TURNS) / TURNS, np.tan(np.radians(degrees))
    return [unit(normal + slope * (np.cos(angle) * first + np.sin(angle) * second)) for angle in angles]


def _goes_round(angles: np.ndarray) -> bool:
    """Whether points at angles leave no gap of 60 degrees, seen from the middle."""
    ordered = np.sort(angles)
    return bool(np.diff(np.append(ordered, ordered[0] + 2 * np.pi)).max() < np.pi / 3)
