"""DICOM out, read back by others: pydicom for surfaces and picture, highdicom for segmentation and measurements, dcmtk
and dciodvfy for what they know."""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings

import highdicom
import numpy as np
import pydicom
import pytest
import trimesh
from dicom_files import PATIENT, PATIENT_ID, write_enhanced, write_series
from highdicom.seg import segread
from matplotlib.image import imread
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from custom import __version__
from custom.dicom import read_series
from custom.dicom.objects.encoding import encode_dicom
from custom.dicom.objects.measurement_report import TRUST
from custom.dicom.objects.source import open_source
from custom.frames import ras_to_lps, voxel_to_ras
from custom.inference.writing.mesh_files import encode_stl
from custom.inputs import Findings, InputError
from custom.measured import Measured, Value
from custom.mesh import Mesh
from custom.template import icosphere
from custom.text import RESEARCH_ONLY

SHAPE = (40, 36, 30)
WEIGHTS = "0123456789abcdef" * 4
MEASURED = {
    "LA": Measured(61.234, "check", "LA: check (doubt 0.40): it leaves out 3.0 mL"),
    "LV": Measured(None, "do not use", "LV: do not use (doubt 0.90): hardly any contrast"),
}
VALUES = {
    "LV_ejection_fraction": Value(62.4, "%", "check", "a volume is doubtful"),
    "LV_end_systolic_volume": Value(None, "mL", "do not use", "7 phases can be used, with a gap of 20 %"),
    "LA_largest_volume": Value(91.25, "mL", "ok", None),
    "mitral_annulus_area": Value(8.512, "cm2", "ok", None),
    "lv_long_axis": Value(91.7, "mm", "check", "so is the surface of LV"),
    "lv_sphericity": Value(0.361, "1", "check", "so is the surface of LV"),
    "lv_mass": Value(131.5, "g", "ok", None),
    "lv_wall_thickness_mean": Value(9.1, "mm", "ok", None),
    "lv_wall_thickness_largest": Value(12.3, "mm", "ok", None),
}
_SOUND = {"trust": "ok", "reason": None, "normal_ras": None, "contour_ras_mm": None}
LANDMARKS = {
    "mitral_annulus": {
        **_SOUND,
        "centre_ras_mm": [1.0, 2.0, 3.0],
        "contour_ras_mm": [[11.0, 2.0, 3.0], [1.0, 12.0, 4.0], [-9.0, 2.0, 3.0], [1.0, -8.0, 4.0]],
    },
    "lv_apex": {
        **_SOUND,
        "trust": "check",
        "reason": "so is the surface of LV",
        "centre_ras_mm": [-40.5, 60.0, -30.25],
    },
    "aortic_annulus": {**_SOUND, "trust": "do not use", "reason": "no outlet", "centre_ras_mm": None},
}
VALIDATED = {
    ".stl.dcm": "EncapsulatedSTL",
    ".seg.dcm": "Segmentation",
    ".sr.dcm": "Comprehensive3DSR",
    ".sc.dcm": "SCImage",
}
"""What dciodvfy takes each file for."""
WARNINGS = ["the field of view ends at the apex, 1 m²"]
PICTURE = np.random.default_rng(1).integers(0, 256, (35, 120, 3)).astype(np.uint8)
ANGLE = np.radians(30)
TILT = {"step": (0.0, 0.5, 2.0)}
OBLIQUE = {"across": (np.cos(ANGLE), 0.0, -np.sin(ANGLE)), "down": (0.0, 1.0, 0.0)}


def _volume() -> np.ndarray:
    return np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)


def _surfaces_and_labels(affine) -> tuple[dict[str, Mesh], np.ndarray]:
    """Two balls and their label map."""
    sphere, faces = icosphere(3)
    index = np.stack(np.meshgrid(*(np.arange(size) for size in SHAPE), indexing="ij"), axis=-1)
    meshes, labels = {}, np.zeros(SHAPE, dtype=np.uint8)
    for label, (name, centre) in enumerate({"LA": (12, 18, 15), "LV": (28, 18, 14)}.items(), start=1):
        meshes[name] = Mesh(name, voxel_to_ras(np.array(centre) + 7 * sphere.numpy(), affine), faces.numpy())
        labels[np.linalg.norm(index - centre, axis=-1) < 7] = label
    return meshes, labels


