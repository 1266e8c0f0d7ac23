"""The paper's supervision: the representation network's field against voxel labels, the two networks in turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ..geometry.distance_field import cube_distance_field
from ..inputs import InputError
from ..networks import RepresentationNetwork
from ..networks.weights import load_weights, misfit, read_weights
from .supervision import Supervision

_NO_WEIGHTS = (
    "supervision by g needs weights of g at volume_size {}: pretrain them, and give them as `representation_weights`; "
    "those that are shipped are of volume_size 64"
)


class RepresentationSupervision(Supervision):
    """The distance is the field of g, read at every voxel (paper, section 3.3).

    While the shape network learns, g is frozen and in evaluation mode; then g learns the exact distance fields of the
    meshes that came out, so that it stays right where the shape network goes.

    Args:
        network: g, on its device, or its DistributedDataParallel.
        optimizer: of g's parameters.
        loss: (predictions, exact distance) to g's loss, e.g. a :class:`DistanceLoss`.
        weights: path of g's pretrained state dict, read when g is first asked, or told what a checkpoint holds: a
            config can hold this supervision and use another.
        interval: steps of the shape network to one of g, 1 in the paper; that one costs more than the rest.
    """

    def __init__(
        self, network: nn.Module, optimizer: Optimizer, loss: nn.Module, weights: str | None, interval: int
    ) -> None:
        self.network = network
        self.core: RepresentationNetwork = getattr(network, "module", network)
        self.optimizer = optimizer
        self.loss = loss
        self.weights = weights
        self.interval = interval
        self._steps = 0
        self._loaded = False
        self._freeze()

    def __call__(self, vertices: Tensor, faces: Tensor, masks: Tensor, tau: float) -> Tensor:
        """See :meth:`Supervision.__call__`.

        Raises:
            InputError: there are no weights, or they are no g's.
            ValueError: the meshes are not g's icosphere, or the labels not of its field's size.
        """
        if not self._loaded:
            if self.weights is None:
                raise InputError(_NO_WEIGHTS.format(self.core.size))
            load_weights(self.core, self.weights)
            self._loaded = True
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
        """When its turn comes, one step of g on the meshes; its loss comes back as ``representation``."""
        self._steps += 1
        if self._steps % self.interval:
            return {}
        exact = torch.stack([cube_distance_field(mesh, self.core.faces, self.core.size) for mesh in vertices])
        self.network.train().requires_grad_(True)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.network(vertices), exact.unsqueeze(1))
        loss.backward()
        self.optimizer.step()
        self._freeze()
        return {"representation": loss.detach()}

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.core.state_dict(), "optimizer": self.optimizer.state_dict(), "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.core.load_state_dict(state["network"], strict=True)
        self.optimizer.load_state_dict(state["optimizer"])
        self._steps = state.get("steps", 0)  # 0.16.0 had an interval of 1
        self._loaded = True

    def _freeze(self) -> None:
        self.network.eval().requires_grad_(False)


def check_representation(
    supervision: str | Supervision, network: RepresentationNetwork, weights: str | None, volume_size: int
) -> None:
    """Check that weights of g are there where g supervises, fit it, and are of the crop's size.

    Args:
        supervision: "exact", "representation", or an object of one.
        network: g.
        weights: its file; where a record lies beside it (`NAME_record.json`), the size that this names counts.
        volume_size: voxels a side of the crop.

    Raises InputError where they are not.
    """
    if supervision != "representation" and not isinstance(supervision, RepresentationSupervision):
        return
    if weights is None:
        raise InputError(_NO_WEIGHTS.format(volume_size))
    record = Path(weights).with_name(f"{Path(weights).stem}_record.json")
    if record.is_file():
        size = json.loads(record.read_text()).get("volume_size", volume_size)
        if size != volume_size:
            raise InputError(
                f"representation_weights: {Path(weights).name} is of volume_size {size}, not {volume_size}"
            )
    fault = misfit(network, read_weights(weights))
    if fault is not None:
        raise InputError(f"representation_weights: {Path(weights).name} does not fit g: {fault}")
