"""Reading one CT: the right reader, and a refusal where the result could not be trusted."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils import SpaceKeys

from ..dicom import read_header, read_series
from ..inputs import Findings, InputError
from .archives import opened
from .cases import ITK_SUFFIXES, NIFTI_SUFFIXES
from .hounsfield import check_hounsfield
from .timing import timed
from .volume_files import read_itk, read_nifti


class LoadCTd(Transform):
    """Load a CT as a MetaTensor (1, D0, D1, D2) float32 in HU, its affine voxel to RAS mm, float64, sheared or not.

    DICOM is read with pydicom, NIfTI with nibabel, NRRD and MHA with SimpleITK. The meta data hold the geometry only: a
    patient's name goes no further. The record also gets `seconds`, and two JSON texts, because these pass the data
    loader's collation unchanged: `reading`, of `series` (the chosen DICOM series, or null), `warnings` (outcome to
    sentence) and `forced` (outcomes that `force` has made of refusals), and `places`, for each slice of DICOM (none
    for others) its file, as a path from the folder of what `opened` gives, and its frame; no report or log may hold it.

    Args:
        keys: the key of the image's path: a file, a DICOM folder, or a zip of one of these.
        series_uid: the series to read of a DICOM folder; None chooses.
        phase: the cardiac phase, or the volume counted from 1, to read of an image of several.
        hu_offset: HU that are added to the values, for images stored shifted.
        force: go on, with a warning, where the values do not look like HU.

    Raises:
        InputError: the image cannot be read, is not one 3D volume of one value a voxel, does not look like a CT in HU,
            or is a DICOM series that cannot be trusted.
    """

    def __init__(
        self,
        keys: Hashable,
        series_uid: str | None = None,
        phase: str | float | None = None,
        hu_offset: float = 0.0,
        force: bool = False,
    ) -> None:
        self.key = keys
        self.series_uid = series_uid
        self.phase = phase
        self.hu_offset = float(hu_offset)
        self.force = bool(force)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        path = Path(data[self.key])
        findings = Findings(self.force)
        seconds: dict[str, float] = {}
        with timed(seconds, "read"):
            try:
                with opened(path) as inside:
                    values, affine, series, places = self._read(inside, findings)
            except InputError:
                raise
            except MemoryError as error:
                raise InputError(f"{path.name}: the memory does not suffice to read it", "memory") from error
            except OSError as error:
                raise InputError(
                    f"{path.name} cannot be read: {error.strerror or 'is it complete?'}", "unreadable"
                ) from error
            except Exception as error:  # whatever a reader raises on a damaged file
                message = f"{path.name} cannot be read: is it complete? ({type(error).__name__})"
                raise InputError(message, "unreadable") from error
            if self.hu_offset:
                values = values + np.float32(self.hu_offset)
                findings.warn("hu_offset", f"{self.hu_offset:+g} was added to the values, as asked")
            values = check_hounsfield(values, findings)
        meta = {
            "original_affine": torch.from_numpy(affine.copy()),
            "spatial_shape": np.array(values.shape),
            "space": SpaceKeys.RAS,
        }
        image = MetaTensor(torch.from_numpy(values)[None], affine=torch.from_numpy(affine), meta=meta)
        reading = {"series": series, "warnings": findings.warnings, "forced": findings.forced}
        texts = {"reading": json.dumps(reading), "places": json.dumps(places)}
        return {**data, self.key: image, "seconds": seconds, **texts}

    def _read(self, path: Path, findings: Findings) -> tuple[np.ndarray, np.ndarray, dict[str, Any] | None, list]:
        if path.is_file() and path.name.lower().endswith(NIFTI_SUFFIXES + ITK_SUFFIXES):
            if path.stat().st_size == 0:
                raise InputError(f"{path.name} is empty", "empty_file")
            read = read_nifti if path.name.lower().endswith(NIFTI_SUFFIXES) else read_itk
            return *read(path, findings, self.phase), None, []
        series_uid, folder = self.series_uid, path
        if path.is_file():  # a DICOM file stands for its series
            header = read_header(path)
            if header is None or "SeriesInstanceUID" not in header:
                raise InputError(f"{path.name} belongs to no DICOM series", "unreadable")
            series_uid, folder = series_uid or str(header.SeriesInstanceUID), path.absolute().parent
        values, affine, series, places = read_series(folder, findings, series_uid, self.phase)
        return values, affine, series, [(os.path.relpath(file, path.parent), frame) for file, frame in places]
