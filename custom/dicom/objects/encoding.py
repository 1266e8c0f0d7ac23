"""All DICOM objects that are made of one CT series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ... import __version__
from ...inputs import InputError
from ..headers import SEG_ENDING, STL_ENDING
from .encapsulated_stl import encapsulate_stl
from .segmentation import encode_segmentation
from .source import Maker, open_source


def encode_dicom(
    surfaces: Mapping[str, bytes],
    labels: np.ndarray,
    places: Sequence[tuple[str, int]],
    weights_sha256: str,
    remark: str = "",
) -> dict[str, bytes]:
    """The Encapsulated STL of each surface, and a DICOM SEG of the label map, by the ending of their files' names.

    Args:
        surfaces: name of the structure to binary STL in LPS mm.
        labels: (columns, rows, slices) uint8 of `LABELS`.
        places: file and frame of each slice, in the order of the label map.
        weights_sha256: of the network that made them.
        remark: what a reader must know, for titles and descriptions; at most 24 characters.

    Raises InputError where the series' headers do not allow it; the sentence quotes none of them.
    """
    maker = Maker(__version__, weights_sha256)
    try:
        source = open_source(places)
        models = encapsulate_stl(surfaces, source, maker, remark)
        segmentation = encode_segmentation(labels, list(surfaces), source, maker, remark)
    except InputError:
        raise
    except Exception as error:  # pydicom and highdicom raise what they will on odd headers, and quote them
        message = f"no DICOM can be made of the series' headers ({type(error).__name__}): unset `dicom_output`"
        raise InputError(message, "dicom_output") from error
    return {**{f"_{name}{STL_ENDING}": model for name, model in models.items()}, SEG_ENDING: segmentation}
