"""From normalised vertices to placed meshes, label maps and reports."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
import trimesh
from monai.data import MetaTensor
from monai.transforms import Compose
from stand_in import CENTRES, RADII, Ellipsoids

from custom.frames import normalised_to_ras, ras_to_lps
from custom.geometry.intersections import self_intersections
from custom.inference import (
    AssessMeshesd,
    InputError,
    MeshesToLabelMapd,
    Outputs,
    SaveCased,
    SurfaceInferer,
    UntangleMeshesd,
    VerticesToMeshesd,
)
from custom.inference.quality.doubt import MOST, assess
from custom.inputs import selected

SHAPE = (40, 40, 40)  # of the crop
CROP = np.array([[2.6, 0.1, 0.02 / 2.6, -50], [-0.1, 2.6, 0.2, -60], [0, -0.2, 6.77 / 2.6, 700], [0, 0, 0, 1]])
ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))

UNTANGLE = UntangleMeshesd()


def _input_grid(order, signs) -> tuple[tuple[int, ...], np.ndarray]:
    """Shape and affine of an input around the crop, its axes in one of the 48 orders, 1.5 x 1.8 x 2 mm."""
    affine = np.eye(4)
    affine[:3, :3] = (CROP[:3, :3] / 2.6 * np.array([1.5, 1.8, 2.0]))[:, order] * np.array(signs)
    shape = tuple(np.array([70, 60, 54])[list(order)].tolist())
    centre = CROP @ [19.5, 19.5, 19.5, 1]
    affine[:3, 3] = centre[:3] - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return shape, affine


def _record(tmp_path, shape, affine):
    meta = {"original_affine": torch.from_numpy(affine), "spatial_shape": np.array(shape)}
    image = MetaTensor(torch.zeros(1, *SHAPE), affine=torch.from_numpy(CROP), meta=meta)
    augmentations = [{"shift": [0, 0, 0], "contrast": 1.0}]
    with torch.no_grad():
        answer = SurfaceInferer(2.6, augmentations)(image.as_tensor()[None], Ellipsoids())
    return {
        "image": image,
        **{key: value[0].clone() for key, value in answer.items()},
        "reading": {
            "series": None,
            "warnings": {"tilt": "askew"},
            "forced": [],
            "body_surface_m2": 2.0,
            "heart": None,
            "directions": {"upright": 1.0, "confused": "head and feet"},
        },
        "seconds": {"read": 0.1},
        "image_file": f"{tmp_path}/secret/ct.nii.gz",
        "name": "ct",
        "folder": str(tmp_path),
    }


def _expected_label(shape, affine) -> np.ndarray:
    """1 and 2 where a voxel's centre is inside the ellipsoids, by their formula; no mesh in between."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"), axis=-1)
    world = nibabel.affines.apply_affine(affine, index)
    place = nibabel.affines.apply_affine(np.linalg.inv(CROP), world) / 19.5 - 1
    labels = np.zeros(shape, dtype=np.uint8)
    for label, (centre, radii) in enumerate(zip(CENTRES, RADII, strict=True), start=1):
        labels[(((place - centre) / radii) ** 2).sum(axis=-1) < 1] = label
    return labels


@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_label_map_on_the_inputs_own_grid(tmp_path, order, signs):
    shape, affine = _input_grid(order, signs)
    record = VerticesToMeshesd("pred")(_record(tmp_path, shape, affine))
    labels = MeshesToLabelMapd()(record)["label_map"].whole()
    expected = _expected_label(shape, affine)
    assert labels.shape == shape
    for label in (1, 2):
        found, true = labels == label, expected == label
        assert true.sum() > 500
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.985


