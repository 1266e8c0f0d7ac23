"""Signed distance field of a closed mesh on a voxel grid, without gradient.

In a band around the surface every triangle is rasterised: the exact distances to it over its dilated bounding box, of
which each voxel keeps the least. Beyond the band an exact Euclidean feature transform finds the band's nearest voxel
(the separable minima of Felzenszwalb and Huttenlocher, Theory of Computing 8, 2012, taken directly), and the field is
the exact distance to the triangle nearest to that voxel: never too small, and right where the two share their triangle.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..frames import normalised_to_voxel
from .triangles import TriangleFrames, planar_distance_squared
from .winding import corners_of, voxelise, voxels_between

# Elements of one intermediate: small enough for a processor's cache, large enough to fill an accelerator.
_STEP = {"cpu": 2**19, "cuda": 2**25}

# A squared distance (the bits of a float32 that is not negative are in the order of its value) and a face share an
# integer, so that one minimum settles both. This one is infinity, of no face.
_BEYOND = 0x7F800000 << 32


def distance_field(vertices: Tensor, faces: Tensor, shape: tuple[int, int, int], band: float = 3.0) -> Tensor:
    """Signed distance at every voxel centre; negative where the winding number is positive.

    Exact (float32) wherever it is at most ``band``. Beyond, it is never too small and at most √3 too large: the surface
    within the grid, some voxel of the band lies no more than d - band + √3 away, and the surface no more than ``band``
    from that. (Mean excess 0.01 voxel, 99.9 % below 0.25, for a chamber in 128³.) Parts of the surface further than
    ``band`` from the grid do not count.

    Args:
        vertices: (V, 3) floating point, voxel coordinates (integer at voxel centres).
        faces: (F, 3) integer; a closed surface, normals outward.
        shape: (D0, D1, D2) of the grid.
        band: half-width of the exact band, voxels; at least 1, so that it has no holes.

    Returns:
        (D0, D1, D2) float32 in voxels, on the device of ``vertices``.

    Raises:
        ValueError: if ``band`` is below 1, there are no faces, a vertex is not finite, or the mesh does not come within
            ``band`` of the grid.
    """
    if band < 1:
        raise ValueError(f"band must be at least 1 voxel, got {band}")
    if len(faces) == 0:
        raise ValueError("a mesh without faces is nowhere near")
    with torch.no_grad():
        triangles = corners_of(vertices, faces)
        frames = TriangleFrames(triangles)
        squared, face = _rasterise(triangles, frames, shape, band)
        in_band = squared.isfinite()
        if not in_band.any():
            low, high = triangles.amin((0, 1)).tolist(), triangles.amax((0, 1)).tolist()
            raise ValueError(f"the mesh (voxels {low} to {high}) lies further than {band} from the grid {tuple(shape)}")
        far = in_band.logical_not().nonzero()
        squared[~in_band] = _distance_squared(far, face.view(-1)[_nearest_seed(in_band, far)], frames)
        distance = squared.sqrt_()
        return torch.where(voxelise(vertices, faces, shape), -distance, distance)


def cube_distance_field(vertices: Tensor, faces: Tensor, size: int) -> Tensor:
    """:func:`distance_field` of a mesh in the cube [-1, 1]^3, sampled by ``size`` voxels per axis.

    Args:
        vertices: (V, 3) floating point, normalised.
        faces: (F, 3) integer; a closed surface, normals outward.
        size: voxels per axis.

    Returns:
        (size, size, size) float32, normalised units.

    Raises:
        ValueError: the mesh does not come near the cube.
    """
    shape = (size,) * 3
    return distance_field(normalised_to_voxel(vertices, shape), faces, shape) * (2 / (size - 1))


def _rasterise(
    triangles: Tensor, frames: TriangleFrames, shape: tuple[int, int, int], band: float
) -> tuple[Tensor, Tensor]:
    """Squared distance (D0, D1, D2) float32, infinite beyond the band, and nearest face (D0, D1, D2) int64."""
    device = triangles.device
    limit = torch.tensor(tuple(shape), device=device)
    low, high = voxels_between(triangles.amin(1) - band, triangles.amax(1) + band, limit)
    reaches = (low <= high).all(1).nonzero()[:, 0]
    key = torch.full((math.prod(shape),), _BEYOND, device=device)
    # Triangles with boxes of one size make one array.
    size = (high - low + 1)[reaches]
    code, group = ((size[:, 0] * limit[1] + size[:, 1]) * limit[2] + size[:, 2]).unique(return_inverse=True)
    members = reaches[group.argsort(stable=True)].split(torch.bincount(group, minlength=len(code)).tolist())
    for same_size in members:
        n0, n1, n2 = (high - low + 1)[same_size[0]].tolist()
        for some in same_size.split(max(1, _STEP[device.type] // (n0 * n1 * n2))):
            index = [low[some, k, None] + torch.arange(n, device=device) for k, n in enumerate((n0, n1, n2))]
            offset = [index[k] - frames.origin[some, k, None] for k in range(3)]
            axes = frames.axes[some]
            x, y, z = (_outer_sum(*((axes[:, a, k, None] * offset[k]).float() for k in range(3))) for a in range(3))
            planar = (p[some, None, None, None].float() for p in (frames.base, frames.apex[:, 0], frames.apex[:, 1]))
            squared = (z.square_() + planar_distance_squared(x, y, *planar)).view(-1)
            voxel = _outer_sum(index[0] * (shape[1] * shape[2]), index[1] * shape[2], index[2]).view(-1)
            near = (squared <= band * band).nonzero()[:, 0]
            candidate = squared[near].view(torch.int32).long() << 32 | some[near // (n0 * n1 * n2)]
            key.scatter_reduce_(0, voxel[near], candidate, "amin")
    key = key.view(tuple(shape))
    return (key >> 32).int().view(torch.float32), key & 0xFFFFFFFF


def _outer_sum(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """(T, I), (T, J), (T, K) to their sums (T, I, J, K)."""
    return (a[:, :, None] + b[:, None, :])[..., None] + c[:, None, None, :]


def _nearest_seed(seeds: Tensor, voxels: Tensor) -> Tensor:
    """Flat index (M,) of the true voxel of (D0, D1, D2) bool nearest to each of the voxels (M, 3)."""
    shape = seeds.shape
    unreached = sum(n * n for n in shape)  # more than any squared distance in the grid
    cost = torch.where(seeds, 0, unreached).int()
    choices = []
    for axis in (2, 1, 0):
        cost, choice = (x.movedim(-1, axis) for x in _min_along_last(cost.movedim(axis, -1)))
        choices.append(choice)
    i, j, k = voxels.unbind(1)
    i = choices[2][i, j, k].long()
    j = choices[1][i, j, k].long()
    k = choices[0][i, j, k].long()
    return (i * shape[1] + j) * shape[2] + k


def _min_along_last(cost: Tensor) -> tuple[Tensor, Tensor]:
    """Least cost[..., j] + (i - j)² over j for every i, and the j that attains it."""
    length = cost.shape[-1]
    bits = (length - 1).bit_length()
    # Cost and j share an integer, so that one minimum settles both.
    largest = (int(cost.max()) + length**2) << bits
    dtype = torch.int32 if largest < 2**31 else torch.int64
    place = torch.arange(length, device=cost.device)
    step = (((place[:, None] - place).square() << bits) | place).to(dtype)
    lines = (cost.to(dtype) << bits).reshape(-1, 1, length)
    least = torch.empty(lines.shape[::2], dtype=dtype, device=cost.device)
    rows = max(1, _STEP[cost.device.type] // length**2)
    sums = torch.empty((rows, length, length), dtype=dtype, device=cost.device)
    for some, result in zip(lines.split(rows), least.split(rows), strict=True):
        torch.amin(torch.add(some, step, out=sums[: len(some)]), 2, out=result)
    least = least.view(cost.shape)
    return least >> bits, least & ((1 << bits) - 1)


def _distance_squared(voxels: Tensor, face: Tensor, frames: TriangleFrames) -> Tensor:
    """Squared distance (M,) float32 of voxels (M, 3) to one triangle each."""
    table = torch.cat([frames.origin, frames.axes.flatten(1), frames.base[:, None], frames.apex], 1).float()
    step = _STEP[voxels.device.type] // 16
    parts = []
    for some, f in zip(voxels.float().split(step), face.split(step), strict=True):
        rows = table.index_select(0, f).T.contiguous()
        offset = some.T - rows[:3]
        x, y, z = ((offset * axis).sum(0) for axis in (rows[3:6], rows[6:9], rows[9:12]))
        parts.append(z.square_() + planar_distance_squared(x, y, *rows[12:]))
    return torch.cat(parts)
