"""Writing a case's files together: all of them or none."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import nibabel
import numpy as np


def encode_nifti(labels: np.ndarray, affine: np.ndarray) -> bytes:
    """A label map (D0, D1, D2) uint8 and its voxel-to-RAS `affine` (4, 4) in mm as a compressed NIfTI file.

    The same labels give the same bytes: no name and no time is stored.
    """
    image = nibabel.Nifti1Image(labels, affine)
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)


def write_together(folder: str | PathLike, files: Mapping[str, bytes]) -> None:
    """Write `files` (name to content) into `folder`, made if need be: each appears whole, none before all are written.

    Raises OSError, leaving nothing behind, if the folder cannot be written or is full.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {folder / f".{name}.{os.getpid()}.part": folder / name for name in files}
    try:
        for part, content in zip(parts, files.values(), strict=True):
            with open(part, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for part, target in parts.items():
            os.replace(part, target)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
