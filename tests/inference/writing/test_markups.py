"""Landmarks as 3D Slicer's markups, and regions in the mesh files that can hold them."""

from __future__ import annotations

import io
import json

import itk
import numpy as np
import pytest
import trimesh

from custom.inference.writing.markups import encode_markups
from custom.inference.writing.mesh_files import ENCODERS
from custom.mesh import Mesh
from custom.template import icosphere

MISSING = {"centre_ras_mm": None, "normal_ras": None, "contour_ras_mm": None, "trust": "do not use", "reason": "why"}
RING = [[5.0, 0.0, 1.0], [0.0, 5.0, 1.0], [-5.0, 0.0, 1.0], [0.0, -5.0, 1.0]]
LANDMARKS = {
    "mitral_annulus": {
        "centre_ras_mm": [1.0, 2.0, 3.0], "normal_ras": [0.0, 0.0, -1.0], "contour_ras_mm": RING, "trust": "ok",
        "reason": None,
    },
    "lv_apex": {**MISSING, "centre_ras_mm": [10.0, 20.0, -60.0], "trust": "check"},
    "aortic_annulus": MISSING,
}  # fmt: skip


def test_points_contours_and_axes_are_in_lps():
    written = json.loads(encode_markups(LANDMARKS, "; FORCED, see report"))
    assert written["@schema"].endswith("markups-schema-v1.0.3.json#")
    by_name = {markup["name"]: markup for markup in written["markups"]}
    assert all("FORCED" in name for name in by_name)
    for markup in by_name.values():  # what the schema demands of a markup and of its points
        assert markup["type"] in ("Fiducial", "Line", "ClosedCurve")
        assert (markup["coordinateSystem"], markup["coordinateUnits"]) == ("LPS", "mm")
        assert all(len(point["position"]) == 3 for point in markup["controlPoints"])
    points = {point["label"]: point["position"] for point in by_name["landmarks; FORCED, see report"]["controlPoints"]}
    assert points == {"mitral_annulus": [-1, -2, 3], "lv_apex (check)": [-10, -20, -60]}
    contour = by_name["mitral_annulus; FORCED, see report"]
    assert contour["type"] == "ClosedCurve"
    np.testing.assert_allclose([p["position"] for p in contour["controlPoints"]], np.array(RING) * (-1, -1, 1))
    normal = by_name["mitral_annulus; FORCED, see report, normal"]["controlPoints"]
    assert normal[1]["position"] == [-1, -2, -17]
    axis = by_name["lv_long_axis (check); FORCED, see report"]["controlPoints"]
    assert [point["position"] for point in axis] == [[-1, -2, 3], [-10, -20, -60]]


def test_there_is_no_file_of_nothing():
    assert encode_markups({"mitral_annulus": MISSING}) is None
    assert encode_markups({}) is None


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    sphere, faces = icosphere(2)
    regions = np.where(sphere.numpy()[:, 2] > 0, 4, 11).astype(np.int32)
    errors = np.linspace(0.1, 3, len(sphere), dtype=np.float32)
    return Mesh("LV", 30 * sphere.numpy(), faces.numpy(), regions, errors)


def test_vtk_holds_the_region_of_each_vertex(mesh, tmp_path):
    mesh = mesh._replace(expected_error_mm=None)  # ITK reads one array
    (tmp_path / "mesh.vtk").write_bytes(ENCODERS["vtk"](mesh))
    read = itk.meshread(str(tmp_path / "mesh.vtk"), itk.F)
    points = itk.array_from_vector_container(read.GetPoints()).reshape(-1, 3)
    values = itk.array_from_vector_container(read.GetPointData())
    np.testing.assert_array_equal(values, mesh.regions)
    np.testing.assert_array_equal(values == 4, points[:, 2] > 0)


def test_ply_holds_the_region_of_each_vertex(mesh):
    read = trimesh.load_mesh(io.BytesIO(ENCODERS["ply"](mesh)), file_type="ply", process=False)
    values = read.metadata["_ply_raw"]["vertex"]["data"]["region"].ravel()
    np.testing.assert_array_equal(values, mesh.regions)
    np.testing.assert_allclose(read.vertices * (-1, -1, 1), mesh.vertices, atol=1e-4)


def test_vtk_and_ply_hold_the_expected_error_beside_the_region(mesh):
    content, count = ENCODERS["vtk"](mesh), len(mesh.vertices)
    head = b"SCALARS expected_error_mm float 1\nLOOKUP_TABLE default\n"
    assert content.index(b"SCALARS region int 1") < content.index(head) and content.count(b"POINT_DATA") == 1
    stored = content[content.index(head) + len(head) :]
    np.testing.assert_array_equal(np.frombuffer(stored[: 4 * count], ">f4"), mesh.expected_error_mm)
    read = trimesh.load_mesh(io.BytesIO(ENCODERS["ply"](mesh)), file_type="ply", process=False)
    values = read.metadata["_ply_raw"]["vertex"]["data"]["expected_error_mm"].ravel()
    np.testing.assert_array_equal(values, mesh.expected_error_mm)
    alone = ENCODERS["ply"](mesh._replace(regions=None, expected_error_mm=None))
    assert b"region" not in alone and b"expected_error_mm" not in alone
