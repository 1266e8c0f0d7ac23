"""A generated case as a CT series (PS3.3 A.3), as a scanner would send it; no name in it is anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from ..dicom.objects.source import MANUFACTURER
from ..frames import ras_to_lps, spacing_of, voxel_to_ras
from .case import Case
from .tissue import Contrast

INTERCEPT = -1024  # HU of a stored 0


def write_beat(folder: Path, phases: Sequence[tuple[float, Case]], seed: int, one_series: bool = False) -> None:
    """Write the phases of a beat, per cent and case, as series of one study, each in a folder of its own.

    Args:
        folder: made if absent; named like the patient.
        phases, seed: of `generate_beat`.
        one_series: all phases are one series.
    """
    for percent, case in phases:
        write_series(folder / f"p{round(percent):02d}", case, seed, folder.name, percent, one_series)


def write_series(
    folder: Path,
    case: Case,
    seed: int,
    name: str | None = None,
    percent: float | None = None,
    one_series: bool = False,
) -> None:
    """Write one file a slice. UIDs follow from the seed and the folder's name: the same call writes the same files.

    Args:
        folder: made if absent; named like the patient, who gets this name.
        case: its axes run right, anterior and superior; rows are written from front to back, as scanners do.
        seed: of the patient.
        name: of the patient, where the folder has another one.
        percent: of the cardiac cycle, of a phase.
        one_series: the phase belongs to the series of all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last = np.array(case.image.shape) - 1
    step = spacing_of(case.affine)
    for index in range(case.image.shape[2]):
        header = _header(case, name or folder.name, seed, index, percent, one_series)
        header.ImagePositionPatient = _decimals(ras_to_lps(voxel_to_ras(np.array([*last[:2], index]), case.affine)))
        header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        header.PixelSpacing = _decimals(step[[1, 0]])
        header.SpacingBetweenSlices, header.SliceThickness = _decimals([step[2], case.acquisition.slice_thickness])
        plane = case.image[::-1, ::-1, index].T.astype(np.int32) - INTERCEPT
        header.Rows, header.Columns = plane.shape
        header.PixelData = plane.astype("<u2").tobytes()
        pydicom.dcmwrite(folder / f"{index + 1:04d}.dcm", header, enforce_file_format=True)


def _header(case: Case, name: str, seed: int, index: int, percent: float | None, one_series: bool) -> FileDataset:
    of_phase = () if percent is None else (f"{percent:g} %",)

    def uid(*what: str) -> str:
        # pydicom joins its sources: without a mark between them slice 1 of 50 % would be slice 15 of 0 %
        return generate_uid(entropy_srcs=["|".join([MANUFACTURER, name, str(seed), *what])])

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, uid("slice", str(index), *of_phase)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    header.StudyInstanceUID, header.SeriesInstanceUID = uid("study"), uid("series", *(() if one_series else of_phase))
    header.FrameOfReferenceUID, header.PositionReferenceIndicator = uid("frame"), ""
    header.PatientName, header.PatientID, header.PatientBirthDate, header.PatientSex = "Generated", name, "", ""
    header.StudyDate = header.StudyTime = header.ReferringPhysicianName = header.AccessionNumber = ""
    header.StudyID, header.SeriesNumber, header.AcquisitionNumber, header.InstanceNumber = "1", 1, 1, index + 1
    header.Modality, header.Manufacturer, header.BodyPartExamined = "CT", MANUFACTURER, "HEART"
    header.SeriesDescription, header.ImageType = "Generated cardiac CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    if percent is not None:
        header.NominalPercentageOfCardiacPhase = percent
        if one_series:
            header.InstanceNumber += round(percent) * case.image.shape[2]
        else:
            header.SeriesNumber, header.SeriesDescription = round(percent) + 1, f"Generated cardiac CT {percent:g} %"
    header.PatientPosition, header.KVP = "HFS", ""
    header.ContrastBolusAgent = "" if case.acquisition.contrast is Contrast.NONE else "generated"
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = INTERCEPT, 1, "HU"
    header.WindowCenter, header.WindowWidth = 200, 1000
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 12, 11, 0
    return header


def _decimals(values: np.ndarray | list[float]) -> list[str]:
    return [f"{value:.6f}" for value in values]
