"""What MeshDeformNet learns from: four mesh terms multiplied, and its segmentation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...frames import normalised_to_voxel
from ...geometry.normals import vertex_normals
from ...geometry.subdivision import edges_of
from ...supervision.losses import segmentation_losses
from ..surface_losses import laplacian, nearest, pick, squared_edge_lengths
from ..targets import target_surfaces

UNIT = (128, 128, 128)
"""Crop in whose voxels the paper measures its loss."""
TINY = 1e-6
"""Least value of a term: a power below one of nothing has no gradient."""


class MeshDeformLoss(nn.Module):
    """Segmentation + the sum over blocks and chambers of a weighted geometric mean of four terms (paper, section 2.4).

    ``point``: mean squared distances between vertices and target points, in both directions; ``normal``: mean squared
    difference of the unit normals at a vertex and at the target point nearest to it; ``edge``: mean absolute deviation
    of the squared edge lengths from that of a regular triangulation of the target's area; ``laplacian``: mean squared
    distance of a vertex from the mean of its neighbours. Lengths are in voxels of a 128-cube over the crop. As the
    terms are multiplied, their units do not matter against each other.

    What differs from the paper: target points are drawn on the target anew in every step where the paper takes the
    vertices of a decimated mesh; normals are compared at vertices, not at faces; the segmentation is that of all
    chambers. The authors' code multiplies each mesh term by 100 and the segmentation by 100: here both by 1.

    Args:
        faces: (F, 3) int64 of every mesh.
        points: drawn on each target surface.
        exponents: of the terms above, by name.
        segmentation: weight of the segmentation's Dice loss and cross-entropy.

    Raises:
        ValueError: an exponent is missing or of an unknown term.
    """

    def __init__(self, faces: Tensor, points: int, exponents: Mapping[str, float], segmentation: float) -> None:
        super().__init__()
        terms = {"point", "normal", "edge", "laplacian"}
        if set(exponents) != terms:
            raise ValueError(f"exponents are of {sorted(terms)}, got those of {sorted(exponents)}")
        self.faces = faces
        self.edges = edges_of(faces)
        self.points = points
        self.exponents = dict(exponents)
        self.segmentation = segmentation

    def forward(self, meshes: list[Tensor], logits: Tensor, labels: Tensor, stride: int) -> dict[str, Tensor]:
        """The weighted sum and its terms.

        Args:
            meshes: (B, S, V, 3) normalised vertices after each block; empty while only the segmentation trains.
            logits: (B, S + 1, d0, d1, d2).
            labels: (B, 1, D0, D1, D2) integer classes, structure s has value s + 1.
            stride: crop voxels per voxel of the logits.

        Returns:
            ``loss``, with gradient, ``dice``, ``cross_entropy``, and, where a chamber is labelled, the means
            of the last block's mesh terms.
        """
        terms = segmentation_losses(logits, labels, stride)
        loss = self.segmentation * (terms["dice"] + terms["cross_entropy"])
        if not meshes:
            return {"loss": loss, **terms}
        batch, structures = meshes[0].shape[:2]
        targets = target_surfaces(labels, structures, self.points)
        if len(targets.which) == 0:
            return {"loss": loss, **terms}
        places = normalised_to_voxel(targets.points, UNIT)
        side = UNIT[0] - 1
        # area of F regular triangles with edge e: F sqrt(3) / 4 e^2
        edge = (targets.areas * (side / 2) ** 2 * 4 / (3**0.5 * len(self.faces))).unsqueeze(1)
        for mesh in meshes:
            vertices = normalised_to_voxel(mesh.flatten(0, 1)[targets.which], UNIT)
            there, back = nearest(vertices, places), nearest(places, vertices)
            values = {
                "point": _squared(vertices - pick(places, there)) + _squared(places - pick(vertices, back)),
                "normal": _squared(vertex_normals(vertices, self.faces) - pick(targets.normals, there)),
                "edge": (squared_edge_lengths(vertices, self.edges) - edge).abs().mean(1),
                "laplacian": _squared(laplacian(vertices, self.edges)),
            }
            product = torch.ones_like(targets.areas)
            for name, value in values.items():
                product = product * value.clamp_min(TINY) ** self.exponents[name]
                terms[name] = value.mean()
            loss = loss + product.sum() / batch
        return {"loss": loss, **terms}


def _squared(offsets: Tensor) -> Tensor:
    """Mean squared length (N,) of offsets (N, P, 3)."""
    return offsets.square().sum(-1).mean(1)
