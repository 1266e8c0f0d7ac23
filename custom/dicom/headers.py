"""The DICOM files below a folder, and the tags of each that choosing and placing a series needs."""

from __future__ import annotations

import errno
import logging
import os
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import pydicom.config
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import Tag
from pydicom.uid import MediaStorageDirectoryStorage

from .decoding import DESCRIPTION, parse
from .values import items_of, number, text_of, value_of

STL_ENDING, SEG_ENDING, SR_ENDING, SC_ENDING = ".stl.dcm", ".seg.dcm", ".sr.dcm", ".sc.dcm"
"""Of the names of DICOM files that this bundle writes: they are never taken for an input."""
_PREAMBLE = 128
_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Of paths, links most of all, at whose end there is nothing that could be read."""
_TAGS = [
    Tag(keyword)
    for keyword in (
        *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality"),
        *("PatientID", "PatientName", "PatientSize", "PatientWeight", "SeriesNumber", "ImageType", "AcquisitionNumber"),
        *("BodyPartExamined", "ProtocolName", "SeriesDescription", "StudyDescription"),
        *("ContrastBolusAgent", "ContrastBolusAgentSequence", "ConvolutionKernel"),
        *("NominalPercentageOfCardiacPhase", "TemporalPositionIdentifier", "TriggerTime"),
        *("AcquisitionTime", "AcquisitionDateTime", "NominalInterval", "HeartRate"),
        *("Rows", "Columns", "NumberOfFrames", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"),
        *("RescaleSlope", "RescaleIntercept", "RescaleType"),
        *(DESCRIPTION, "PhotometricInterpretation", "PixelRepresentation"),
        *("PixelPaddingValue", "PixelPaddingRangeLimit"),
        *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    )
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
    """Files that say they are DICOM and cannot be parsed, or belong to no series."""
    named: dict[str, set[str]]
    """SOP instance UIDs that a DICOMDIR names, by SeriesInstanceUID."""
    unreadable: list[OSError]
    """Of the files and folders that cannot be read: whether they are DICOM nobody knows."""


def is_dicom(path: str | PathLike) -> bool:
    """Whether a file is DICOM by its first bytes: with the preamble of PS3.10, or without it as older devices write.

    What this bundle has written is none: beside an input, it must not become one. Nor is what is no regular file: to
    open a pipe waits for whoever writes into it. Raises OSError where a file is there and cannot be read.
    """
    if str(path).endswith((STL_ENDING, SEG_ENDING, SR_ENDING, SC_ENDING)) or not _is_regular(path):
        return False
    with open(path, "rb") as stream:
        start = stream.read(_PREAMBLE + 4)
    if start[_PREAMBLE:] == b"DICM":
        return True
    # Without preamble a file starts with an element of group 0002 or 0008, its number, and its type or short length.
    group, element, kind = start[:2], start[2:4], start[4:6]
    explicit = kind.isalpha() and kind.isupper()
    implicit = start[6:8] == b"\0\0" and len(start) > 8
    return group in (b"\x02\0", b"\x08\0") and element[1:] == b"\0" and (explicit or implicit)


def _is_regular(path: str | PathLike) -> bool:
    """Whether a path, or what it links to, is a file of bytes."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError as error:
        if error.errno in _NOWHERE:
            return False
        raise


def files_below(folder: str | PathLike, unreadable: Callable[[OSError], object] | None = None) -> Iterator[Path]:
    """All files below a folder, at any depth, in the order of their names; hidden ones and linked folders left out.

    `unreadable` is told of each folder that cannot be read.
    """
    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def holds_dicom(folder: str | PathLike) -> bool:
    """Whether any file below a folder is DICOM; raises OSError where none is known to be and some cannot be read."""
    unreadable: list[OSError] = []
    if any(True for _ in _dicom_below(folder, unreadable)):
        return True
    for error in unreadable:
        if error.errno not in _NOWHERE:
            raise error
    return False


def _dicom_below(folder: str | PathLike, unreadable: list[OSError]) -> Iterator[Path]:
    """The DICOM files below a folder; `unreadable` gets the errors of what cannot be read."""
    for path in files_below(folder, unreadable.append):
        try:
            if is_dicom(path):
                yield path
        except OSError as error:
            unreadable.append(error)


def find_headers(folder: str | PathLike) -> Found:
    """Read the header of every DICOM object below a folder; of a DICOMDIR, what it names."""
    headers: list[FileDataset] = []
    damaged = 0
    named: dict[str, set[str]] = {}
    unreadable: list[OSError] = []
    for path in _dicom_below(folder, unreadable):
        try:
            header = read_header(path)
            if header is not None and series_of(header):
                headers.append(header)
            elif header is not None and _is_directory(header):
                for series, instances in _named(path).items():
                    named.setdefault(series, set()).update(instances)
            else:
                damaged += 1
        except OSError as error:
            unreadable.append(error)
    return Found(headers, damaged, named, unreadable)


def series_of(header: Dataset) -> str:
    """The SeriesInstanceUID, valid or not; empty where there is none."""
    return text_of(header, "SeriesInstanceUID")


def _is_directory(header: FileDataset) -> bool:
    return text_of(header.file_meta, "MediaStorageSOPClassUID") == MediaStorageDirectoryStorage


def _named(path: str | PathLike) -> dict[str, set[str]]:
    """SOP instance UIDs that a DICOMDIR names, by SeriesInstanceUID; none where it is damaged.

    A record holds the offset in the file of the first record below it, and of the next beside it (PS3.3 F.3.2.2).
    """
    named: dict[str, set[str]] = {}
    header = _read(path)
    if header is None:
        return named
    with quiet():
        records = {record.seq_item_tell: record for record in items_of(header, "DirectoryRecordSequence")}
        remaining = dict(records)  # each record lies below one other
        for series in records.values():
            if text_of(series, "DirectoryRecordType") == "SERIES":
                below = named.setdefault(series_of(series), set())
                offset = number(value_of(series, "OffsetOfReferencedLowerLevelDirectoryEntity"))
                while (record := remaining.pop(offset, None)) is not None:
                    if instance := text_of(record, "ReferencedSOPInstanceUIDInFile"):
                        below.add(instance)
                    offset = number(value_of(record, "OffsetOfTheNextDirectoryRecord"))
    return named


def read_header(path: str | PathLike) -> FileDataset | None:
    """The tags of a DICOM file that are used here; None where it cannot be parsed. Raises OSError."""
    header = _read(path, _TAGS)
    if header is not None:
        with quiet():
            series_of(header)  # from now on it is converted, and nobody is warned of it again
    return header


def read_pixels(path: str | PathLike) -> bytes | None:
    """The pixels of a DICOM file as they are encoded; None where it has none. Raises OSError."""
    header = _read(path)
    return None if header is None else value_of(header, "PixelData")


def _read(path: str | PathLike, tags: Sequence[int] | None = None) -> FileDataset | None:
    try:
        with quiet():
            return parse(path, tags)
    except Exception as error:  # damaged bytes raise whatever they reach in pydicom, also OSError without a number
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return None
