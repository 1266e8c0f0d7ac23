"""Images of nothing, so that a network learns not to see chambers in them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable, Transform
from torch.nn import functional as F

LEVELS, NOISE = (-1000.0, 600.0), (0.0, 300.0)
"""Ranges of the mean and of the standard deviation, HU."""
COARSEST = 12.0
"""Largest scale of the noise, voxels."""


class RandEmptyd(Randomizable, Transform):
    """Now and then puts a level with noise of one scale, fine or blotchy, in place of the image, and no label in it.

    Args:
        image_key: the entry of the image, MetaTensor (1, D0, D1, D2) float32, HU.
        label_key: the entry of the labels, MetaTensor (1, D0, D1, D2), 0 background.
        prob: how often.
    """

    def __init__(self, image_key: str, label_key: str, prob: float) -> None:
        self.image_key, self.label_key, self.prob = image_key, label_key, prob

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        record = dict(data)
        if self.R.uniform() >= self.prob:
            return record
        image = record[self.image_key]
        shape, scale = image.shape[1:], np.exp(self.R.uniform(0, np.log(COARSEST)))
        coarse = self.R.normal(size=[int(np.ceil(size / scale)) for size in shape]).astype(np.float32)
        noise = F.interpolate(torch.from_numpy(coarse)[None, None], size=shape, mode="trilinear")[0]
        record[self.image_key] = torch.zeros_like(image) + self.R.uniform(*LEVELS) + self.R.uniform(*NOISE) * noise
        record[self.label_key] = torch.zeros_like(record[self.label_key])
        return record
