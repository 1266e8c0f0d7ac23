"""Pairs of triangles that meet: within one mesh, and between two.

Broad phase: hash grids of the triangles' bounding boxes, one for each size of boxes, so that a few large ones do not
make all others meet in their cells. Narrow phase: two triangles meet exactly if an edge of one meets the other, which
the signs of tetrahedron volumes decide (in float64, without a tolerance; touching is meeting). Pairs come in parts: the
memory that a search takes does not grow with what is near to what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

CELL = 1.2
"""Median boxes that a cell of the finest grid is long; each further grid's cells are twice as long."""
COARSE, CELLS = 128, 2.0
"""Cells a side at most of the grid by which what is far from all that is concerned is passed over, and the median boxes
that a cell is long at least."""
FINEST = 2.0**-52
"""Of the meshes' extent, that a cell is long at least: about what float64 tells apart."""
HASH = np.array([73856093, 19349663, 83492791])
"""Key of a cell (Teschner et al., Optimized Spatial Hashing, VMV 2003), their sum: neighbours never share one."""
PART = 2**20
"""Pairs that are tried at a time."""


class Tangled(ValueError):
    """More faces lie near each other than a search was to try."""


def self_intersections(
    vertices: ArrayLike, faces: ArrayLike, concerning: ArrayLike | None = None, most: int | None = None
) -> NDArray[np.int64]:
    """Pairs of faces of one mesh that meet although they are not neighbours.

    Faces that share one vertex count if they meet anywhere else; faces that share an edge never do (they could only by
    lying folded flat on each other). Vertices are told apart by index: merge duplicates first.

    Args:
        vertices: (V, 3) floating point, any frame.
        faces: (F, 3) integer.
        concerning: (F,) boolean; pairs of two faces that are not among these are passed over. None: all are found.
        most: pairs to try. A sound surface has some 20 a face to try, one of random vertices F²/2; None: all are tried.

    Returns:
        (K, 2) face indices, the smaller first, in ascending order.

    Raises:
        ValueError: if a vertex is not finite.
        Tangled: if there are more than ``most`` to try.
    """
    vertices, faces = _checked(vertices, faces)
    wanted = np.ones(len(faces), dtype=bool) if concerning is None else np.asarray(concerning)
    chosen = _near(vertices, faces, wanted)
    faces, wanted = faces[chosen], wanted[chosen]
    triangles = _triangles(vertices, faces)
    near = _overlapping_boxes(triangles, lambda i, j: wanted[i] | wanted[j], wanted, most)
    return chosen[_sorted([_meeting(triangles, faces, pairs) for pairs in near])]


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
    (vertices_a, faces_a), (vertices_b, faces_b) = _checked(vertices_a, faces_a), _checked(vertices_b, faces_b)
    vertices, faces = np.concatenate([vertices_a, vertices_b]), np.concatenate([faces_a, faces_b + len(vertices_a)])
    of_a, chosen = np.arange(len(faces)) < len(faces_a), np.arange(len(faces))
    for one in (of_a, ~of_a):  # of each mesh what is near the other
        chosen = chosen[_near(vertices, faces[chosen], one[chosen])]
    faces, of_a = faces[chosen], of_a[chosen]
    both = _triangles(vertices, faces)
    near = _overlapping_boxes(both, lambda i, j: of_a[i] != of_a[j], of_a)
    return chosen[_sorted([pairs[_triangles_meet(*both[pairs.T])] for pairs in near])] - [0, len(faces_a)]


