"""Values of a scan, at its own resolution, along the normals of a surface."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from .frames import block_affine, ras_to_voxel, spacing_of
from .geometry.normals import vertex_normals
from .sampling import sample_lines


class Scan(NamedTuple):
    """Voxels as they were read: no resampled copy, and none in floating point."""

    values: np.ndarray
    """(D0, D1, D2) HU."""
    affine: np.ndarray
    """(4, 4) voxel to RAS mm."""


def block_means(scan: Scan, largest_mm: float) -> Scan:
    """A scan of fewer voxels: the means of as large blocks as have sides of `largest_mm` at most, in its own dtype; the
    voxels beyond the last whole block are left out."""
    fitting = np.floor(largest_mm / spacing_of(scan.affine) + 1e-6).astype(int)
    blocks = np.clip(fitting, 1, np.array(scan.values.shape) // 2)
    sums = scan.values
    for axis, count in enumerate(blocks):
        if count > 1:
            end = sums.shape[axis] // count * count
            planes = np.moveaxis(sums, axis, 0)[:end]
            added = planes[::count].astype(np.float32)
            for first in range(1, count):
                added += planes[first::count]
            sums = np.moveaxis(added, 0, axis)
    if sums is scan.values:
        return scan
    means = sums / np.float32(blocks.prod())
    if np.issubdtype(scan.values.dtype, np.integer):
        means = np.rint(means, out=means)
    return Scan(means.astype(scan.values.dtype), block_affine(scan.affine, blocks))


def normals_of(vertices: NDArray, faces: NDArray) -> NDArray[np.float64]:
    """Outward unit normals (V, 3) of vertices (V, 3), by faces (F, 3) int64 that wind outward."""
    points = torch.from_numpy(np.asarray(vertices, dtype=np.float64))
    return vertex_normals(points[None], torch.from_numpy(np.asarray(faces, dtype=np.int64)))[0].numpy()


def along_normals(scan: Scan, vertices: NDArray, normals: NDArray, distances: NDArray) -> NDArray[np.float32]:
    """Trilinear values (V, N) at N distances, mm, outward from each vertex.

    Args:
        scan: beyond it, its outermost values go on.
        vertices, normals: (V, 3) RAS mm.
        distances: (N,).
    """
    start = ras_to_voxel(vertices, scan.affine)
    away = ras_to_voxel(vertices + normals, scan.affine) - start
    arrays = (scan.values, start, away, np.asarray(distances))
    return sample_lines(*(torch.from_numpy(array) for array in arrays)).numpy()


def pitch_along(scan: Scan, directions: NDArray) -> NDArray[np.float64]:
    """(V,) mm from one voxel to the next along unit directions (V, 3): of a direction oblique to the axes, what the
    ellipsoid of the voxel's sides has."""
    axes = scan.affine[:3, :3] / spacing_of(scan.affine)
    return 1 / np.linalg.norm(directions @ axes / spacing_of(scan.affine), axis=1)