def test_the_label_map_of_a_sheared_input_lies_on_perpendicular_axes_and_opens_elsewhere(tmp_path, weights):
    """As a tilted gantry shears them; the voxels are where ITK says they are."""
    shape, affine = _input_grid((0, 1, 2), (-1, -1, 1))
    affine[:3, 2] += np.tan(np.radians(14)) * 2.0 * affine[:3, 1] / np.linalg.norm(affine[:3, 1])
    record = _finish(_record(tmp_path / "out", shape, affine), weights)
    image = SimpleITK.ReadImage(str(tmp_path / "out" / "ct_labels.nii.gz"))
    read = SimpleITK.GetArrayFromImage(image).T
    spacing, turn = image.GetSpacing(), np.array(image.GetDirection()).reshape(3, 3)
    placed = np.column_stack([turn * spacing, image.GetOrigin()]) * [[-1], [-1], [1]]  # LPS to RAS
    true = _expected_label(read.shape, np.vstack([placed, [0, 0, 0, 1]]))
    assert (true > 0).sum() > 500 and (read != true).sum() < 0.01 * (true > 0).sum()
    said = record["report"]["label_map"]
    assert said["shape"] == list(read.shape) != list(shape) and record["report"]["input"]["shape"] == list(shape)
    np.testing.assert_allclose(np.array(said["affine_voxel_to_ras"])[:3], placed, atol=1e-4)
    assert record["own_label_map"].shape == shape
    own = _expected_label(shape, affine)
    assert (record["own_label_map"].whole() != own).sum() < 0.01 * (own > 0).sum()


def _save(tmp_path, weights, structures=("LA", "LV"), formats=("stl", "vtk")):
    shape, affine = _input_grid((0, 1, 2), (-1, -1, 1))
    return _finish(_record(tmp_path, shape, affine), weights, structures, formats), affine


def _finish(record, weights, structures=("LA", "LV"), formats=("stl",), untangle=UNTANGLE):
    """From the network's answer to the files."""
    meshes = [VerticesToMeshesd("pred", structures), untangle]
    files = [MeshesToLabelMapd(), SaveCased(Outputs(structures, formats), weights, "cpu", False)]
    Path(record["folder"]).mkdir(parents=True, exist_ok=True)
    return Compose([*meshes, AssessMeshesd((-300, 700)), *files])(record)


def test_files_of_a_case(tmp_path, weights):
    record, affine = _save(tmp_path / "out", weights)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *(f"ct_{chamber}.{kind}" for chamber in ("LA", "LV") for kind in ("stl", "vtk")),
        *("ct_labels.nii.gz", "ct_report.json", "ct_preview.png"),
    }
    np.testing.assert_allclose(nibabel.load(tmp_path / "out" / "ct_labels.nii.gz").affine, affine, atol=1e-4)
    for label, chamber in enumerate(("LA", "LV")):
        mesh = trimesh.load_mesh(tmp_path / "out" / f"ct_{chamber}.stl")
        centre = ras_to_lps(normalised_to_ras(np.array(CENTRES[label]), SHAPE, CROP))
        np.testing.assert_allclose(mesh.center_mass, centre, atol=0.05)
        assert mesh.volume / 1000 == pytest.approx(record["report"]["structures"][chamber]["volume_ml"], rel=1e-4)


def test_report(tmp_path, weights):
    _save(tmp_path / "out", weights)
    text = (tmp_path / "out" / "ct_report.json").read_text()
    report = json.loads(text)
    assert str(tmp_path) not in text and "secret" not in text
    assert report["status"] == "done"
    assert report["input"]["file"] == "ct.nii.gz"
    assert report["input"]["axis_codes"] == "LPS"
    assert report["input"]["spacing_mm"] == pytest.approx([1.5, 1.8, 2.0], rel=1e-2)
    assert report["warnings"][0] == "askew" and report["intersections_between"] == 0
    assert report["outcomes"] == ["tilt", "no_contrast", "implausible_volume"]
    assert len(report["weights_sha256"]) == 64
    assert {"read", "meshes", "label_map", "quality", "preview", "files"} <= set(report["seconds"])
    for radii, checks in zip(RADII, report["structures"].values(), strict=True):
        true_volume = 4 / 3 * np.pi * np.prod(np.array(radii) * 19.5 * 2.6) / 1000
        assert checks["volume_ml"] == pytest.approx(true_volume, rel=0.02)
        assert checks["watertight"] and checks["outward"] and checks["euler_number"] == 2
        assert checks["self_intersections"] == 0 and checks["cut"] == 0
        assert checks["agreement"] > 0.95 and checks["stability"] == 1
        assert checks["blood_hu"] == checks["surroundings_hu"] == 200  # the crop is all zero, of -300 to 700 HU
        assert checks["trust"] == "do not use" and checks["doubts"]["no_contrast"] == MOST


