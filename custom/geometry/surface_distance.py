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

from .triangles import TriangleFrames, closest_point_weights, planar_distance_squared
from .winding import winding_number

# Point-triangle pairs that one step of the brute-force search holds at a time (64 MiB per float32 intermediate).
_PAIRS_PER_STEP = 2**24


def signed_distance(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """Signed distance of points to the triangles of their mesh; negative inside, where the winding number is positive.

    Any isotropic frame will do: the result has the unit of the coordinates. On the CPU the nearest triangles come from
    libigl's tree in float64, on other devices from a search through all of them. The result has first derivatives
    with respect to ``vertices`` and ``points``, also on the surface itself (where d|p - c| alone would be 0/0);
    second derivatives are not defined.

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
        meshes = list(zip(points.detach(), vertices.detach(), strict=True))
        nearest = torch.stack([_nearest_face(p, v, faces) for p, v in meshes])
        inside = torch.stack([winding_number(p, v, faces) > 0 for p, v in meshes])
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


def _nearest_face(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """Index (P,) int64 of the face nearest to each of the points (P, 3) of one mesh."""
    if points.device.type == "cpu":
        p, v = (np.ascontiguousarray(x.numpy(), dtype=np.float64) for x in (points, vertices))
        _, nearest, _ = igl.point_mesh_squared_distance(p, v, np.ascontiguousarray(faces.numpy(), dtype=np.int64))
        return torch.from_numpy(nearest)
    frames = TriangleFrames(vertices[faces])
    steps = points.split(max(1, _PAIRS_PER_STEP // len(faces)))
    return torch.cat([_distance_squared(p, frames).argmin(1) for p in steps])


def _distance_squared(points: Tensor, frames: TriangleFrames) -> Tensor:
    """Squared distances (P, F) from points (P, 3) to every triangle."""
    # Spelt out, because a matrix product would follow the caller's autocast or TF32 and lose the nearest triangle.
    shift = (frames.axes * frames.origin[:, None]).sum(2)  # (F, 3)
    p = points.T[..., None]  # (3, P, 1)
    x, y, z = (
        p[0] * axis[:, 0] + p[1] * axis[:, 1] + p[2] * axis[:, 2] - b
        for axis, b in zip(frames.axes.unbind(1), shift.T, strict=True)
    )
    return z.square_() + planar_distance_squared(x, y, frames.base, frames.apex[:, 0], frames.apex[:, 1])
