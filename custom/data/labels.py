"""Label values of a data set to the bundle's classes, by value and never by rank."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from ..inputs import InputError


class MapLabelsd(MapTransform):
    """Turns a data set's label values into classes.

    Args:
        keys: label maps (1, D0, D1, D2) of integer values.
        values: label value (as a string, for JSON) to class, e.g. ``{"420": 1, "500": 2, "600": 0}``; 0 stays 0.

    Raises:
        InputError: a label map holds a value that is not listed: guessing would shift chambers silently.
    """

    def __init__(self, keys: KeysCollection, values: Mapping[str, int]) -> None:
        super().__init__(keys)
        self.values = {0: 0} | {int(value): int(target) for value, target in values.items()}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.keys:
            label = data[key].round()
            unknown = sorted(set(torch.unique(label).int().tolist()) - set(self.values))
            if unknown:
                raise InputError(f"label values {unknown} are not in label_values {self.values}: say what they are")
            mapped = torch.zeros_like(label)
            for value, target in self.values.items():
                mapped[label == value] = target
            result[key] = mapped
        return result
