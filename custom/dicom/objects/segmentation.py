"""DICOM Segmentation (PS3.3 A.51), written by highdicom: a label map as an object of the patient's study."""

from __future__ import annotations

import logging

import highdicom
import numpy as np
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from ...chambers import LABELS
from ..headers import quiet
from .images import images_of, measures_of, orientation_of, position_of
from .source import CODES, MODEL, Maker, Source, identity, inherit

SERIES_NUMBER = 9002


def make_segmentation(
    labels: np.ndarray, structures: list[str], source: Source, maker: Maker, remark: str = ""
) -> Segmentation:
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
        images = images_of(source)
        whole = 1 if "NumberOfFrames" in images[0] else len(images)  # highdicom places by one multi-frame image only
        made = Segmentation(
            source_images=images[:whole],
            further_source_images=images[whole:] or None,
            pixel_array=masks,
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=segments,
            **identity(maker, SERIES_NUMBER),
            content_label="HEART_CHAMBERS",
            content_description=f"Heart chambers{remark}",
            series_description=f"Heart chambers, segmentation{remark}",
            transfer_syntax_uid=ExplicitVRLittleEndian,
            pixel_measures=measures_of(source),
            plane_orientation=orientation_of(first),
            plane_positions=[position_of(part) for part in source.slices],
            omit_empty_frames=True,
        )
        inherit(made, source)
    return made