def test_one_structure_in_other_formats(tmp_path, weights):
    record, _ = _save(tmp_path / "out", weights, structures="lv", formats="PLY,obj")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"ct_LV.ply", "ct_LV.obj", "ct_labels.nii.gz", "ct_report.json", "ct_preview.png"}
    assert np.unique(record["label_map"].whole()).tolist() == [0, 2]
    assert record["report"]["intersections_between"] is None


def test_what_is_wrong_with_a_mesh_is_said(tmp_path, weights):
    shape, affine = _input_grid((0, 1, 2), (1, 1, 1))
    record = _record(tmp_path / "out", shape, affine)
    untangled = UntangleMeshesd()(VerticesToMeshesd("pred")(record))["untangled"]
    record["pred"][1] = record["pred"][0] + torch.tensor([0.8, 0.05, 0.0])  # through the crop's side
    record["pred"][0, 0] = record["pred"][0, -1]  # a spike through the body
    record["pred"][0] += torch.tensor([0.5, 0, 0])  # into the other chamber
    report = _finish(record, weights, untangle=lambda data: {**data, "untangled": untangled})["report"]
    assert report["structures"]["LV"]["cut"] > 0.1 and report["structures"]["LA"]["cut"] == 0
    assert report["structures"]["LA"]["self_intersections"] > 0
    assert report["intersections_between"] > 0
    assert all(checks["trust"] == "do not use" for checks in report["structures"].values())
    assert {"tilt", "disagreement", "no_contrast", "cut_off"} <= set(report["outcomes"])
    said = " ".join(report["warnings"])
    assert "LV: do not use" in said and "edge of the field of view" in said and "crosses itself at" in said
    assert "LA and LV cross at" in said


def test_baselines_without_untangling_and_augmentation_are_assessed(tmp_path):
    record = VerticesToMeshesd("pred")(_record(tmp_path, *_input_grid((0, 1, 2), (1, 1, 1))))
    del record["varied_meshes"]
    for checks in AssessMeshesd((-300, 700))(record)["structures"].values():
        assert checks["withdrawn"] is None and checks["untangled"] is None and checks["stability"] is None
        assert checks["doubts"]["instability"] == 0


def test_a_spike_is_untangled_and_reported(tmp_path):
    record = _record(tmp_path, *_input_grid((0, 1, 2), (1, 1, 1)))
    record["pred"][0, 0] = record["pred"][0, -1]  # a spike through the body
    record = VerticesToMeshesd("pred")(record)
    assert len(self_intersections(record["meshes"][0].vertices, record["meshes"][0].faces)) > 0
    result = UntangleMeshesd()(record)
    assert len(self_intersections(result["meshes"][0].vertices, result["meshes"][0].faces)) == 0
    assert result["untangled"]["LA"]["vertices"] > 0 and result["untangled"]["LA"]["furthest_mm"] > 1
    assert result["untangled"]["LV"] == {"vertices": 0, "furthest_mm": 0.0}
    np.testing.assert_array_equal(result["meshes"][1].vertices, record["meshes"][1].vertices)


