import json
import os
import signal
from dataclasses import replace

import nibabel
import numpy as np
import pydicom
import pytest

from custom.dicom import read_series
from custom.frames import voxel_to_ras
from custom.inputs import Findings, InputError
from custom.synthesis import Kind, Protocol, generate_case, synthesize
from custom.synthesis.case import equip
from custom.synthesis.contact_sheet import draw_tile
from custom.synthesis.dicom_series import write_series
from custom.synthesis.distributions import draw_parameters
from custom.synthesis.population import Device
from custom.synthesis.structures import MM_WHS

CLEAN = Protocol({"arterial": 1}, noise=(5, 10), slice_thickness=(4, 4), step=0, cut=0, circle=0)
KIND = Kind(width=(180, 200), length=(150, 170), pixel=3.5, offset=(10, 20), protocol=CLEAN)


@pytest.fixture(scope="module")
def case():
    return generate_case(5, KIND)


def test_the_same_seed_gives_the_same_case(case):
    again = generate_case(5, KIND)
    assert np.array_equal(case.image, again.image) and np.array_equal(case.labels, again.labels)
    assert case.acquisition == again.acquisition and case.volumes_ml == again.volumes_ml


def test_a_case_is_as_its_kind_says(case):
    assert case.image.dtype == np.int16 and case.labels.dtype == np.uint8 and case.affine.dtype == np.float64
    assert case.image.shape == case.labels.shape and case.image.shape[0] == case.image.shape[1]
    increment = case.acquisition.slice_increment
    assert 1.9 < increment <= 4.0
    np.testing.assert_allclose(np.diag(case.affine), [3.5, 3.5, increment, 1])
    width, _, length = case.image.shape * np.diag(case.affine)[:3]
    assert 178 <= width <= 202 and 146 <= length <= 174
    voxel = 3.5 * 3.5 * increment / 1e3
    assert case.volumes_ml == {
        name: pytest.approx((case.labels == k).sum() * voxel) for name, k in (("LA", 1), ("LV", 2))
    }
    middle = (np.argwhere(case.labels == 1).mean(axis=0) + np.argwhere(case.labels == 2).mean(axis=0)) / 2
    heart = voxel_to_ras(middle[None], case.affine)[0]
    grid = voxel_to_ras((np.array(case.image.shape)[None] - 1) / 2, case.affine)[0]
    assert np.linalg.norm(heart) < 15  # the patient's origin is between the left chambers
    assert 10 <= np.linalg.norm(grid) <= 20


def test_thick_slices_are_means_and_labels_lie_on_them():
    """Volumes do not depend on the slices, and blood is as bright in thick ones as in thin ones."""
    shape, thick = (56, 56, 36), generate_case(8, KIND, (56, 56, 36), (3.0, 3.0, 4.0))
    thin = generate_case(8, KIND, (56, 56, 144), (3.0, 3.0, 1.0))
    assert thick.image.shape == shape
    for name in ("LA", "LV"):
        assert thick.volumes_ml[name] == pytest.approx(thin.volumes_ml[name], rel=0.03)
    assert np.median(thick.image[thick.labels == 2]) == pytest.approx(np.median(thin.image[thin.labels == 2]), abs=40)


def test_devices_are_given_to_those_who_have_none():
    rng, patient = np.random.default_rng(0), replace(draw_parameters(5), devices=frozenset())
    assert equip(patient, (), rng) == patient
    ringed = equip(patient, ("mitral ring",), rng)
    assert ringed.devices == {Device.MITRAL_RING}
    assert equip(ringed, ("mitral ring", "pacemaker"), rng) == ringed
    assert equip(ringed, ("pacemaker",), rng).devices == {Device.MITRAL_RING, Device.PACEMAKER}
    with pytest.raises(ValueError, match="crown"):
        equip(patient, ("crown",), rng)


def test_dicom_comes_back_as_it_was(case, tmp_path):
    write_series(tmp_path / "patient_000005", case, 5)
    volume = read_series(tmp_path / "patient_000005", findings := Findings())
    assert not findings.warnings
    values, affine = volume.values, volume.affine
    corners = np.array([[0, 0, 0], [3, 5, 2], [10, 1, 7]])
    last = np.array(case.image.shape) - 1
    flipped = np.where([True, True, False], last - corners, corners)
    np.testing.assert_allclose(voxel_to_ras(flipped, affine), voxel_to_ras(corners, case.affine), atol=1e-4)
    assert np.array_equal(values[::-1, ::-1], case.image)


def test_dicom_headers_are_legal_and_repeatable(case, tmp_path):
    for folder in ("a", "b"):
        write_series(tmp_path / folder / "patient_000005", case, 5)
    write_series(tmp_path / "a" / "patient_000006", replace(case, image=case.image[:, :, :2]), 6)
    files = sorted((tmp_path / "a" / "patient_000005").iterdir())
    assert len(files) == case.image.shape[2]
    assert files[0].read_bytes() == (tmp_path / "b" / "patient_000005" / files[0].name).read_bytes()
    headers = [pydicom.dcmread(path) for path in files]
    assert len({header.SOPInstanceUID for header in headers}) == len(files)
    assert len({(header.SeriesInstanceUID, header.StudyInstanceUID) for header in headers}) == 1
    assert headers[0].SOPInstanceUID.is_valid and headers[0].PatientID == "patient_000005"
    other = pydicom.dcmread(tmp_path / "a" / "patient_000006" / "0001.dcm")
    assert not {other.SOPInstanceUID, other.SeriesInstanceUID} & {
        headers[0].SOPInstanceUID,
        headers[0].SeriesInstanceUID,
    }


