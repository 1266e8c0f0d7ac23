"""The paper's supervision: the representation network's field against voxel labels, the two networks in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ..geometry.distance_field import cube_distance_field
from ..inputs import InputError
from ..networks import RepresentationNetwork
from .supervision import Supervision


class RepresentationSupervision(Supervision):
    """The distance is the field of g, read at every voxel (paper, section 3.3).

    While the shape network learns, g is frozen and in evaluation mode; then g learns the exact distance fields of the
    meshes that came out, so that it stays right where the shape network goes.

    Args:
        network: g, on its device, or its DistributedDataParallel.
        optimizer: of g's parameters.
        loss: (predictions, exact distance) to g's loss, e.g. a :class:`DistanceLoss`.
        weights: path of g's pretrained state dict.

    Raises:
        InputError: there are no weights.
    """

    def __init__(self, network: nn.Module, optimizer: Optimizer, loss: nn.Module, weights: str | None) -> None:
        self.network = network
        self.core: RepresentationNetwork = getattr(network, "module", network)
        self.optimizer = optimizer
        self.loss = loss
        if weights is None or not Path(weights).is_file():
            raise InputError(
                "supervision by the representation network needs its pretrained weights, the model.pt that "
                f"pretrain.json writes, as representation_weights; got {weights and Path(weights).name!r}"
            )
        self.core.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), strict=True)
        self._freeze()

    def __call__(self, vertices: Tensor, faces: Tensor, masks: Tensor, tau: float) -> Tensor:
        """See :meth:`Supervision.__call__`.

        Raises:
            ValueError: the meshes are not g's icosphere, or the labels not of its field's size.
        """
        if faces.shape != self.core.faces.shape:
            raise ValueError(f"g reads meshes of {len(self.core.faces)} faces, these have {len(faces)}")
        if masks.shape[1:] != (self.core.size,) * 3:
            raise ValueError(f"g's field has {self.core.size} voxels per axis, the labels {tuple(masks.shape[1:])}")
        labelled = masks.flatten(1).any(1)
        if not bool(labelled.any()):
            return vertices.sum().view(1) * 0.0
        distance = self.core(vertices[labelled]).squeeze(1)
        occupancy = masks[labelled].to(distance.dtype)
        return F.binary_cross_entropy_with_logits(-distance / tau, occupancy, reduction="none").flatten(1).mean(1)

    def learn(self, vertices: Tensor) -> dict[str, Tensor]:
        """One step of g on the meshes; its loss comes back as ``representation``."""
        exact = torch.stack([cube_distance_field(mesh, self.core.faces, self.core.size) for mesh in vertices])
        self.network.train().requires_grad_(True)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.network(vertices), exact.unsqueeze(1))
        loss.backward()
        self.optimizer.step()
        self._freeze()
        return {"representation": loss.detach()}

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.core.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.core.load_state_dict(state["network"], strict=True)
        self.optimizer.load_state_dict(state["optimizer"])

    def _freeze(self) -> None:
        self.network.eval().requires_grad_(False)
