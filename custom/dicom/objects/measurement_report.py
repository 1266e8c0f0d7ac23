"""Comprehensive 3D SR (PS3.3 A.35.13) by the template TID 1500: volumes, and how far each is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from ...measured import Measured
from ...text import RESEARCH_ONLY
from ..headers import quiet
from .images import images_of
from .source import CODES, MANUFACTURER, MODEL, Maker, Source, identity, inherit

SERIES_NUMBER = 9003
SCHEME = "99CHAMBERMESHES"
"""Our own coding scheme, as 99 says (PS3.3 Table 8-1): DICOM has no code for doubt about a number."""
TRUST = {
    "ok": Code("TRUST_OK", SCHEME, "Nothing looked wrong"),
    "check": Code("TRUST_CHECK", SCHEME, "Check before use"),
    "do not use": Code("TRUST_NONE", SCHEME, "Do not use"),
}
"""Codes for the words."""
_MILLILITRE = Code("mL", "UCUM", "mL")
_CONTAINS = sr.RelationshipTypeValues.CONTAINS


def make_measurement_report(
    measured: Mapping[str, Measured],
    warnings: Sequence[str],
    segmentation: Dataset,
    source: Source,
    maker: Maker,
    remark: str = "",
) -> sr.Comprehensive3DSR:
    """The document; a group of measurements a structure, each on its segment.

    Args:
        measured: by name of the structure, in the order of the segments.
        warnings: sentences on the image.
        segmentation: of the same structures, which the document refers to.
        source: the series that it was made of.
        maker: the software that measured.
        remark: what a reader must know, for the description of the series; at most 24 characters.
    """
    groups = [
        _group(name, number, values, segmentation, source, maker)
        for number, (name, values) in enumerate(measured.items(), start=1)
    ]
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[MODEL, maker.weights_sha256]),
        name=MODEL,
        manufacturer_name=MANUFACTURER,
        model_name=MODEL,
        serial_number=maker.weights_sha256,
    )
    observer = sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    content[0].ContentSequence.extend(_comment(text) for text in (f"{RESEARCH_ONLY}{remark}", *warnings))
    with quiet():
        made = sr.Comprehensive3DSR(
            evidence=[*images_of(source), segmentation],  # of the first it checks names, which may be odd
            content=content[0],
            **identity(maker, SERIES_NUMBER),
            series_description=f"Heart chambers, measurements{remark}",
            is_complete=True,
        )
        inherit(made, source, placed=False)
    made.CodingSchemeIdentificationSequence = Items([_scheme()])
    return made


def _group(
    name: str, number: int, values: Measured, segmentation: Dataset, source: Source, maker: Maker
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    volumes = [] if values.volume_ml is None else [sr.Measurement(codes.SCT.Volume, values.volume_ml, _MILLILITRE)]
    group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=generate_uid(), identifier=name),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=number,
            source_series=sr.SourceSeriesForSegmentation(source.headers[0].SeriesInstanceUID),
        ),
        finding_category=codes.SCT.AnatomicalStructure,
        finding_type=CODES[name],
        finding_sites=[sr.FindingSite(CODES[name])],
        algorithm_id=sr.AlgorithmIdentification(
            name=MODEL,
            version=maker.version,
            manufacturer=MANUFACTURER,
            family=codes.DCM.ArtificialIntelligence,
            parameters=[f"SHA-256 of the weights: {maker.weights_sha256}"],
        ),
        measurements=volumes,
        qualitative_evaluations=[sr.QualitativeEvaluation(codes.DCM.QualityAssessment, TRUST[values.trust])],
    )
    if values.reasons is not None:
        group[0].ContentSequence.append(_comment(values.reasons))
    return group


def _comment(text: str) -> sr.TextContentItem:
    text = text.encode("ascii", "backslashreplace").decode()  # whatever the study's character set
    return sr.TextContentItem(codes.DCM.Comment, text, relationship_type=_CONTAINS)


def _scheme() -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator, item.CodingSchemeName = SCHEME, f"Trust in the results of {MODEL}"
    item.CodingSchemeResponsibleOrganization = MANUFACTURER
    return item
