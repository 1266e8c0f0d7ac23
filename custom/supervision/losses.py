"""The terms of the training loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..geometry.pairs import nearest
from ..geometry.surface_distance import signed_distance
from ..networks.blocks.graph import propagate
from ..sampling import sample
from ..template import GraphOperator
from .sample_points import sample_points, surface_voxels


def soft_occupancy_loss(
    vertices: Tensor, faces: Tensor, masks: Tensor, tau: float, points: int, spread: float
) -> Tensor:
    """BCE(sigma(-d / tau), S) at sample points: the paper's implicit loss with the exact distance d (section 3.3).

    The occupancy S at a point is the trilinear value of the label, so that the surface lies between voxel centres.
    Meshes without a label voxel in the crop are left out.

    Args:
        vertices: (N, V, 3) normalised.
        faces: (F, 3) int64, outward.
        masks: (N, D0, D1, D2) bool labels.
        tau: softness, normalised units.
        points: sample points per mesh.
        spread: see :func:`sample_points`.

    Returns:
        (K,) mean loss of each of the K labelled meshes; one zero if there are none.
    """
    labelled = masks.flatten(1).any(1)
    if not bool(labelled.any()):
        return vertices.sum().view(1) * 0.0
    vertices, masks = vertices[labelled], masks[labelled]
    where = sample_points(masks, vertices, faces, points, spread)
    occupancy = sample(masks.unsqueeze(1).to(vertices.dtype), where).squeeze(-1)
    distance = signed_distance(where, vertices, faces)
    return F.binary_cross_entropy_with_logits(-distance / tau, occupancy, reduction="none").mean(1)


def stray_loss(vertices: Tensor, masks: Tensor, reach: float) -> Tensor:
    """Mean distance of vertices outside the label from its surface, as far as it exceeds ``reach``.

    The occupancy hardly notices a thin tongue of the mesh: it has no volume that a sample point could fall into, and
    inside it the distance is nearly zero. For meshes that start on the chamber: one that starts beside it would only be
    drawn to its near side.

    Args:
        vertices: (N, V, 3) normalised.
        masks: (N, D0, D1, D2) bool labels; meshes whose label has no voxel add nothing.
        reach: normalised units.

    Returns:
        Scalar, normalised units; the gradient points away from the nearest voxel of the label's surface.
    """
    strayed = [vertices.sum() * 0.0]
    for points, mask in zip(vertices, masks, strict=True):
        surface = surface_voxels(mask).to(points.dtype)
        if len(surface):
            there = surface[nearest(points[None], surface[None])[0]]
            outside = sample(mask[None, None].to(points.dtype), points.detach()[None])[0, :, 0] < 0.5
            distance = torch.linalg.vector_norm(points - there, dim=1)
            strayed.append((F.relu(distance - reach) * outside).mean())
    return torch.stack(strayed).sum() / len(vertices)


def laplacian_loss(vertices: Tensor, operator: GraphOperator) -> Tensor:
    """Mean squared length of L v, L the symmetric normalised Laplacian of the template's graph.

    L does not vanish on constants where degrees differ, so v is taken relative to each mesh's centroid: the loss does
    not depend on where the mesh lies.

    Args:
        vertices: (N, V, 3).
        operator: :func:`custom.template.chebyshev_operator` of the mesh, which is L - I.
    """
    centred = vertices - vertices.mean(1, keepdim=True)
    return (centred + propagate(centred, operator)).square().sum(-1).mean()


def segmentation_losses(logits: Tensor, labels: Tensor, stride: int) -> dict[str, Tensor]:
    """Soft Dice loss ``dice`` and ``cross_entropy`` of the U-Net's classes against the labels around its voxels.

    Voxel j of the logits lies on crop voxel ``stride * j``; its target is the mean of the labels within half a stride.

    Args:
        logits: (B, C, d0, d1, d2) float32.
        labels: (B, 1, D0, D1, D2) integer class numbers, D = stride * d.
        stride: crop voxels per voxel of the logits.
    """
    classes = logits.shape[1]
    target = torch.stack([(labels[:, 0] == c) for c in range(classes)], dim=1).to(logits.dtype)
    if stride > 1:
        window = 2 * (stride // 2) + 1
        target = F.avg_pool3d(target, window, stride=stride, padding=window // 2, count_include_pad=False)
    probability = logits.softmax(1)
    overlap = (probability * target).flatten(2).sum(2)
    size = (probability + target).flatten(2).sum(2)
    dice = 1 - (2 * overlap[:, 1:] + 1.0) / (size[:, 1:] + 1.0)
    return {"dice": dice.mean(), "cross_entropy": F.cross_entropy(logits, target)}
