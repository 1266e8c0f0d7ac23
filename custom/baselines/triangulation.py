"""Points on a sphere triangulated anew."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor


def triangulate_sphere(points: Tensor) -> Tensor:
    """Delaunay triangulation of points on a sphere about the origin, which is their convex hull.

    Args:
        points: (V, 3), at least four, not all in one plane, none twice.

    Returns:
        (2 V - 4, 3) int64 faces, wound outward, on the points' device.
    """
    where = points.detach().cpu().double().numpy()
    faces = ConvexHull(where).simplices.astype(np.int64)
    a, b, c = where[faces].swapaxes(0, 1)
    inward = (np.cross(b - a, c - a) * (a + b + c)).sum(1) < 0  # Qhull winds as it likes
    faces[inward] = faces[inward][:, ::-1]
    return torch.from_numpy(faces).to(points.device)
