"""Where the soft occupancy loss looks: near the label's surface, near the mesh, and everywhere a little.

Points near the label's surface pull the mesh to it; points near the mesh see what is wrong where the mesh is now, or a
lost mesh would never come home; uniform points keep it from growing where neither is.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..frames import voxel_to_normalised
from ..geometry.surface_sampling import sample_surface

NEAR_LABEL, NEAR_MESH = 0.45, 0.40
"""Shares of the points; the rest is uniform."""


def surface_voxels(mask: Tensor) -> Tensor:
    """Voxels of a mask (D0, D1, D2) bool that touch the outside, as normalised coordinates (K, 3) float32."""
    start, end = _box(mask)  # a chamber is a small part of a crop
    solid = mask[tuple(map(slice, start, end))][None, None].float()
    eroded = -F.max_pool3d(-solid, 3, stride=1, padding=1)
    voxels = (solid > eroded)[0, 0].nonzero() + torch.tensor(start, device=mask.device)
    return voxel_to_normalised(voxels.float(), mask.shape)


def _box(mask: Tensor) -> tuple[list[int], list[int]]:
    """First voxel and end, per axis, of a mask's voxels and those around them; everything if it is empty."""
    start, end = [0, 0, 0], list(mask.shape)
    for axis, others in enumerate(((1, 2), (0, 2), (0, 1))):
        filled = mask.any(others[1]).any(others[0]).nonzero()
        if len(filled):
            start[axis] = max(int(filled[0]) - 1, 0)
            end[axis] = min(int(filled[-1]) + 2, mask.shape[axis])
    return start, end


def sample_points(masks: Tensor, vertices: Tensor, faces: Tensor, count: int, spread: float) -> Tensor:
    """Draws sample points for every structure.

    Args:
        masks: (N, D0, D1, D2) bool label of each structure.
        vertices: (N, V, 3) normalised vertices of its mesh.
        faces: (F, 3) int64 of the meshes. Points are drawn by area: where a mesh is stretched it has few vertices.
        count: points P per structure.
        spread: distance from label and mesh over which points scatter, normalised units.

    Returns:
        (N, P, 3) normalised, inside [-1, 1]; for an empty mask the points near its surface are uniform instead.
    """
    near_label, near_mesh = int(NEAR_LABEL * count), int(NEAR_MESH * count)
    points = sample_near_labels(masks, count, near_label, spread)
    on_mesh, _ = sample_surface(vertices.detach(), faces.expand(len(masks), -1, -1), near_mesh)
    points[:, near_label : near_label + near_mesh] = on_mesh + spread * torch.randn_like(on_mesh)
    return points.clamp(-1, 1)


def sample_near_labels(masks: Tensor, count: int, near: int, spread: float) -> Tensor:
    """Draws points for every structure, the first ``near`` of them near its label's surface, the others uniformly.

    Args:
        masks: (N, D0, D1, D2) bool label of each structure.
        count: points P per structure.
        near: how many of them scatter about the surface; for an empty mask they are uniform instead.
        spread: how far they scatter per axis, normalised units.

    Returns:
        (N, P, 3) normalised; those near a surface may lie up to ``spread`` outside [-1, 1].
    """
    points = 2 * torch.rand(len(masks), count, 3, device=masks.device) - 1
    for index, mask in enumerate(masks):
        surface = surface_voxels(mask)
        if len(surface):
            chosen = surface[torch.randint(len(surface), (near,), device=masks.device)]
            points[index, :near] = chosen + spread * points[index, :near]
    return points
