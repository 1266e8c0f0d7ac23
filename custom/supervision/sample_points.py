"""Where the soft occupancy loss looks: near the label's surface, near the mesh, and everywhere a little.

Points near the label's surface pull the mesh to it; points near the mesh see what is wrong where the mesh is now, or a
lost mesh would never come home; uniform points keep it from growing where neither is.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..frames import voxel_to_normalised

NEAR_LABEL, NEAR_MESH = 0.45, 0.40
"""Shares of the points; the rest is uniform."""


def surface_voxels(mask: Tensor) -> Tensor:
    """Voxels of a mask (D0, D1, D2) bool that touch the outside, as normalised coordinates (K, 3) float32."""
    solid = mask[None, None].float()
    eroded = -F.max_pool3d(-solid, 3, stride=1, padding=1)
    return voxel_to_normalised((solid > eroded)[0, 0].nonzero().float(), mask.shape)


def sample_points(masks: Tensor, vertices: Tensor, count: int, spread: float) -> Tensor:
    """Draws sample points for every structure.

    Args:
        masks: (N, D0, D1, D2) bool label of each structure.
        vertices: (N, V, 3) normalised vertices of its mesh.
        count: points P per structure.
        spread: distance from label and mesh over which points scatter, normalised units.

    Returns:
        (N, P, 3) normalised, inside [-1, 1]; for an empty mask the points near its surface are uniform instead.
    """
    near_label, near_mesh = int(NEAR_LABEL * count), int(NEAR_MESH * count)
    points = sample_near_labels(masks, count, near_label, spread)
    chosen = torch.randint(vertices.shape[1], (near_mesh,), device=masks.device)
    noise = spread * torch.randn(len(masks), near_mesh, 3, device=masks.device)
    points[:, near_label : near_label + near_mesh] = vertices.detach()[:, chosen] + noise
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
