"""All DICOM objects that are made of one CT series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ... import __version__
from ...inputs import InputError
from ...measured import Measured, Value
from ..headers import SC_ENDING, SEG_ENDING, SR_ENDING, STL_ENDING
from .encapsulated_stl import encapsulate_stl
from .measurement_report import make_measurement_report
from .secondary_capture import make_capture
from .segmentation import make_segmentation
from .source import Maker, encode, open_source


def encode_dicom(
    surfaces: Mapping[str, bytes],
    labels: np.ndarray,
    measured: Mapping[str, Measured],
    values: Mapping[str, Value],
    landmarks: Mapping[str, Mapping[str, Any]],
    warnings: Sequence[str],
    picture: np.ndarray | None,
    places: Sequence[tuple[str, int]],
    weights_sha256: str,
    remark: str = "",
) -> dict[str, bytes]:
    """The Encapsulated STL of each surface, a DICOM SEG of the label map, an SR of what was measured, and a picture, by
    the ending of their files' names.

    Args:
        surfaces: name of the structure to binary STL in LPS mm.
        labels: (columns, rows, slices) uint8 of `LABELS`.
        measured: of the same structures.
        values: the other measurements.
        landmarks: of the report, RAS mm.
        warnings: sentences on the image.
        picture: (rows, columns, 3) uint8, RGB, without the patient's name; None for none.
        places: file and frame of each slice, in the order of the label map.
        weights_sha256: of the network that made them.
        remark: what a reader must know, for titles and descriptions; at most 24 characters.

    Raises InputError where the series' headers do not allow it; the sentence quotes none of them.
    """
    maker = Maker(__version__, weights_sha256)
    with _as_headers_allow():
        source = open_source(places)
        models = encapsulate_stl(surfaces, source, maker, remark)
        segmentation = make_segmentation(labels, list(surfaces), source, maker, remark)
        objects = {
            SEG_ENDING: segmentation,
            SR_ENDING: make_measurement_report(
                measured, values, landmarks, warnings, segmentation, source, maker, remark
            ),
        }
        if picture is not None:
            objects[SC_ENDING] = make_capture(picture, source, maker, remark)
        written = {ending: encode(made) for ending, made in objects.items()}
    return {**{f"_{name}{STL_ENDING}": model for name, model in models.items()}, **written}


def encode_segmentation(
    names: Sequence[str],
    labels: np.ndarray,
    places: Sequence[tuple[str, int]],
    weights_sha256: str,
    remark: str = "",
) -> bytes:
    """The DICOM SEG of one phase of a beat; the arguments are those of `encode_dicom`, and `names` the structures."""
    with _as_headers_allow():
        return encode(make_segmentation(labels, names, open_source(places), Maker(__version__, weights_sha256), remark))


@contextmanager
def _as_headers_allow() -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # pydicom and highdicom raise what they will on odd headers, and quote them
        message = f"no DICOM can be made of the series' headers ({type(error).__name__}): unset `dicom_output`"
        raise InputError(message, "dicom_output") from error