def _write(folder, structures=("LA", "LV"), remark="", **arguments):
    volume = read_series(folder, Findings(), **arguments)
    meshes, labels = _surfaces_and_labels(volume.affine)
    meshes = {name: meshes[name] for name in structures}
    surfaces = {name: encode_stl(mesh) for name, mesh in meshes.items()}
    measured = {name: MEASURED[name] for name in structures}
    written = encode_dicom(
        surfaces, labels, measured, VALUES, LANDMARKS, WARNINGS, PICTURE, volume.places, WEIGHTS, remark
    )
    return volume, meshes, labels, written


def _mask(content: bytes, segment: int, volume) -> np.ndarray:
    """The segment's mask on the grid of the series, by the positions of the frames, with highdicom's reader."""
    read = segread(io.BytesIO(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixels = read.pixel_array
    mask = np.zeros(SHAPE, dtype=bool)
    inverse = np.linalg.inv(volume.affine)
    shared = read.SharedFunctionalGroupsSequence[0]
    for frame, group in zip(pixels, read.PerFrameFunctionalGroupsSequence, strict=True):
        identification = group.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
        if identification[0].ReferencedSegmentNumber == segment:
            position = ras_to_lps(np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float))
            voxel = inverse[:3, :3] @ position + inverse[:3, 3]
            np.testing.assert_allclose(voxel, [0, 0, round(voxel[2])], atol=1e-3)
            mask[:, :, round(voxel[2])] = frame.T
    return mask


def _series(tmp_path, kind):
    if kind == "enhanced":
        return write_enhanced(tmp_path / "series", _volume()), {}
    if kind == "phases":
        return write_enhanced(tmp_path / "series", _volume(), phases=(40, 75)), {"phase": 75}
    geometry = {"plain": {}, "tilted": TILT, "oblique": OBLIQUE}[kind]
    return write_series(tmp_path / "series", _volume(), **geometry), {}


@pytest.mark.parametrize("kind", ["plain", "tilted", "oblique", "enhanced", "phases"])
def test_another_reader_turns_them_back_into_the_same_meshes_and_masks(tmp_path, kind):
    folder, arguments = _series(tmp_path, kind)
    volume, meshes, labels, written = _write(folder, **arguments)
    assert sorted(written) == [".sc.dcm", ".seg.dcm", ".sr.dcm", "_LA.stl.dcm", "_LV.stl.dcm"]
    for label, (name, mesh) in enumerate(meshes.items(), start=1):
        read = pydicom.dcmread(io.BytesIO(written[f"_{name}.stl.dcm"]))
        surface = trimesh.load_mesh(
            io.BytesIO(read.EncapsulatedDocument[: read.EncapsulatedDocumentLength]), file_type="stl"
        )
        np.testing.assert_allclose(surface.triangles, ras_to_lps(mesh.vertices)[mesh.faces], atol=1e-4)
        np.testing.assert_array_equal(_mask(written[".seg.dcm"], label, volume), labels == label)


def _referenced(header) -> set[str]:
    """All instances that a header refers to, at any depth."""
    return {element.value for element in header.iterall() if element.keyword == "ReferencedSOPInstanceUID"}


@pytest.mark.parametrize("kind", ["plain", "tilted", "phases"])
def test_they_belong_to_the_patient_and_refer_to_the_images(tmp_path, kind):
    folder, arguments = _series(tmp_path, kind)
    written = _write(folder, **arguments)[-1]
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.iterdir()]
    instances = {header.SOPInstanceUID for header in headers}
    series = {headers[0].SeriesInstanceUID}
    for ending, content in written.items():
        read = pydicom.dcmread(io.BytesIO(content))
        assert str(read.PatientName) == PATIENT and read.PatientID == PATIENT_ID
        assert read.StudyInstanceUID == "1.2.3"
        assert ending in (".sr.dcm", ".sc.dcm") or read.FrameOfReferenceUID == "1.2.4"
        assert not series & {read.SeriesInstanceUID} or ending == "_LV.stl.dcm"  # both surfaces are one series
        series.add(read.SeriesInstanceUID)
        assert instances <= _referenced(read)
    seg = pydicom.dcmread(io.BytesIO(written[".seg.dcm"]))
    for group in seg.PerFrameFunctionalGroupsSequence:
        assert group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID in instances


