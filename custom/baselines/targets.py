"""Target surfaces of a batch of labels, as points with normals: what the mesh systems are trained towards."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ..frames import voxel_to_normalised
from ..geometry.isosurface import LEVEL, isosurface
from ..geometry.surface_sampling import sample_surface

BLUR = 0.7
"""Standard deviation in voxels of the blur that takes a label's steps off its surface."""


class TargetSurfaces(NamedTuple):
    """Surfaces of N structures that are labelled, of those of a batch.

    Attributes:
        points: (N, P, 3) float32 normalised, uniform by area.
        normals: (N, P, 3) float32 unit, outward.
        areas: (N,) float32 in squared half sides.
        which: (N,) int64, their places among the batch's B * S structures.
    """

    points: Tensor
    normals: Tensor
    areas: Tensor
    which: Tensor


def target_surfaces(labels: Tensor, structures: int, count: int) -> TargetSurfaces:
    """The surface of the largest piece of every structure's blurred label, closed where the crop cuts it, sampled.

    Args:
        labels: (B, 1, D0, D1, D2) integer classes, structure s has value s + 1.
        structures: S.
        count: points P per surface, drawn with torch's generator.
    """
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    which: list[int] = []
    values = range(1, structures + 1)
    for place, mask in enumerate(label == value for label in labels[:, 0].cpu().numpy() for value in values):
        surface = _surface(mask)
        if surface is not None:
            which.append(place)
            points, normals = sample_surface(surface[0].unsqueeze(0), surface[1].unsqueeze(0), count)
            found.append((points[0], normals[0], _area(*surface)))
    if not found:
        nothing = labels.new_zeros(0, count, 3, dtype=torch.float32)
        return TargetSurfaces(nothing, nothing, nothing[:, 0, 0], nothing[:, 0, 0].long())
    points, normals, areas = (torch.stack(values).to(labels.device) for values in zip(*found, strict=True))
    return TargetSurfaces(points, normals, areas, torch.tensor(which, device=labels.device))


def _surface(mask: np.ndarray) -> tuple[Tensor, Tensor] | None:
    """Vertices (V, 3) float32 normalised and outward faces (F, 3) int64; None where nothing is left of the mask."""
    soft = gaussian_filter(mask.astype(np.float32), BLUR, mode="constant")
    if soft.max() <= LEVEL:
        return None
    vertices, faces = isosurface(soft)
    return voxel_to_normalised(torch.from_numpy(vertices), mask.shape).float(), torch.from_numpy(faces)


def _area(vertices: Tensor, faces: Tensor) -> Tensor:
    a, b, c = vertices[faces].unbind(1)
    return torch.cross(b - a, c - a, dim=-1).norm(dim=-1).sum() / 2
