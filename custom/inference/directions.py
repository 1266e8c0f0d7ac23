"""Whether the anatomy in an image runs the way its header says."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.data import MetaTensor
from monai.utils import CommonKeys

from ..frames import centred_affine, covering_grid, voxel_to_ras
from ..inputs import AIR
from ..networks.directions import FLIPS, Directions
from ..networks.weights import Trained
from ..sampling import regrid

NAMES = ("right and left", "front and back", "head and feet")
"""What is confused where an axis of the patient, right, anterior or superior, runs the other way."""


class Look(NamedTuple):
    """How the anatomy looks."""

    upright: float
    """Probability that it runs as the header says."""
    confused: str
    """What else the header would most likely confuse, e.g. "right and left, head and feet"."""
    probability: float
    """That it does."""


class CheckDirections:
    """Looks at a coarse box of an image.

    Args:
        network: judges the box; always on the CPU, for it is small.
        checkpoint: its state dict, loaded at the first look.
        windowing: the dictionary transform that windows what is under `image`.
        spacing: of the box's voxels, mm.
    """

    def __init__(
        self,
        network: Directions,
        checkpoint: str | PathLike,
        windowing: Callable[[Mapping[Hashable, Any]], Mapping[Hashable, Any]],
        spacing: float,
    ) -> None:
        self.network = Trained(network, checkpoint)
        self.windowing = windowing
        self.spacing = float(spacing)

    def __call__(self, image: MetaTensor, centre: np.ndarray) -> Look:
        """Look at an image (1, D0, D1, D2) in HU, round `centre`, (3,) RAS mm.

        The box lies as near to the centre as the image goes on around the box: where a wrong header has the heart
        looked for in a wrong place, the box still holds what there is.
        """
        network = self.network()
        size = network.size
        shape, covering = covering_grid(image.shape[1:], np.asarray(image.affine), self.spacing)
        room = np.maximum(np.array(shape) - size, 0) / 2 * self.spacing
        middle = voxel_to_ras((np.array(shape) - 1) / 2, covering)
        affine = centred_affine((size,) * 3, (self.spacing,) * 3, middle + np.clip(centre - middle, -room, room))
        box = regrid(image.as_tensor().cpu(), np.asarray(image.affine), (size,) * 3, affine, AIR)
        windowed = self.windowing({CommonKeys.IMAGE: box})[CommonKeys.IMAGE][None]
        with torch.inference_mode():
            probabilities = network(windowed)[0].double().softmax(0).tolist()
        wrong = max(range(1, len(FLIPS)), key=probabilities.__getitem__)
        return Look(probabilities[0], ", ".join(NAMES[axis] for axis in FLIPS[wrong]), probabilities[wrong])
