"""Secondary Capture (PS3.3 A.8): a picture of the result as an image that every viewer shows."""

from __future__ import annotations

import numpy as np
from highdicom.sc import SCImage
from pydicom.sequence import Sequence

from ..headers import quiet
from .source import Maker, Source, identity, inherit, reference

SERIES_NUMBER = 9004


def make_capture(picture: np.ndarray, source: Source, maker: Maker, remark: str = "") -> SCImage:
    """The image.

    Args:
        picture: (rows, columns, 3) uint8, RGB; what is written in it tells nothing of who the patient is.
        source: the series that it was made of.
        maker: the software that made it.
        remark: what a reader must know, for the description of the series; at most 24 characters.
    """
    with quiet():
        made = SCImage(
            pixel_array=picture,
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            patient_orientation=("L", "P"),
            study_instance_uid=source.inherited.StudyInstanceUID,
            **identity(maker, SERIES_NUMBER),
            series_description=f"Heart chambers, picture{remark}",
        )
        inherit(made, source, placed=False)
    made.BodyPartExamined = "HEART"
    made.PatientOrientation = None  # its parts are seen from different sides
    made.BurnedInAnnotation = "NO"
    made.SourceImageSequence = Sequence(reference(header) for header in source.headers)
    return made