def test_frames_of_two_files_in_turn_are_each_of_their_own(tmp_path):
    """An enhanced series of two files, the one the even slices and the other the odd ones."""
    volume = _volume()

    def in_series(header):
        header.SeriesInstanceUID = "1.2.3.4"

    for first in (0, 1):
        place = {"origin": (-60.0, -200.0, 50.0 + 2 * first), "spacing": (1.5, 1.25, 4.0)}
        write_enhanced(tmp_path / "series" / str(first), volume[:, :, first::2], edit=in_series, **place)
    read = read_series(tmp_path / "series", Findings())
    source = open_source(read.places)
    np.testing.assert_allclose([part.position[2] for part in source.slices], 50.0 + 2 * np.arange(volume.shape[2]))


def test_anatomy_is_coded(tmp_path):
    written = _write(write_series(tmp_path / "series", _volume()))[-1]
    codes = {"LA": "82471001", "LV": "87878005"}
    segments = pydicom.dcmread(io.BytesIO(written[".seg.dcm"])).SegmentSequence
    for (name, code), segment in zip(codes.items(), segments, strict=True):
        concept = pydicom.dcmread(io.BytesIO(written[f"_{name}.stl.dcm"])).ConceptNameCodeSequence[0]
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        assert (concept.CodeValue, concept.CodingSchemeDesignator) == (kind.CodeValue, "SCT") == (code, "SCT")


def test_one_structure_alone(tmp_path):
    volume, _, labels, written = _write(write_series(tmp_path / "series", _volume()), structures=["LV"])
    assert sorted(written) == [".sc.dcm", ".seg.dcm", ".sr.dcm", "_LV.stl.dcm"]
    np.testing.assert_array_equal(_mask(written[".seg.dcm"], 1, volume), labels == 2)


def _odd(header, index):
    """What anonymisers and old devices leave."""
    header.SpecificCharacterSet = "ISO_IR 100"
    header.PatientName, header.PatientBirthDate, header.PatientSex = "Müller, Jörg", "about 1950", "unknown"
    del header.FrameOfReferenceUID, header.StudyInstanceUID, header.SliceThickness


