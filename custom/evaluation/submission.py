"""Label maps as the MM-WHS challenge names and numbers them, for its test cases, which have no public truth."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import nibabel
import numpy as np

from ..chambers import LABELS
from ..data.cases import IMAGE, LABEL
from ..inference.writing.files import encode_nifti, make_folder, write_together
from ..inputs import InputError
from ..reading.kinds import LABEL_MAP_ENDING

FOLDER = "submission"
REMARK = "label map for MM-WHS"
"""In the header, by which a file of an earlier run is recognised."""


def write_submission(
    name: str,
    folder: str | PathLike,
    values: Mapping[str, int],
    permissions: int = 0o777,
    overwrite: bool = False,
) -> Path:
    """Write the label map ``NAME_labels.nii.gz`` of a case once more, as the challenge has it.

    ``ct_test_2001_image`` becomes ``submission/ct_test_2001_label.nii.gz``, int16, on the grid of the image.

    Args:
        name: of the case.
        folder: what inference wrote; gets the folder `FOLDER`.
        values: of each structure, e.g. ``{"LA": 420, "LV": 500}``.
        permissions, overwrite: as in `write_together`.

    Returns:
        The file.

    Raises:
        InputError: there is no label map to read, or the folder cannot be written.
    """
    try:
        image = nibabel.load(Path(folder) / f"{name}{LABEL_MAP_ENDING}")
        classes = np.asarray(image.dataobj)
    except (OSError, nibabel.filebasedimages.ImageFileError) as error:
        raise InputError(f"{name} has no label map to submit") from error
    labels = np.zeros(classes.shape, dtype=np.int16)
    for structure, value in values.items():
        labels[classes == LABELS[structure]] = value
    called = name.removesuffix(IMAGE) + LABEL
    target = Path(folder) / FOLDER
    make_folder(target, permissions)
    content = encode_nifti(labels, image.affine, REMARK)
    write_together(target, called, {f"{called}.nii.gz": content}, _ours, permissions, overwrite)
    return target / f"{called}.nii.gz"


def _ours(path: Path) -> set[str]:
    try:
        known = path.is_file() and nibabel.load(path).header["descrip"].item() == REMARK.encode()
    except Exception:  # whatever nibabel raises on what is no NIfTI file
        known = False
    return {path.name} if known else set()
