"""The DICOM files below a folder, and the tags of each that choosing and placing a series needs."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import pydicom.config
from pydicom.dataset import FileDataset
from pydicom.uid import MediaStorageDirectoryStorage

from .decoding import parse

STL_ENDING, SEG_ENDING = ".stl.dcm", ".seg.dcm"
"""Of the names of DICOM files that this bundle writes: they are never taken for an input."""
_PREAMBLE = 128
_TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality"),
    *("PatientID", "PatientName", "SeriesNumber", "ImageType", "AcquisitionNumber"),
    *("BodyPartExamined", "ProtocolName", "SeriesDescription", "StudyDescription"),
    *("ContrastBolusAgent", "ContrastBolusAgentSequence", "ConvolutionKernel"),
    *("NominalPercentageOfCardiacPhase", "TemporalPositionIdentifier", "TriggerTime"),
    *("Rows", "Columns", "NumberOfFrames", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType"),
    *("PhotometricInterpretation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what pydicom warns of to itself: it quotes paths, and values that may be a patient's."""
    level = pydicom.config.logger.level
    pydicom.config.logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        pydicom.config.logger.setLevel(level)


class Found(NamedTuple):
    """The DICOM below a folder."""

    headers: list[FileDataset]
    """One for each object of a series, sorted by path; `filename` is its path."""
    damaged: int
    """Files that say they are DICOM and cannot be parsed."""
    named: dict[str, set[str]]
    """SOP instance UIDs that a DICOMDIR names, by SeriesInstanceUID."""


def is_dicom(path: str | PathLike) -> bool:
    """Whether a file is DICOM by its first bytes: with the preamble of PS3.10, or without it as older devices write.

    What this bundle has written is none: beside an input, it must not become one.
    """
    if str(path).endswith((STL_ENDING, SEG_ENDING)):
        return False
    try:
        with open(path, "rb") as stream:
            start = stream.read(_PREAMBLE + 4)
    except OSError:
        return False
    if start[_PREAMBLE:] == b"DICM":
        return True
    # Without preamble a file starts with an element of group 0002 or 0008, its number, and its type or short length.
    group, element, kind = start[:2], start[2:4], start[4:6]
    explicit = kind.isalpha() and kind.isupper()
    implicit = start[6:8] == b"\0\0" and len(start) > 8
    return group in (b"\x02\0", b"\x08\0") and element[1:] == b"\0" and (explicit or implicit)


def files_below(folder: str | PathLike) -> Iterator[Path]:
    """All files below a folder, at any depth, in the order of their names; hidden ones and linked folders left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def holds_dicom(folder: str | PathLike) -> bool:
    """Whether any file below a folder is DICOM."""
    return any(is_dicom(path) for path in files_below(folder))


def find_headers(folder: str | PathLike) -> Found:
    """Read the header of every DICOM object below a folder; of a DICOMDIR, what it names.

    Raises OSError where a folder or file cannot be read.
    """
    found = Found([], 0, {})
    for path in files_below(folder):
        if is_dicom(path):
            header = read_header(path)
            if header is None:
                found = found._replace(damaged=found.damaged + 1)
            elif "SeriesInstanceUID" in header:
                found.headers.append(header)
            elif header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
                for series, instances in _named(path).items():
                    found.named.setdefault(series, set()).update(instances)
            else:
                found = found._replace(damaged=found.damaged + 1)
    return found


def _named(path: str | PathLike) -> dict[str, set[str]]:
    """SOP instance UIDs that a DICOMDIR names, by SeriesInstanceUID; none where it is damaged.

    A record holds the offset in the file of the first record below it, and of the next beside it (PS3.3 F.3.2.2).
    """
    named: dict[str, set[str]] = {}
    try:
        with quiet():
            records = {record.seq_item_tell: record for record in parse(path).DirectoryRecordSequence}
            for series in records.values():
                if series.DirectoryRecordType == "SERIES":
                    below = named.setdefault(str(series.SeriesInstanceUID), set())
                    remaining = dict(records)
                    offset = series.OffsetOfReferencedLowerLevelDirectoryEntity
                    while (record := remaining.pop(offset, None)) is not None:
                        below.add(str(record.get("ReferencedSOPInstanceUIDInFile", "")))
                        offset = record.OffsetOfTheNextDirectoryRecord
    except OSError:
        raise
    except Exception:  # damaged bytes raise whatever they reach in pydicom
        return {}
    return named


def read_header(path: str | PathLike) -> FileDataset | None:
    """The tags of a DICOM file that are used here; None where it cannot be parsed."""
    try:
        with quiet():
            return parse(path, _TAGS)
    except OSError:
        raise
    except Exception:  # damaged bytes raise whatever they reach in pydicom
        return None
