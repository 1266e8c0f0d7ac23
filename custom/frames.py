"""Coordinate frames: voxel, normalised, RAS and LPS. The only place that converts between them.

========== ============ ===========================================================================================
frame      unit         meaning
========== ============ ===========================================================================================
voxel      voxels       index into the tensor axes (D0, D1, D2); integers are voxel centres
normalised half sides   [-1, 1] per axis, -1 and +1 the centres of the first and last voxel (align_corners=True)
RAS        mm           patient space as in NIfTI: right, anterior and superior are positive
LPS        mm           patient space as in DICOM and in mesh files: RAS times (-1, -1, 1)
glTF       m            patient space as in GLB files: left, superior and anterior are positive
========== ============ ===========================================================================================

Component k of a voxel or normalised coordinate belongs to tensor axis k. Every function takes points of shape (..., 3)
as a torch tensor or a numpy array and returns the same kind; torch functions are differentiable in the points. torch is
imported for tensors only: what reads files does without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Union

import numpy as np

if TYPE_CHECKING:
    import torch

Points = TypeVar("Points", "torch.Tensor", np.ndarray)
Affine = Union["torch.Tensor", np.ndarray]
UP = np.array([0.0, 0.0, 1.0])
"""Towards the head, in RAS."""
_PAIRS = ((0, 1, 2), (0, 2, 1), (1, 2, 0))  # of axes, and the one that is left


def normalised_to_voxel(points: Points, shape: Sequence[int]) -> Points:
    """Normalised coordinates (..., 3) to voxel coordinates of a grid of `shape` (D0, D1, D2), float32 or wider."""
    half = _half_sides(points, shape)
    return (points + 1) * half


def voxel_to_normalised(points: Points, shape: Sequence[int]) -> Points:
    """Voxel coordinates (..., 3) of a grid of `shape` (D0, D1, D2) to normalised coordinates, float32 or wider."""
    half = _half_sides(points, shape)
    return points / half - 1


def apply_affine(affine: Affine, points: Points) -> Points:
    """The homogeneous map `affine` (4, 4) of `points` (..., 3), computed and returned in float64."""
    matrix = _as_kind(affine, points)
    if tuple(matrix.shape) != (4, 4):
        raise ValueError(f"an affine is a (4, 4) matrix, this one has shape {tuple(matrix.shape)}")
    return _as_kind(points, points) @ matrix[:3, :3].T + matrix[:3, 3]


def voxel_to_ras(points: Points, affine: Affine) -> Points:
    """Voxel coordinates (..., 3) to RAS mm, float64, by the image's voxel-to-RAS `affine` (4, 4)."""
    return apply_affine(affine, points)


def ras_to_voxel(points: Points, affine: Affine) -> Points:
    """RAS mm (..., 3) to voxel coordinates, float64, of the image whose voxel-to-RAS map is `affine` (4, 4).

    Raises ValueError if the affine cannot be inverted.
    """
    return apply_affine(_inverse(affine), points)


def normalised_to_ras(points: Points, shape: Sequence[int], affine: Affine) -> Points:
    """Normalised coordinates (..., 3) of a grid of `shape` and voxel-to-RAS `affine` (4, 4) to RAS mm, float64."""
    return voxel_to_ras(normalised_to_voxel(_as_kind(points, points), shape), affine)


def ras_to_lps(points: Points) -> Points:
    """RAS to LPS (..., 3), mm; dtype is kept. Its own inverse."""
    return points * _as_kind((-1.0, -1.0, 1.0), points, points.dtype)


FILE_SPACE = "LPS"
"""Of the coordinates in mesh files and markups, which say so."""


def ras_to_file(points: Points) -> Points:
    """RAS mm to `FILE_SPACE` (..., 3), mm; dtype is kept. Its own inverse."""
    return ras_to_lps(points)


def ras_to_gltf(points: Points) -> Points:
    """RAS mm to glTF (..., 3), m: to the patient's left, up and to the front, where glTF has what is seen; dtype is
    kept."""
    turned = points @ _as_kind([[-1, 0, 0], [0, 0, 1], [0, 1, 0]], points, points.dtype)
    return turned / 1000


