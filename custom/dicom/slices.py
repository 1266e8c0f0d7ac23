"""One slice of a CT: a file of a classic series, or a frame of an enhanced multi-frame file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileDataset
from pydicom.multival import MultiValue
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    ImplicitVRLittleEndian,
    LegacyConvertedEnhancedCTImageStorage,
)

from ..inputs import LARGEST_VOLUME, InputError
from .values import PHOTOMETRIC, RESCALE_TYPES, items_of, known, number, numbers, text_of, value_of

# What can tell the phases of a series apart, most telling first: tag, name and unit.
PHASE_TAGS = {
    "NominalPercentageOfCardiacPhase": ("cardiac phase", " %"),
    "TemporalPositionIdentifier": ("temporal position", ""),
    "TemporalPositionIndex": ("temporal position", ""),
    "TriggerTime": ("trigger time", " ms"),
    "AcquisitionNumber": ("acquisition", ""),
}
_TAGS = {
    tag_for_keyword(keyword): keyword
    for keyword in (
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImageType", "FrameType"),
        *("RescaleSlope", "RescaleIntercept", "RescaleType"),
        *("PixelPaddingValue", "PixelPaddingRangeLimit", "PhotometricInterpretation"),
        *("AcquisitionTime", "AcquisitionDateTime", "FrameAcquisitionDateTime", "NominalInterval", "HeartRate"),
        *PHASE_TAGS,
    )
}
"""Of a slice, by their numbers: in the header, or in the functional groups of an enhanced file."""
_CT_CLASSES = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
COSINE_TOLERANCE = 1e-3
"""Of the direction cosines' lengths from 1 and of their product from 0."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Where one slice lies and how its stored values become HU."""

    path: Path
    header: FileDataset = field(repr=False)
    """Of its file."""
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
    """Of `RESCALE_TYPES`, `UNKNOWN`, or empty where it states none."""
    padding: tuple[int, ...]
    """The stored value that means nothing was measured, and the limit of a range of such, where there are any."""
    photometric: str
    """Of `PHOTOMETRIC`, or `UNKNOWN`."""
    syntax: UID
    """How the pixels are encoded."""
    image_type: tuple[str, ...]
    frame_of_reference: str
    phases: dict[str, float]
    """The values of `PHASE_TAGS` that the slice has."""
    acquired: float | None
    """Seconds of the day at which it was acquired."""
    beat_ms: float | None
    """From one R wave to the next."""

    @property
    def normal(self) -> np.ndarray:
        """(3,) direction cosines of the slice's normal in LPS."""
        return np.cross(*self.orientation)

    @property
    def is_localizer(self) -> bool:
        """Whether the slice was acquired for planning the scan."""
        return "LOCALIZER" in self.image_type


def is_ct(header: Dataset) -> bool:
    """Whether an object is of CT by its modality, or by its class where it states none."""
    modality = text_of(header, "Modality").upper()
    return modality == "CT" or (not modality and _has_ct_class(header))


def slices_of(header: FileDataset) -> list[Slice]:
    """The slices of a CT object; none where it is no image, or lies nowhere in space as a secondary capture does.

    Raises InputError where a tag that a slice needs is absent or unreadable, which it names.
    """
    frames = "PerFrameFunctionalGroupsSequence"
    if not _has_ct_class(header):
        if "Rows" not in header or "Columns" not in header:
            return []
        if frames not in header and "ImagePositionPatient" not in header:
            return []
    rows, columns = _count(header, "Rows"), _count(header, "Columns")
    count = _count(header, "NumberOfFrames") if value_of(header, "NumberOfFrames") is not None else 1
    if count * rows * columns > LARGEST_VOLUME:  # before the frames are parsed
        raise InputError("a CT file claims more voxels than are read", "too_large")
    own = _values(header)
    if frames not in header and count == 1:
        return [_slice(header, 0, rows, columns, own)]
    groups = items_of(header, frames)
    if len(groups) != count:
        raise InputError(f"a multi-frame file of {count} frames does not say where each lies", "unplaced")
    shared = [_grouped(item) for item in items_of(header, "SharedFunctionalGroupsSequence")[:1]]
    for values in shared:
        own = {**own, **values}
    return [_slice(header, index, rows, columns, {**own, **_grouped(frame)}) for index, frame in enumerate(groups)]


