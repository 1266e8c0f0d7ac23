"""The paper's supervision: the representation network's field against voxel labels."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ..networks import RepresentationNetwork


class RepresentedOccupancy(nn.Module):
    """BCE(sigma(-d / tau), S) over all voxels, d the field of a frozen g (paper, section 3.3).

    The counterpart of :func:`custom.supervision.losses.soft_occupancy_loss`, whose d is exact and read at points.

    Args:
        network: g, trained; it is put in evaluation mode and its parameters stop requiring gradients.
    """

    def __init__(self, network: RepresentationNetwork) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)

    def forward(self, vertices: Tensor, faces: Tensor, masks: Tensor, tau: float) -> Tensor:
        """Mean loss, a scalar with gradient to the vertices; zero if no structure is labelled.

        Args:
            vertices: (N, V, 3) float32 normalised, a deformation of g's icosphere.
            faces: (F, 3) int64 of the meshes.
            masks: (N, D, D, D) bool labels, D the size of g's field; structures without a voxel do not count.
            tau: softness, normalised units.

        Raises:
            ValueError: the meshes are not g's icosphere, or the labels not of its field's size.
        """
        if faces.shape != self.network.faces.shape:
            raise ValueError(f"g reads meshes of {len(self.network.faces)} faces, these have {len(faces)}")
        if masks.shape[1:] != (self.network.size,) * 3:
            raise ValueError(f"g's field has {self.network.size} voxels per axis, the labels {tuple(masks.shape[1:])}")
        labelled = masks.flatten(1).any(1)
        if not bool(labelled.any()):
            return vertices.sum() * 0.0
        distance = self.network(vertices[labelled]).squeeze(1)
        return F.binary_cross_entropy_with_logits(-distance / tau, masks[labelled].to(distance.dtype))