def spacing_of(affine: Affine) -> np.ndarray:
    """Voxel spacing (3,) float64 in mm along the tensor axes: the column lengths of a voxel-to-RAS `affine` (4, 4)."""
    return np.linalg.norm(_as_numpy(affine)[:3, :3], axis=0)


def centred_affine(shape: Sequence[int], spacing: Sequence[float], centre: Sequence[float] = (0, 0, 0)) -> np.ndarray:
    """Voxel-to-RAS affine (4, 4) float64 of an upright grid.

    Args:
        shape: (D0, D1, D2) voxels.
        spacing: (3,) mm.
        centre: (3,) RAS mm of the grid's middle.
    """
    affine = np.diag([*np.asarray(spacing, dtype=float), 1.0])
    affine[:3, 3] = np.asarray(centre, dtype=float) - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return affine


def strided_affine(affine: Affine, stride: int) -> np.ndarray:
    """Voxel-to-RAS affine (4, 4) float64 of the grid of every `stride`-th voxel, the first included, of another's."""
    return _as_numpy(affine) @ np.diag([stride, stride, stride, 1.0])


def block_affine(affine: Affine, blocks: Sequence[int]) -> np.ndarray:
    """Voxel-to-RAS affine (4, 4) float64 of the grid whose voxels are `blocks` (3,) of another's along each axis."""
    grid = np.diag([*blocks, 1.0])
    grid[:3, 3] = (np.asarray(blocks) - 1) / 2
    return _as_numpy(affine) @ grid


def voxel_to_voxel(affine: Affine, other: Affine) -> np.ndarray:
    """The affine (4, 4) float64 from the voxels of a grid to those of another, by their voxel-to-RAS affines.

    Raises ValueError if the other's cannot be inverted.
    """
    return _inverse(other) @ _as_numpy(affine)


def voxels_along(direction: np.ndarray, shape: Sequence[int], affine: Affine) -> np.ndarray:
    """How far along a direction (3,), in RAS, every voxel's centre of a grid lies: (D0, D1, D2) mm from the origin."""
    matrix = _as_numpy(affine)
    steps = [float(step) * np.arange(size) for step, size in zip(direction @ matrix[:3, :3], shape, strict=True)]
    return sum(np.ix_(*steps)) + float(direction @ matrix[:3, 3])


def covering_grid(shape: Sequence[int], affine: Affine, spacing: float) -> tuple[tuple[int, int, int], np.ndarray]:
    """Shape and voxel-to-RAS affine (4, 4) float64 of the smallest upright grid whose voxels cover those of an image.

    Args:
        shape: (D0, D1, D2) voxels of the image.
        affine: (4, 4), its voxel-to-RAS map.
        spacing: of the upright grid, mm.
    """
    sides = [(-0.5, size - 0.5) for size in shape]
    corners = voxel_to_ras(np.stack(np.meshgrid(*sides), axis=-1).reshape(8, 3), _as_numpy(affine))
    low, high = corners.min(axis=0), corners.max(axis=0)
    covering = tuple(int(size) for size in np.ceil((high - low) / spacing - 1e-6))
    return covering, centred_affine(covering, (spacing,) * 3, (low + high) / 2)


def rectangular_grid(shape: Sequence[int], affine: Affine) -> tuple[tuple[int, int, int], np.ndarray]:
    """Shape and voxel-to-RAS affine (4, 4) float64 of a grid of perpendicular axes over an image of sheared ones.

    Two axes of the image that are perpendicular, or nearest to it, stay with their spacing and planes: the first two if
    they are no worse, which are the columns and rows of slices stacked askew. The third is their normal. Voxels are
    added at the sides, so that every voxel of the image has its centre in one of the grid's. Axes that are
    perpendicular already stay as they are, to rounding.

    Args:
        shape: (D0, D1, D2) voxels of the image.
        affine: (4, 4), its voxel-to-RAS map; its axes span a volume.
    """
    matrix = _as_numpy(affine)
    spacing = spacing_of(matrix)
    units = matrix[:3, :3] / spacing
    cosines = [abs(units[:, one] @ units[:, other]).round(3) for one, other, _ in _PAIRS]
    first, second, third = _PAIRS[int(np.argmin(cosines))]
    normal = np.cross(units[:, first], units[:, second])
    normal *= np.sign(normal @ units[:, third]) / np.linalg.norm(normal)
    across = np.cross(normal, units[:, first])
    across *= np.sign(across @ units[:, second])
    grid = matrix.copy()
    grid[:3, first] = units[:, first] * spacing[first]
    grid[:3, second] = across * spacing[second]
    grid[:3, third] = normal * (normal @ matrix[:3, third])
    sides = [(0, size - 1) for size in shape]
    corners = voxel_to_ras(np.stack(np.meshgrid(*sides), axis=-1).reshape(8, 3), matrix)
    places = ras_to_voxel(corners, grid).round()
    low, high = places.min(axis=0), places.max(axis=0)
    grid[:3, 3] = voxel_to_ras(low, grid)
    return tuple(int(size) for size in high - low + 1), grid


