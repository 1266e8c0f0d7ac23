"""Winding number of a closed mesh: at the centres of a voxel grid, and at single points.

Both follow the third axis upwards and count the signed crossings with the triangles below: -1 through a face whose
normal points up (leaving the body), +1 through one whose normal points down. The count is an integer, right where the
mesh folds over itself, and watertight without any tolerance. Whether a line passes through a triangle is decided in
the projection along the axis, as the triangle's planar winding number about the line: a sum of one term an edge
(half-open in the second coordinate, left or right by the sign of a determinant formed from the lower to the upper end),
so the two triangles at an edge get terms that cancel exactly, whatever the rounding, also where a line hits an edge
or a vertex. Surfaces are half-open in the third coordinate: a point on a face counts as above it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..frames import facing_out, ras_to_voxel

# Bins per axis that sort triangles for single points: bounds the memory where a few dwarf the rest.
_MAX_BINS = 512

# Pairs of a line and a triangle that are formed at a time: bounds it where many triangles are as large as the grid.
_PAIRS_PER_STEP = 2**22


def winding_number_grid(vertices: Tensor, faces: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Winding number of a closed mesh at every voxel centre.

    Args:
        vertices: (V, 3) floating point, voxel coordinates (integer at voxel centres).
        faces: (F, 3) integer; a closed surface, normals outward (then the inside of a plain body has number 1).
        shape: (D0, D1, D2) of the grid.

    Returns:
        (D0, D1, D2) int16 on the device of ``vertices``; zero where the mesh does not reach.

    Raises:
        ValueError: if a vertex is not finite.
    """
    window, box = _winding_in_box(vertices, faces, shape)
    result = torch.zeros(tuple(shape), dtype=torch.int16, device=vertices.device)
    result[box] = window
    return result


