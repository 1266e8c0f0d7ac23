"""Outlier removal: what lies far outside the U-Net's segmentation is drawn back into its surface."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...chambers import ENCLOSED
from ...frames import centred_affine, normalised_to_ras, ras_to_voxel, strided_affine, voxel_to_normalised
from ...geometry.intersections import mutual_intersections
from ...geometry.mending.outliers import distance_outside, remove_outliers
from .refinement import Seen, Surfaces


class OutlierRemoval:
    """Each surface without its outliers, see :func:`custom.geometry.mending.outliers.remove_outliers`.

    A tongue that lies round another chamber would be drawn through it, and to part the two again costs both more than
    the tongue does: a surface stays as it is where what was drawn back would meet another one.

    Args:
        furthest_mm: that a vertex may lie outside the chamber that the U-Net saw.
    """

    def __init__(self, furthest_mm: float) -> None:
        self.furthest_mm = furthest_mm

    def __call__(self, surfaces: Surfaces, seen: Seen) -> Surfaces:
        """The same faces; vertices that are no outliers keep every bit, and so do all where one is not finite."""
        if not surfaces.vertices.isfinite().all():
            return surfaces
        classes = seen.logits.max(1).indices.cpu().numpy()  # argmax takes a CPU ten times as long
        faces = surfaces.faces.cpu().numpy()
        cases = [self._case(case, faces, own, seen) for case, own in zip(surfaces.vertices, classes, strict=True)]
        return Surfaces(torch.stack(cases), surfaces.faces)

    def _case(self, vertices: Tensor, faces: NDArray, classes: NDArray, seen: Seen) -> Tensor:
        shape = tuple(size * seen.stride for size in classes.shape)
        crop = centred_affine(shape, (seen.spacing,) * 3)
        level, limit = strided_affine(crop, seen.stride), self.furthest_mm
        before = [normalised_to_ras(own.cpu().double().numpy(), shape, crop) for own in vertices]
        after = [
            remove_outliers(own, faces, distance_outside(np.isin(classes, values), level, limit), level, limit)
            for own, values in zip(before, ENCLOSED.values(), strict=False)
        ]
        kept = vertices.clone()
        for place, (own, back) in enumerate(zip(before, after, strict=True)):
            moved = (back != own).any(1)
            others = after[:place] + after[place + 1 :]
            if moved.any() and not _meets(back, faces[moved[faces].any(1)], others, faces):
                where = torch.from_numpy(moved).to(kept.device)
                normalised = voxel_to_normalised(ras_to_voxel(back[moved], crop), shape)
                kept[place, where] = torch.from_numpy(normalised).to(kept)
        return kept


def _meets(vertices: NDArray, moved: NDArray, others: list[NDArray], faces: NDArray) -> bool:
    return any(len(mutual_intersections(vertices, moved, other, faces)) for other in others)


def pulled_back_mm(before: Tensor, after: Tensor, seen: Seen) -> Tensor:
    """(B, S, V) mm that each vertex was moved."""
    return torch.linalg.vector_norm(after - before, dim=-1) * seen.half_side


def moved_summary(distances: np.ndarray) -> dict[str, float]:
    """How many `vertices` were moved, of the distances (V,) mm, and the `furthest_mm`, for the report."""
    return {"vertices": int((distances > 0).sum()), "furthest_mm": round(float(distances.max()), 3)}
