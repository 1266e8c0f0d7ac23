"""Pairs of triangles that meet: within one mesh, and between two.

Broad phase: hash grids of the triangles' bounding boxes, one for each size of boxes, so that a few large ones do not
make all others meet in their cells. Narrow phase: `predicates`. Pairs come in parts: the memory that a search takes
does not grow with what is near to what. Where a few vertices move, an :class:`IntersectionSearch` looks again only at
what is near those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .predicates import fans_meet, triangles_meet
from .stars import Stars

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


def self_intersections(vertices: ArrayLike, faces: ArrayLike, most: int | None = None) -> NDArray[np.int64]:
    """Pairs of faces of one mesh that meet although they are not neighbours.

    Faces that share one vertex count if they meet anywhere else; faces that share an edge never do (they could only by
    lying folded flat on each other). Vertices are told apart by index: merge duplicates first.

    Args:
        vertices: (V, 3) floating point, any frame.
        faces: (F, 3) integer.
        most: pairs to try. A sound surface has some 20 a face to try, one of random vertices F²/2; None: all are tried.

    Returns:
        (K, 2) face indices, the smaller first, in ascending order.

    Raises:
        ValueError: if a vertex is not finite.
        Tangled: if there are more than ``most`` to try.
    """
    return IntersectionSearch(vertices, faces, most).all()


class IntersectionSearch:
    """What `self_intersections` finds, again and again while some of the vertices move.

    Args:
        vertices, faces, most: as there.
    """

    def __init__(self, vertices: ArrayLike, faces: ArrayLike, most: int | None = None) -> None:
        self.vertices, self.faces = _checked(vertices, faces)
        self.most = most
        self._stars = Stars(self.faces, len(self.vertices))
        self._low, self._high = _boxes(self.vertices[self.faces])
        self._grid = _CoarseGrid(self._low, self._high)

    def all(self) -> NDArray[np.int64]:
        """All pairs (K, 2) that meet."""
        every = np.arange(len(self.faces))
        return self._among(every, every >= 0)

    def after(self, vertices: ArrayLike, moved: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Of the vertices as they are now, the pairs (K, 2) that meet and have a face among those ``moved`` (F,)."""
        self.vertices, _ = _checked(vertices, self.faces)
        where = np.flatnonzero(moved)
        low, high = _boxes(self.vertices[self.faces[where]])
        self._low[where], self._high[where] = low, high
        self._grid.place(where, low, high)
        chosen = self._grid.reached_by(moved)
        return self._among(chosen, moved[chosen])

    def _among(self, chosen: NDArray, concerned: NDArray) -> NDArray[np.int64]:
        faces = self.faces[chosen]
        triangles = _triangles(self.vertices, faces)
        boxes = self._low[chosen], self._high[chosen]
        wanted = None if concerned.all() else lambda i, j: concerned[i] | concerned[j]
        near = _overlapping_boxes(*boxes, wanted, concerned, self.most)
        bent = ~self._stars.flat(triangles, faces)[faces].all(1)
        return chosen[_sorted([_meeting(triangles, faces, bent, pairs) for pairs in near])]


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
    low, high = _boxes(vertices[faces])
    for one in (of_a, ~of_a):  # of each mesh what is near the other
        chosen = chosen[_CoarseGrid(low[chosen], high[chosen]).reached_by(one[chosen])]
    faces, of_a = faces[chosen], of_a[chosen]
    both = _triangles(vertices, faces)
    near = _overlapping_boxes(low[chosen], high[chosen], lambda i, j: of_a[i] != of_a[j], of_a)
    return chosen[_sorted([pairs[triangles_meet(*both[pairs.T])] for pairs in near])] - [0, len(faces_a)]


