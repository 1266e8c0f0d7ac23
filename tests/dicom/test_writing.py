"""DICOM out, read back by others: pydicom for the surfaces, highdicom for the segmentation, dciodvfy for both."""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings

import numpy as np
import pydicom
import pytest
import trimesh
from dicom_files import PATIENT, write_enhanced, write_series
from highdicom.seg import segread

from custom.dicom import read_series
from custom.dicom.objects.encoding import encode_dicom
from custom.dicom.objects.source import open_source
from custom.frames import ras_to_lps, voxel_to_ras
from custom.inference.writing.mesh_files import encode_stl
from custom.inputs import Findings, InputError
from custom.mesh import Mesh
from custom.template import icosphere

SHAPE = (40, 36, 30)
WEIGHTS = "0123456789abcdef" * 4
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


def _write(folder, structures=("LA", "LV"), **arguments):
    volume = read_series(folder, Findings(), **arguments)
    meshes, labels = _surfaces_and_labels(volume.affine)
    meshes = {name: meshes[name] for name in structures}
    surfaces = {name: encode_stl(mesh) for name, mesh in meshes.items()}
    return volume, meshes, labels, encode_dicom(surfaces, labels, volume.places, WEIGHTS)


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
    assert sorted(written) == [".seg.dcm", "_LA.stl.dcm", "_LV.stl.dcm"]
    for label, (name, mesh) in enumerate(meshes.items(), start=1):
        read = pydicom.dcmread(io.BytesIO(written[f"_{name}.stl.dcm"]))
        surface = trimesh.load_mesh(
            io.BytesIO(read.EncapsulatedDocument[: read.EncapsulatedDocumentLength]), file_type="stl"
        )
        np.testing.assert_allclose(surface.triangles, ras_to_lps(mesh.vertices)[mesh.faces], atol=1e-4)
        np.testing.assert_array_equal(_mask(written[".seg.dcm"], label, volume), labels == label)


@pytest.mark.parametrize("kind", ["plain", "tilted", "phases"])
def test_they_belong_to_the_patient_and_refer_to_the_images(tmp_path, kind):
    folder, arguments = _series(tmp_path, kind)
    written = _write(folder, **arguments)[-1]
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.iterdir()]
    instances = {header.SOPInstanceUID for header in headers}
    for content in written.values():
        read = pydicom.dcmread(io.BytesIO(content))
        assert str(read.PatientName) == PATIENT and read.PatientID == "4711"
        assert read.StudyInstanceUID == "1.2.3" and read.FrameOfReferenceUID == "1.2.4"
        assert read.SeriesInstanceUID != headers[0].SeriesInstanceUID
        referenced = read.ReferencedSeriesSequence[0]
        assert referenced.SeriesInstanceUID == headers[0].SeriesInstanceUID
        assert {item.ReferencedSOPInstanceUID for item in referenced.ReferencedInstanceSequence} == instances
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
    assert sorted(written) == [".seg.dcm", "_LV.stl.dcm"]
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
    studies = set()
    for content in written.values():
        read = pydicom.dcmread(io.BytesIO(content))
        assert str(read.PatientName) == "Müller, Jörg"
        studies.add((read.StudyInstanceUID, read.FrameOfReferenceUID))
    assert len(studies) == 1 and all(studies.pop())
    for text in (caplog.text, *capfd.readouterr()):
        assert "ller" not in text and "1950" not in text


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
        assert read.PatientID == "4711" and not str(read.PatientName)


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


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy of Debian's dicom3tools is not installed")
@pytest.mark.parametrize("kind", ["plain", "enhanced"])
def test_the_validator_finds_no_error(tmp_path, kind):
    folder, _ = _series(tmp_path, kind)
    for ending, content in _write(folder)[-1].items():
        path = tmp_path / f"case{ending}"
        path.write_bytes(content)
        done = subprocess.run(["dciodvfy", path], capture_output=True, text=True)
        assert "Segmentation" in done.stderr or "EncapsulatedSTL" in done.stderr
        assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []
