"""Pairs of triangles that meet: within one mesh, and between two.

Broad phase: a hash grid of the triangles' bounding boxes. Narrow phase: two triangles meet exactly if an edge of one
meets the other, which the signs of tetrahedron volumes decide (in float64, without a tolerance; touching is meeting).
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

CELL = 1.75
"""Mean boxes that a cell of the hash grid is long."""


def self_intersections(vertices: ArrayLike, faces: ArrayLike, concerning: ArrayLike | None = None) -> NDArray[np.int64]:
    """Pairs of faces of one mesh that meet although they are not neighbours.

    Faces that share one vertex count if they meet anywhere else; faces that share an edge never do (they could only by
    lying folded flat on each other). Vertices are told apart by index: merge duplicates first.

    Args:
        vertices: (V, 3) floating point, any frame.
        faces: (F, 3) integer.
        concerning: (F,) boolean; pairs of two faces that are not among these are passed over. None: all are found.

    Returns:
        (K, 2) face indices, the smaller first, in ascending order.

    Raises:
        ValueError: if a vertex is not finite.
    """
    faces = np.asarray(faces)
    triangles = _triangles(vertices, faces)
    pairs = _overlapping_boxes(triangles, concerning=concerning)
    here, there = faces.T[:, pairs[:, 0]], faces.T[:, pairs[:, 1]]
    same = here[:, None] == there[None]  # (3, 3, K)
    shared = same.sum((0, 1))
    apart, touching = pairs[shared == 0], pairs[shared == 1]
    corner = same.reshape(9, -1)[:, shared == 1].argmax(0)
    crossing = _fans_meet(*(_rotated(triangles[touching[:, k]], (corner // 3, corner % 3)[k]) for k in range(2)))
    found = np.concatenate([apart[_triangles_meet(triangles[apart[:, 0]], triangles[apart[:, 1]])], touching[crossing]])
    return found[np.lexsort(found.T[::-1])]


def mutual_intersections(
    vertices_a: ArrayLike, faces_a: ArrayLike, vertices_b: ArrayLike, faces_b: ArrayLike
) -> NDArray[np.int64]:
    """Pairs of faces, one of each mesh, that meet. A mesh wholly inside the other meets it nowhere.

    Args:
        vertices_a, vertices_b: (V, 3) floating point, one frame.
        faces_a, faces_b: (F, 3) integer.

    Returns:
        (K, 2) indices into ``faces_a`` and ``faces_b``, in ascending order.

    Raises:
        ValueError: if a vertex is not finite.
    """
    a, b = _triangles(vertices_a, faces_a), _triangles(vertices_b, faces_b)
    pairs = _overlapping_boxes(np.concatenate([a, b]), first_mesh=len(a)) - [0, len(a)]
    found = pairs[_triangles_meet(a[pairs[:, 0]], b[pairs[:, 1]])]
    return found[np.lexsort(found.T[::-1])]


def _triangles(vertices: ArrayLike, faces: ArrayLike) -> NDArray[np.float64]:
    vertices = np.asarray(vertices, dtype=np.float64)
    if not np.isfinite(vertices).all():
        raise ValueError("vertices must be finite")
    return vertices[np.asarray(faces)]


def _rotated(triangles: NDArray, first: NDArray) -> NDArray:
    order = (first[:, None] + np.arange(3)) % 3
    return np.take_along_axis(triangles, order[..., None], axis=1)


def _ragged(counts: NDArray) -> tuple[NDArray, NDArray]:
    """For each of counts.sum() entries, grouped by owner: the owner and the entry's rank among the owner's."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]


def _overlapping_boxes(
    triangles: NDArray, first_mesh: int | None = None, concerning: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Pairs i < j of triangles (F, 3, 3) whose bounding boxes overlap.

    If given, only those with i < first_mesh <= j, or with one of them among ``concerning`` (F,).
    """
    if len(triangles) == 0:
        return np.empty((0, 2), dtype=np.int64)
    low, high = (reduce(extreme, triangles.swapaxes(0, 1)) for extreme in (np.minimum, np.maximum))
    origin, extent = low.min(0), high.max(0) - low.min(0)
    # Cells a little larger than a mean box keep a triangle in a few cells, and a cell to a few triangles.
    size = max(CELL * (high - low).mean(), extent.max() / 1024, np.finfo(np.float64).tiny)
    first, last = (np.floor((x - origin) / size).astype(np.int64) for x in (low, high))
    span = last - first + 1
    entry, local = _ragged(span.prod(1))
    n = span[entry]
    cell = first[entry] + np.stack([local // (n[:, 1] * n[:, 2]), local // n[:, 2] % n[:, 1], local % n[:, 2]], 1)
    grid = last.max(0) + 1
    key = _key(cell, grid)
    if concerning is not None:
        concerning = np.asarray(concerning)
        near = np.isin(key, key[concerning[entry]])
        entry, key = entry[near], key[near]
    order = np.argsort(key, kind="stable")
    entry, key = entry[order], key[order]

    following = np.searchsorted(key, key, side="right") - np.arange(len(key)) - 1
    earlier, local = _ragged(following)
    i, j, key = entry[earlier], entry[earlier + 1 + local], key[earlier]
    if first_mesh is not None:  # the stable sort keeps i < j
        i, j, key = _where((i < first_mesh) & (first_mesh <= j), i, j, key)
    if concerning is not None:
        i, j, key = _where(concerning[i] | concerning[j], i, j, key)
    for least, most in zip(low.T.copy(), high.T.copy(), strict=True):
        i, j, key = _where((least[i] <= most[j]) & (least[j] <= most[i]), i, j, key)
    # Two boxes may share several cells: the pair belongs to the one that holds the lowest corner of their overlap.
    i, j = _where(_key(np.maximum(first[i], first[j]), grid) == key, i, j)
    return np.stack([i, j], axis=1)


def _key(cell: NDArray, grid: NDArray) -> NDArray[np.int64]:
    """Numbers (N,) of cells (N, 3) of a grid (3,)."""
    return (cell[:, 0] * grid[1] + cell[:, 1]) * grid[2] + cell[:, 2]


def _where(wanted: NDArray[np.bool_], *columns: NDArray) -> tuple[NDArray, ...]:
    kept = np.flatnonzero(wanted)
    return tuple(column[kept] for column in columns)


def _fans_meet(a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    """Whether triangles a and b, both (K, 3, 3), of one first vertex have another point in common: (K,)."""
    sides = [_volume(*x.swapaxes(0, 1), y[:, 1]) * _volume(*x.swapaxes(0, 1), y[:, 2]) for x, y in ((a, b), (b, a))]
    kept = np.flatnonzero((sides[0] <= 0) & (sides[1] <= 0))  # of the rest one lies beside the other's plane
    result = np.zeros(len(a), dtype=bool)
    a, b = a[kept], b[kept]
    # only the edges opposite the shared vertex can meet the other triangle elsewhere
    result[kept] = _segments_meet(a[:, 1], a[:, 2], b) | _segments_meet(b[:, 1], b[:, 2], a)
    return result


def _triangles_meet(a: NDArray, b: NDArray) -> NDArray[np.bool_]:
    """Whether triangles a and b, both (K, 3, 3), have a point in common: (K,)."""
    result = ~(_one_sided(a, b) | _one_sided(b, a))
    kept = np.flatnonzero(result)
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
    return result | contained


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
