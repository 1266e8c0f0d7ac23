"""Comprehensive 3D SR (PS3.3 A.35.13) by TID 1500: volumes, measurements, landmarks, and the trust in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from ...frames import ras_to_lps
from ...measured import Measured, Value
from ...terms import LANDMARKS, MEASUREMENTS, OWN_SCHEME, Term
from ...terms import Code as Coded
from ...text import RESEARCH_ONLY
from ..headers import quiet
from .images import images_of
from .source import CODES, MANUFACTURER, MODEL, Maker, Source, identity, inherit

SERIES_NUMBER = 9003
TRUST = {
    "ok": Code("TRUST_OK", OWN_SCHEME, "Nothing looked wrong"),
    "check": Code("TRUST_CHECK", OWN_SCHEME, "Check before use"),
    "do not use": Code("TRUST_NONE", OWN_SCHEME, "Do not use"),
}
"""Codes for the words: DICOM has none for doubt about a number."""
_MILLILITRE = Code("mL", "UCUM", "mL")
_UNITS = {"1": "no units", "%": "Percent", "cm2": "square centimeter"}
"""Meanings of units that are not told as they are written."""
_LINE = sr.GraphicTypeValues3D.POLYLINE
_CONTAINS = sr.RelationshipTypeValues.CONTAINS


def make_measurement_report(
    measured: Mapping[str, Measured],
    values: Mapping[str, Value],
    landmarks: Mapping[str, Mapping[str, Any]],
    warnings: Sequence[str],
    segmentation: Dataset,
    source: Source,
    maker: Maker,
    remark: str = "",
) -> sr.Comprehensive3DSR:
    """The document; a group of measurements a structure, each on its segment, and one a measurement and a landmark.

    Args:
        measured: by name of the structure, in the order of the segments.
        values: the other measurements.
        landmarks: of the report; those that were found are told.
        warnings: sentences on the image.
        segmentation: of the same structures, which the document refers to.
        source: the series that it was made of.
        maker: the software that measured.
        remark: what a reader must know, for the description of the series; at most 24 characters.
    """
    groups = [
        _group(name, number, of, segmentation, source, maker)
        for number, (name, of) in enumerate(measured.items(), start=1)
    ]
    places = {name: landmark for name, landmark in landmarks.items() if landmark["centre_ras_mm"] is not None}
    frame = source.inherited.FrameOfReferenceUID
    groups += [_value(name, value, places, frame, maker) for name, value in values.items()]
    groups += [_landmark(name, landmark, frame, maker) for name, landmark in places.items()]
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
        algorithm_id=_algorithm(maker),
        measurements=volumes,
        qualitative_evaluations=[_assessment(values.trust)],
    )
    return _explained(group, values.reasons)


def _value(
    name: str, value: Value, places: Mapping[str, Mapping[str, Any]], frame: str, maker: Maker
) -> sr.MeasurementsAndQualitativeEvaluations:
    """A measurement, with its coordinates where there are any; without a number, why there is none."""
    term = MEASUREMENTS[name]
    measurements = []
    if value.value is not None:
        measurements.append(
            sr.Measurement(
                _code(term.concept),
                value.value,
                Code(value.unit, "UCUM", _UNITS.get(value.unit, value.unit)),
                derivation=None if term.derivation is None else _code(term.derivation),
                referenced_coordinates=_coordinates(term, places, frame),
            )
        )
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=generate_uid(), identifier=name),
        finding_category=codes.SCT.AnatomicalStructure,
        finding_type=_code(term.site),
        finding_sites=[sr.FindingSite(_code(term.site))],
        algorithm_id=_algorithm(maker),
        measurements=measurements,
        qualitative_evaluations=[_assessment(value.trust)],
    )
    return _explained(group, value.reason)


def _coordinates(
    term: Term, places: Mapping[str, Mapping[str, Any]], frame: str
) -> list[sr.CoordinatesForMeasurement3D] | None:
    """What was measured: the contour of a landmark, or the line from one to the next."""
    if not term.landmarks:
        return None
    parts = [places[name] for name in term.landmarks]
    line = parts[0]["contour_ras_mm"] if len(parts) == 1 else [part["centre_ras_mm"] for part in parts]
    points = [*line, line[0]] if len(parts) == 1 else line
    return [sr.CoordinatesForMeasurement3D(_LINE, ras_to_lps(np.array(points)), frame)]


def _landmark(
    name: str, landmark: Mapping[str, Any], frame: str, maker: Maker
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    site = _code(LANDMARKS[name].site)
    group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=generate_uid(), identifier=name),
        referenced_region=sr.ImageRegion3D(
            sr.GraphicTypeValues3D.POINT, ras_to_lps(np.array([landmark["centre_ras_mm"]])), frame
        ),
        finding_category=codes.SCT.AnatomicalStructure,
        finding_type=site,
        finding_sites=[sr.FindingSite(site)],
        algorithm_id=_algorithm(maker),
        geometric_purpose=codes.DCM.Center,
        qualitative_evaluations=[_assessment(landmark["trust"])],
    )
    return _explained(group, landmark["reason"])


def _assessment(trust: str) -> sr.QualitativeEvaluation:
    return sr.QualitativeEvaluation(codes.DCM.QualityAssessment, TRUST[trust])


def _algorithm(maker: Maker) -> sr.AlgorithmIdentification:
    return sr.AlgorithmIdentification(
        name=MODEL,
        version=maker.version,
        manufacturer=MANUFACTURER,
        family=codes.DCM.ArtificialIntelligence,
        parameters=[f"SHA-256 of the weights: {maker.weights_sha256}"],
    )


def _explained(group: sr.MeasurementsAndQualitativeEvaluations, reason: str | None) -> Any:
    """A group with a comment on what is doubtful."""
    if reason is not None:
        group[0].ContentSequence.append(_comment(reason))
    return group


def _code(code: Coded) -> Code:
    return Code(code.value, code.scheme, code.meaning)


def _comment(text: str) -> sr.TextContentItem:
    text = text.encode("ascii", "backslashreplace").decode()  # whatever the study's character set
    return sr.TextContentItem(codes.DCM.Comment, text, relationship_type=_CONTAINS)


def _scheme() -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator, item.CodingSchemeName = OWN_SCHEME, f"Results of {MODEL}"
    item.CodingSchemeResponsibleOrganization = MANUFACTURER
    return item