def _has_ct_class(header: Dataset) -> bool:
    return text_of(header, "SOPClassUID") in _CT_CLASSES


def _count(header: Dataset, tag: str) -> int:
    found = number(value_of(header, tag))
    if found is None or found < 1:
        raise InputError(f"{Path(header.filename).name}: its header is damaged: no {tag} that can be read", "damaged")
    return int(found)


def _values(dataset: Dataset) -> dict[str, Any]:
    """What a dataset says of a slice, by keyword."""
    found = {_TAGS[tag]: value_of(dataset, tag) for tag in _TAGS.keys() & dataset.keys()}
    return {tag: value for tag, value in found.items() if value is not None}


def _grouped(functional_groups: Dataset) -> dict[str, Any]:
    """What the first item of each functional group macro says of a slice."""
    found: dict[str, Any] = {}
    for tag in functional_groups.keys():
        for item in items_of(functional_groups, tag)[:1]:
            found = {**_values(item), **found}
    return found


def _slice(header: FileDataset, frame: int, rows: int, columns: int, values: Mapping[str, Any]) -> Slice:
    def needed(tag: str, count: int) -> np.ndarray:
        found = numbers(values.get(tag))
        if found is None or len(found) != count:
            raise InputError(f"a slice has no {tag} of {count} numbers: it cannot be placed in space", "unplaced")
        return np.array(found)

    orientation = needed("ImageOrientationPatient", 6).reshape(2, 3)
    if np.abs(orientation @ orientation.T - np.eye(2)).max() > COSINE_TOLERANCE:
        raise InputError("a slice's direction cosines are not perpendicular units: its header is damaged", "unplaced")
    spacing = needed("PixelSpacing", 2)
    if spacing.min() <= 0:
        raise InputError("a slice's PixelSpacing is not above zero: its header is damaged", "unplaced")
    padding = [number(values.get(tag)) for tag in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    kinds = values.get("FrameType") or values.get("ImageType") or []
    return Slice(
        path=Path(header.filename),
        header=header,
        frame=frame,
        instance=text_of(header, "SOPInstanceUID"),
        rows=rows,
        columns=columns,
        position=needed("ImagePositionPatient", 3),
        orientation=orientation,
        spacing=spacing,
        slope=number(values.get("RescaleSlope")),
        intercept=number(values.get("RescaleIntercept")),
        padding=tuple(int(end) for end in padding if end is not None),
        photometric=known(str(values.get("PhotometricInterpretation", "")), PHOTOMETRIC),
        syntax=_syntax(header),
        rescale_type=known(str(values["RescaleType"]), RESCALE_TYPES) if "RescaleType" in values else "",
        image_type=tuple(
            str(kind).strip().upper() for kind in (kinds if isinstance(kinds, (MultiValue, list)) else [kinds])
        ),
        frame_of_reference=text_of(header, "FrameOfReferenceUID"),
        phases={tag: found for tag in PHASE_TAGS if (found := number(values.get(tag))) is not None},
        acquired=_seconds(values),
        beat_ms=_beat_ms(values),
    )


def _seconds(values: Mapping[str, Any]) -> float | None:
    """Of the day, from a DICOM time HHMMSS.F or a date and time YYYYMMDDHHMMSS.F (PS3.5, 6.2)."""
    for tag, date in (("FrameAcquisitionDateTime", 8), ("AcquisitionDateTime", 8), ("AcquisitionTime", 0)):
        if found := re.fullmatch(r"(\d{2})(\d{2})(\d{2}(?:\.\d+)?)", str(values.get(tag, ""))[date:].strip()):
            return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
    return None


def _beat_ms(values: Mapping[str, Any]) -> float | None:
    interval, rate = number(values.get("NominalInterval")), number(values.get("HeartRate"))
    return interval if interval else 6e4 / rate if rate else None


def _syntax(header: Dataset) -> UID:
    syntax = UID(text_of(header.file_meta, "TransferSyntaxUID") or ImplicitVRLittleEndian)
    if not syntax.is_transfer_syntax:
        raise InputError("a slice's transfer syntax is none that is known: its header is damaged", "compression")
    return syntax
