import json

import nibabel
import numpy as np
import pytest
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance
from shapes import CENTRES, OBLIQUE, RADII, ellipsoid, mask, write_case

from custom.evaluation.measures import FAILED, MEASURED, UNLABELLED, measure_case, measure_chamber, overlap_ml


@pytest.mark.parametrize("radii", [(15.0, 15.0, 15.0), (18.0, 13.0, 15.0)])
def test_distances_agree_with_monai(radii):
    """MONAI's are between voxels on the edges of two masks, so half a voxel is what they may differ by."""
    spacing, shape = 0.8, (64, 64, 64)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    truth, other = mask(shape, affine, (25, 25, 25), (15, 15, 15)), mask(shape, affine, (27, 25, 25), radii)
    found = measure_chamber(ellipsoid("LV", (27, 25, 25), radii), truth, affine)
    masks = [torch.from_numpy(part)[None, None] for part in (other, truth)]
    assd = compute_average_surface_distance(*masks, include_background=True, symmetric=True, spacing=spacing)
    hd95 = compute_hausdorff_distance(*masks, include_background=True, percentile=95, spacing=spacing)
    hd = compute_hausdorff_distance(*masks, include_background=True, spacing=spacing)
    assert found["assd_mm"] == pytest.approx(float(assd), abs=0.12)
    assert found["hd95_mm"] == pytest.approx(float(hd95), abs=0.5 * spacing)
    assert found["hd_mm"] == pytest.approx(float(hd), abs=spacing)
    both, either = (other & truth).sum(), (other | truth).sum()
    assert found["dice"] == pytest.approx(2 * both / (both + either), abs=0.005)
    assert found["jaccard"] == pytest.approx(both / either, abs=0.01)


def test_overlap_is_the_volume_of_a_lens():
    radius, distance = 15.0, 10.0
    meshes = [ellipsoid("LA", (x, 400, -300), (radius,) * 3, 5) for x in (0.0, distance)]
    lens = np.pi * (4 * radius + distance) * (2 * radius - distance) ** 2 / 12 / 1e3
    assert overlap_ml(*meshes) == pytest.approx(lens, rel=0.01)
    assert overlap_ml(meshes[0], ellipsoid("LV", (31, 400, -300), (radius,) * 3)) == 0


def test_a_right_and_a_shifted_case_on_an_oblique_grid(tmp_path):
    right = measure_case("a", tmp_path, write_case(tmp_path, "a", values=(420, 500)), label_values=MM_WHS)
    shifted = measure_case("b", tmp_path, write_case(tmp_path, "b", shift=3.0))
    volume = 4 / 3 * np.pi * np.prod(RADII) / 1e3
    for good, bad in zip(right, shifted, strict=True):
        assert good.status == bad.status == MEASURED and good.watertight and bad.self_intersecting_faces == 0
        assert good.dice > 0.97 and good.assd_mm < 0.35 and good.hd_mm < 1.5
        assert good.volume_ml == pytest.approx(volume, rel=0.01) and abs(good.volume_error_percent) < 2
        assert bad.dice < good.dice - 0.1 and bad.hd_mm == pytest.approx(3.0, abs=0.8)
        assert good.overlap_ml == 0 and good.seconds is None


MM_WHS = {"420": 1, "500": 2}


def test_faces_that_cross_are_counted():
    sphere = ellipsoid("LA", CENTRES["LA"], RADII, 2)
    vertices = sphere.vertices.copy()
    vertices[0] -= 2.3 * (vertices[0] - CENTRES["LA"])  # out on the other side
    truth = mask((60, 60, 60), OBLIQUE, CENTRES["LA"], RADII)
    found = measure_chamber(sphere._replace(vertices=vertices), truth, OBLIQUE)
    assert found["watertight"] and 0 < found["self_intersecting_faces"] < found["faces"]


def test_what_fails_is_a_row_and_no_error(tmp_path):
    label = write_case(tmp_path, "a")
    report = {"case": "a", "status": "failed", "outcome": "damaged", "reason": "the file is damaged"}
    (tmp_path / "a_report.json").write_text(json.dumps(report))
    assert [(row.status, row.reason) for row in measure_case("a", tmp_path, label)] == [(FAILED, report["reason"])] * 2
    (tmp_path / "a_report.json").unlink()
    (tmp_path / "a_LV.stl").unlink()
    rows = measure_case("a", tmp_path, label)
    assert {row.status for row in rows} == {FAILED} and "a_LV.stl is not there" in rows[0].reason
    assert [row.status for row in measure_case("a", tmp_path, label, structures=["LA"])] == [MEASURED]
    (tmp_path / "a_LA.stl").write_bytes(b"no mesh")
    assert "a_LA.stl holds no faces" in measure_case("a", tmp_path, label, structures=["LA"])[0].reason


def test_a_case_without_truth_is_named_and_not_failed(tmp_path):
    label = write_case(tmp_path, "a", values=(1, 9))
    assert [row.status for row in measure_case("a", tmp_path, None)] == [UNLABELLED] * 2
    rows = measure_case("a", tmp_path, label)
    assert {row.status for row in rows} == {UNLABELLED} and "label values [9] are not in label_values" in rows[0].reason
    rows = measure_case("a", tmp_path, label, label_values={"1": 1, "9": 0})
    assert [row.status for row in rows] == [MEASURED, UNLABELLED] and rows[1].reason == "the label map has no LV"
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 4), np.uint8), np.eye(4)), label)
    assert "too flat" in measure_case("a", tmp_path, label)[0].reason


def test_seconds_and_memory_come_from_the_report(tmp_path):
    report = {"case": "a", "status": "done", "seconds": {"read": 1.5, "network": 2.0}, "peak_memory_mib": 900.0}
    label = write_case(tmp_path, "a")
    (tmp_path / "a_report.json").write_text(json.dumps(report))
    assert {(row.seconds, row.peak_memory_mib) for row in measure_case("a", tmp_path, label)} == {(3.5, 900.0)}
