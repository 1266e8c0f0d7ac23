"""Whether triangles and segments meet, exactly: by the signs of volumes and areas, in float64, without a tolerance.

Touching is meeting.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fans_meet(a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    """Whether triangles a and b, both (K, 3, 3), of one first vertex have another point in common: (K,)."""
    sides = [_volume(*x.swapaxes(0, 1), y[:, 1]) * _volume(*x.swapaxes(0, 1), y[:, 2]) for x, y in ((a, b), (b, a))]
    kept = np.flatnonzero((sides[0] <= 0) & (sides[1] <= 0))  # of the rest one lies beside the other's plane
    result = np.zeros(len(a), dtype=bool)
    a, b = a[kept], b[kept]
    # only the edges opposite the shared vertex can meet the other triangle elsewhere
    result[kept] = _segments_meet(a[:, 1], a[:, 2], b) | _segments_meet(b[:, 1], b[:, 2], a)
    return result


def triangles_meet(a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    """Whether triangles a and b, both (K, 3, 3), have a point in common: (K,)."""
    result = np.zeros(len(a), dtype=bool)
    a, b = (np.ascontiguousarray(x.T).T for x in (a, b))  # each coordinate in a row, which reads faster
    kept = np.flatnonzero(~(_one_sided(a, b) | _one_sided(b, a)))
    a, b = a[kept], b[kept]
    meet = np.zeros(len(kept), dtype=bool)
    for p, q in ((0, 1), (1, 2), (2, 0)):
        meet |= _segments_meet(a[:, p], a[:, q], b) | _segments_meet(b[:, p], b[:, q], a)
    result[kept] = meet
    return result


def _one_sided(a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    """Whether triangle b lies strictly on one side of the plane of triangle a."""
    side = np.stack([_volume(*a.swapaxes(0, 1), b[:, k]) for k in range(3)])
    return (side > 0).all(0) | (side < 0).all(0)


def _segments_meet(p: NDArray, q: NDArray, triangles: NDArray) -> NDArray[np.bool_]:
    """Whether segments from p to q, (K, 3) each, and triangles (K, 3, 3) have a point in common: (K,)."""
    a, b, c = triangles.swapaxes(0, 1)
    side_p, side_q = _volume(a, b, c, p), _volume(a, b, c, q)
    around = np.stack([_volume(p, q, a, b), _volume(p, q, b, c), _volume(p, q, c, a)])
    flat = (side_p == 0) & (side_q == 0)
    result = (side_p * side_q <= 0) & ((around >= 0).all(0) | (around <= 0).all(0)) & ~flat
    if flat.any():
        result[flat] = _segments_meet_in_plane(p[flat], q[flat], triangles[flat])
    return result


def _segments_meet_in_plane(p: NDArray, q: NDArray, triangles: NDArray) -> NDArray[np.bool_]:
    """The same for segments that lie in the plane of their triangle."""
    ends = p, q
    normal = np.abs(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]))
    axes = (normal.argmax(1)[:, None] + [1, 2]) % 3  # the projection along the normal's largest component
    p, q = (np.take_along_axis(x, axes, axis=1) for x in (p, q))
    corners = np.take_along_axis(triangles, axes[:, None], axis=2)
    result = np.zeros(len(p), dtype=bool)
    turns = []
    for k in range(3):
        a, b = corners[:, k], corners[:, (k + 1) % 3]
        turns.append(_area(a, b, p))
        crossing = (_area(p, q, a) * _area(p, q, b) <= 0) & (turns[-1] * _area(a, b, q) <= 0)
        # Pieces of one line pass that test wherever they lie on it.
        boxes = (np.minimum(p, q) <= np.maximum(a, b)) & (np.minimum(a, b) <= np.maximum(p, q))
        result |= crossing & boxes.all(1)
    contained = (np.stack(turns) >= 0).all(0) | (np.stack(turns) <= 0).all(0)
    alone = ~normal.any(1)  # without area there is no plane, but its edges
    edges = [(triangles[alone, k], triangles[alone, (k + 1) % 3]) for k in range(3)]
    result |= contained
    result[alone] = np.any([_edges_meet(ends[0][alone], ends[1][alone], *edge) for edge in edges], axis=0)
    return result


def _edges_meet(p: NDArray, q: NDArray, a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    """Whether segments from p to q and from a to b, all (K, 3), have a point in common: (K,)."""
    across = np.cross(q - p, b - a)
    sides = [
        (np.cross(end - start, x - start) * across).sum(1) * (np.cross(end - start, y - start) * across).sum(1)
        for start, end, x, y in ((p, q, a, b), (a, b, p, q))
    ]
    crossing = (_volume(p, q, a, b) == 0) & (sides[0] <= 0) & (sides[1] <= 0)
    boxes = (np.minimum(p, q) <= np.maximum(a, b)) & (np.minimum(a, b) <= np.maximum(p, q))
    in_line = [
        ~np.cross(end - start, x - start).any(1) for start, end, x in ((p, q, a), (p, q, b), (a, b, p), (a, b, q))
    ]
    return np.where(across.any(1), crossing, np.all(in_line, axis=0) & boxes.all(1))


def _volume(a: NDArray, b: NDArray, c: NDArray, d: NDArray) -> NDArray[np.float64]:
    """Six times the signed volume of tetrahedra."""
    u, v, w = b - a, c - a, d - a
    return (
        u[:, 0] * (v[:, 1] * w[:, 2] - v[:, 2] * w[:, 1])
        + u[:, 1] * (v[:, 2] * w[:, 0] - v[:, 0] * w[:, 2])
        + u[:, 2] * (v[:, 0] * w[:, 1] - v[:, 1] * w[:, 0])
    )


def _area(a: NDArray, b: NDArray, c: NDArray) -> NDArray[np.float64]:
    """Twice the signed area of plane triangles."""
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