def test_synthesize_writes_files_table_and_sheet(tmp_path):
    kinds = {"near": KIND, "far": replace(KIND, offset=(40, 50))}
    options = {"shape": (40, 40, 30), "spacing": (5.0, 5.0, 6.0)}
    synthesize(tmp_path, 1, 1, "any", kinds, contact_sheet=True, **options)
    seven = {"labels": "mm-whs", "closed_leaflets": True, "regions": True}
    synthesize(tmp_path, 2, 1, "near", kinds, format="dicom", **seven, **options)
    names = [f"patient_{seed:06d}" for seed in (1, 2)]
    rows = [line.split(",") for line in (tmp_path / "patients.csv").read_text().splitlines()]
    assert [row[0] for row in rows] == ["case", *names]  # the second call adds to the table of the first
    assert rows[2][1] == "near"
    label = nibabel.load(tmp_path / "labels" / "patient_000001.nii.gz")
    image = nibabel.load(tmp_path / "images" / "patient_000001.nii.gz")
    assert image.shape == label.shape == (40, 40, 30)
    assert float(rows[1][-1]) == pytest.approx((np.asarray(label.dataobj) == 2).sum() * 0.15, abs=0.06)
    assert (tmp_path / "contact_sheet.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "images" / "patient_000002.nii.gz").exists()
    assert len(list((tmp_path / "dicom" / "patient_000002").iterdir())) == 30
    label, regions = (nibabel.load(tmp_path / kind / "patient_000002.nii.gz") for kind in ("labels", "regions"))
    assert set(np.unique(label.dataobj)) <= {0, *MM_WHS.values()} and {420, 500} <= set(np.unique(label.dataobj))
    assert regions.get_data_dtype() == np.uint8 and np.asarray(regions.dataobj).any()
    for name in names:
        truth = json.loads((tmp_path / "truth" / f"{name}.json").read_text())
        assert len(truth["apex"]) == 3 and len(truth["mitral annulus"]["contour"]) > 12


@pytest.mark.parametrize("format", ["nifti", "dicom"])
def test_a_signal_leaves_whole_cases_and_their_table(tmp_path, monkeypatch, format):
    """It comes while the second case's image is moved to its place, and while that of the third is being written."""
    options = {"kinds": {"near": KIND}, "format": format, "shape": (24, 24, 20), "spacing": (8.0, 8.0, 8.0)}
    replace = os.replace
    save = nibabel.save

    def kill_at_a_move(source, target):
        if "patient_000002" in str(target):
            os.kill(os.getpid(), signal.SIGTERM)
        replace(source, target)

    def kill_at_a_save(image, path):
        if "patient_000003" in str(path):
            os.kill(os.getpid(), signal.SIGINT)
        save(image, path)

    for first, code, target, kill in (
        (1, 143, (os, "replace"), kill_at_a_move),
        (3, 130, (nibabel, "save"), kill_at_a_save),
    ):
        with monkeypatch.context() as patched, pytest.raises(SystemExit) as ended:
            patched.setattr(*target, kill)
            synthesize(tmp_path, first, 3, "near", **options)
        assert ended.value.code == code
        rows = (tmp_path / "patients.csv").read_text().splitlines()[1:]
        assert [row.split(",")[0] for row in rows] == ["patient_000001", "patient_000002"]
        image = "dicom" if format == "dicom" else "images"
        assert [len(list((tmp_path / part).iterdir())) for part in (image, "labels")] == [2, 2]
        assert not list(tmp_path.glob(".*"))


def test_a_table_of_another_program_stays(tmp_path):
    (tmp_path / "patients.csv").write_text("name,diagnosis\n")
    with pytest.raises(InputError, match="no table of generated patients"):
        synthesize(tmp_path, 1, 1, "near", {"near": KIND})
    assert [path.name for path in tmp_path.iterdir()] == ["patients.csv"]


@pytest.mark.parametrize("wrong", [{"kind": "brain"}, {"format": "png"}, {"labels": "nine"}])
def test_a_wrong_call_is_refused_and_says_why(tmp_path, wrong):
    with pytest.raises(InputError, match="choose one of"):
        synthesize(tmp_path, 1, 1, **({"kind": "any", "kinds": {"near": KIND}} | wrong))
    assert not list(tmp_path.iterdir())


def test_tiles_show_the_chambers(case):
    tile = draw_tile(case, "a case")
    assert tile.title == "a case" and len(tile.planes) == 3
    for plane in tile.planes:
        assert plane.image.shape == plane.labels.shape and plane.labels.any()
    assert tile.planes[1].extent[3] == pytest.approx(case.image.shape[2] * case.acquisition.slice_increment)
