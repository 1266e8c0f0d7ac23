"""Signed distance of sample points to closed triangle meshes, differentiable in the vertices.

The nearest triangle is found without gradient; the distance to it is then formed again from the vertices. Writing the
closest point as c = Σ wᵢ vᵢ, the squared distance is stationary in the barycentric weights wherever they are free and
the weights are constant wherever they are clamped (edges, corners). By the envelope theorem their derivative therefore
contributes nothing, and holding them fixed gives the exact first derivative of the distance, not an approximation.

The sign comes from the winding number: the sign of the nearest normal ("pseudonormal") is wrong at points near a
mesh that folds over itself, and an optimisation that follows it diverges.
"""

from __future__ import annotations

import igl
import numpy as np
import torch
from torch import Tensor

from .pairs import rows_per_block, squared_distances
from .triangles import TriangleFrames, closest_point_weights, planar_distance_squared
from .winding import winding_number

# Of the search without a tree, pairs of a point and a triangle near it that are measured at a time.
_PAIRS_PER_STEP = 2**22


def signed_distance(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """Signed distance of points to the triangles of their mesh; negative inside, where the winding number is positive.

    Any isotropic frame will do: the result has the unit of the coordinates. On the CPU the nearest triangles come from
    libigl's tree in float64, on other devices from a search among all that may be nearest. The result has first
    derivatives with respect to ``vertices`` and ``points``, also on the surface itself (where d|p - c| alone would be
    0/0); second derivatives are not defined.

    Args:
        points: (N, P, 3) float32 or float64, P sample points for each of N meshes.
        vertices: (N, V, 3) of the same dtype and device.
        faces: (F, 3) integer, common to the meshes, normals pointing outward.

    Returns:
        (N, P) signed distances, dtype and device of ``points``.

    Raises:
        ValueError: if the shapes do not fit together, dtypes or devices differ, or a coordinate's square is not finite.
    """
    _check(points, vertices, faces)
    faces = faces.to(vertices.device, torch.int64)
    with torch.no_grad():
        nearest = (_nearest_by_tree if points.device.type == "cpu" else _nearest_by_search)(points, vertices, faces)
        inside = winding_number(points, vertices, faces) > 0
        corner_index = faces[nearest].flatten(1)  # (N, 3 P)

    corners = vertices.gather(1, corner_index[..., None].expand(-1, -1, 3)).unflatten(1, (-1, 3))  # (N, P, 3, 3)
    with torch.no_grad():
        weights = closest_point_weights(points.double(), corners.double()).to(points.dtype)
    offset = points - (weights[..., None] * corners).sum(-2)

    # d = n · (p - c) with n the unit vector along which d grows: the value ±|p - c| and its exact gradient, without a
    # square root to differentiate. Where p lies on the surface, up to rounding, n is the normal of the face.
    with torch.no_grad():
        length = offset.norm(dim=-1, keepdim=True)
        rounding = 4 * torch.finfo(points.dtype).eps * corners.abs().amax((-1, -2))[..., None]
        normal = torch.linalg.cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
        normal = normal / normal.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(points.dtype).tiny)
        outward = torch.where(inside[..., None], -offset, offset) / length
        outward = torch.where(length > rounding, outward, normal)
    return (offset * outward).sum(-1)


def _check(points: Tensor, vertices: Tensor, faces: Tensor) -> None:
    if points.ndim != 3 or vertices.ndim != 3 or points.shape[-1] != 3 or vertices.shape[-1] != 3:
        raise ValueError(
            f"points and vertices must be (N, P, 3) and (N, V, 3), got {tuple(points.shape)} and "
            f"{tuple(vertices.shape)}"
        )
    if len(points) != len(vertices):
        raise ValueError(f"points are given for {len(points)} meshes, vertices for {len(vertices)}")
    if faces.ndim != 2 or faces.shape[1] != 3 or len(faces) == 0:
        raise ValueError(f"faces must be (F, 3) with F > 0, got {tuple(faces.shape)}")
    if points.dtype != vertices.dtype or points.device != vertices.device:
        raise ValueError(
            f"points ({points.dtype}, {points.device}) and vertices ({vertices.dtype}, {vertices.device}) "
            "must share dtype and device"
        )
    if not all(x.detach().double().square().isfinite().all() for x in (points, vertices)):
        raise ValueError("points and vertices must be finite: the network or the optimiser has diverged")


def _nearest_by_tree(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """Index (N, P) int64 of the face nearest to each of the points (N, P, 3) of N meshes on the CPU."""
    triangles = np.ascontiguousarray(faces.numpy(), dtype=np.int64)
    each = zip(points.detach().double().numpy(), vertices.detach().double().numpy(), strict=True)
    found = [
        igl.point_mesh_squared_distance(np.ascontiguousarray(p), np.ascontiguousarray(v), triangles) for p, v in each
    ]
    return torch.stack([torch.from_numpy(nearest) for _, nearest, _ in found])


def _nearest_by_search(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """The same on any device, all meshes at once.

    A triangle lies within its radius of its centroid, and the nearest is no farther than the nearest centroid: only
    those whose ball reaches within that distance of the point are measured, a hundredth of all.
    """
    points, corners = points.detach(), vertices.detach()[:, faces]
    centroids = corners.mean(2)
    radius = (corners - centroids.unsqueeze(2)).norm(dim=-1).amax(2)
    frames = TriangleFrames(corners.flatten(0, 1))
    found = [
        _nearest_in_block(p, centroids, radius, frames) for p in points.split(rows_per_block(points, centroids), 1)
    ]
    return torch.cat(found, 1)


def _nearest_in_block(points: Tensor, centroids: Tensor, radius: Tensor, frames: TriangleFrames) -> Tensor:
    """Index (N, P) of the nearest face of those with centroids (N, F, 3), radius (N, F) and frames N * F."""
    squared = squared_distances(points, centroids)
    reach = squared.amin(2, keepdim=True).sqrt() + radius.unsqueeze(1)
    mesh, row, face = (squared <= reach.square_()).nonzero(as_tuple=True)
    point, triangle = mesh * points.shape[1] + row, mesh * centroids.shape[1] + face
    flat, pairs = points.flatten(0, 1), zip(point.split(_PAIRS_PER_STEP), triangle.split(_PAIRS_PER_STEP), strict=True)
    distance = torch.cat([_distance_squared(flat[p], frames, t) for p, t in pairs])
    least = distance.new_full((len(flat),), torch.inf).scatter_reduce_(0, point, distance, "amin")
    best = distance == least[point]
    nearest = face.new_full((len(flat),), centroids.shape[1] - 1)
    return nearest.scatter_reduce_(0, point[best], face[best], "amin").view(points.shape[:2])


def _distance_squared(points: Tensor, frames: TriangleFrames, chosen: Tensor) -> Tensor:
    """Squared distance (K,) from each of the points (K, 3) to one triangle, the chosen (K,)."""
    # Spelt out, because a matrix product would follow the caller's autocast or TF32 and lose the nearest triangle.
    own = ((points - frames.origin[chosen]).unsqueeze(1) * frames.axes[chosen]).sum(2)
    x, y, z = own.unbind(1)
    return z.square() + planar_distance_squared(x, y, frames.base[chosen], *frames.apex[chosen].unbind(1))
