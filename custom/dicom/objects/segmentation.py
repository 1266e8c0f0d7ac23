"""DICOM Segmentation (PS3.3 A.51), written by highdicom: a label map as an object of the patient's study."""

from __future__ import annotations

import logging
from pathlib import Path

import highdicom
import numpy as np
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from ...chambers import LABELS
from ..headers import quiet
from ..slices import Slice, slices_of
from .source import CODES, MANUFACTURER, MODEL, Maker, Source, encode, inherit

SERIES_NUMBER = 9002


def encode_segmentation(
    labels: np.ndarray, structures: list[str], source: Source, maker: Maker, remark: str = ""
) -> bytes:
    """A binary segmentation, one segment a structure, each frame on its source image.

    Args:
        labels: (columns, rows, slices) uint8 of `LABELS`, on the grid of the source's slices.
        structures: those that the map can hold, in the order of the segments.
        source: the series that it was made of.
        maker: the software that made it.
        remark: what a reader must know, for the descriptions; at most 24 characters.
    """
    logging.getLogger("highdicom").setLevel(logging.CRITICAL)  # it may quote a patient's name
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=MODEL, family=codes.DCM.ArtificialIntelligence, version=maker.version
    )
    segments = [
        SegmentDescription(
            segment_number=number,
            segment_label=CODES[name].meaning,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=CODES[name],
            algorithm_type="AUTOMATIC",
            algorithm_identification=algorithm,
        )
        for number, name in enumerate(structures, start=1)
    ]
    masks = np.stack([labels.transpose(2, 1, 0) == LABELS[name] for name in structures], axis=-1).astype(np.uint8)
    first = source.slices[0]
    with quiet():
        images = _images(source)
        whole = 1 if "NumberOfFrames" in images[0] else len(images)  # highdicom places by one multi-frame image only
        made = Segmentation(
            source_images=images[:whole],
            further_source_images=images[whole:] or None,
            pixel_array=masks,
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=segments,
            series_instance_uid=generate_uid(),
            series_number=SERIES_NUMBER,
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MODEL,
            software_versions=maker.version,
            device_serial_number=maker.weights_sha256,
            content_label="HEART_CHAMBERS",
            content_description=f"Heart chambers{remark}",
            series_description=f"Heart chambers, segmentation{remark}",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            pixel_measures=_measures(source),
            plane_orientation=_orientation(first),
            plane_positions=[_position(part) for part in source.slices],
            omit_empty_frames=True,
        )
        inherit(made, source)
    return encode(made)


def _images(source: Source) -> list[Dataset]:
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
            image.SharedFunctionalGroupsSequence = Sequence([_group(PlaneOrientationSequence=_orientation(part))])
            image.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = _measures(source)
            image.PerFrameFunctionalGroupsSequence = Sequence(
                _group(PlanePositionSequence=_position(frame)) for frame in frames
            )
        else:
            image.ImagePositionPatient = part.position.tolist()
            image.ImageOrientationPatient = part.orientation.ravel().tolist()
            image.PixelSpacing = part.spacing.tolist()
            image.SliceThickness = _measures(source)[0].SliceThickness
        images.append(image)
    return images


def _group(**macros: Sequence) -> Dataset:
    group = Dataset()
    for tag, macro in macros.items():
        setattr(group, tag, macro)
    return group


def _measures(source: Source) -> highdicom.PixelMeasuresSequence:
    first, last = source.slices[0], source.slices[-1]
    step = float(np.linalg.norm(last.position - first.position)) / (len(source.slices) - 1)
    return highdicom.PixelMeasuresSequence(first.spacing.tolist(), step, step)


def _orientation(part: Slice) -> highdicom.PlaneOrientationSequence:
    return highdicom.PlaneOrientationSequence("PATIENT", part.orientation.ravel().tolist())


def _position(part: Slice) -> highdicom.PlanePositionSequence:
    return highdicom.PlanePositionSequence("PATIENT", part.position.tolist())