def box_around(
    points: np.ndarray, shape: Sequence[int], affine: Affine
) -> tuple[tuple[slice, slice, slice], np.ndarray]:
    """The part of a grid round points, a voxel wider on all sides as far as the grid goes.

    Args:
        points: (P, 3) RAS mm.
        shape: (D0, D1, D2) of the grid.
        affine: (4, 4) its voxels to RAS mm.

    Returns:
        Its voxels along each axis, two at least, and its own voxel-to-RAS affine (4, 4).
    """
    voxels = ras_to_voxel(np.asarray(points), affine)
    low = np.clip(np.floor(voxels.min(0)) - 1, 0, np.array(shape) - 2).astype(int)
    high = np.clip(np.ceil(voxels.max(0)) + 2, low + 2, shape).astype(int)
    shift = np.eye(4)
    shift[:3, 3] = low
    return tuple(slice(start, stop) for start, stop in zip(low, high, strict=True)), _as_numpy(affine) @ shift


def box_within(box: Sequence[slice], outer: Sequence[slice]) -> tuple[slice, ...]:
    """The part of a grid `box`, as voxels of the part `outer` that holds it."""
    return tuple(slice(own.start - of.start, own.stop - of.start) for own, of in zip(box, outer, strict=True))


def affine_of_lps(axes: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Voxel-to-RAS affine (4, 4) float64 of a grid described in LPS mm, as DICOM and ITK do.

    Args:
        axes: (3, 3), column k the step along tensor axis k.
        origin: (3,) centre of the first voxel.
    """
    affine = np.eye(4)
    affine[:3, :3] = ras_to_lps(np.asarray(axes, dtype=float).T).T
    affine[:3, 3] = ras_to_lps(np.asarray(origin, dtype=float))
    return affine


def facing_out(faces: Points, affine: Affine) -> Points:
    """Faces (F, 3) wound outward in one frame, wound outward after `affine` (4, 4): turned round where it mirrors."""
    if np.linalg.det(_as_numpy(affine)[:3, :3]) > 0:
        return faces
    return faces[:, [0, 2, 1]]


def _inverse(affine: Affine) -> np.ndarray:
    try:
        return np.linalg.inv(_as_numpy(affine))
    except np.linalg.LinAlgError as error:
        raise ValueError("the image's affine is singular: its voxels have no volume") from error


def _half_sides(points: Points, shape: Sequence[int]) -> Points:
    if len(shape) != 3 or min(shape) < 2:
        raise ValueError(f"normalised coordinates need three axes of two voxels or more, not {tuple(shape)}")
    library = _library_of(points)
    dtype = library.promote_types(points.dtype, library.float32)
    return _as_kind([(size - 1) / 2 for size in shape], points, dtype)


def _as_kind(values: Any, like: Points, dtype: Any = None) -> Points:
    """`values` as the kind of array that `like` is, on its device; float64 unless `dtype` says otherwise."""
    library = _library_of(like)
    if library is not np:
        return library.as_tensor(values, dtype=dtype or library.float64, device=like.device)
    return np.asarray(_as_numpy(values), dtype=dtype or np.float64)


def _as_numpy(values: Any) -> np.ndarray:
    if _library_of(values) is not np:
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def _library_of(values: Any) -> Any:
    """torch for its tensors, numpy for anything else."""
    if not hasattr(values, "detach"):
        return np
    import torch

    return torch