def _checked(vertices: ArrayLike, faces: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
    if not np.isfinite(vertices).all():
        raise ValueError("vertices must be finite")
    return vertices, np.asarray(faces, dtype=np.int64).reshape(-1, 3)


def _near(vertices: NDArray, faces: NDArray, concerned: NDArray) -> NDArray[np.int64]:
    """All faces whose boxes overlap that of one of those concerned, and few others, in ascending order."""
    if concerned.all():
        return np.arange(len(faces))
    if not concerned.any():
        return np.arange(0)
    low, high = _boxes(vertices[faces])
    side = (high - low).max(1)
    size = max(CELLS * np.median(side), np.ptp(vertices, axis=0).max() / COARSE, np.finfo(np.float64).tiny)
    long = side > size  # they are few, and all taken
    origin = vertices.min(0)
    first, last = (np.minimum((x - origin) / size, COARSE).astype(np.int64) + 1 for x in (low, high))
    marked = np.zeros((COARSE + 2,) * 3, dtype=bool)  # the first cells of boxes of two cells at most that reach theirs
    for face in np.flatnonzero(concerned & long):
        marked[tuple(slice(a - 1, b + 1) for a, b in zip(first[face], last[face], strict=True))] = True
    short = concerned & ~long
    for back in product((0, 1), repeat=3):
        for on in product((0, 1), repeat=3):
            cell = np.where(on, last[short], first[short]) - back
            marked[tuple(cell.T)] = True
    return np.flatnonzero(marked[tuple(first.T)] | long)


def _boxes(triangles: NDArray) -> tuple[NDArray, NDArray]:
    """Lowest and highest coordinates (F, 3) of triangles (F, 3, 3)."""
    low, high = (reduce(extreme, triangles.swapaxes(0, 1)) for extreme in (np.minimum, np.maximum))
    return low, high


def _triangles(vertices: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """Corners (F, 3, 3) of faces, scaled by a power of two: so no volume leaves float64's range."""
    corners = vertices[faces]
    _, exponent = np.frexp(np.abs(corners).max(initial=0.0))
    return np.ldexp(corners, -exponent)


def _sorted(found: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *found])
    return pairs[np.lexsort(pairs.T[::-1])]


def _meeting(triangles: NDArray, faces: NDArray, pairs: NDArray) -> NDArray[np.int64]:
    """Those of some pairs (K, 2) of one mesh's faces that meet, though not neighbours."""
    here, there = faces.T[:, pairs[:, 0]], faces.T[:, pairs[:, 1]]
    same = here[:, None] == there[None]  # (3, 3, K)
    shared = same.sum((0, 1))
    apart, touching = pairs[shared == 0], pairs[shared == 1]
    corner = same.reshape(9, -1)[:, shared == 1].argmax(0)
    crossing = _fans_meet(*(_rotated(triangles[touching[:, k]], (corner // 3, corner % 3)[k]) for k in range(2)))
    return np.concatenate([apart[_triangles_meet(*triangles[apart.T])], touching[crossing]])


def _rotated(triangles: NDArray, first: NDArray) -> NDArray:
    order = (first[:, None] + np.arange(3)) % 3
    return np.take_along_axis(triangles, order[..., None], axis=1)


def _ragged(counts: NDArray) -> tuple[NDArray, NDArray]:
    """For each of counts.sum() entries, grouped by owner: the owner and the entry's rank among the owner's."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]


def _overlapping_boxes(
    triangles: NDArray, wanted: Callable[[NDArray, NDArray], NDArray], concerned: NDArray, most: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Pairs i < j of triangles (F, 3, 3) whose bounding boxes overlap, in parts (K, 2).

    Args:
        triangles: their corners.
        wanted: which of pairs, i and j (K,), are; all that are have one of those ``concerned`` (F,).
        most: see :func:`self_intersections`.
    """
    if len(triangles) == 0:
        return
    low, high = _boxes(triangles)
    origin, extent = low.min(0), (high.max(0) - low.min(0)).max()
    side = (high - low).max(1)
    finest = max(CELL * np.median(side), FINEST * extent, np.finfo(np.float64).tiny)
    level = np.ceil(np.log2(np.maximum(side / finest, 1))).astype(np.int64)
    tried = 0
    for grid in np.unique(level):
        size = finest * 2.0**grid
        members = np.flatnonzero(level <= grid)  # none is longer than a cell: each lies in eight at most
        first, last = (np.floor((x[members] - origin) / size).astype(np.int64) for x in (low, high))
        span = last - first + 1
        entry, local = _ragged(span.prod(1))
        n = span[entry]
        cell = first[entry] + np.stack([local // (n[:, 1] * n[:, 2]), local // n[:, 2] % n[:, 1], local % n[:, 2]], 1)
        key = cell @ HASH
        near = np.isin(key, key[concerned[members[entry]]])
        entry, key = entry[near], key[near]
        own = level[members[entry]] == grid
        order = np.lexsort([own, key])  # in a cell the smaller ones come first: each own one meets all before it
        entry, key, own = entry[order], key[order], own[order]
        before = np.where(own, np.arange(len(key)) - np.searchsorted(key, key), 0)
        tried += int(before.sum())
        if most is not None and tried > most:
            raise Tangled(f"more than {most} pairs of faces lie near each other")
        for part in _parts(before):
            owner, back = _ragged(before[part])
            owner += part.start
            i, j, key_of_pair = entry[owner], entry[owner - 1 - back], key[owner]
            i, j, key_of_pair = _where(wanted(members[i], members[j]), i, j, key_of_pair)
            for least, greatest in zip(low[members].T.copy(), high[members].T.copy(), strict=True):
                overlap = (least[i] <= greatest[j]) & (least[j] <= greatest[i])
                i, j, key_of_pair = _where(overlap, i, j, key_of_pair)
            # Two boxes may share several cells: the pair belongs to the one that holds their overlap's lowest corner.
            i, j = _where(np.maximum(first[i], first[j]) @ HASH == key_of_pair, i, j)
            yield np.sort(members[np.stack([i, j], axis=1)], axis=1)


def _parts(counts: NDArray) -> Iterator[slice]:
    """The counts in runs of some ``PART`` together, or of one count."""
    total = np.cumsum(counts)
    start, done = 0, 0
    while start < len(counts):
        stop = max(start + 1, int(np.searchsorted(total, done + PART, side="right")))
        yield slice(start, stop)
        start, done = stop, total[stop - 1]


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
