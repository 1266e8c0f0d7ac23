"""One slice of a CT: a file of a classic series, or a frame of an enhanced multi-frame file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    ImplicitVRLittleEndian,
    LegacyConvertedEnhancedCTImageStorage,
)

from ..inputs import LARGEST_VOLUME, InputError

# What can tell the phases of a series apart, most telling first: tag, name and unit.
PHASE_TAGS = {
    "NominalPercentageOfCardiacPhase": ("cardiac phase", " %"),
    "TemporalPositionIdentifier": ("temporal position", ""),
    "TemporalPositionIndex": ("temporal position", ""),
    "TriggerTime": ("trigger time", " ms"),
    "AcquisitionNumber": ("acquisition", ""),
}


_CT_CLASSES = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
COSINE_TOLERANCE = 1e-3
"""Of the direction cosines' lengths from 1 and of their product from 0."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Where one slice lies and how its stored values become HU."""

    path: Path
    frame: int
    """Index of the frame within the file."""
    instance: str
    rows: int
    columns: int
    position: np.ndarray
    """(3,) LPS mm, centre of the first pixel (PS3.3 C.7.6.2.1.1)."""
    orientation: np.ndarray
    """(2, 3) direction cosines in LPS: along a row, and down a column."""
    spacing: np.ndarray
    """(2,) mm between rows, and between columns."""
    slope: float | None
    intercept: float | None
    rescale_type: str
    padding: tuple[int, ...]
    """The stored value that means nothing was measured, and the limit of a range of such, where there are any."""
    photometric: str
    syntax: UID
    """How the pixels are encoded."""
    image_type: tuple[str, ...]
    frame_of_reference: str
    phases: dict[str, float]
    """The values of `PHASE_TAGS` that the slice has."""

    @property
    def normal(self) -> np.ndarray:
        """(3,) direction cosines of the slice's normal in LPS."""
        return np.cross(*self.orientation)

    @property
    def is_localizer(self) -> bool:
        """Whether the slice was acquired for planning the scan."""
        return "LOCALIZER" in self.image_type


def slices_of(header: Dataset) -> list[Slice]:
    """The slices of a CT object; none where it is no image, or lies nowhere in space as a secondary capture does.

    Raises InputError (or, on damaged values, whatever pydicom raises) where they cannot be had.
    """
    if "Rows" not in header or "Columns" not in header:
        return []
    frames = header.get("PerFrameFunctionalGroupsSequence")
    count = int(header.get("NumberOfFrames") or 1)
    if header.get("SOPClassUID") not in _CT_CLASSES and frames is None and "ImagePositionPatient" not in header:
        return []
    if frames is None and count == 1:
        return [_slice(header, 0, [header])]
    if frames is None or len(frames) != count:
        raise InputError(f"a multi-frame file of {count} frames does not say where each lies", "unplaced")
    if len(frames) * int(header.Rows) * int(header.Columns) > LARGEST_VOLUME:
        raise InputError("an enhanced CT claims more voxels than are read", "too_large")
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    return [_slice(header, index, [*_groups(frame), *_groups(shared[0]), header]) for index, frame in enumerate(frames)]


def _groups(functional_groups: Dataset) -> list[Dataset]:
    """The first item of each functional group macro."""
    return [element.value[0] for element in functional_groups if element.VR == "SQ" and len(element.value)]


def _slice(header: Dataset, frame: int, sources: list[Dataset]) -> Slice:
    def value(tag: str) -> Any:
        found = (source[tag].value for source in sources if tag in source)
        return next((item for item in found if item is not None and item != ""), None)

    def numbers(tag: str, count: int) -> np.ndarray:
        found = value(tag)
        array = np.atleast_1d(np.array(found, dtype=np.float64)) if found is not None else np.empty(0)
        if array.shape != (count,) or not np.isfinite(array).all():
            raise InputError(f"a slice has no {tag} of {count} numbers: it cannot be placed in space", "unplaced")
        return array

    def number(tag: str) -> float | None:
        found = value(tag)
        return None if found is None else float(found)

    orientation = numbers("ImageOrientationPatient", 6).reshape(2, 3)
    if np.abs(orientation @ orientation.T - np.eye(2)).max() > COSINE_TOLERANCE:
        raise InputError("a slice's direction cosines are not perpendicular units: its header is damaged", "unplaced")
    image_type = value("FrameType") or value("ImageType") or ()
    return Slice(
        path=Path(header.filename),
        frame=frame,
        instance=str(header.get("SOPInstanceUID", "")),
        rows=int(header.Rows),
        columns=int(header.Columns),
        position=numbers("ImagePositionPatient", 3),
        orientation=orientation,
        spacing=numbers("PixelSpacing", 2),
        slope=number("RescaleSlope"),
        intercept=number("RescaleIntercept"),
        padding=tuple(
            int(end) for tag in ("PixelPaddingValue", "PixelPaddingRangeLimit") if (end := value(tag)) is not None
        ),
        photometric=str(value("PhotometricInterpretation") or "unknown"),
        syntax=UID(header.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)),
        rescale_type=str(value("RescaleType") or "").upper(),
        image_type=tuple(part.upper() for part in ([image_type] if isinstance(image_type, str) else image_type)),
        frame_of_reference=str(header.get("FrameOfReferenceUID", "")),
        phases={tag: found for tag in PHASE_TAGS if (found := number(tag)) is not None},
    )
