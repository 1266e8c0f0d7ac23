"""Closest points of triangles and distances to them: what the distance field and the point distances share."""

from __future__ import annotations

import torch
from torch import Tensor


def closest_point_weights(points: Tensor, corners: Tensor) -> Tensor:
    """Barycentric weights of the point of a triangle closest to a given point.

    Inside the prism over the triangle they are the ratios of signed areas (C. Ericson, Real-Time Collision Detection,
    2005, sections 3.4 and 5.1.5); elsewhere, and for triangles without area, the closest point lies on an edge.

    Args:
        points: (..., 3) floating point, better float64: the weights amplify rounding in thin triangles.
        corners: (..., 3, 3), corner by coordinate.

    Returns:
        (..., 3) weights, not negative, sum 1.
    """
    edges = corners.roll(-1, dims=-2) - corners  # edge i runs from corner i to corner i + 1
    from_corner = points[..., None, :] - corners
    length2 = edges.square().sum(-1)
    along = ((from_corner * edges).sum(-1) / length2.clamp_min(torch.finfo(points.dtype).tiny)).clamp(0, 1)
    best = (from_corner - along[..., None] * edges).square().sum(-1).argmin(-1, keepdim=True)
    t = along.gather(-1, best)
    on_edge = torch.zeros_like(along).scatter(-1, best, 1 - t).scatter(-1, (best + 1) % 3, t)

    normal = torch.linalg.cross(edges[..., 0, :], edges[..., 1, :])
    # The area that the point's projection spans with edge i, corner i + 2's weight, rolled into place.
    spanned = (torch.linalg.cross(edges, from_corner) * normal[..., None, :]).sum(-1).roll(-1, dims=-1)
    # Thinner than this, a triangle's normal is mostly rounding, and its longest edge as good as the triangle.
    has_area = normal.norm(dim=-1, keepdim=True) > torch.finfo(points.dtype).eps ** 0.5 * length2.amax(-1, keepdim=True)
    in_prism = (spanned >= 0).all(-1, keepdim=True) & has_area
    return torch.where(in_prism, spanned / spanned.sum(-1, keepdim=True), on_edge)


class TriangleFrames:
    """Each triangle in a frame of its own: origin at a corner, x along the longest edge, the plane at z = 0.

    There the squared distance is z² plus a planar one, cheap and free of the cancellation that an expansion of
    |p - c|² suffers near the surface.

    Args:
        triangles: (F, 3, 3) floating point, corner by coordinate.

    Attributes:
        origin: (F, 3).
        axes: (F, 3, 3), axis by coordinate.
        base: (F,) length of the edge along x.
        apex: (F, 2) x and y of the third corner.
    """

    def __init__(self, triangles: Tensor) -> None:
        unit = torch.eye(3, dtype=triangles.dtype, device=triangles.device)
        longest = (triangles.roll(-1, dims=1) - triangles).square().sum(-1).argmax(1, keepdim=True)
        order = (longest + torch.arange(3, device=triangles.device)) % 3
        a, b, c = triangles.gather(1, order[..., None].expand(-1, -1, 3)).unbind(1)
        self.origin = a
        self.base = (b - a).norm(dim=1)
        length = self.base[:, None]
        x_axis = torch.where(length > 0, (b - a) / length, unit[0])
        along = ((c - a) * x_axis).sum(1, keepdim=True)
        height = c - a - along * x_axis
        # A triangle without area has no plane of its own: any through its longest edge will do.
        flat = height.norm(dim=1, keepdim=True) <= 16 * torch.finfo(a.dtype).eps * length
        height = torch.where(flat, torch.linalg.cross(x_axis, unit[x_axis.abs().argmin(1)]), height)
        height = height - (height * x_axis).sum(1, keepdim=True) * x_axis  # once more: rounding tilts a low one
        y_axis = height / height.norm(dim=1, keepdim=True)
        self.axes = torch.stack([x_axis, y_axis, torch.linalg.cross(x_axis, y_axis)], dim=1)
        apex_y = torch.where(flat, 0, ((c - a) * y_axis).sum(1, keepdim=True))
        self.apex = torch.cat([along, apex_y], dim=1)


def planar_distance_squared(x: Tensor, y: Tensor, base: Tensor, apex_x: Tensor, apex_y: Tensor) -> Tensor:
    """Squared distance in the plane from (x, y) to the triangle (0, 0), (base, 0), (apex_x, apex_y), apex_y >= 0.

    All arguments broadcast; zero inside the triangle.
    """
    from_base = x - base
    back_x = apex_x - base
    tiny = torch.finfo(x.dtype).tiny
    to_base = (x - x.clamp(min=torch.zeros_like(base), max=base)).square_() + y.square()
    t = ((x * apex_x + y * apex_y) / (apex_x.square() + apex_y.square()).clamp_min(tiny)).clamp_(0, 1)
    to_left = (x - t * apex_x).square_() + (y - t * apex_y).square_()
    t = ((from_base * back_x + y * apex_y) / (back_x.square() + apex_y.square()).clamp_min(tiny)).clamp_(0, 1)
    to_right = (from_base - t * back_x).square_() + (y - t * apex_y).square_()
    inside = (y > 0) & (x * apex_y > y * apex_x) & (from_base * apex_y < y * back_x)
    return torch.minimum(torch.minimum(to_base, to_left), to_right).masked_fill_(inside, 0)
