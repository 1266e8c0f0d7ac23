"""What a training keeps on disk of patients' images: no more than it needs, and for nobody else."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from monai.data import MetaTensor
from monai.transforms import MapTransform

from ..inputs import InputError

PRIVATE = 0o700
"""Mode of a folder for its owner alone."""


class KeepAffined(MapTransform):
    """Volumes without their meta data, but for the affine: what a header says of a patient goes no further.

    What is left are tensors, which a cache can be read back from with ``weights_only=True``: nothing in it runs.

    Args:
        keys: volumes (C, D0, D1, D2), MetaTensors.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.keys:
            result[key] = MetaTensor(data[key].as_tensor(), affine=data[key].affine)
        return result


def make_private(folder: str | Path) -> None:
    """Make a folder that only its owner can look into, or make such of one that is there.

    Raises InputError where that is not possible.
    """
    try:
        Path(folder).mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        Path(folder).chmod(PRIVATE)
    except OSError as error:
        raise InputError(f"cache_dir cannot be made, or is another user's ({error.strerror}): set another") from error