def _checked(vertices: ArrayLike, faces: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
    if not np.isfinite(vertices).all():
        raise ValueError("vertices must be finite")
    return vertices, np.asarray(faces, dtype=np.int64).reshape(-1, 3)


class _CoarseGrid:
    """In which coarse cells boxes lie, from ``low`` to ``high`` (F, 3), for a quick look at what is near to what."""

    def __init__(self, low: NDArray, high: NDArray) -> None:
        side, extent = high - low, np.ptp(np.concatenate([low, high]), axis=0).max() if len(low) else 0.0
        median = np.median(side.max(1)) if len(low) else 0.0
        self._size = max(CELLS * median, extent / COARSE, np.finfo(np.float64).tiny)
        self._origin = low.min(0, initial=np.inf)
        self._first, self._last = np.empty((2, len(low), 3), dtype=np.int64)
        self._long = np.empty(len(low), dtype=bool)
        self.place(slice(None), low, high)

    def place(self, where: NDArray | slice, low: NDArray, high: NDArray) -> None:
        """Some boxes are elsewhere now; what leaves the grid counts as lying in its outermost cells."""
        self._first[where], self._last[where] = (
            np.clip((x - self._origin) / self._size, 0, COARSE).astype(np.int64) + 1 for x in (low, high)
        )
        self._long[where] = (high - low).max(1) > self._size  # they are few, and always taken

    def reached_by(self, concerned: NDArray[np.bool_]) -> NDArray[np.int64]:
        """All boxes that overlap one of those concerned (F,), and few others, in ascending order."""
        if not concerned.any():
            return np.arange(0)
        first, last = self._first, self._last
        marked = np.zeros((COARSE + 2,) * 3, dtype=bool)  # the first cells of boxes of two cells at most that reach it
        for box in np.flatnonzero(concerned & self._long):
            marked[tuple(slice(a - 1, b + 1) for a, b in zip(first[box], last[box], strict=True))] = True
        short = np.flatnonzero(concerned & ~self._long)
        for back in product((0, 1), repeat=3):
            for on in product((0, 1), repeat=3):
                cell = np.where(on, last[short], first[short]) - back
                marked[tuple(cell.T)] = True
        return np.flatnonzero(marked[tuple(first.T)] | self._long)


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


def _meeting(triangles: NDArray, faces: NDArray, bent: NDArray, pairs: NDArray) -> NDArray[np.int64]:
    """Those of some pairs (K, 2) of one mesh's faces that meet, though not neighbours; of a star all of whose faces are
    beside each other, only those ``bent`` (F,), which have a corner in another, are tried."""
    here, there = (np.stack([corner.take(pairs[:, side]) for corner in faces.T]) for side in (0, 1))
    shared = sum((a == b).view(np.uint8) for a in here for b in there)
    apart = pairs[shared == 0]
    at_vertex = (shared == 1) & bent[pairs].all(1)
    touching = pairs[at_vertex]
    same = here[:, None, at_vertex] == there[None, :, at_vertex]  # (3, 3, K)
    corner = np.divmod(same.reshape(9, -1).argmax(0), 3)
    begun_there = (np.stack(corner)[..., None] + [0, 1, 2]) % 3
    crossing = fans_meet(*triangles[touching.T[..., None], begun_there])
    return np.concatenate([apart[triangles_meet(*triangles[apart.T])], touching[crossing]])


def _ragged(counts: NDArray) -> tuple[NDArray, NDArray]:
    """For each of counts.sum() entries, grouped by owner: the owner and the entry's rank among the owner's."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]


def _overlapping_boxes(
    low: NDArray,
    high: NDArray,
    wanted: Callable[[NDArray, NDArray], NDArray] | None,
    concerned: NDArray,
    most: int | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Pairs i < j of boxes that overlap, in parts (K, 2).

    Args:
        low, high: their lowest and highest coordinates (F, 3).
        wanted: which of pairs, i and j (K,), are; all that are have one of those ``concerned`` (F,). None: all.
        most: see :func:`self_intersections`.
    """
    if len(low) == 0:
        return
    origin, extent = low.min(0), (high.max(0) - low.min(0)).max()
    side = (high - low).max(1)
    finest = max(CELL * np.median(side), FINEST * extent, np.finfo(np.float64).tiny)
    level = np.ceil(np.log2(np.maximum(side / finest, 1))).astype(np.int64)
    tried = 0
    for grid in np.unique(level):
        size = finest * 2.0**grid
        members = np.flatnonzero(level <= grid)  # none is longer than a cell: each lies in eight at most
        lows, highs = low[members].T.copy(), high[members].T.copy()
        first, last = (np.floor((x - origin[:, None]) / size).astype(np.int64) for x in (lows, highs))
        _, over, along = span = last - first + 1
        first *= HASH[:, None]  # each axis' share of the key
        entry, local = _ragged(span.prod(0))
        row, place = np.divmod(local, along[entry])
        key = first.sum(0)[entry] + np.stack([*np.divmod(row, over[entry]), place]).T @ HASH
        own = level[members[entry]] == grid
        near = [np.isin(key, key[some]) for some in (own, concerned[members[entry]]) if not some.all()]
        if near:
            entry, key, own = _where(np.logical_and.reduce(near), entry, key, own)
        order = np.argsort(2 * key + own)  # in a cell the smaller ones come first: each own one meets all before it
        entry, key, own = entry[order], key[order], own[order]
        place = np.arange(len(key))
        first_in_cell = np.maximum.accumulate(np.where(np.diff(key, prepend=key[:1] - 1) != 0, place, 0))
        before = np.where(own, place - first_in_cell, 0)
        tried += int(before.sum())
        if most is not None and tried > most:
            raise Tangled(f"more than {most} pairs of faces lie near each other")
        for part in _parts(before):
            owner, back = _ragged(before[part])
            owner += part.start
            i, j = entry.take(owner), entry.take(owner - 1 - back)  # a third faster than by brackets
            if wanted is not None:
                i, j, owner = _where(wanted(members[i], members[j]), i, j, owner)
            for least, greatest in zip(lows, highs, strict=True):
                overlap = (least.take(i) <= greatest.take(j)) & (least.take(j) <= greatest.take(i))
                i, j, owner = _where(overlap, i, j, owner)
            # Two boxes may share several cells: the pair belongs to the one that holds their overlap's lowest corner.
            i, j = _where(sum(np.maximum(axis.take(i), axis.take(j)) for axis in first) == key.take(owner), i, j)
            i, j = members[i], members[j]
            yield np.stack([np.minimum(i, j), np.maximum(i, j)], axis=1)


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
    return tuple(column.take(kept) for column in columns)
