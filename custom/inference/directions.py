"""Whether the anatomy runs the way the header says, as a dictionary transform."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from os import PathLike
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from ..frames import centred_affine, covering_grid, ras_to_voxel, voxel_to_normalised, voxel_to_ras
from ..networks.directions import FLIPS, Directions
from ..sampling import resample
from ..weights import load_weights
from .timing import timed

NAMES = ("right and left", "front and back", "head and feet")
"""What is confused where an axis of the patient, right, anterior or superior, runs the other way."""


class CheckDirectionsd(Transform):
    """The record's `reading` gets `directions`: `upright`, the probability that they are as the header says, and
    `confused`, what else it would most likely confuse, e.g. "right and left, head and feet".

    The network looks at a coarse box round the record's `centre`, or as near to it as the image goes on around the box:
    where a wrong header has the heart looked for in a wrong place, the box still holds what there is.

    Args:
        keys: the key of the CT, MetaTensor (1, D0, D1, D2) in HU shifted so that air is 0, affine voxel to RAS mm.
        network: judges the box; always on the CPU, for it is small.
        checkpoint: its state dict.
        windowing: the dictionary transform that windows an image under the same key.
        spacing: of the box's voxels, mm.
    """

    def __init__(
        self,
        keys: Hashable,
        network: Directions,
        checkpoint: str | PathLike,
        windowing: Callable[[Mapping[Hashable, Any]], Mapping[Hashable, Any]],
        spacing: float,
    ) -> None:
        self.key = keys
        self.network = network
        self.checkpoint = checkpoint
        self.windowing = windowing
        self.spacing = float(spacing)
        self._loaded = False

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        record = dict(data)
        with timed(record["seconds"], "directions"):
            probabilities = self.judge(record[self.key], record["centre"])
        wrong = FLIPS[1 + int(probabilities[1:].argmax())]
        reading = json.loads(record["reading"])
        reading["directions"] = {
            "upright": round(float(probabilities[0]), 3),
            "confused": ", ".join(NAMES[axis] for axis in wrong),
        }
        return {**record, "reading": json.dumps(reading)}

    def judge(self, image: MetaTensor, centre: np.ndarray) -> np.ndarray:
        """Probability (8,) float64 that the patient's axes `FLIPS[k]` run the other way in an image (1, D0, D1, D2)."""
        size = self.network.size
        shape, covering = covering_grid(image.shape[1:], np.asarray(image.affine), self.spacing)
        room = np.maximum(np.array(shape) - size, 0) / 2 * self.spacing
        middle = voxel_to_ras((np.array(shape) - 1) / 2, covering)
        affine = centred_affine((size,) * 3, (self.spacing,) * 3, middle + np.clip(centre - middle, -room, room))
        voxels = ras_to_voxel(voxel_to_ras(np.moveaxis(np.indices((size,) * 3), 0, -1), affine), image.affine)
        grid = torch.from_numpy(voxel_to_normalised(voxels, image.shape[1:])).float()
        box = resample(image.as_tensor().float().cpu(), grid, "bilinear")  # MONAI's copies the whole image
        windowed = self.windowing({self.key: box})[self.key][None]
        with torch.inference_mode():
            return self._network()(windowed)[0].double().softmax(0).numpy()

    def _network(self) -> Directions:
        if not self._loaded:
            load_weights(self.network, self.checkpoint)
            self.network.eval()
            self._loaded = True
        return self.network
