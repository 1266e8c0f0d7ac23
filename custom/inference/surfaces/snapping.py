"""Boundary snapping: surfaces drawn to where the U-Net's segmentation ends."""

from __future__ import annotations

import torch
from torch import Tensor

from ...geometry.mending.umbrella import edges_of, umbrella
from ...geometry.normals import vertex_normals
from ...nesting import inner_places
from ...sampling import sample
from .refinement import Seen, Surfaces

AROUND = 2
"""Times that normals become the mean of their neighbours'."""
STEPS = 8
"""Places a side of the vertex, along its normal, where the segmentation is read."""


class BoundarySnapping:
    """Each vertex goes part of the way to where, along its normal, its chamber ends in the segmentation.

    Both err, and not alike: close to each other, the truth lies between them more often than not. Far apart, the
    surface knows better (a mesh spans what the segmentation lost), so the way that is gone fades: of a way ``d`` the
    vertex goes ``share * (1 - (d / reach)**2) * d``. Where the chamber does not end within reach, the vertex stays. It
    goes along the mean of the normals around, so that no ridge folds.

    Args:
        reach_mm: the way from which on nothing is gone.
        share: of a short way that is gone, 0 to 1.
    """

    def __init__(self, reach_mm: float, share: float) -> None:
        self.reach_mm = reach_mm
        self.share = share

    def __call__(self, surfaces: Surfaces, seen: Seen) -> Surfaces:
        """The same faces, vertices moved."""
        vertices, faces = surfaces
        reach = self.reach_mm / seen.half_side
        batch, structures, count, _ = vertices.shape
        points = vertices.flatten(0, 1)
        normals = vertex_normals(points, faces)
        offsets = torch.linspace(-reach, reach, 2 * STEPS + 1, device=points.device, dtype=points.dtype)
        along = points.unsqueeze(2) + offsets.view(1, 1, -1, 1) * normals.unsqueeze(2)
        leads = _leads(seen.logits).flatten(0, 1).unsqueeze(1)
        inside = sample(leads, along.flatten(1, 2), seen.stride).view(batch * structures, count, -1)
        before, after = inside[..., :-1], inside[..., 1:]
        ends = (before > 0) & (after <= 0)
        way = offsets[:-1] + (offsets[1] - offsets[0]) * before / (before - after).clamp(min=1e-9)
        way = torch.where(ends, way, reach)  # of which nothing is gone
        nearest = way.gather(-1, way.abs().argmin(-1, keepdim=True))
        moved = points + self.share * (1 - (nearest / reach) ** 2) * nearest * _around(normals, faces)
        return Surfaces(moved.unflatten(0, (batch, structures)), faces)


def _around(normals: Tensor, faces: Tensor) -> Tensor:
    """Means (N, V, 3) of the normals around: shorter than 1 on a ridge or in a crease, where a surface that goes along
    its normals folds."""
    edges = edges_of(faces)
    for _ in range(AROUND):
        normals = normals + umbrella(normals, edges)
    return normals


def _leads(logits: Tensor) -> Tensor:
    """(B, S + 1, ...) to (B, S, ...): by how much the logit of what a surface encloses exceeds the highest other one.

    Between voxels logits run straighter than probabilities, which saturate.
    """
    classes = range(logits.shape[1])
    enclosed = [{own, inner + 1} - {0} for own, inner in enumerate(inner_places(len(classes) - 1), 1)]
    within = [logits[:, sorted(own)].amax(1) for own in enclosed]
    others = [logits[:, [other for other in classes if other not in own]].amax(1) for own in enclosed]
    return torch.stack(within, 1) - torch.stack(others, 1)
