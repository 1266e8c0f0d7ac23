"""Every defect of a beat by itself, for `phase` set to `all`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from defects import AFFINE, VOLUME, Defect
from dicom_files import write_series

ALL = {"phase": "all"}


def beats() -> list[Defect]:
    """Every defect, and some that are none."""
    shuffled = [75, 0, 50, 25]
    localizer = {"SeriesDescription": "topogram", "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    return [
        Defect("DICOM, four phases of one series, in any order", _series(_percents(shuffled)), ALL),
        Defect("DICOM, four series, the phase in the description", _study(_described(shuffled)), ALL),
        Defect("DICOM, the same with a localizer", _study([*_described(shuffled), localizer]), ALL),
        Defect("DICOM, two phases, times only", _series([{"TriggerTime": 0}, {"TriggerTime": 400}]), ALL),
        Defect("DICOM, two phases and the heart rate", _series(_timed(HeartRate=60)), ALL),
        Defect("DICOM, one phase", _series(_percents([75])), ALL),
        Defect("DICOM, a phase reconstructed twice", _study(_described([0, 50, 50])), ALL),
        Defect("DICOM, a series that says no phase", _study([*_described([0, 50]), {"SeriesDescription": "CTA"}]), ALL),
        Defect("DICOM, a bolus: volumes 2.5 s apart", _series([{"TriggerTime": 0}, {"TriggerTime": 2500}]), ALL),
        Defect("NIfTI, two volumes of one file", _volumes(seconds=0.0), ALL),
        Defect("NIfTI, two volumes 2 s apart", _volumes(seconds=2.0), ALL),
        Defect("NIfTI, one volume", _files("ct"), ALL),
        Defect("NIfTI, files named by their phases", _files("ct_p75", "ct_p05", "ct_30%"), ALL),
        Defect("NIfTI, two files of one phase", _files("ct_p05", "ct_5%", "ct_p50"), ALL),
    ]


def _percents(values: Sequence[int]) -> list[dict[str, Any]]:
    return [{"NominalPercentageOfCardiacPhase": value} for value in values]


def _described(values: Sequence[int]) -> list[dict[str, Any]]:
    return [{"SeriesDescription": f"CTA {value} %"} for value in values]


def _timed(**values: Any) -> list[dict[str, Any]]:
    return [{"TriggerTime": time, **values} for time in (0, 400)]


def _series(phases: Sequence[dict[str, Any]]) -> Callable[[Path], Path]:
    """One series of several phases, each with its tags."""
    return lambda folder: _written(folder, phases, "1.2.3.1")


def _study(phases: Sequence[dict[str, Any]]) -> Callable[[Path], Path]:
    """A series a phase."""
    return lambda folder: _written(folder, phases, None)


def _written(folder: Path, phases: Sequence[dict[str, Any]], series: str | None) -> Path:
    for place, tags in enumerate(phases):

        def edit(header, _, tags=tags):
            for tag, value in tags.items():
                setattr(header, tag, value)

        uid = series or f"1.2.3.{place + 1}"
        write_series(folder / "ct" / str(place), VOLUME, series=uid, spacing=(3, 3, 3), edit=edit)
    return folder / "ct"


def _volumes(seconds: float) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        image = nibabel.Nifti1Image(np.stack([VOLUME, VOLUME], axis=-1), AFFINE)
        image.header.set_xyzt_units("mm", "sec")
        image.header["pixdim"][4] = seconds
        nibabel.save(image, folder / "ct.nii")
        return folder / "ct.nii"

    return make


def _files(*names: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        for name in names:
            nibabel.save(nibabel.Nifti1Image(VOLUME, AFFINE), folder / f"{name}.nii")
        return folder / f"{names[0]}.nii"

    return make