def test_what_was_pulled_back_is_reported(tmp_path):
    record = _record(tmp_path, *_input_grid((0, 1, 2), (1, 1, 1)))
    record["pulled_back"] = torch.zeros(record["pred"].shape[:2])
    record["pulled_back"][0, :3] = torch.tensor([1.0, 2.0, 0.5])
    found = VerticesToMeshesd("pred")(record)["withdrawn"]
    assert found == {"LA": {"vertices": 3, "furthest_mm": 2.0}, "LV": {"vertices": 0, "furthest_mm": 0.0}}


def test_vertices_that_are_not_finite_are_an_error(tmp_path):
    record = _record(tmp_path, *_input_grid((0, 1, 2), (1, 1, 1)))
    record["pred"][0, 3, 1] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        VerticesToMeshesd("pred")(record)


def test_names_are_chosen_from_the_known():
    assert selected("LV, la", ("LA", "LV"), "structures") == ["LA", "LV"]
    with pytest.raises(InputError, match="structures: rv; choose from LA, LV"):
        selected(["RV"], ("LA", "LV"), "structures")
    with pytest.raises(InputError, match="none given"):
        selected([], ("LA", "LV"), "structures")


def test_every_structure_may_have_faces_of_its_own(tmp_path):
    """As the record holds them, and they follow the vertices."""
    record = _record(tmp_path, *_input_grid((0, 1, 2), (1, 1, 1)))
    shared = VerticesToMeshesd("pred")(record)["meshes"]
    order = torch.randperm(record["pred"].shape[1], generator=torch.Generator().manual_seed(0))
    del record["varied"]
    record["pred"][1] = record["pred"][1, order]
    record["faces"] = torch.stack([Ellipsoids().faces, order.argsort()[Ellipsoids().faces]])
    own = VerticesToMeshesd("pred")(record)["meshes"]
    for one, other in zip(shared, own, strict=True):
        np.testing.assert_array_equal(one.vertices[one.faces], other.vertices[other.faces])


def test_where_both_chambers_claim_a_voxel_it_is_ventricle(tmp_path):
    shape, affine = _input_grid((0, 1, 2), (1, 1, 1))
    record = VerticesToMeshesd("pred")(_record(tmp_path, shape, affine))
    atrium, ventricle = record["meshes"]
    middle = ventricle.vertices.mean(0)
    around = ventricle._replace(name="LA", vertices=middle + 1.3 * (ventricle.vertices - middle))
    alone, both = (
        MeshesToLabelMapd()({**record, "meshes": meshes})["label_map"].whole()
        for meshes in ([ventricle], [around, ventricle])
    )
    assert (both == 1).any() and (both == 2).any()
    np.testing.assert_array_equal(both == 2, alone == 2)


def test_verdicts_are_of_what_was_measured_and_the_report_rounds(tmp_path, weights):
    """A third of doubt, of which three decimals show less."""
    record = VerticesToMeshesd("pred")(_record(tmp_path / "out", *_input_grid((0, 1, 2), (1, 1, 1))))
    record["segmentation"][0, 1, 1, :7] = 2  # of which it has a few voxels too many
    record = AssessMeshesd((-300, 700))(UNTANGLE(record))
    checks = record["structures"]["LV"]
    assert all(checks[key] != round(checks[key], 3) for key in ("agreement", "volume_ml", "area_cm2"))
    checks |= {"agreement": 0.85, "missed_ml": 0.12345, "blood_hu": 400, "surroundings_hu": 90, "volume_ml": 123.45678}
    checks |= assess("LV", {**checks, "forced": 0})
    files = Compose([MeshesToLabelMapd(), SaveCased(Outputs(("LA", "LV"), ("stl",)), weights, "cpu", False)])
    (tmp_path / "out").mkdir()
    report = files(record)["report"]
    found = report["structures"]["LV"]
    assert found["trust"] == "check" and "disagreement" in report["outcomes"]
    assert any("LV: check (doubt 0.33): the network's own segmentation differs" in said for said in report["warnings"])
    assert (found["agreement"], found["missed_ml"], found["volume_ml"]) == (0.85, 0.123, 123.457)
    assert found["doubt"] == found["doubts"]["disagreement"] == 0.333
