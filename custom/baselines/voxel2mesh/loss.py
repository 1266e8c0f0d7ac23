"""What Voxel2Mesh learns from: distances to the target, regularity at every stage, and its segmentation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...geometry.subdivision import edges_of
from ...geometry.surface_sampling import sample_surface
from ...supervision.losses import segmentation_losses
from ..surface_losses import bending, chamfer, laplacian, squared_edge_lengths
from ..targets import target_surfaces
from .network import Surfaces


class Voxel2MeshLoss(nn.Module):
    """Cross-entropy + the sum over stages and chambers of four mesh terms (paper, section 3.3).

    ``chamfer``: mean squared distances between points drawn on the mesh and on the target, in both directions;
    ``laplacian``: mean distance of a vertex from the mean of its neighbours; ``edge``: mean squared edge length;
    ``normal``: mean of one minus the cosine between the normals of neighbouring faces. All in normalised coordinates.

    What differs from the authors' code: targets are drawn on the label's surface, not among the centres of the voxels
    round it.

    Args:
        points: drawn on each surface.
        weights: of the terms above and of ``cross_entropy``, by name.

    Raises:
        ValueError: a weight is missing or of an unknown term.
    """

    def __init__(self, points: int, weights: Mapping[str, float]) -> None:
        super().__init__()
        terms = {"cross_entropy", "chamfer", "laplacian", "edge", "normal"}
        if set(weights) != terms:
            raise ValueError(f"weights are of {sorted(terms)}, got those of {sorted(weights)}")
        self.points = points
        self.weights = dict(weights)

    def forward(self, stages: list[Surfaces], logits: Tensor, labels: Tensor, stride: int) -> dict[str, Tensor]:
        """The weighted sum and its terms.

        Args:
            stages: surfaces after each stage; empty while only the segmentation trains.
            logits: (B, S + 1, d0, d1, d2).
            labels: (B, 1, D0, D1, D2) integer classes, structure s has value s + 1.
            stride: crop voxels per voxel of the logits.

        Returns:
            ``loss``, with gradient, ``dice`` (shown only), ``cross_entropy``, and, where a chamber is labelled, the
            means of the last stage's mesh terms.
        """
        terms = segmentation_losses(logits, labels, stride)
        loss = self.weights["cross_entropy"] * terms["cross_entropy"]
        if not stages:
            return {"loss": loss, **terms}
        batch, structures = stages[0].vertices.shape[:2]
        targets = target_surfaces(labels, structures, self.points)
        if len(targets.which) == 0:
            return {"loss": loss, **terms}
        for stage in stages:
            vertices, faces = (values.flatten(0, 1)[targets.which] for values in stage)
            points, _ = sample_surface(vertices, faces, self.points)
            values = {"chamfer": chamfer(points, targets.points)} | _regularity(vertices, faces)
            for name, value in values.items():
                loss = loss + self.weights[name] * value.sum() / batch
                terms[name] = value.mean()
        return {"loss": loss, **terms}


def _regularity(vertices: Tensor, faces: Tensor) -> dict[str, Tensor]:
    """The terms (N,) that ask for no target, of meshes (N, V, 3) with faces (N, F, 3) each of its own."""
    rows = []
    for mesh, triangles in zip(vertices.unsqueeze(1), faces, strict=True):
        edges = edges_of(triangles)
        rows.append(
            torch.stack(
                [
                    laplacian(mesh, edges).norm(dim=-1).mean(),
                    squared_edge_lengths(mesh, edges).mean(),
                    bending(mesh, triangles, edges).mean(),
                ]
            )
        )
    columns = torch.stack(rows).unbind(1)
    return dict(zip(("laplacian", "edge", "normal"), columns, strict=True))
