"""Which images are evaluated, and what their label maps say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import torch

from ..chambers import LABELS
from ..data import MapLabelsd
from ..data.cases import folder_pairs, listed_cases
from ..inputs import InputError
from ..reading.ct import read_volume
from ..reading.kinds import is_image
from ..reading.loading import read_isolated

OWN_VALUES = {str(value): value for value in LABELS.values()}
"""`label_values` of the bundle's own label maps."""


def labelled_images(
    dataset_dir: str | PathLike, data_list: str | PathLike | None = None, data_list_key: str = "test"
) -> list[dict[str, str | None]]:
    """Images, each with its label map: ``{"image": path, "label": path or None}``; none for an empty `dataset_dir`.

    Args:
        dataset_dir: a folder in one of the layouts of :func:`custom.data.cases.folder_pairs`; the label maps that
            inference may have left among its images are passed over.
        data_list: instead of the folder, a JSON file in the manner of the Medical Segmentation Decathlon.
        data_list_key: the list of that file.

    Raises:
        InputError: the folder has neither layout, or the file no such list.
    """
    if data_list is not None:
        return [{"label": None, **case} for case in listed_cases(data_list, data_list_key)]
    pairs = folder_pairs(dataset_dir) if str(dataset_dir) else []
    return [
        {"image": str(image), "label": str(label) if label.is_file() else None}
        for image, label in pairs
        if is_image(image)
    ]


class Truth:
    """Where the label maps of images are, and what their values mean.

    Args:
        labelled: of `labelled_images`.
        label_values: each value of the label maps to its class.
    """

    def __init__(self, labelled: Sequence[Mapping[str, str | None]], label_values: Mapping[str, int]) -> None:
        self._labels = {Path(str(case["image"])): case["label"] for case in labelled}
        self.label_values = dict(label_values)

    def label_of(self, image: str | PathLike) -> str | None:
        """The label map of an image; None where there is none."""
        return self._labels.get(Path(image))


def check_evaluation(
    dataset_dir: str | PathLike, data_list: str | PathLike | None, data_list_key: str, submission: bool
) -> None:
    """Look at what the call names before anything heavy is loaded.

    Raises InputError if there is no image, or none has a label and `submission` is
    not asked for.
    """
    cases = labelled_images(dataset_dir, data_list, data_list_key)
    if not cases:
        raise InputError("no labelled images given: set `dataset_dir` to their folder, or `data_list`")
    if not submission and all(case["label"] is None for case in cases):
        raise InputError(f"none of the {len(cases)} images has a label map: there is nothing to evaluate against")


def read_label(path: str | PathLike | None, label_values: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The classes (D0, D1, D2) uint8 of a label map, and its affine (4, 4) float64, voxel to RAS mm.

    Args:
        path: a NIfTI, NRRD or MHA file; None where there is none.
        label_values: each value of the file to the class that it means, as in :class:`custom.data.MapLabelsd`.

    Raises:
        InputError: there is no file, it cannot be read, or holds a value that is not listed.
    """
    if path is None:
        raise InputError("there is no label map")
    path = Path(path)
    try:
        facts, values = read_isolated(path, read_volume, force=True)
        classes = MapLabelsd("label", label_values)({"label": torch.from_numpy(values).float()})["label"]
    except ValueError as error:
        raise InputError(f"label {path.name}: {error}") from error
    return classes.numpy().astype(np.uint8), np.array(facts["affine"])
