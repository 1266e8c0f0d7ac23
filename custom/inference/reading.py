"""Reading one CT: the right reader, and a refusal where the result could not be trusted."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from monai.data import ITKReader, MetaTensor, NibabelReader
from monai.transforms import LoadImaged
from monai.utils import ensure_tuple, optional_import
from pydicom.errors import InvalidDicomError

from .cases import NIFTI_SUFFIXES, InputError
from .timing import timed

itk, _ = optional_import("itk")

POSITION_TOLERANCE = 0.1  # mm, of a slice's position from where even spacing puts it
_TAGS = ["Modality", "SeriesInstanceUID", "ImageOrientationPatient", "ImagePositionPatient", "Rows", "Columns"]
# What leaves this module of an image's header: its geometry. A patient's name goes no further.
_GEOMETRY = ("affine", "original_affine", "spatial_shape", "space", "original_channel_dim")


class LoadCTd(LoadImaged):
    """Load a CT as a MetaTensor (1, D0, D1, D2) float32 in HU, its affine voxel to RAS mm, float64.

    A NIfTI file goes through nibabel, NRRD, MHA and DICOM through ITK. The record also gets `seconds`.

    Raises:
        InputError: the file cannot be read, is not one 3D volume of one value a voxel, is not in HU, or is a DICOM
            folder that `series_files` refuses.
    """

    def __init__(self, keys: Hashable) -> None:
        super().__init__(keys, image_only=True, ensure_channel_first=True)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        path = Path(data[self.keys[0]])
        seconds: dict[str, float] = {}
        with timed(seconds, "read"):
            reader = NibabelReader() if path.name.lower().endswith(NIFTI_SUFFIXES) else _ITKReader()
            try:
                record = super().__call__(data, reader)
            except InputError:
                raise
            except Exception as error:  # whatever a reader raises on a damaged file
                raise InputError(f"{path.name} cannot be read: is the file complete? ({_first_line(error)})") from error
            image = record[self.keys[0]]
            _check_volume(image)
            image.meta = {key: value for key, value in image.meta.items() if key in _GEOMETRY}
        return {**record, "seconds": seconds}


def series_files(folder: str | PathLike) -> list[str]:
    """The files of the one CT series in a DICOM folder, sorted along the slice normal.

    Raises:
        InputError: no CT series or more than one, slices of different size or orientation, two slices at one place, a
            missing slice, uneven spacing, or a tilted gantry.
    """
    slices = [header for path in sorted(Path(folder).iterdir()) if (header := _header(path)) is not None]
    series = {header.SeriesInstanceUID for header in slices}
    if len(series) != 1:
        listed = f": {', '.join(sorted(series))}" if series else ""
        raise InputError(f"a DICOM folder must hold one series, this one holds {len(series)}{listed}")
    modality = slices[0].get("Modality")
    if modality != "CT":
        raise InputError(f"the series' modality is {modality}: only CT is read")
    for tag in _TAGS[2:]:
        if any(tag not in header for header in slices):
            raise InputError(f"a slice has no {tag}: the series cannot be placed in space")
    if len({(header.Rows, header.Columns) for header in slices}) > 1:
        raise InputError("the slices have different sizes")
    orientations = np.array([header.ImageOrientationPatient for header in slices], dtype=np.float64)
    if np.abs(orientations - orientations[0]).max() > 1e-3:
        raise InputError("the slices have different orientations: is a localiser among them?")
    positions = np.array([header.ImagePositionPatient for header in slices], dtype=np.float64)
    normal = np.cross(orientations[0, :3], orientations[0, 3:])
    order = np.argsort(positions @ normal)
    _check_positions(positions[order], normal)
    return [slices[index].filename for index in order]


class _ITKReader(ITKReader):
    """MONAI's reader, with the files of a DICOM folder chosen and sorted by `series_files`."""

    def read(self, data: Any, **kwargs: Any) -> Any:
        path = ensure_tuple(data)[0]
        return itk.imread(series_files(path)) if Path(path).is_dir() else super().read(data, **kwargs)


def _header(path: Path) -> pydicom.Dataset | None:
    if not path.is_file():
        return None
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
    except InvalidDicomError:
        return None
    return header if "SeriesInstanceUID" in header else None  # a DICOMDIR has none


def _check_positions(positions: np.ndarray, normal: np.ndarray) -> None:
    if len(positions) < 2:
        raise InputError("the series has a single slice: a volume is needed")
    heights = positions @ normal
    gaps = np.diff(heights)
    gap = np.median(gaps)
    if gaps.min() < POSITION_TOLERANCE:
        raise InputError("two slices lie at the same place: does the series hold several time points?")
    if np.abs(gaps - gap).max() > POSITION_TOLERANCE:
        where = int(np.abs(gaps - gap).argmax())
        raise InputError(
            f"the slices are not evenly spaced: {gaps[where]:.2f} mm after slice {where + 1} of {len(positions)}, "
            f"{gap:.2f} mm elsewhere; is a slice missing?"
        )
    drift = positions - positions[0] - np.outer(heights - heights[0], normal)
    if np.linalg.norm(drift, axis=1).max() > POSITION_TOLERANCE:
        raise InputError("the slices are not stacked along their normal: resample a tilted-gantry scan first")


def _check_volume(image: MetaTensor) -> None:
    if image.ndim != 4 or image.shape[0] != 1:
        raise InputError(f"a 3D image of one value a voxel is needed, not {image.shape[0]} of {tuple(image.shape[1:])}")
    if min(image.shape[1:]) < 2:
        raise InputError(f"the image of {'x'.join(map(str, image.shape[1:]))} voxels is too flat for a volume")
    affine = np.asarray(image.affine)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError("the image's affine has no volume or is not finite: its header is damaged")
    low, high = (float(value) for value in image.as_tensor().aminmax())
    if not np.isfinite([low, high]).all():
        raise InputError("the image holds values that are not finite")
    if low >= 0:
        raise InputError(f"no voxel lies below zero (values {low:g} to {high:g}): this is not a CT in Hounsfield units")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
