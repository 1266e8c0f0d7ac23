"""What DICOM objects that are made of a series take from it: patient, study, frame of reference, its images' UIDs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from ...chambers import CHAMBERS
from ...inputs import InputError
from ..decoding import parse
from ..headers import quiet, read_header
from ..slices import Slice, slices_of
from ..values import text_of, value_of

MANUFACTURER, MODEL = "cardiac-chamber-meshes", "Cardiac chamber meshes"
CODES = {name: Code(chamber.snomed, "SCT", chamber.title) for name, chamber in CHAMBERS.items()}
"""SNOMED CT codes of the structures."""
_PLACE = ("FrameOfReferenceUID", "PositionReferenceIndicator")
_INHERITED = [
    *("SpecificCharacterSet", "TimezoneOffsetFromUTC"),
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge"),
    *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    *("ReferringPhysicianName", *_PLACE),
]
_EMPTY_AT_LEAST = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator"),
)


class Maker(NamedTuple):
    """The software that makes an object."""

    version: str
    weights_sha256: str
    """Of the network, whose serial number it is."""


@dataclass(frozen=True, eq=False)
class Source:
    """The series that an object is made of."""

    headers: list[Dataset]
    """One a file, with the tags that `read_header` reads."""
    slices: list[Slice]
    """In the order of the volume."""
    inherited: Dataset
    """The tags that every object of the study shares, those of type 2 at least empty."""


def open_source(places: Sequence[tuple[str, int]]) -> Source:
    """Read the headers of a volume's slices, given as path and frame.

    Raises InputError where a file is no longer there as it was read, or an image has no UID of its own to refer to.
    """
    headers: dict[str, Dataset] = {}
    of_files: dict[str, list[Slice]] = {}
    slices = []
    with quiet():
        for path, frame in places:
            if path not in headers:
                header = read_header(path)
                if header is None:
                    raise InputError(f"{Path(path).name} has changed since it was read", "unreadable")
                headers[path], of_files[path] = header, slices_of(header)
            slices.append(of_files[path][frame])
        first = parse(places[0][0], _INHERITED)
        inherited = Dataset()
        for tag in _INHERITED:
            if value_of(first, tag) is not None:
                inherited[tag] = first[tag]
            elif tag in _EMPTY_AT_LEAST:
                setattr(inherited, tag, None)
    if not all(text_of(header, tag) for header in headers.values() for tag in ("SOPInstanceUID", "SOPClassUID")):
        raise InputError("an image has no UID: DICOM output cannot refer to it; unset `dicom_output`", "no_uid")
    if len({text_of(header, "SOPInstanceUID") for header in headers.values()}) < len(headers):
        raise InputError(
            "several images have one UID: DICOM output cannot refer to them; unset `dicom_output`", "no_uid"
        )
    series = str(slices[0].instance)
    for tag in ("StudyInstanceUID", "FrameOfReferenceUID"):  # as some anonymisers take them away
        if not inherited.get(tag):
            setattr(inherited, tag, generate_uid(entropy_srcs=[tag, series]))
    return Source(list(headers.values()), slices, inherited)


def identity(maker: Maker, series_number: int) -> dict[str, Any]:
    """What highdicom's constructors take of an object that is a series of its own: its UIDs and who made it."""
    return {
        "series_instance_uid": generate_uid(),
        "series_number": series_number,
        "sop_instance_uid": generate_uid(),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL,
        "software_versions": maker.version,
        "device_serial_number": maker.weights_sha256,
    }


def inherit(made: Dataset, source: Source, placed: bool = True) -> None:
    """Put `made` into the source's study, as it is written there, valid or not; `placed` in its frame of reference."""
    for element in source.inherited:
        if placed or element.keyword not in _PLACE:
            made[element.tag] = element


def reference(header: Dataset) -> Dataset:
    """An item that refers to an image."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    return item


def encode(made: Dataset) -> bytes:
    """`made` as a DICOM file."""
    stream = BytesIO()
    with quiet():
        pydicom.dcmwrite(stream, made, enforce_file_format=True)
    return stream.getvalue()