def voxelise(vertices: Tensor, faces: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Voxels whose centre lies inside a closed mesh (winding number > 0).

    Args:
        vertices: (V, 3) floating point, voxel coordinates (integer at voxel centres).
        faces: (F, 3) integer, normals outward.
        shape: (D0, D1, D2) of the grid.

    Returns:
        (D0, D1, D2) bool on the device of ``vertices``.

    Raises:
        ValueError: if a vertex is not finite.
    """
    window, box = _winding_in_box(vertices, faces, shape)
    result = torch.zeros(tuple(shape), dtype=torch.bool, device=vertices.device)
    result[box] = window > 0
    return result


def voxelise_in_image(
    vertices: np.ndarray, faces: np.ndarray, affine: np.ndarray, shape: tuple[int, int, int]
) -> Tensor:
    """Voxels of an image whose centre lies inside a closed mesh given in patient space.

    Args:
        vertices: (V, 3) RAS mm.
        faces: (F, 3) integer, normals outward in RAS.
        affine: (4, 4) voxel to RAS mm of the image, left-handed or not.
        shape: (D0, D1, D2) of the image.

    Returns:
        (D0, D1, D2) bool on the CPU.

    Raises:
        ValueError: if a vertex is not finite or the affine is singular.
    """
    outward = torch.from_numpy(np.ascontiguousarray(facing_out(faces, affine)))
    return voxelise(torch.from_numpy(ras_to_voxel(vertices, affine)), outward, shape)


def winding_number(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """Winding number of closed meshes at single points, any frame.

    Args:
        points: (N, P, 3) floating point, P points for each of N meshes.
        vertices: (N, V, 3) floating point, on the device of ``points``.
        faces: (F, 3) integer, common to the meshes, normals outward.

    Returns:
        (N, P) int64.

    Raises:
        ValueError: if a vertex is not finite.
    """
    shape = points.shape[:2]
    result = torch.zeros(shape.numel(), dtype=torch.int64, device=points.device)
    if len(faces) == 0 or len(result) == 0:
        return result.view(shape)
    each, points = torch.arange(len(vertices), device=points.device), points.detach().double().flatten(0, 1)
    corners = corners_of(vertices.flatten(0, 1), (faces.to(points.device) + each.view(-1, 1, 1) * vertices.shape[1]))
    of_point, of_triangle = (each.repeat_interleave(count) for count in (shape[1], len(faces)))
    low, high = corners.amin(1), corners.amax(1)
    lowest, highest = (x.unflatten(0, (len(vertices), -1)) for x in (low, high))
    lowest, highest = lowest.amin(1), highest.amax(1)
    # Bins over each mesh's projection, half a triangle wide, hold the triangles whose bounding rectangle touches them.
    extent = (highest - lowest)[:, :2].amax(0)
    size = torch.maximum((high - low)[:, :2].mean(0).clamp_min(1e-300) / 2, extent / _MAX_BINS)
    bins = (extent / size).long() + 1

    def places(where: Tensor, mesh: Tensor) -> Tensor:
        return ((where[:, :2] - lowest[mesh, :2]) / size).long()

    first = places(low, of_triangle)
    count = places(high, of_triangle) - first + 1
    triangle, local = _ragged(count.prod(1))
    column = first[triangle] + torch.stack([local // count[triangle, 1], local % count[triangle, 1]], 1)
    bin_of_entry, order = torch.sort((of_triangle[triangle] * bins[0] + column[:, 0]) * bins[1] + column[:, 1])
    triangle = triangle[order]
    entries = torch.bincount(bin_of_entry, minlength=len(vertices) * int(bins.prod()))
    start = entries.cumsum(0) - entries

    within = ((points > lowest[of_point]) & (points <= highest[of_point])).all(1).nonzero()[:, 0]
    place = places(points[within], of_point[within])
    bin_of_point = (of_point[within] * bins[0] + place[:, 0]) * bins[1] + place[:, 1]
    for some in _parts(entries[bin_of_point]):
        owner, local = _ragged(entries[bin_of_point[some]])
        candidate = triangle[start[bin_of_point[some][owner]] + local]
        point = within[some][owner]
        # Only a triangle whose bounding rectangle holds the point, and that is not above it, can contribute.
        x, y, z = points.index_select(0, point).unbind(1)
        left, front, bottom = low.index_select(0, candidate).unbind(1)
        right, back, _ = high.index_select(0, candidate).unbind(1)
        near = (x >= left) & (x <= right) & (y >= front) & (y <= back) & (z >= bottom)
        point, candidate = point[near], candidate[near]
        crossing, height = _crossings(points[point, :2], corners, candidate)
        result.index_add_(0, point, torch.where(points[point, 2] >= height, crossing, 0))
    return result.view(shape)


def _winding_in_box(
    vertices: Tensor, faces: Tensor, shape: tuple[int, int, int]
) -> tuple[Tensor, tuple[slice, slice, slice]]:
    """Winding numbers int16 in the part of the grid that the mesh's bounding box covers, and that part."""
    corners = corners_of(vertices, faces)
    limit = torch.tensor(tuple(shape), device=corners.device)
    low, high = voxels_between(corners.amin(1), corners.amax(1), limit)
    start, end = torch.cat([low, limit[None]]).amin(0), torch.cat([high + 1, limit[None] * 0]).amax(0)
    window = (end - start).clamp_min(0).tolist()
    box = tuple(slice(s, s + n) for s, n in zip(start.tolist(), window, strict=True))
    steps = torch.zeros(window, dtype=torch.int32, device=corners.device)
    if steps.numel() == 0:
        return steps.short(), box

    columns = (high - low + 1).clamp_min(0)[:, :2]
    for some in _parts(columns.prod(1)):
        triangle, local = _ragged(columns[some].prod(1))
        triangle += some.start
        count = columns[triangle, 1]
        column = low[triangle, :2] + torch.stack([local // count, local % count], 1)
        crossing, height = _crossings(column.double(), corners, triangle)
        layer = height.ceil().clamp(start[2], end[2]).long() - start[2]
        keep = (crossing != 0) & (layer < window[2])
        column = column - start[:2]
        index = ((column[:, 0] * window[1] + column[:, 1]) * window[2] + layer)[keep]
        steps.view(-1).index_add_(0, index, crossing[keep].int())
    return steps.cumsum(2, dtype=torch.int16), box


def corners_of(vertices: Tensor, faces: Tensor) -> Tensor:
    """(F, 3, 3) float64, corner by coordinate, of vertices (V, 3) and faces (F, 3); ValueError if one is not finite."""
    if not vertices.isfinite().all():
        raise ValueError("vertices must be finite")
    return vertices.detach().double()[faces.to(vertices.device, torch.int64).view(-1, 3)]


def voxels_between(low: Tensor, high: Tensor, limit: Tensor) -> tuple[Tensor, Tensor]:
    """First and last voxel (F, 3) int64 of a grid (3,) within boxes (F, 3); the last is less where there is none.

    What lies far outside is cut to the grid's border first: no integer holds it.
    """
    return low.ceil().clamp_min(0).minimum(limit).long(), high.floor().clamp_min(-1).minimum(limit - 1).long()


def _parts(counts: Tensor) -> Iterator[slice]:
    """The counts in runs of some ``_PAIRS_PER_STEP`` together, or of one count."""
    total = counts.cumsum(0)
    start, done = 0, 0
    while start < len(counts):
        stop = max(start + 1, int(torch.searchsorted(total, done + _PAIRS_PER_STEP, right=True)))
        yield slice(start, stop)
        start, done = stop, int(total[stop - 1])


def _ragged(counts: Tensor) -> tuple[Tensor, Tensor]:
    """For each of counts.sum() entries, grouped by owner: the owner and the entry's rank among the owner's."""
    owner = torch.arange(len(counts), device=counts.device).repeat_interleave(counts)
    first = counts.cumsum(0) - counts
    return owner, torch.arange(len(owner), device=counts.device) - first[owner]


def _crossings(lines: Tensor, corners: Tensor, triangle: Tensor) -> tuple[Tensor, Tensor]:
    """Signed crossings of vertical lines at (x, y) = lines (M, 2) with triangles corners[triangle], one each.

    Returns the change of the winding number (M,) int64 for a step upwards, and the height (M,) float64 at which.
    """
    x, y = lines.unbind(1)
    px, py, pz = corners[triangle].unbind(2)  # each (M, 3)
    crossing = torch.zeros_like(triangle)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        rises = (py[:, i] <= y) & (y < py[:, j])
        falls = (py[:, j] <= y) & (y < py[:, i])
        low_x, high_x = torch.where(rises, px[:, i], px[:, j]), torch.where(rises, px[:, j], px[:, i])
        low_y, high_y = torch.where(rises, py[:, i], py[:, j]), torch.where(rises, py[:, j], py[:, i])
        right_of_line = (high_x - low_x) * (y - low_y) > (high_y - low_y) * (x - low_x)
        crossing += (falls & right_of_line).long() - (rises & right_of_line).long()
    ax, ay, az = px[:, 1] - px[:, 0], py[:, 1] - py[:, 0], pz[:, 1] - pz[:, 0]
    bx, by, bz = px[:, 2] - px[:, 0], py[:, 2] - py[:, 0], pz[:, 2] - pz[:, 0]
    slope = (x - px[:, 0]) * (ay * bz - az * by) + (y - py[:, 0]) * (az * bx - ax * bz)
    height = pz[:, 0] - slope / (ax * by - ay * bx)
    # A triangle on edge is crossed at no definite height (and with a twin that cancels it): keep within its extent.
    top, bottom = pz.amax(1), pz.amin(1)
    return crossing, torch.where(height.isfinite(), height, top).clamp(bottom, top)