def test_odd_headers_are_passed_on_and_no_log_names_the_patient(tmp_path, caplog, capfd):
    caplog.set_level("DEBUG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pydicom.config.disable_value_validation():
            folder = write_series(tmp_path / "series", _volume(), edit=_odd)
        written = _write(folder)[-1]
    studies, frames = set(), set()
    for ending, content in written.items():
        read = pydicom.dcmread(io.BytesIO(content))
        assert str(read.PatientName) == "Müller, Jörg"
        studies.add(read.StudyInstanceUID)
        if ending not in (".sr.dcm", ".sc.dcm"):
            frames.add(read.FrameOfReferenceUID)
    assert len(studies) == len(frames) == 1 and studies.pop() and frames.pop()
    for text in (caplog.text, *capfd.readouterr()):
        assert "ller" not in text and "about 1950" not in text


def test_an_unreadable_tag_that_nothing_needs_is_left_out(tmp_path):
    """Of a value representation that there is none of; and a modality that is not stated."""

    def edit(header, index):
        del header.Modality

    folder = write_series(tmp_path / "series", _volume(), edit=edit)
    for path in folder.iterdir():
        content = path.read_bytes()
        assert content.count(b"\x10\0\x10\0PN") == 1
        path.write_bytes(content.replace(b"\x10\0\x10\0PN", b"\x10\0\x10\0P%"))
    for content in _write(folder)[-1].values():
        read = pydicom.dcmread(io.BytesIO(content))
        assert read.PatientID == PATIENT_ID and not str(read.PatientName)


@pytest.mark.parametrize("uid", [None, "1.2.3"])
def test_images_without_uids_of_their_own_are_refused(tmp_path, uid):
    def edit(header, index):
        if uid is None or index == 7:
            header.SOPInstanceUID = uid
        else:
            header.SOPInstanceUID = f"1.2.3.{index}" if index != 3 else uid

    folder = write_series(tmp_path / "series", _volume(), edit=edit)
    with pytest.raises(InputError, match="unset `dicom_output`") as refused:
        _write(folder)
    assert refused.value.outcome == "no_uid"


def _groups(content: bytes) -> dict:
    """The measurement groups of an SR by their tracking identifier, with highdicom's reader."""
    report = highdicom.sr.Comprehensive3DSR.from_dataset(pydicom.dcmread(io.BytesIO(content))).content
    return {group.tracking_identifier: group for group in report.get_volumetric_roi_measurement_groups()}


def _texts(items) -> list[str]:
    return [item.TextValue for item in items if item.ValueType == "TEXT" and item.name == codes.DCM.Comment]


def test_another_reader_finds_the_measurements_and_how_far_to_trust_them(tmp_path):
    written = _write(write_series(tmp_path / "series", _volume()), remark="; FORCED, see report")[-1]
    segmentation = pydicom.dcmread(io.BytesIO(written[".seg.dcm"]))
    groups = _groups(written[".sr.dcm"])
    assert list(groups) == ["LA", "LV"]
    for number, (name, code) in enumerate({"LA": "82471001", "LV": "87878005"}.items(), start=1):
        group = groups[name]
        assert group.finding_type.value == code and [site.value.value for site in group.finding_sites] == [code]
        reference = group.referenced_segment.referenced_sop_instance_uid
        assert reference == segmentation.SOPInstanceUID
        assert group.referenced_segment.referenced_segment_numbers == [number]
        trust = group.get_qualitative_evaluations(codes.DCM.QualityAssessment)
        assert [evaluation.value.meaning for evaluation in trust] == [
            {"LA": "Check before use", "LV": "Do not use"}[name]
        ]
        assert _texts(group[0].ContentSequence) == [MEASURED[name].reasons]
        texts = [item.TextValue for item in group[0].ContentSequence if item.ValueType == "TEXT"]
        assert {"Cardiac chamber meshes", __version__, f"SHA-256 of the weights: {WEIGHTS}"} <= set(texts)
    (volume,) = groups["LA"].get_measurements(codes.SCT.Volume)
    assert volume.value == MEASURED["LA"].volume_ml and (volume.unit.value, volume.unit.scheme_designator) == (
        "mL",
        "UCUM",
    )
    assert groups["LV"].get_measurements() == []
    read = pydicom.dcmread(io.BytesIO(written[".sr.dcm"]))
    root = highdicom.sr.Comprehensive3DSR.from_dataset(read).content[0].ContentSequence
    assert _texts(root) == [f"{RESEARCH_ONLY}; FORCED, see report", "the field of view ends at the apex, 1 m\\xb2"]
    assert "FORCED" in read.SeriesDescription and read.VerificationFlag == "UNVERIFIED"


def test_another_reader_finds_the_other_measurements_and_the_landmarks(tmp_path):
    written = _write(write_series(tmp_path / "series", _volume()))[-1]
    read = pydicom.dcmread(io.BytesIO(written[".sr.dcm"]))
    content = highdicom.sr.Comprehensive3DSR.from_dataset(read).content
    groups = {group.tracking_identifier: group for group in content.get_image_measurement_groups()}
    assert list(groups) == list(VALUES)
    for name, value in VALUES.items():
        measurements = groups[name].get_measurements()
        assert [(one.value, one.unit.value) for one in measurements] == (
            [] if value.value is None else [(value.value, value.unit)]
        )
        assert _texts(groups[name][0].ContentSequence) == ([] if value.reason is None else [value.reason])
        (trust,) = groups[name].get_qualitative_evaluations(codes.DCM.QualityAssessment)
        assert trust.value.value == TRUST[value.trust].value
    named = {name: group.get_measurements()[0].name for name, group in groups.items() if group.get_measurements()}
    assert named["LV_ejection_fraction"] == Code("8810-4", "LN", "Left ventricular ejection fraction by CT")
    assert named["lv_mass"] == Code("18087-7", "LN", "Left Ventricle Mass")
    assert named["lv_sphericity"].scheme_designator == "99CHAMBERMESHES"
    thickest = groups["lv_wall_thickness_largest"].get_measurements()[0]
    assert named["lv_wall_thickness_mean"] == named["lv_wall_thickness_largest"] and thickest.derivation.value == "P95"
    (outline,) = groups["mitral_annulus_area"].get_measurements()[0].referenced_coordinates
    contour = ras_to_lps(np.array(LANDMARKS["mitral_annulus"]["contour_ras_mm"]))
    np.testing.assert_allclose(outline.value, [*contour, contour[0]])
    (axis,) = groups["lv_long_axis"].get_measurements()[0].referenced_coordinates
    np.testing.assert_allclose(axis.value, [[-1, -2, 3], [40.5, -60, -30.25]])
    points = {group.tracking_identifier: group for group in content.get_planar_roi_measurement_groups()}
    assert list(points) == ["mitral_annulus", "lv_apex"]  # what was not found is not told
    np.testing.assert_allclose(points["lv_apex"].roi.value, [[40.5, -60, -30.25]])
    assert points["lv_apex"].roi.frame_of_reference_uid == "1.2.4"
    assert points["lv_apex"].finding_type.value == "128564006"
    assert _texts(points["lv_apex"][0].ContentSequence) == [LANDMARKS["lv_apex"]["reason"]]


def test_the_picture_is_an_image_of_the_study(tmp_path):
    written = _write(write_series(tmp_path / "series", _volume()), remark="; FORCED, see report")[-1]
    read = pydicom.dcmread(io.BytesIO(written[".sc.dcm"]))
    np.testing.assert_array_equal(read.pixel_array, PICTURE)
    assert read.PhotometricInterpretation == "RGB" and "FORCED" in read.SeriesDescription


@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="dsrdump of Debian's dcmtk is not installed")
def test_dcmtk_reads_the_measurements_and_the_picture(tmp_path):
    written = _write(write_series(tmp_path / "series", _volume()))[-1]
    for ending in (".sr.dcm", ".sc.dcm"):
        (tmp_path / f"ct{ending}").write_bytes(written[ending])
    told = subprocess.run(["dsrdump", "+Pl", tmp_path / "ct.sr.dcm"], capture_output=True, text=True, check=True)
    assert '<contains NUM:(,,"Volume")="61.234" (mL,UCUM,"mL")>' in told.stdout and told.stdout.count("NUM:") == 9
    assert '"Left ventricular ejection fraction by CT")="62.4" (%,UCUM,"Percent")' in told.stdout
    page = subprocess.run(["dsr2html", tmp_path / "ct.sr.dcm"], capture_output=True, text=True, check=True)
    for words in ("61.234", "Left atrium", "Do not use", "hardly any contrast", RESEARCH_ONLY):
        assert words in page.stdout
    subprocess.run(["dcm2pnm", tmp_path / "ct.sc.dcm", tmp_path / "ct.ppm"], capture_output=True, check=True)
    np.testing.assert_array_equal(imread(tmp_path / "ct.ppm"), PICTURE)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy of Debian's dicom3tools is not installed")
@pytest.mark.parametrize("kind", ["plain", "enhanced"])
def test_the_validator_finds_no_error(tmp_path, kind):
    folder, _ = _series(tmp_path, kind)
    for ending, content in _write(folder)[-1].items():
        path = tmp_path / f"case{ending}"
        path.write_bytes(content)
        done = subprocess.run(["dciodvfy", path], capture_output=True, text=True)
        assert VALIDATED["." + ".".join(ending.split(".")[1:])] in done.stderr.splitlines()
        assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []
