"""Encapsulated STL (PS3.3 A.85.1): a surface as an object of the patient's study."""

from __future__ import annotations

from datetime import datetime

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import EncapsulatedSTLStorage, ExplicitVRLittleEndian, generate_uid

from .source import CODES, MANUFACTURER, MODEL, Maker, Source, encode, inherit, reference

SERIES_NUMBER = 9001


def encapsulate_stl(surfaces: dict[str, bytes], source: Source, maker: Maker, remark: str = "") -> dict[str, bytes]:
    """The DICOM file of each surface, all of one series and one group of models (PS3.3 C.35.1).

    Args:
        surfaces: name of the structure, of `CODES`, to binary STL in LPS mm of the source's frame of reference.
        source: the series that they were made of.
        maker: the software that made them.
        remark: what a reader must know, for the titles; at most 24 characters.
    """
    series, group, now = generate_uid(), generate_uid(), datetime.now()
    return {
        name: encode(_object(name, number, stl, source, maker, remark, series, group, now))
        for number, (name, stl) in enumerate(surfaces.items(), start=1)
    }


def _object(
    name: str,
    number: int,
    stl: bytes,
    source: Source,
    maker: Maker,
    remark: str,
    series: str,
    group: str,
    now: datetime,
) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    inherit(made, source)
    made.SOPClassUID, made.SOPInstanceUID = EncapsulatedSTLStorage, generate_uid()
    made.SeriesInstanceUID, made.SeriesNumber, made.Modality = series, SERIES_NUMBER, "M3D"
    made.SeriesDescription = f"Heart chambers, surfaces{remark}"
    made.Manufacturer, made.ManufacturerModelName = MANUFACTURER, MODEL
    made.SoftwareVersions, made.DeviceSerialNumber = maker.version, maker.weights_sha256
    made.InstanceNumber = number
    made.InstanceCreationDate = made.ContentDate = f"{now:%Y%m%d}"
    made.InstanceCreationTime = made.ContentTime = f"{now:%H%M%S}"
    made.AcquisitionDateTime = None
    made.BurnedInAnnotation = "NO"
    made.DocumentTitle = f"{CODES[name].meaning}{remark}"
    made.ConceptNameCodeSequence = _coded(CODES[name])
    made.SourceInstanceSequence = Sequence(reference(header) for header in source.headers)
    made.ReferencedSeriesSequence = _series(source)
    made.MIMETypeOfEncapsulatedDocument = "model/stl"
    made.EncapsulatedDocumentLength = len(stl)
    made.EncapsulatedDocument = stl + bytes(len(stl) % 2)
    made.MeasurementUnitsCodeSequence = _coded(codes.UCUM.Millimeter)
    made.ModelModification, made.ModelMirroring = "NO", "NO"
    made.ModelGroupUID = group
    return made


def _coded(code: Code) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return Sequence([item])


def _series(source: Source) -> Sequence:
    """The source's series with its images, as the Common Instance Reference Module wants it (PS3.3 C.12.2)."""
    item = Dataset()
    item.SeriesInstanceUID = source.headers[0].SeriesInstanceUID
    item.ReferencedInstanceSequence = Sequence(reference(header) for header in source.headers)
    return Sequence([item])
