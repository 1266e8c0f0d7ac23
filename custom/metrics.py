"""How well a mesh agrees with a label: overlap, surface distances, volume and area."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import igl
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import find_objects
from skimage.measure import marching_cubes

from .frames import apply_affine
from .mesh import triangle_areas


class SurfaceDistances(NamedTuple):
    """Distances between two surfaces, mm.

    Attributes:
        assd: average symmetric surface distance, the mean over both surfaces together, by area.
        hd95: the larger of the two directed 95th percentiles, by area.
        hd: Hausdorff distance, the largest distance found.
    """

    assd: float
    hd95: float
    hd: float


def dice(a: ArrayLike, b: ArrayLike) -> float:
    """Dice overlap 2 |A ∩ B| / (|A| + |B|) of two boolean masks of one shape; 1 if both are empty.

    Raises:
        ValueError: if the shapes differ.
    """
    both, either = _shared(a, b)
    return 2 * both / (both + either) if either else 1.0


def jaccard(a: ArrayLike, b: ArrayLike) -> float:
    """Jaccard overlap |A ∩ B| / |A ∪ B| of two boolean masks of one shape; 1 if both are empty.

    Raises:
        ValueError: if the shapes differ.
    """
    both, either = _shared(a, b)
    return both / either if either else 1.0


def mesh_label_distances(
    vertices: ArrayLike,
    faces: ArrayLike,
    label: ArrayLike,
    affine: ArrayLike,
    counted: Callable[[NDArray], NDArray[np.bool_]] | None = None,
) -> SurfaceDistances:
    """Distances between a mesh and the surface of a label.

    Args:
        vertices: (V, 3) mesh vertices, RAS mm.
        faces: (F, 3) integer.
        label: (D0, D1, D2) boolean mask of the structure.
        affine: (4, 4) voxel to RAS mm of the mask.
        counted: as in `surface_distances`.

    Returns:
        The distances in mm.

    Raises:
        ValueError: if the label is empty or a surface has no area that is counted.
    """
    return surface_distances(vertices, faces, *label_surface(label, affine), counted)


def label_surface(label: ArrayLike, affine: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Marching-cubes surface of a mask, closed at the border of the grid.

    Args:
        label: (D0, D1, D2) boolean mask.
        affine: (4, 4) voxel to RAS mm.

    Returns:
        (V, 3) vertices in RAS mm and (F, 3) faces.

    Raises:
        ValueError: if the mask is empty.
    """
    label = np.asarray(label, dtype=bool)
    if not label.any():
        raise ValueError("the label is empty: there is no surface to measure to")
    box = find_objects(label.view(np.uint8))[0]  # a chamber is a small part of a CT
    vertices, faces, _, _ = marching_cubes(np.pad(label[box], 1).astype(np.float32), 0.5)
    start = np.array([side.start for side in box]) - 1
    return apply_affine(np.asarray(affine), vertices.astype(np.float64) + start), faces.astype(np.int64)


def surface_distances(
    vertices_a: ArrayLike,
    faces_a: ArrayLike,
    vertices_b: ArrayLike,
    faces_b: ArrayLike,
    counted: Callable[[NDArray], NDArray[np.bool_]] | None = None,
) -> SurfaceDistances:
    """Distances between two surfaces, each sampled and measured exactly to the triangles of the other.

    Args:
        vertices_a, vertices_b: (V, 3), one frame, mm.
        faces_a, faces_b: (F, 3) integer.
        counted: which of points (P, 3) of either surface are measured from, each to all of the other; None: all.

    Returns:
        The distances in mm.

    Raises:
        ValueError: if a surface has no area that is counted.
    """
    a, b = _surface(vertices_a, faces_a), _surface(vertices_b, faces_b)
    (from_a, weight_a), (from_b, weight_b) = _directed(*a, *b, counted), _directed(*b, *a, counted)
    total = from_a @ weight_a + from_b @ weight_b
    return SurfaceDistances(
        assd=float(total / (weight_a.sum() + weight_b.sum())),
        hd95=max(_percentile(from_a, weight_a, 0.95), _percentile(from_b, weight_b, 0.95)),
        hd=float(max(from_a.max(), from_b.max())),
    )


def _shared(a: ArrayLike, b: ArrayLike) -> tuple[int, int]:
    """Voxels in both masks, and in either."""
    a, b = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if a.shape != b.shape:
        raise ValueError(f"masks must have one shape, got {a.shape} and {b.shape}")
    return int((a & b).sum()), int((a | b).sum())


def _surface(vertices: ArrayLike, faces: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    vertices = np.ascontiguousarray(vertices, dtype=np.float64)
    faces = np.ascontiguousarray(faces, dtype=np.int64)
    if not triangle_areas(vertices[faces]).sum() > 0:
        raise ValueError(f"the surface has no area: {len(vertices)} vertices, {len(faces)} faces")
    return vertices, faces


def _directed(
    vertices: NDArray,
    faces: NDArray,
    other_vertices: NDArray,
    other_faces: NDArray,
    counted: Callable[[NDArray], NDArray[np.bool_]] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances from vertices and face centroids to the other surface, and the area that each stands for.

    A centroid has 3/4 of its face, a corner 1/12: the quadrature that is exact for quadratic functions.
    """
    triangles = vertices[faces]
    area = triangle_areas(triangles)
    at_vertices = np.bincount(faces.ravel(), np.repeat(area / 12, 3), minlength=len(vertices))
    points = np.concatenate([vertices, triangles.mean(1)])
    weights = np.concatenate([at_vertices, area * 0.75])
    chosen = (weights > 0) if counted is None else (weights > 0) & counted(points)
    if not chosen.any():
        raise ValueError("no part of the surface is counted")
    squared, _, _ = igl.point_mesh_squared_distance(points[chosen], other_vertices, other_faces)
    return np.sqrt(squared), weights[chosen]


def _percentile(values: NDArray, weights: NDArray, fraction: float) -> float:
    """Least value that at least the given fraction of the weight does not exceed."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, fraction * cumulative[-1])])
