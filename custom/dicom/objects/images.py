"""The images of a series as highdicom takes them."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ..slices import Slice, slices_of
from .source import Source


def images_of(source: Source) -> list[Dataset]:
    """The source's images with what highdicom reads of them and no more: nothing of the patient."""
    parts = {part.path: part for part in source.slices}
    images = []
    for header in source.headers:
        image, part = Dataset(), parts[Path(header.filename)]
        for tag in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"):
            setattr(image, tag, None)
        for tag in ("AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
            setattr(image, tag, None)
        for tag in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"):
            setattr(image, tag, header[tag].value)
        image.Modality, image.Rows, image.Columns = "CT", part.rows, part.columns
        for tag in ("StudyInstanceUID", "FrameOfReferenceUID"):
            setattr(image, tag, source.inherited[tag].value)
        if "PerFrameFunctionalGroupsSequence" in header:
            frames = slices_of(header)
            image.NumberOfFrames = len(frames)
            image.SharedFunctionalGroupsSequence = Sequence([_group(PlaneOrientationSequence=orientation_of(part))])
            image.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = measures_of(source)
            image.PerFrameFunctionalGroupsSequence = Sequence(
                _group(PlanePositionSequence=position_of(frame)) for frame in frames
            )
        else:
            image.ImagePositionPatient = part.position.tolist()
            image.ImageOrientationPatient = part.orientation.ravel().tolist()
            image.PixelSpacing = part.spacing.tolist()
            image.SliceThickness = measures_of(source)[0].SliceThickness
        images.append(image)
    return images


def _group(**macros: Sequence) -> Dataset:
    group = Dataset()
    for tag, macro in macros.items():
        setattr(group, tag, macro)
    return group


def measures_of(source: Source) -> highdicom.PixelMeasuresSequence:
    first, last = source.slices[0], source.slices[-1]
    step = float(np.linalg.norm(last.position - first.position)) / (len(source.slices) - 1)
    return highdicom.PixelMeasuresSequence(first.spacing.tolist(), step, step)


def orientation_of(part: Slice) -> highdicom.PlaneOrientationSequence:
    return highdicom.PlaneOrientationSequence("PATIENT", part.orientation.ravel().tolist())


def position_of(part: Slice) -> highdicom.PlanePositionSequence:
    return highdicom.PlanePositionSequence("PATIENT", part.position.tolist())
